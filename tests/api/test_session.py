"""Signing in over a real socket: passwords, locks, tokens that end, reuse of a refresh token."""

import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import text

from inspection.users.models import ScopeLevel, UserRole
from storage.database import Database, EstateScope, Role, SystemScope
from storage.vault.service import Vault
from tests.api.conftest import PASSWORD, Server
from tests.factories import make_world

SignIn = Callable[..., Awaitable[httpx.AsyncClient]]

REFUSE = """
CREATE OR REPLACE FUNCTION test_refuse() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN IF NEW.login LIKE 'c-%' THEN RAISE EXCEPTION 'no commit'; END IF; RETURN NULL; END $$
"""
REFUSE_AT_COMMIT = """
CREATE CONSTRAINT TRIGGER test_commit_fails AFTER INSERT ON app_user DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW EXECUTE FUNCTION test_refuse()
"""


@pytest.mark.asvs("v5.0.0-7.2.1")
async def test_anonymous_is_refused_with_a_problem(server: Server) -> None:
    async with server.client() as client:
        answer = await client.get("/api/v1/me")
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"] == "Bearer"
    body = answer.json()
    assert body["code"] == "unauthenticated"
    assert body["title_zh"]
    assert body["title_en"]


async def test_who_am_i_tells_roles_and_places(sign_in: SignIn) -> None:
    client = await sign_in(UserRole.MANAGER, ScopeLevel.DISTRICT, "999999")
    answer = (await client.get("/api/v1/me")).json()
    assert [(g["role"], g["level"], g["code"]) for g in answer["grants"]] == [("manager", "district", "999999")]


async def test_wrong_password_and_unknown_name_look_the_same(server: Server, sign_in: SignIn) -> None:
    known = await sign_in(UserRole.INSPECTOR)
    async with server.client() as client:
        wrong = await client.post("/api/v1/session", json={"login": known.login, "password": "x" * 20})  # type: ignore[attr-defined]
        nobody = await client.post("/api/v1/session", json={"login": "nobody-here", "password": "x" * 20})
    assert wrong.status_code == nobody.status_code == 401
    assert wrong.json() == nobody.json()
    assert wrong.json()["code"] == "sign-in-failed"


async def test_five_wrong_passwords_lock_the_name_for_a_while(server: Server, sign_in: SignIn) -> None:
    known = await sign_in(UserRole.INSPECTOR)
    login = known.login  # type: ignore[attr-defined]
    async with server.client() as client:
        for _ in range(5):
            await client.post("/api/v1/session", json={"login": login, "password": "wrong-password-x"})
        locked = await client.post("/api/v1/session", json={"login": login, "password": PASSWORD})
        assert (locked.status_code, locked.json()["code"]) == (429, "sign-in-locked")
        assert int(locked.headers["retry-after"]) > 0
        server.clock.advance(timedelta(minutes=16))
        assert (await client.post("/api/v1/session", json={"login": login, "password": PASSWORD})).status_code == 200


@pytest.mark.asvs("v5.0.0-7.2.2")
@pytest.mark.asvs("v5.0.0-7.2.4")
async def test_an_access_token_ends_and_is_refreshed(server: Server, sign_in: SignIn) -> None:
    client = await sign_in(UserRole.INSPECTOR)
    server.clock.advance(timedelta(seconds=901))
    assert (await client.get("/api/v1/me")).status_code == 401
    tokens = (
        await client.post("/api/v1/session/refresh", json={"refresh_token": client.tokens["refresh_token"]})  # type: ignore[attr-defined]
    ).json()
    client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    assert (await client.get("/api/v1/me")).status_code == 200


