"""TOTP: set up, asked for, good once, slowed, recovered, required by role, reset by two."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pyotp
import pytest
from sqlalchemy import text

from inspection.users.models import UserRole
from storage.database import Database, Role, SystemScope
from tests.api.conftest import PASSWORD, Server

SignIn = Callable[..., Awaitable[httpx.AsyncClient]]


def code_of(server: Server, secret: str) -> str:
    return str(pyotp.TOTP(secret).at(server.clock.now()))


async def enrol(server: Server, client: httpx.AsyncClient) -> tuple[str, list[str]]:
    """The secret and the recovery codes."""
    begun = await client.post("/api/v1/me/second-factor", json={"current_password": PASSWORD})
    assert begun.status_code == 200, begun.text
    secret: str = begun.json()["secret"]
    confirmed = await client.post("/api/v1/me/second-factor/confirm", json={"code": code_of(server, secret)})
    assert confirmed.status_code == 200, confirmed.text
    server.clock.advance(timedelta(seconds=30))
    return secret, confirmed.json()["recovery_codes"]


async def log_in(server: Server, login: str, **more: Any) -> httpx.Response:
    async with server.client() as client:
        return await client.post("/api/v1/session", json={"login": login, "password": PASSWORD, **more})


@pytest.mark.asvs("v5.0.0-6.5.1")
async def test_a_confirmed_factor_is_asked_for_and_a_code_is_good_once(server: Server, sign_in: SignIn) -> None:
    client = await sign_in(UserRole.INSPECTOR)
    login = client.login  # type: ignore[attr-defined]
    other = (await log_in(server, login)).json()["access_token"]
    secret, recovery = await enrol(server, client)
    assert len(recovery) == 10
    async with server.client(other) as elsewhere:
        assert (await elsewhere.get("/api/v1/me")).status_code == 401  # the log-in without a factor has ended
    missing = await log_in(server, login)
    assert (missing.status_code, missing.json()["code"]) == (401, "second-factor-missing")
    code = code_of(server, secret)
    assert (await log_in(server, login, code=code)).status_code == 200
    replayed = await log_in(server, login, code=code)
    assert (replayed.status_code, replayed.json()["code"]) == (403, "wrong-code")


@pytest.mark.asvs("v5.0.0-6.5.1")
async def test_a_recovery_code_is_good_once_and_can_be_renewed(server: Server, sign_in: SignIn) -> None:
    client = await sign_in(UserRole.INSPECTOR)
    login = client.login  # type: ignore[attr-defined]
    secret, recovery = await enrol(server, client)
    assert (await log_in(server, login, code=recovery[0].lower())).status_code == 200
    assert (await log_in(server, login, code=recovery[0])).status_code == 403
    assert (await client.get("/api/v1/me/second-factor")).json()["recovery_codes_left"] == 9
    path = "/api/v1/me/second-factor/recovery-codes"
    fresh = (await client.post(path, json={"code": code_of(server, secret)})).json()["recovery_codes"]
    assert (await log_in(server, login, code=recovery[1])).status_code == 403
    assert (await log_in(server, login, code=fresh[1])).status_code == 200


async def test_wrong_codes_are_slowed_over_all_addresses(server: Server, sign_in: SignIn) -> None:
    client = await sign_in(UserRole.INSPECTOR)
    login = client.login  # type: ignore[attr-defined]
    secret, _ = await enrol(server, client)
    answers = []
    for n in range(7):
        async with server.client() as anonymous:
            answer = await anonymous.post(
                "/api/v1/session", json={"login": login, "password": PASSWORD, "code": "000000"},
                headers={"X-Forwarded-For": f"203.0.113.{n}"},
            )  # fmt: skip
        answers.append(answer.status_code)
    assert answers == [403] * 5 + [429] * 2
    server.clock.advance(timedelta(minutes=1))
    assert (await log_in(server, login, code=code_of(server, secret))).status_code == 200


@pytest.mark.asvs("v5.0.0-7.5.1")
async def test_setting_up_asks_for_the_password_and_replacing_for_a_code(server: Server, sign_in: SignIn) -> None:
    client = await sign_in(UserRole.INSPECTOR)
    path = "/api/v1/me/second-factor"
    assert (await client.post(f"{path}/confirm", json={"code": "123456"})).json()["code"] == "second-factor-not-set-up"
    wrong = await client.post(path, json={"current_password": "something else"})
    assert (wrong.status_code, wrong.json()["code"]) == (403, "wrong-password")
    secret, _ = await enrol(server, client)
    assert (await client.post(path, json={"current_password": PASSWORD})).json()["code"] == "wrong-code"
    again = await client.post(path, json={"current_password": PASSWORD, "code": code_of(server, secret)})
    assert again.status_code == 200
    server.clock.advance(timedelta(seconds=30))
    old = await log_in(server, client.login, code=code_of(server, secret))  # type: ignore[attr-defined]
    assert old.status_code == 200  # until the new one is confirmed


async def test_the_secret_lies_sealed(server: Server, sign_in: SignIn, database: Database) -> None:
    client = await sign_in(UserRole.INSPECTOR)
    secret, recovery = await enrol(server, client)
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        rows = await session.execute(text("SELECT sealed FROM second_factor UNION SELECT code_hash FROM recovery_code"))
        stored = [bytes(row[0]) for row in rows if row[0] is not None]
    plain = [secret, *recovery, *(code.replace("-", "") for code in recovery)]
    assert not any(part.encode() in sealed for part in plain for sealed in stored)


@pytest.fixture
def required(server: Server) -> Iterator[None]:
    """Managers need a second factor."""
    before = server.context.settings
    server.context.settings = replace(before, sign_in=replace(before.sign_in, second_factor_roles=("manager",)))
    yield
    server.context.settings = before


@pytest.mark.usefixtures("required")
@pytest.mark.asvs("v5.0.0-6.3.3")
async def test_a_role_that_needs_a_factor_can_do_nothing_without(server: Server, sign_in: SignIn) -> None:
    manager, inspector = await sign_in(UserRole.MANAGER), await sign_in(UserRole.INSPECTOR)
    assert manager.tokens["must_set_up_second_factor"]  # type: ignore[attr-defined]
    refused = await manager.get("/api/v1/leads")
    assert (refused.status_code, refused.json()["code"]) == (403, "second-factor-needed")
    assert (await manager.get("/api/v1/me/second-factor")).json()["needed"]
    assert (await inspector.get("/api/v1/me/sessions")).status_code == 200
    await enrol(server, manager)
    assert (await manager.get("/api/v1/leads")).status_code == 200


@pytest.mark.asvs("v5.0.0-6.4.4")
async def test_a_lost_factor_is_reset_by_two(server: Server, sign_in: SignIn) -> None:
    boss, second = await sign_in(UserRole.ADMINISTRATOR), await sign_in(UserRole.ADMINISTRATOR)
    client = await sign_in(UserRole.INSPECTOR)
    path = f"/api/v1/users/{client.user_id}/second-factor-reset"  # type: ignore[attr-defined]
    why = {"reason": "手机遗失"}
    assert (await boss.post(path, json=why)).json()["code"] == "second-factor-not-set-up"
    await enrol(server, client)
    waiting = (await boss.post(path, json=why)).json()["proposal"]
    assert (await client.get("/api/v1/me/second-factor")).json()["set_up"]
    assert (await second.post(f"/api/v1/proposals/{waiting['id']}/confirm")).status_code == 200
    assert (await client.get("/api/v1/me")).status_code == 401
    assert (await log_in(server, client.login)).status_code == 200  # type: ignore[attr-defined]
