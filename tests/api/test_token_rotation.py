"""The key of access tokens is replaced by another process; nobody is logged out, and forged tokens are refused."""

import base64
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import httpx
import jwt
import pytest
import pytest_asyncio
from sqlalchemy import insert

from api.access import TYPE, access_token
from inspection.users.models import UserRole
from storage.audit.service import Actor
from storage.database import Database, Role, SystemScope
from storage.vault import crypto, derived, rotation
from storage.vault.models import DerivedKey
from storage.vault.service import Vault
from tests.api.conftest import Server
from tests.conftest import START

SignIn = Callable[..., Awaitable[httpx.AsyncClient]]
LIFETIME = timedelta(minutes=15)


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def stored(server: Server, database: Database, master_key: bytes) -> AsyncIterator[Vault]:
    """Another process's vault, after the upgrade has written down the keys that there were."""
    other = Vault(master_key)
    async with database.transaction(Role.OWNER, SystemScope()) as session:
        for one in derived.of_first_releases(master_key):
            at = derived.place(one.name, one.version)
            await session.execute(
                insert(DerivedKey).values(
                    name=one.name, version=one.version, wrapped=other.wrap(one.key, place=at), created_at=START,
                    retired_at=None,
                )
            )  # fmt: skip
    yield other
    async with database.transaction(Role.OWNER, SystemScope()) as session:
        await session.execute(DerivedKey.__table__.delete())  # type: ignore[attr-defined]
    server.context.vault.learn(derived.of_first_releases(master_key))
    server.clock.set(START)


async def rotate(database: Database, vault: Vault, server: Server, *, at_once: bool = False) -> None:
    async with database.transaction(Role.OWNER, SystemScope()) as session:
        await rotation.rotate_tokens(
            session, vault=vault, at_once=at_once, lifetime=LIFETIME, actor=Actor.system("test"), now=server.clock.now()
        )


async def me(client: httpx.AsyncClient, token: str | None = None) -> int:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return (await client.get("/api/v1/me", headers=headers)).status_code


@pytest.mark.asvs("v5.0.0-9.1.1")
async def test_a_new_key_logs_nobody_out(server: Server, database: Database, sign_in: SignIn, stored: Vault) -> None:
    client = await sign_in(UserRole.MANAGER)
    await rotate(database, stored, server)
    assert await me(client) == 200, "signed by the old key, good until it expires"
    later = await sign_in(UserRole.MANAGER)
    assert named(later) != named(client), "the next log-in is signed by the new key"
    assert await me(later) == 200
    server.clock.set(START + LIFETIME + timedelta(seconds=1))
    assert await me(client) == 401
    fresh = await client.post("/api/v1/session/refresh", json={"refresh_token": client.tokens["refresh_token"]})  # type: ignore[attr-defined]
    assert fresh.status_code == 200, fresh.text
    assert await me(client, fresh.json()["access_token"]) == 200
    now = server.clock.now()
    forged = access_token(
        crypto.derive(bytes(range(32)), "access-tokens"), user_id=client.user_id, family_id=client.user_id,  # type: ignore[attr-defined]
        now=now, seconds=900,
    )  # fmt: skip
    assert await me(client, forged) == 401, "the old key signs nothing any more"


def named(client: httpx.AsyncClient) -> str:
    token = client.headers["authorization"].split()[1]
    return str(jwt.get_unverified_header(token)["kid"])


@pytest.mark.asvs("v5.0.0-9.1.3")
async def test_a_key_that_became_known_counts_no_longer(
    server: Server, database: Database, sign_in: SignIn, stored: Vault
) -> None:
    client = await sign_in(UserRole.MANAGER)
    await rotate(database, stored, server, at_once=True)
    server.context.token_keys_until = time.monotonic()  # half a minute later
    assert await me(client) == 401
    fresh = await client.post("/api/v1/session/refresh", json={"refresh_token": client.tokens["refresh_token"]})  # type: ignore[attr-defined]
    assert await me(client, fresh.json()["access_token"]) == 200
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        assert await rotation.prune_tokens(session, now=START) == 0
        assert await rotation.prune_tokens(session, now=START + timedelta(days=2)) == 1
    assert await me(client) == 401


@pytest.mark.asvs("v5.0.0-9.1.2")
@pytest.mark.asvs("v5.0.0-9.2.1")
@pytest.mark.asvs("v5.0.0-9.2.2")
@pytest.mark.asvs("v5.0.0-9.2.3")
async def test_no_other_algorithm_and_no_unknown_key_is_accepted(server: Server, sign_in: SignIn) -> None:
    client = await sign_in(UserRole.MANAGER)
    good = client.headers["authorization"].split()[1]
    header, body, signature = good.split(".")
    claims, key = jwt.decode(good, options={"verify_signature": False}), server.context.vault.token_key
    kid = named(client)

    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    def signed(claims: dict[str, object], **said: str) -> str:
        return jwt.encode(claims, key, algorithm="HS256", headers={"kid": kid, "typ": TYPE} | said)

    assert await me(client, signed(claims)) == 200
    bad = [
        signed(claims | {"aud": "elsewhere"}), signed({k: v for k, v in claims.items() if k != "aud"}),
        signed({k: v for k, v in claims.items() if k != "exp"}), signed(claims, typ="JWT"),
        signed(claims, kid="zz"), signed(claims, kid="00" * 8),
        f"{part({'alg': 'none', 'typ': TYPE, 'kid': kid})}.{body}.",
        f"{part({'alg': 'none', 'typ': TYPE, 'kid': kid})}.{body}.{signature}",
        jwt.encode(claims, key * 2, algorithm="HS512", headers={"kid": kid, "typ": TYPE}),
        jwt.encode(claims, key, algorithm="HS256"),
        jwt.encode(claims, key, algorithm="HS256", headers={"kid": "zz"}),
        jwt.encode(claims, key, algorithm="HS256", headers={"kid": "00" * 8}),
        jwt.encode(claims, b"x" * 32, algorithm="HS256", headers={"kid": kid, "typ": TYPE}),
        jwt.encode(claims, b"x" * 32, algorithm="HS256", headers={"kid": kid, "typ": TYPE, "jku": server.base_url}),
        f"{header}.{part(claims | {'sub': str(client.user_id)[::-1]})}.{signature}",  # type: ignore[attr-defined]
        "a.b.c", "....", f"{header}.{body}",
    ]  # fmt: skip
    for token in bad:
        answer = await client.get("/api/v1/me", headers={"Authorization": f"Bearer {token}"})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated"), token