@pytest.mark.asvs("v5.0.0-10.4.5")
async def test_a_refresh_token_used_twice_ends_the_whole_log_in(server: Server, sign_in: SignIn) -> None:
    client = await sign_in(UserRole.INSPECTOR)
    spent = {"refresh_token": client.tokens["refresh_token"]}  # type: ignore[attr-defined]
    fresh = (await client.post("/api/v1/session/refresh", json=spent)).json()
    server.clock.advance(timedelta(seconds=11))
    again = await client.post("/api/v1/session/refresh", json=spent)
    assert (again.status_code, again.json()["code"]) == (401, "refresh-refused")
    client.headers["Authorization"] = f"Bearer {fresh['access_token']}"
    assert (await client.get("/api/v1/me")).status_code == 401
    thief = await client.post("/api/v1/session/refresh", json={"refresh_token": fresh["refresh_token"]})
    assert thief.status_code == 401


@pytest.mark.asvs("v5.0.0-7.4.1")
async def test_signing_out_ends_the_access_token_too(sign_in: SignIn) -> None:
    client = await sign_in(UserRole.AUDITOR)
    assert (await client.delete("/api/v1/session")).status_code == 204
    assert (await client.get("/api/v1/me")).status_code == 401


async def test_a_role_taken_back_is_gone_with_the_next_request(server: Server, sign_in: SignIn) -> None:
    boss = await sign_in(UserRole.ADMINISTRATOR)
    other = await sign_in(UserRole.ADMINISTRATOR)
    grant = (await other.get("/api/v1/me")).json()["grants"][0]["id"]
    assert (await other.get("/api/v1/users")).status_code == 200
    path = f"/api/v1/users/{other.user_id}/grants/{grant}"  # type: ignore[attr-defined]
    waiting = (await boss.delete(path, params={"reason": "已调离"})).json()["proposals"]
    assert (await other.get("/api/v1/users")).status_code == 200
    second = await sign_in(UserRole.ADMINISTRATOR)
    assert (await second.post(f"/api/v1/proposals/{waiting[0]['id']}/confirm")).json()["status"] == "applied"
    assert (await other.get("/api/v1/users")).json()["code"] == "forbidden"


async def test_administrators_grant_within_their_own_place_only(sign_in: SignIn) -> None:
    boss = await sign_in(UserRole.ADMINISTRATOR, ScopeLevel.DISTRICT, "999998")
    user = {"login": f"n-{uuid.uuid4().hex[:8]}", "name": "新人", "password": "a-long-password-1"}
    inside = {"role": "inspector", "level": "street", "code": "999998001"}
    outside = {"role": "inspector", "level": "street", "code": "999997001"}
    made = await boss.post("/api/v1/users", json={**user, "grants": [inside]})
    assert made.status_code == 201
    refused = await boss.post(
        "/api/v1/users", json={**user, "login": "n-x" + uuid.uuid4().hex[:6], "grants": [outside]}
    )
    assert (refused.status_code, refused.json()["code"]) == (422, "bad-grant")
    taken = await boss.post("/api/v1/users", json={**user, "grants": []})
    assert (taken.status_code, taken.json()["code"]) == (409, "login-taken")
    weak = await boss.post("/api/v1/users", json={**user, "login": "n-weak", "password": "short"})
    assert (weak.status_code, weak.json()["code"]) == (422, "weak-password")


@pytest.mark.asvs("v5.0.0-7.4.2")
async def test_administrators_see_and_disable_users_of_their_own_place_only(sign_in: SignIn) -> None:
    """Somebody whose only grants lie elsewhere is not listed and cannot be disabled; neither can a colleague above."""
    district = f"99{uuid.uuid4().int % 10**4:04}"
    boss = await sign_in(UserRole.ADMINISTRATOR, ScopeLevel.DISTRICT, district)
    inside = await sign_in(UserRole.INSPECTOR, ScopeLevel.STREET, f"{district}001")
    outside = await sign_in(UserRole.INSPECTOR, ScopeLevel.DISTRICT, "999996")
    above = await sign_in(UserRole.ADMINISTRATOR)
    seen = {row["login"] for row in (await boss.get("/api/v1/users", params={"limit": 200})).json()["items"]}
    assert seen == {boss.login, inside.login}  # type: ignore[attr-defined]
    off = {"disabled": True, "reason": "已调离"}
    for other in (outside, above):
        refused = await boss.post(f"/api/v1/users/{other.user_id}/disabled", json=off)  # type: ignore[attr-defined]
        assert (refused.status_code, refused.json()["code"]) == (404, "not-found")
    path = f"/api/v1/users/{inside.user_id}/disabled"  # type: ignore[attr-defined]
    assert (await boss.post(path, json=off)).json()["disabled_at"]
    assert (await inside.get("/api/v1/me")).status_code == 401
    assert (await boss.post(path, json={**off, "disabled": False})).json()["disabled_at"] is None
    assert (await inside.get("/api/v1/me")).status_code == 401  # a log-in that was ended stays so


