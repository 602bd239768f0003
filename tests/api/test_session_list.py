"""Log-ins: listed, ended one by one or together, by idleness, age, a new password, an administrator."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest

from inspection.users.models import ScopeLevel, UserRole
from tests.api.conftest import PASSWORD, Server

SignIn = Callable[..., Awaitable[httpx.AsyncClient]]


async def another(server: Server, client: Any, **more: str) -> httpx.AsyncClient:
    """The same user signed in once more."""
    async with server.client() as anonymous:
        answer = await anonymous.post("/api/v1/session", json={"login": client.login, "password": PASSWORD, **more})
    found = server.client(answer.json()["access_token"])
    found.tokens = answer.json()  # type: ignore[attr-defined]
    return found


@pytest.mark.asvs("v5.0.0-7.5.2")
async def test_own_log_ins_are_listed_with_what_one_knows_them_by(server: Server, sign_in: SignIn) -> None:
    client = await sign_in(UserRole.INSPECTOR)
    server.clock.advance(timedelta(minutes=1))
    phone = await another(server, client, device_label="巡查手机\u202e")
    listed = (await phone.get("/api/v1/me/sessions")).json()
    assert [(row["device_label"], row["current"]) for row in listed] == [("巡查手机", True), (None, False)]
    assert listed[0]["address"] == "127.0.0.1"
    assert listed[0]["user_agent"].startswith("python-httpx")
    assert listed[0]["last_used_at"] > listed[1]["last_used_at"]


@pytest.mark.asvs("v5.0.0-10.4.9")
async def test_one_or_all_other_log_ins_end_at_once(server: Server, sign_in: SignIn) -> None:
    client = await sign_in(UserRole.INSPECTOR)
    second, third = await another(server, client), await another(server, client)
    mine = next(row["id"] for row in (await second.get("/api/v1/me/sessions")).json() if row["current"])
    foreign = await sign_in(UserRole.INSPECTOR)
    assert (await foreign.delete(f"/api/v1/me/sessions/{mine}")).status_code == 404
    assert (await client.delete(f"/api/v1/me/sessions/{mine}")).status_code == 204
    assert (await second.get("/api/v1/me")).status_code == 401
    assert (await client.delete(f"/api/v1/me/sessions/{mine}")).status_code == 404
    assert (await client.delete("/api/v1/me/sessions")).json() == {"ended": 1}
    assert (await third.get("/api/v1/me")).status_code == 401
    assert (await client.get("/api/v1/me")).status_code == 200


@pytest.mark.asvs("v5.0.0-7.4.5")
async def test_an_administrator_sees_and_ends_log_ins_of_the_own_place(sign_in: SignIn) -> None:
    boss = await sign_in(UserRole.ADMINISTRATOR, ScopeLevel.DISTRICT, "999811")
    inside = await sign_in(UserRole.INSPECTOR, ScopeLevel.STREET, "999811001")
    outside = await sign_in(UserRole.INSPECTOR, ScopeLevel.DISTRICT, "999812")
    path = "/api/v1/users/{}/sessions"
    assert (await boss.get(path.format(outside.user_id))).status_code == 404  # type: ignore[attr-defined]
    assert (await boss.delete(path.format(outside.user_id))).status_code == 404  # type: ignore[attr-defined]
    assert len((await boss.get(path.format(inside.user_id))).json()) == 1  # type: ignore[attr-defined]
    assert (await boss.delete(path.format(inside.user_id))).json() == {"ended": 1}  # type: ignore[attr-defined]
    assert (await inside.get("/api/v1/me")).status_code == 401


@pytest.mark.asvs("v5.0.0-6.2.2")
@pytest.mark.asvs("v5.0.0-6.2.3")
@pytest.mark.asvs("v5.0.0-7.4.3")
async def test_a_new_password_ends_the_other_log_ins(server: Server, sign_in: SignIn) -> None:
    client = await sign_in(UserRole.INSPECTOR)
    other = await another(server, client)
    path = "/api/v1/me/password"

    async def change(old: str, new: str) -> httpx.Response:
        return await client.post(path, json={"current_password": old, "new_password": new})

    assert (await change("wrong one here", "夏夜的风吹过稻田一片蛙声")).json()["code"] == "wrong-password"
    assert (await change(PASSWORD, "password123456")).json()["code"] == "weak-password"
    assert (await change(PASSWORD, PASSWORD)).json()["code"] == "same-password"
    assert (await change(PASSWORD, "夏夜的风吹过稻田一片蛙声")).json() == {"ended": 1}
    assert (await other.get("/api/v1/me")).status_code == 401
    assert (await client.get("/api/v1/me")).status_code == 200
    for _ in range(4):
        assert (await change("wrong one here", "x" * 20)).status_code in {403, 422}


@pytest.mark.asvs("v5.0.0-7.3.1")
@pytest.mark.asvs("v5.0.0-7.3.2")
@pytest.mark.asvs("v5.0.0-10.4.8")
async def test_a_log_in_ends_unused_and_by_age(server: Server, sign_in: SignIn) -> None:
    idle, used = await sign_in(UserRole.INSPECTOR), await sign_in(UserRole.INSPECTOR)
    tokens = used.tokens  # type: ignore[attr-defined]
    for _ in range(4):  # every three and a half days: never idle for seven, too old after fourteen
        server.clock.advance(timedelta(days=3, hours=11))
        answer = await used.post("/api/v1/session/refresh", json={"refresh_token": tokens["refresh_token"]})
        assert answer.status_code == 200
        tokens = answer.json()
    gone = await idle.post("/api/v1/session/refresh", json={"refresh_token": idle.tokens["refresh_token"]})  # type: ignore[attr-defined]
    assert (gone.status_code, gone.json()["code"]) == (401, "refresh-refused")
    server.clock.advance(timedelta(hours=5))
    old = await used.post("/api/v1/session/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert old.status_code == 401


async def test_two_tabs_that_refresh_at_once_both_go_on(server: Server, sign_in: SignIn) -> None:
    client = await sign_in(UserRole.INSPECTOR)
    spent = {"refresh_token": client.tokens["refresh_token"]}  # type: ignore[attr-defined]
    both = await asyncio.gather(*(client.post("/api/v1/session/refresh", json=spent) for _ in range(2)))
    assert [answer.status_code for answer in both] == [200, 200]
    nexts = [{"refresh_token": answer.json()["refresh_token"]} for answer in both]
    assert nexts[0] != nexts[1]
    for body in nexts:
        assert (await client.post("/api/v1/session/refresh", json=body)).status_code == 200


@pytest.mark.asvs("v5.0.0-10.4.5")
@pytest.mark.asvs("v5.0.0-16.3.3")
async def test_a_spent_token_from_elsewhere_ends_the_log_in_even_within_seconds(
    server: Server, sign_in: SignIn
) -> None:
    client = await sign_in(UserRole.INSPECTOR)
    spent = {"refresh_token": client.tokens["refresh_token"]}  # type: ignore[attr-defined]
    assert (await client.post("/api/v1/session/refresh", json=spent)).status_code == 200
    thief = await client.post("/api/v1/session/refresh", json=spent, headers={"X-Forwarded-For": "203.0.113.5"})
    assert (thief.status_code, thief.json()["code"]) == (401, "refresh-refused")
    assert (await client.get("/api/v1/me")).status_code == 401
