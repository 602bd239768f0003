"""A second administrator: roles given and taken, factors and passwords reset, by two people once there are two."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from inspection.users.models import ScopeLevel, UserRole
from storage.database import Database, Role, SystemScope
from tests.api.conftest import PASSWORD, Server

SignIn = Callable[..., Awaitable[httpx.AsyncClient]]
WHY = {"reason": "已调离岗位"}


async def alone(database: Database) -> None:
    """Nobody administers anything any more, as far as the tests before left somebody."""
    async with database.transaction(Role.OWNER, SystemScope()) as session:
        await session.execute(text("UPDATE user_grant SET revoked_at = granted_at WHERE role = 'administrator'"))


async def roles_of(client: httpx.AsyncClient) -> set[str]:
    return {grant["role"] for grant in (await client.get("/api/v1/me")).json()["grants"]}


async def propose(boss: httpx.AsyncClient, user: Any, role: str = "manager", code: str = "999801") -> dict[str, Any]:
    grant = {"role": role, "level": "district", "code": code, "reason": "新任务"}
    answer = await boss.post(f"/api/v1/users/{user.user_id}/grants", json=grant)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()["proposals"][-1]
    return found


async def test_a_sole_administrator_grants_alone_and_two_need_each_other(sign_in: SignIn, database: Database) -> None:
    await alone(database)
    first = await sign_in(UserRole.ADMINISTRATOR)
    user = await sign_in(UserRole.INSPECTOR)
    grant = {"role": "liaison", "level": "district", "code": "999801"}
    path = f"/api/v1/users/{user.user_id}/grants"  # type: ignore[attr-defined]
    assert (await first.post(path, json=grant)).json()["proposals"] == []
    assert await roles_of(user) == {"inspector", "liaison"}
    second = await sign_in(UserRole.ADMINISTRATOR)
    waiting = await propose(first, user)
    assert await roles_of(user) == {"inspector", "liaison"}
    assert (await propose(first, user))["id"] == waiting["id"]  # asked for twice is asked for once
    confirm = f"/api/v1/proposals/{waiting['id']}/confirm"
    own = await first.post(confirm)
    assert (own.status_code, own.json()["code"]) == (403, "own-proposal")
    listed = (await second.get("/api/v1/proposals")).json()["items"]
    assert [(p["id"], p["role"], p["user_login"]) for p in listed] == [(waiting["id"], "manager", user.login)]  # type: ignore[attr-defined]
    done = (await second.post(confirm)).json()
    assert (done["status"], done["closed_by"]) == ("applied", str(second.user_id))  # type: ignore[attr-defined]
    assert await roles_of(user) == {"inspector", "liaison", "manager"}
    again = await second.post(confirm)
    assert (again.status_code, again.json()["code"]) == (409, "proposal-closed")


async def test_a_new_administrator_is_made_by_two(sign_in: SignIn, server: Server) -> None:
    boss, second = await sign_in(UserRole.ADMINISTRATOR), await sign_in(UserRole.ADMINISTRATOR)
    login = f"n-{uuid.uuid4().hex[:8]}"
    made = await boss.post(
        "/api/v1/users",
        json={"login": login, "name": "新人", "password": "a-long-password-1",
              "grants": [{"role": "administrator", "level": "all"}]},
    )  # fmt: skip
    assert (made.json()["grants"], made.json()["must_change_password"]) == ([], True)
    (waiting,) = made.json()["proposals"]
    assert (await second.post(f"/api/v1/proposals/{waiting['id']}/confirm")).status_code == 200
    listed = (await boss.get("/api/v1/users", params={"text": login})).json()["items"]
    assert [grant["role"] for grant in listed[0]["grants"]] == ["administrator"]


async def test_proposals_expire_are_withdrawn_and_stay_in_their_place(sign_in: SignIn, server: Server) -> None:
    boss, second = await sign_in(UserRole.ADMINISTRATOR), await sign_in(UserRole.ADMINISTRATOR)
    stranger = await sign_in(UserRole.ADMINISTRATOR, ScopeLevel.DISTRICT, "999802")
    user = await sign_in(UserRole.INSPECTOR)
    waiting = await propose(boss, user)
    assert waiting["id"] not in (await stranger.get("/api/v1/proposals")).text
    for verb in ("confirm", "withdraw"):
        assert (await stranger.post(f"/api/v1/proposals/{waiting['id']}/{verb}")).status_code == 404
    withdrawn = await boss.post(f"/api/v1/proposals/{waiting['id']}/withdraw")
    assert withdrawn.json()["status"] == "withdrawn"
    late = await propose(boss, user)
    refreshed = second.tokens["refresh_token"]  # type: ignore[attr-defined]
    server.clock.advance(timedelta(days=6, hours=23))
    tokens = (await second.post("/api/v1/session/refresh", json={"refresh_token": refreshed})).json()
    second.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    assert late["id"] in (await second.get("/api/v1/proposals")).text
    server.clock.advance(timedelta(hours=1))
    tokens = (await second.post("/api/v1/session/refresh", json={"refresh_token": tokens["refresh_token"]})).json()
    second.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    expired = await second.post(f"/api/v1/proposals/{late['id']}/confirm")
    assert (expired.status_code, expired.json()["code"]) == (409, "proposal-closed")
    assert late["id"] not in (await second.get("/api/v1/proposals")).text


async def test_a_proposal_falls_with_its_author(sign_in: SignIn) -> None:
    boss, second = await sign_in(UserRole.ADMINISTRATOR), await sign_in(UserRole.ADMINISTRATOR)
    user = await sign_in(UserRole.INSPECTOR)
    waiting = await propose(boss, user)
    path = f"/api/v1/users/{boss.user_id}/disabled"  # type: ignore[attr-defined]
    assert (await second.post(path, json={"disabled": True, **WHY})).status_code == 200
    refused = await second.post(f"/api/v1/proposals/{waiting['id']}/confirm")
    assert (refused.status_code, refused.json()["code"]) == (409, "proposal-closed")


async def test_disabling_the_other_does_not_make_one_the_only_one(sign_in: SignIn, database: Database) -> None:
    await alone(database)
    boss, second = await sign_in(UserRole.ADMINISTRATOR), await sign_in(UserRole.ADMINISTRATOR)
    user = await sign_in(UserRole.INSPECTOR)
    path = f"/api/v1/users/{second.user_id}/disabled"  # type: ignore[attr-defined]
    assert (await boss.post(path, json={"disabled": True, **WHY})).status_code == 200
    await propose(boss, user)
    assert await roles_of(user) == {"inspector"}
    itself = f"/api/v1/users/{boss.user_id}/disabled"  # type: ignore[attr-defined]
    refused = await boss.post(itself, json={"disabled": True, **WHY})
    assert (refused.status_code, refused.json()["code"]) == (409, "last-administrator")


async def test_the_last_administrator_cannot_be_removed(sign_in: SignIn, database: Database) -> None:
    await alone(database)
    boss = await sign_in(UserRole.ADMINISTRATOR)
    grant = (await boss.get("/api/v1/me")).json()["grants"][0]["id"]
    refused = await boss.delete(f"/api/v1/users/{boss.user_id}/grants/{grant}")  # type: ignore[attr-defined]
    assert (refused.status_code, refused.json()["code"]) == (409, "last-administrator")


@pytest.mark.asvs("v5.0.0-6.4.1")
@pytest.mark.asvs("v5.0.0-6.4.3")
async def test_a_password_reset_gives_a_temporary_password_once_and_ends_everything(
    sign_in: SignIn, server: Server, database: Database
) -> None:
    await alone(database)
    boss, second = await sign_in(UserRole.ADMINISTRATOR), await sign_in(UserRole.ADMINISTRATOR)
    user = await sign_in(UserRole.INSPECTOR)
    reset = (await boss.post(f"/api/v1/users/{user.user_id}/password-reset", json=WHY)).json()  # type: ignore[attr-defined]
    assert (await user.get("/api/v1/me")).status_code == 401
    async with server.client() as client:
        login = {"login": user.login, "password": reset["temporary_password"]}  # type: ignore[attr-defined]
        tokens = (await client.post("/api/v1/session", json=login)).json()
        assert tokens["must_change_password"]
    async with server.client(tokens["access_token"]) as fresh:
        refused = await fresh.get("/api/v1/leads")
        assert refused.json()["code"] in {"password-change-needed", "forbidden"}
        assert (await fresh.get("/api/v1/me/sessions")).json()["code"] == "password-change-needed"
        change = {"current_password": reset["temporary_password"], "new_password": PASSWORD}
        assert (await fresh.post("/api/v1/me/password", json=change)).status_code == 200
        assert (await fresh.get("/api/v1/me/sessions")).status_code == 200
    # Whoever knew an administrator's password could confirm in their name: that takes two.
    asked = (await boss.post(f"/api/v1/users/{second.user_id}/password-reset", json=WHY)).json()  # type: ignore[attr-defined]
    assert asked["temporary_password"] is None
    done = (await second.post(f"/api/v1/proposals/{asked['proposal']['id']}/confirm")).json()
    assert len(done["temporary_password"]) >= 20
    assert (await second.get("/api/v1/me")).status_code == 401