async def test_a_district_administrator_grants_on_an_estate_of_the_district(
    sign_in: SignIn, database: Database, vault: Vault, server: Server
) -> None:
    mine = await make_world(database, vault, now=server.clock.now(), flats=0, division_code="999995001001")
    theirs = await make_world(database, vault, now=server.clock.now(), flats=0, division_code="999994001001")
    boss = await sign_in(UserRole.ADMINISTRATOR, ScopeLevel.DISTRICT, "999995")
    user = await sign_in(UserRole.INSPECTOR, ScopeLevel.DISTRICT, "999995")
    path = f"/api/v1/users/{user.user_id}/grants"  # type: ignore[attr-defined]
    grant = {"role": "inspector", "level": "estate"}
    assert (await boss.post(path, json={**grant, "code": str(mine.estate_id)})).status_code == 201
    refused = await boss.post(path, json={**grant, "code": str(theirs.estate_id)})
    assert (refused.status_code, refused.json()["code"]) == (422, "bad-grant")


async def test_a_list_has_a_second_page_and_refuses_a_foreign_cursor(sign_in: SignIn) -> None:
    boss = await sign_in(UserRole.ADMINISTRATOR)
    first = (await boss.get("/api/v1/users", params={"limit": 1})).json()
    second = (await boss.get("/api/v1/users", params={"limit": 1, "cursor": first["next_cursor"]})).json()
    assert first["items"][0]["login"] < second["items"][0]["login"]
    assert (await boss.get("/api/v1/users", params={"cursor": "abc"})).json()["code"] == "invalid-request"


@pytest.mark.asvs("v5.0.0-1.5.2")
@pytest.mark.asvs("v5.0.0-15.3.3")
async def test_a_wrong_body_names_its_fields_and_no_values(sign_in: SignIn) -> None:
    boss = await sign_in(UserRole.ADMINISTRATOR)
    answer = await boss.post(
        "/api/v1/users", json={"login": "bad login!", "name": "x", "password": "secret-value-here"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid-request")
    assert answer.json()["errors"]
    assert "secret-value-here" not in answer.text


@pytest.mark.asvs("v5.0.0-13.4.2")
@pytest.mark.asvs("v5.0.0-16.3.4")
@pytest.mark.asvs("v5.0.0-16.5.1")
async def test_a_commit_that_fails_is_a_server_error_and_nothing_else(sign_in: SignIn, database: Database) -> None:
    """A deferred constraint trigger makes COMMIT itself fail: the client must not hear of success."""
    boss = await sign_in(UserRole.ADMINISTRATOR)
    login = f"c-{uuid.uuid4().hex[:8]}"
    async with database.transaction(Role.OWNER, EstateScope(())) as session:
        for statement in (REFUSE, REFUSE_AT_COMMIT):
            await session.execute(text(statement))
    try:
        answer = await boss.post(
            "/api/v1/users", json={"login": login, "name": "提交失败", "password": "a-long-password-1"}
        )
    finally:
        async with database.transaction(Role.OWNER, EstateScope(())) as session:
            await session.execute(text("DROP TRIGGER test_commit_fails ON app_user"))
    assert answer.status_code == 503
    assert answer.json()["code"] == "database-unavailable"
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        assert await session.scalar(text("SELECT count(*) FROM app_user WHERE login = :login"), {"login": login}) == 0
