"""The auditor's search and the state of sealing."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from api.house import House
from api.sealing import make_sealer
from inspection.users.models import ScopeLevel, UserRole
from storage.audit.service import Actor, erase_payloads, record
from storage.database import Database, EstateScope, Role, SystemScope
from storage.ids import new_id
from storage.vault.service import Vault
from tests.api.conftest import Server
from tests.factories import make_world

SignIn = Callable[..., Awaitable[httpx.AsyncClient]]
WHY = {"reason": "季度审计抽查"}


async def seal(server: Server, folder: Path) -> None:
    house = House(
        replace(server.context.settings, master_key_file=folder / "m.key"), server.clock, server.context.database.urls,
        server.context.database, server.context.vault, server.context.objects, None,
    )  # fmt: skip
    sealer = make_sealer(house)
    while (await sealer.seal()).more or await unsealed(server.context.database):
        pass
    await sealer.copy()


async def unsealed(database: Database) -> bool:
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        found = await session.scalar(
            text("SELECT EXISTS (SELECT 1 FROM audit_entry e WHERE NOT EXISTS "
                 "(SELECT 1 FROM audit_link l WHERE l.entry_id = e.id))")
        )  # fmt: skip
        return bool(found)


@pytest.mark.asvs("v5.0.0-16.2.1")
async def test_the_auditor_finds_what_was_done(
    server: Server, database: Database, vault: Vault, sign_in: SignIn, tmp_path: Path
) -> None:
    now = server.clock.now()
    world = await make_world(database, vault, now=now, flats=2, division_code="999904001001")
    person, other = world.tenants
    actor = new_id()
    async with database.transaction(Role.APP, EstateScope((world.estate_id,))) as session:
        for number, (about, action) in enumerate(
            [(person, "person.unmask"), (other, "person.unmask"), (person, "trail.viewed")]
        ):
            record(
                session, at=now + timedelta(minutes=number), actor=Actor.user(actor), action=action,
                object_kind="person", object_id=about, estate_id=world.estate_id, purpose="welfare_check",
                reason="电话核对", secret="phone",
            )  # fmt: skip
        record(
            session, at=now + timedelta(minutes=9), actor=Actor.system("worker"), action="consent.give",
            object_kind="consent", object_id=new_id(), estate_id=world.estate_id, person_id=str(person),
        )  # fmt: skip
    async with await sign_in(UserRole.AUDITOR, ScopeLevel.DISTRICT, "999904") as auditor:

        async def look(**filters: Any) -> list[dict[str, Any]]:
            answer = await auditor.get("/api/v1/audit", params={**WHY, **filters})
            assert answer.status_code == 200, answer.text
            found: list[dict[str, Any]] = answer.json()["items"]
            return [one for one in found if one["action"] != "audit.searched"]

        assert [one["action"] for one in await look(person_id=str(person))] == [
            "consent.give", "trail.viewed", "person.unmask",
        ]  # fmt: skip
        assert len(await look(action="person.")) == 2
        assert await look(action="perso.") == []
        assert len(await look(actor_user_id=str(actor))) == 3
        assert len(await look(object_kind="person", object_id=str(other))) == 1
        assert len(await look(purpose="welfare_check", estate_id=str(world.estate_id))) == 3
        between = {"since": (now + timedelta(minutes=1)).isoformat(), "until": (now + timedelta(minutes=2)).isoformat()}
        assert len(await look(**between)) == 1
        (one,) = await look(object_kind="person", object_id=str(other))
        assert (one["reason"], one["payload"], one["sealed"], one["sequence"], one["erased"]) == (
            "电话核对", {"secret": "phone"}, False, None, False,
        )  # fmt: skip
        naive = await auditor.get("/api/v1/audit", params={**WHY, "since": "2026-03-01T00:00:00"})
        assert naive.status_code == 400
        assert (await auditor.get("/api/v1/audit")).status_code == 400

        pages, cursor = [], None
        while True:
            params: dict[str, Any] = {**WHY, "actor_user_id": str(actor), "limit": 2} | (
                {"cursor": cursor} if cursor else {}
            )
            page = (await auditor.get("/api/v1/audit", params=params)).json()
            pages.append(len(page["items"]))
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert pages == [2, 1]

        searches = (await auditor.get("/api/v1/audit", params={**WHY, "action": "audit.searched"})).json()["items"]
        # A search without an estate belongs to none: shown to those who see the whole country.
        assert {one["estate_id"] for one in searches} == {str(world.estate_id)}
        assert {one["reason"] for one in searches} == {WHY["reason"]}

        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            assert await erase_payloads(session, subject_id=other, now=now) == 1
        await seal(server, tmp_path)
        (one,) = await look(object_kind="person", object_id=str(other))
        assert (one["reason"], one["payload"], one["sealed"], one["erased"]) == (None, {}, True, True)
        assert one["sequence"] >= 1

        state = (await auditor.get("/api/v1/audit/state")).json()
        assert state["head"]["epoch"] == 1
        assert state["copied_to"] == state["head"]["sequence"]
        assert state["uncopied"] == 0
    async with await sign_in(UserRole.AUDITOR) as everywhere:
        found = (await everywhere.get("/api/v1/audit", params={**WHY, "action": "sign-in"})).json()["items"]
        assert found
        assert all(one["estate_id"] is None for one in found)
        own = [one for one in found if one["actor_login"] == everywhere.login]  # type: ignore[attr-defined]  # set by signed_in
        assert len(own) == 1
