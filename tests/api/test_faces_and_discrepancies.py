"""Enrolment, discrepancies and the movement trail over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest_asyncio
from sqlalchemy import select, update

from gate_integration.sightings.service import SightingService
from inspection.registry.consents.models import ProcessingBasis, Purpose
from inspection.users.models import ScopeLevel, UserRole
from storage.audit.models import AuditEntry
from storage.database import Database, Role, SystemScope
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.api.conftest import Server
from tests.factories import World, give_consent, make_world
from tests.occupancy.test_service import SUBLET, Lived, live, run
from tests.recognition import NO_FACE_PICTURE, FakeEngine, Pass, make_card, make_gate, picture_of, random_face, report

SignIn = Callable[..., Awaitable[httpx.AsyncClient]]
JPEG = {"Content-Type": "image/jpeg"}


@pytest_asyncio.fixture(loop_scope="session")
async def recognising(server: Server) -> AsyncIterator[Server]:
    """The server with an engine that sees made-up faces."""
    before = server.context.engine
    server.context.engine = FakeEngine()
    yield server
    server.context.engine = before


async def test_a_face_is_enrolled_at_the_door(
    recognising: Server, database: Database, vault: Vault, sign_in: SignIn
) -> None:
    now = recognising.clock.now()
    world = await make_world(database, vault, now=now)
    person = world.tenants[0]
    async with await sign_in(UserRole.INSPECTOR, ScopeLevel.ESTATE, str(world.estate_id)) as inspector:
        faces = f"/api/v1/people/{person}/faces"
        refused = await inspector.post(faces, content=picture_of(random_face(1)), headers=JPEG)
        assert (refused.status_code, refused.json()["code"]) == (409, "consent-missing")
        await give_consent(database, world, person, now=now)
        bad = await inspector.post(faces, content=NO_FACE_PICTURE, headers=JPEG)
        assert (bad.status_code, bad.json()["code"]) == (422, "photo-refused")
        assert "no-face" in bad.text
        good = await inspector.post(faces, content=picture_of(random_face(1)), headers=JPEG)
        assert good.status_code == 201, good.text
        assert good.json()["photo_kept"] is True
        (listed,) = (await inspector.get(faces)).json()
        assert listed["id"] == good.json()["template_id"]
        assert set(listed) == {"id", "person_id", "engine", "model_hash", "quality", "photo_kept", "created_at"}
        gone = await inspector.delete(f"{faces}/{listed['id']}", params={"reason": "本人要求"})
        assert gone.status_code == 204, gone.text
        assert (await inspector.get(faces)).json() == []
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        actions = await session.scalars(select(AuditEntry.action).where(AuditEntry.object_id == person))
        assert {"face.refused", "face.enrolled", "face.destroyed", "photo.destroyed"} <= set(actions)


async def test_what_was_found_is_explained(
    server: Server, database: Database, vault: Vault, objects: Objects, sign_in: SignIn
) -> None:
    lived: Lived = await live(database, vault, objects)
    await run(database, lived)
    world = lived.world
    async with await sign_in(UserRole.MANAGER, ScopeLevel.ESTATE, str(world.estate_id)) as manager:
        answer = await manager.get("/api/v1/discrepancies", params={"unit_id": str(world.units[SUBLET])})
        found = {one["rule"]: one for one in answer.json()["items"]}
        assert set(found) == {"SUBLET", "LONG_STAY", "CREDENTIAL_LENT"}
        assert {found[rule]["part_of"] for rule in ("LONG_STAY", "CREDENTIAL_LENT")} == {found["SUBLET"]["id"]}
        one = (await manager.get(f"/api/v1/discrepancies/{found['SUBLET']['id']}")).json()
        assert one == found["SUBLET"]
        assert one["admissibility"] == "lead_only"
        silent = (await manager.get(f"/api/v1/households/{world.households[0]}/not-raised")).json()
        assert {note["rule"] for note in silent} == {"SUBLET", "LONG_STAY", "VACANT", "CREDENTIAL_LENT"}
        everything = await manager.get("/api/v1/discrepancies", params={"limit": 3})
        rest = await manager.get("/api/v1/discrepancies", params={"cursor": everything.json()["next_cursor"]})
        assert len(everything.json()["items"]) + len(rest.json()["items"]) == 6


async def test_without_a_basis_nobody_reads_what_was_found(
    server: Server, database: Database, vault: Vault, objects: Objects, sign_in: SignIn
) -> None:
    """The lead that an office opened is its own record; the suspicion and the reasons for silence are not."""
    lived: Lived = await live(database, vault, objects)
    await run(database, lived)
    world = lived.world
    async with await sign_in(UserRole.MANAGER, ScopeLevel.ESTATE, str(world.estate_id)) as manager:
        unit = {"unit_id": str(world.units[SUBLET])}
        found = (await manager.get("/api/v1/discrepancies", params=unit)).json()["items"]
        silent = f"/api/v1/households/{world.households[0]}/not-raised"
        flagged = (await manager.get("/api/v1/flagged-units")).json()["items"]
        assert found
        assert (await manager.get(silent)).status_code == 200
        assert any(row["discrepancies"] for row in flagged)
        async with database.transaction(Role.APP, world.scope) as session:
            await session.execute(
                update(ProcessingBasis)
                .where(ProcessingBasis.purpose == Purpose.TENANCY_COMPLIANCE)
                .values(withdrawn_at=server.clock.now())
            )
        assert (await manager.get("/api/v1/discrepancies", params=unit)).json()["items"] == []
        for path in (f"/api/v1/discrepancies/{found[0]['id']}", silent):
            refused = await manager.get(path)
            assert (refused.status_code, refused.json()["code"]) == (403, "no-processing-basis")
        flagged = (await manager.get("/api/v1/flagged-units")).json()["items"]
        assert not any(row["discrepancies"] for row in flagged)


async def test_a_trail_is_seen_with_a_reason_and_the_view_is_logged(
    server: Server, database: Database, vault: Vault, objects: Objects, sign_in: SignIn
) -> None:
    now = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
    world: World = await make_world(database, vault, now=now)
    gate = await make_gate(database, world, now=now)
    card = await make_card(database, vault, world, 0)
    sighter = SightingService(engine=FakeEngine(), vault=vault, objects=objects)
    await report(
        database, objects, sighter,
        [Pass(gate, now + timedelta(minutes=n), picture_of(random_face(5)), credential=card) for n in range(3)],
        now=now,
    )  # fmt: skip
    trail = f"/api/v1/units/{world.units[0]}/sightings"
    async with await sign_in(UserRole.MANAGER, ScopeLevel.ESTATE, str(world.estate_id)) as manager:
        assert (await manager.get(trail)).status_code == 400
        wrong = await manager.get(trail, params={"purpose": "welfare_check", "reason": "核实线索"})
        assert wrong.status_code == 400
        asked = {"purpose": "tenancy_compliance", "reason": "核实线索"}
        naive = await manager.get(trail, params={**asked, "since": "2026-03-01T00:00:00"})
        assert naive.status_code == 400
        shown = (await manager.get(trail, params={**asked, "limit": 2, "until": "2026-03-03T00:00:00Z"})).json()
        assert [one["pseudonym"] for one in shown["items"]] == [1, 1]
        rest = (await manager.get(trail, params={**asked, "cursor": shown["next_cursor"],
                                                 "until": "2026-03-03T00:00:00Z"})).json()  # fmt: skip
        assert len(rest["items"]) == 1
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        rows = (await session.scalars(select(AuditEntry).where(AuditEntry.object_id == world.units[0]))).all()
        assert [(row.action, row.purpose, row.reason) for row in rows] == [
            ("trail.viewed", "tenancy_compliance", "核实线索")
        ] * 2  # fmt: skip
