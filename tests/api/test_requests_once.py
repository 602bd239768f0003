"""Idempotency-Key: done once, answered the same again, also when the line was cut or two came at once; limits."""

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import psycopg
import pytest
from sqlalchemy import text

from api import limits
from api.offline import openapi_document
from inspection.users import jobs
from inspection.users.models import UserRole
from storage.database import Database, EstateScope, Role, SystemScope
from storage.postgres.lease import Lease
from storage.vault.service import Vault
from tests.api.conftest import Server
from tests.factories import World, make_world

SignIn = Callable[..., Awaitable[httpx.AsyncClient]]
HEADER = "Idempotency-Key"
DOCUMENT = openapi_document()


async def place(server: Server, database: Database, vault: Vault) -> World:
    return await make_world(database, vault, now=server.clock.now(), flats=1)


def household() -> dict[str, str]:
    return {"number": f"N-{uuid.uuid4().hex[:10]}", "kind": "in_kind"}


async def rows(database: Database, number: str) -> int:
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        found = await session.scalar(text("SELECT count(*) FROM household WHERE number = :n"), {"n": number})
    return int(found or 0)


async def test_the_same_request_again_gets_the_same_answer(
    server: Server, sign_in: SignIn, database: Database, vault: Vault
) -> None:
    world, client = await place(server, database, vault), await sign_in(UserRole.MANAGER)
    path, body, key = f"/api/v1/estates/{world.estate_id}/households", household(), {HEADER: str(uuid.uuid4())}
    first = await client.post(path, json=body, headers=key)
    again = await client.post(path, json=body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201), first.text
    assert again.content == first.content
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert await rows(database, body["number"]) == 1
    other = await client.post(path, json=household(), headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency-key-used")
    assert (await client.post(path, json=body)).status_code == 409  # without the key it is a second request
    colleague = await sign_in(UserRole.MANAGER)
    assert (await colleague.post(path, json=household(), headers=key)).status_code == 201  # keys are each user's own


async def test_a_file_comes_again_byte_for_byte(
    server: Server, sign_in: SignIn, database: Database, vault: Vault
) -> None:
    await place(server, database, vault)
    client, key = await sign_in(UserRole.MANAGER), {HEADER: str(uuid.uuid4())}
    answers = [
        await client.post("/api/v1/problem-lists", json={"reason": "上报", "form": "xlsx"}, headers=key)
        for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201], answers[0].text
    assert answers[0].content.startswith(b"PK")
    assert answers[1].content == answers[0].content
    assert answers[1].headers["idempotent-replayed"] == "true"
    for name in ("content-type", "content-disposition", "etag"):
        assert answers[1].headers[name] == answers[0].headers[name]


async def test_a_refusal_is_not_remembered_and_a_bad_key_is_told(
    server: Server, sign_in: SignIn, database: Database, vault: Vault
) -> None:
    world, client = await place(server, database, vault), await sign_in(UserRole.MANAGER)
    path, body, key = f"/api/v1/estates/{world.estate_id}/households", household(), {HEADER: str(uuid.uuid4())}
    assert (await client.post(path, json=body)).status_code == 201
    for _ in range(2):
        refused = await client.post(path, json=body, headers=key)
        assert (refused.status_code, "idempotent-replayed" in refused.headers) == (409, False)
    bad = await client.post(path, json=household(), headers={HEADER: "short"})
    assert (bad.status_code, bad.json()["code"]) == (422, "idempotency-key-invalid")


async def test_two_at_once_are_done_once(server: Server, sign_in: SignIn, database: Database, vault: Vault) -> None:
    world, client = await place(server, database, vault), await sign_in(UserRole.MANAGER)
    path, body, key = f"/api/v1/estates/{world.estate_id}/households", household(), {HEADER: str(uuid.uuid4())}
    answers = await asyncio.gather(*(client.post(path, json=body, headers=key) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("idempotent-replayed" in answer.headers for answer in answers) == 5
    assert await rows(database, body["number"]) == 1


async def test_a_cut_connection_costs_nothing(
    server: Server, sign_in: SignIn, database: Database, vault: Vault
) -> None:
    """The line is cut when the request is out; whatever became of it, the second try finds or does it."""
    world, client = await place(server, database, vault), await sign_in(UserRole.MANAGER)
    path = f"/api/v1/estates/{world.estate_id}/households"
    address = urlsplit(server.base_url)
    for wait in (0.0, 0.002, 0.01, 0.05, 0.2):
        body, key = household(), {HEADER: str(uuid.uuid4())}
        request = client.build_request("POST", path, json=body, headers=key)
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        lines = [f"POST {path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode() + request.content)
        await writer.drain()
        await asyncio.sleep(wait)
        writer.transport.abort()
        answer = await client.post(path, json=body, headers=key)
        assert answer.status_code == 201, answer.text
        assert await rows(database, body["number"]) == 1


@pytest.mark.asvs("v5.0.0-2.3.3")
async def test_an_answer_that_was_not_committed_is_not_remembered(
    server: Server, sign_in: SignIn, database: Database, vault: Vault, cluster: Lease
) -> None:
    """The server process's database connections are cut while it works: nothing stands, and the retry does it."""
    world, client = await place(server, database, vault), await sign_in(UserRole.MANAGER)
    path, body, key = f"/api/v1/estates/{world.estate_id}/households", household(), {HEADER: str(uuid.uuid4())}
    async with database.transaction(Role.OWNER, EstateScope(())) as session:
        await session.execute(text("LOCK TABLE household IN ACCESS EXCLUSIVE MODE"))
        working = asyncio.ensure_future(client.post(path, json=body, headers=key))
        waiting = None
        while waiting is None:
            waiting = await session.scalar(
                text("SELECT a.pid FROM pg_stat_activity a JOIN pg_locks l USING (pid) WHERE NOT l.granted "
                     "AND l.relation = 'household'::regclass AND a.datname = current_database()")
            )  # fmt: skip
        with psycopg.connect(cluster.cluster.url("postgres", "postgres"), autocommit=True) as superuser:
            superuser.execute("SELECT pg_terminate_backend(%s)", (waiting,))
        assert (await working).status_code == 503
    answer = await client.post(path, json=body, headers=key)
    assert (answer.status_code, "idempotent-replayed" in answer.headers) == (201, False)
    assert await rows(database, body["number"]) == 1


async def test_a_stored_answer_opens_with_the_callers_key_alone_and_goes_after_a_day(
    server: Server, sign_in: SignIn, database: Database, vault: Vault
) -> None:
    world, client = await place(server, database, vault), await sign_in(UserRole.MANAGER)
    path, body, key = f"/api/v1/estates/{world.estate_id}/households", household(), {HEADER: str(uuid.uuid4())}
    assert (await client.post(path, json=body, headers=key)).status_code == 201
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        stored = repr((await session.execute(text("SELECT * FROM answered_request"))).all())
        assert body["number"] not in stored
        assert key[HEADER] not in stored
        await jobs.forget(session, now=server.clock.now() + timedelta(hours=25))
        assert await session.scalar(text("SELECT count(*) FROM answered_request")) == 0


def test_creating_operations_document_the_key() -> None:
    documented = {
        operation["operationId"]
        for operations in DOCUMENT["paths"].values()
        for operation in operations.values()
        if any(parameter["name"] == HEADER for parameter in operation.get("parameters", ()))
    }
    assert {"createUser", "createHousehold", "createLead", "planVisit", "takeStep", "addDevice"} <= documented
    assert not {"signIn", "unmask", "enrolFace"} & documented


@pytest.mark.asvs("v5.0.0-2.4.1")
async def test_a_costly_request_has_a_limit_for_each_user(server: Server, sign_in: SignIn) -> None:
    client, other = await sign_in(UserRole.AUDITOR), await sign_in(UserRole.AUDITOR)
    burst = limits.SEARCH.burst
    answers = [(await client.get("/api/v1/users", params={"limit": 1})).status_code for _ in range(burst)]
    assert set(answers) == {200}
    refused = await client.get("/api/v1/users")
    assert (refused.status_code, refused.json()["code"]) == (429, "too-many-requests")
    assert refused.json()["detail_zh"]
    assert refused.headers["retry-after"] == "1"
    assert (await other.get("/api/v1/users")).status_code == 200
    server.clock.advance(limits.SEARCH.interval)
    assert (await client.get("/api/v1/users")).status_code == 200
    assert (await client.get("/api/v1/users")).status_code == 429


def test_every_limit_is_an_operations() -> None:
    operations = {operation["operationId"] for path in DOCUMENT["paths"].values() for operation in path.values()}
    assert set(limits.LIMITS) <= operations
