"""Tries to sign in: slowed where they come from, never locking the owner out, telling nothing, in many processes."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import text

from inspection.users import jobs, tries
from inspection.users.errors import SignInBusy
from inspection.users.hashing import PasswordHashing
from inspection.users.models import UserRole
from storage.database import Database, Role, SystemScope
from storage.sign_in_settings import SignInSettings
from tests.api.conftest import PASSWORD, Server

SignIn = Callable[..., Awaitable[httpx.AsyncClient]]
WRONG = "not-the-right-one"


async def attempt(
    server: Server, login: str, password: str = WRONG, *, address: str = "198.51.100.1", **more: Any
) -> httpx.Response:
    """One try from an address, as the trusted proxy on this machine tells it."""
    async with server.client() as client:
        return await client.post(
            "/api/v1/session", json={"login": login, "password": password, **more},
            headers={"X-Forwarded-For": address},
        )  # fmt: skip


@pytest.mark.asvs("v5.0.0-6.3.1")
async def test_wrong_passwords_make_the_address_wait_with_a_growing_delay(server: Server, sign_in: SignIn) -> None:
    login = (await sign_in(UserRole.INSPECTOR)).login  # type: ignore[attr-defined]
    for _ in range(5):
        assert (await attempt(server, login)).status_code == 401
    waits = []
    for _ in range(3):
        locked = await attempt(server, login, PASSWORD)
        assert (locked.status_code, locked.json()["code"]) == (429, "sign-in-locked")
        assert locked.json()["title_zh"]
        waits.append(int(locked.headers["retry-after"]))
        server.clock.advance(timedelta(seconds=waits[-1]))
        assert (await attempt(server, login)).status_code == 401
    assert waits == [15, 30, 60]
    server.clock.advance(timedelta(seconds=121))
    assert (await attempt(server, login, PASSWORD)).status_code == 200


async def test_an_attacker_elsewhere_does_not_lock_the_owner_out(server: Server, sign_in: SignIn) -> None:
    login = (await sign_in(UserRole.INSPECTOR)).login  # type: ignore[attr-defined]
    for n in range(60):
        await attempt(server, login, address=f"203.0.113.{n % 12}")
    assert (await attempt(server, login, PASSWORD, address="203.0.113.3")).status_code == 429
    assert (await attempt(server, login, PASSWORD, address="192.0.2.77")).status_code == 200


async def test_a_known_device_gets_in_where_its_neighbour_has_used_up_the_tries(
    server: Server, sign_in: SignIn
) -> None:
    login = (await sign_in(UserRole.INSPECTOR)).login  # type: ignore[attr-defined]
    known = (await attempt(server, login, PASSWORD)).json()["device_token"]
    for _ in range(5):
        await attempt(server, login)
    assert (await attempt(server, login, PASSWORD)).status_code == 429
    assert (await attempt(server, login, PASSWORD, device_token="forged." + known.split(".")[1])).status_code == 429
    assert (await attempt(server, login, PASSWORD, device_token=known)).status_code == 200


@pytest.mark.asvs("v5.0.0-6.3.1")
async def test_one_address_is_slowed_over_many_accounts(server: Server) -> None:
    codes = [(await attempt(server, f"nobody-{n}", address="2001:db8::1")).status_code for n in range(101)]
    assert codes == [401] * 101
    assert (await attempt(server, "nobody-x", address="2001:db8::ffff")).status_code == 429
    assert (await attempt(server, "nobody-x", address="2001:db8:1::1")).status_code == 401


async def test_tries_at_the_same_moment_see_each_other(server: Server, sign_in: SignIn) -> None:
    login = (await sign_in(UserRole.INSPECTOR)).login  # type: ignore[attr-defined]
    answers = await asyncio.gather(*(attempt(server, login, address="198.51.100.9") for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 15


async def test_an_unknown_name_is_counted_and_refused_like_a_known_one(server: Server, sign_in: SignIn) -> None:
    known = (await sign_in(UserRole.INSPECTOR)).login  # type: ignore[attr-defined]
    of_known = [await attempt(server, known, address="198.51.100.20") for _ in range(6)]
    of_nobody = [await attempt(server, "nobody-at-all", address="198.51.100.21") for _ in range(6)]
    assert [a.json() for a in of_known] == [a.json() for a in of_nobody]


async def test_an_unknown_name_costs_a_hash_too() -> None:
    class Counting(PasswordHashing):
        verified = 0

        def _fits(self, stored: str | None, password: str) -> bool:
            self.verified += 1
            return super()._fits(stored, password)

    hashing = Counting(SignInSettings(argon2_memory_kib=1024, argon2_time=1))
    assert not await hashing.fits(None, PASSWORD)
    assert not await hashing.fits("!", PASSWORD)
    assert hashing.nobodys_hash is not None
    assert not await hashing.fits(None, hashing.nobodys_hash)
    assert hashing.verified == 3


async def test_success_forgets_the_failures(server: Server, sign_in: SignIn) -> None:
    login = (await sign_in(UserRole.INSPECTOR)).login  # type: ignore[attr-defined]
    for _ in range(3):
        for _ in range(4):
            assert (await attempt(server, login, address="198.51.100.30")).status_code == 401
        assert (await attempt(server, login, PASSWORD, address="198.51.100.30")).status_code == 200


@pytest.mark.asvs("v5.0.0-16.3.1")
async def test_failures_are_audited_without_password_name_or_address(
    server: Server, sign_in: SignIn, database: Database
) -> None:
    client = await sign_in(UserRole.INSPECTOR)
    await attempt(server, client.login, "a-secret-mistyped", address="198.51.100.40")  # type: ignore[attr-defined]
    await attempt(server, "my-password-in-the-wrong-field", address="198.51.100.40")
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        rows = (
            await session.execute(text("SELECT a.*::text FROM audit_entry a WHERE action = 'sign-in.failed'"))
        ).all()
        tables = (await session.execute(text("SELECT t.*::text FROM sign_in_throttle t"))).all()
    whole = repr(rows) + repr(tables)
    assert str(client.user_id) in whole  # type: ignore[attr-defined]
    assert not re.search("mistyped|wrong-field|198.51.100", whole)


@pytest.mark.asvs("v5.0.0-15.2.2")
async def test_many_log_ins_at_once_leave_the_server_answering(server: Server, sign_in: SignIn) -> None:
    logins = [(await sign_in(UserRole.INSPECTOR)).login for _ in range(3)]  # type: ignore[attr-defined]
    crowd = asyncio.gather(*(attempt(server, logins[n % 3], PASSWORD, address=f"192.0.2.{n}") for n in range(50)))
    async with server.client() as client:
        assert (await client.get("/healthz")).status_code == 200
        assert not crowd.done()
    assert {answer.status_code for answer in await crowd} <= {200, 503}


async def test_a_full_queue_refuses_at_once() -> None:
    hashing = PasswordHashing(SignInSettings(argon2_memory_kib=1024, argon2_time=1), threads=1, waiting=0)
    first = asyncio.ensure_future(hashing.hash(PASSWORD))
    await asyncio.sleep(0)
    with pytest.raises(SignInBusy) as refused:
        await hashing.hash(PASSWORD)
    assert refused.value.extra["retry_after"] > 0
    assert hashing.outdated(await PasswordHashing().hash(PASSWORD))
    assert not hashing.outdated(await first)


@pytest.mark.asvs("v5.0.0-11.4.2")
async def test_a_hash_of_older_parameters_is_renewed_at_log_in(
    server: Server, sign_in: SignIn, database: Database
) -> None:
    login = (await sign_in(UserRole.INSPECTOR)).login  # type: ignore[attr-defined]
    server.context.hashing, before = PasswordHashing(SignInSettings(argon2_memory_kib=32768)), server.context.hashing
    try:
        assert (await attempt(server, login, PASSWORD)).status_code == 200
    finally:
        server.context.hashing = before
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        stored = await session.scalar(text("SELECT password_hash FROM app_user WHERE login = :l"), {"l": login})
    assert "$argon2id$" in stored
    assert "m=32768" in stored


async def test_old_tries_are_forgotten(server: Server, database: Database) -> None:
    await attempt(server, "nobody-old", address="192.0.2.200")
    later = server.clock.now() + timedelta(days=2)
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        assert await jobs.forget(session, now=later) >= 3
        assert await tries.forget_old(session, now=later) == 0
