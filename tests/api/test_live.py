"""Changes are told to whoever may list them, in order, each once, also over lost connections and restores."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
from sqlalchemy import text

from api.access import Caller, UnitOfWork
from api.live import stream
from gate_integration.intake.http_protocol import ABORT_EXTENSION
from inspection.users.models import ScopeLevel, UserGrant, UserRole
from inspection.users.sessions import Seen
from storage.database import Database, EstateScope, Role, SystemScope
from storage.ids import new_id
from storage.live import queries
from storage.live.places import LAST_ID, Horizon, Place, frame, heartbeat, parse, resume
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.api.conftest import Server, signed_in
from tests.api.streams import FOLLOW, begin_import, fall_silent_and_come_back, follow, tell
from tests.factories import World, make_world

SignIn = Callable[..., Awaitable[httpx.AsyncClient]]
HERE, THERE = "999911", "999912"
KEYS = {"kind", "estate_id", "object_kind", "object_id", "at"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def places(database: Database, vault: Vault, server: Server) -> tuple[World, World]:
    """Two estates in two districts."""
    now = server.clock.now()
    return (
        await make_world(database, vault, now=now, division_code=f"{HERE}001001"),
        await make_world(database, vault, now=now, division_code=f"{THERE}001001"),
    )


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def far(server: Server, database: Database, places: tuple[World, World]) -> httpx.AsyncClient:
    """A manager of the other district."""
    assert places
    return await signed_in(server, database, UserRole.MANAGER, ScopeLevel.DISTRICT, THERE)


async def test_each_client_sees_its_estates_alone(
    database: Database, server: Server, places: tuple[World, World], sign_in: SignIn, far: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """No look by itself: what arrives was told by NOTIFY."""
    monkeypatch.setattr(stream, "CHECK_S", 3600.0)
    monkeypatch.setattr(stream, "HEARTBEAT_S", 3600.0)
    near = await sign_in(UserRole.MANAGER, ScopeLevel.DISTRICT, HERE)
    now = server.clock.now()
    async with follow(near) as a, follow(far) as b:
        assert (await a.next()).event == (await b.next()).event == "ready"
        assert a.answer.headers["content-type"].startswith("text/event-stream")
        assert a.answer.headers["cache-control"] == "no-store"
        assert a.answer.headers["x-accel-buffering"] == "no"
        for _ in range(3):
            here = await tell(database, places[0].estate_id, now=now)
            there = await tell(database, places[1].estate_id, now=now)
            for reader, world, object_id in ((a, places[0], here), (b, places[1], there)):
                told = await reader.next()
                assert told.event == "change"
                assert set(told.data) == KEYS
                assert (told.data["estate_id"], told.data["object_id"]) == (str(world.estate_id), str(object_id))


async def test_reconnecting_loses_and_doubles_nothing(
    database: Database, server: Server, places: tuple[World, World], sign_in: SignIn
) -> None:
    """Writers take numbers in one order and commit in another, while the client comes and goes."""
    client = await sign_in(UserRole.AUDITOR, ScopeLevel.DISTRICT, HERE)
    chance = random.Random(7)

    async def write() -> list[str]:
        return [
            str(await tell(database, places[0].estate_id, now=server.clock.now(), before_commit_s=chance.random() / 8))
            for _ in range(8)
        ]

    async with follow(client) as first:
        assert (await first.next()).event == "ready"
        last = first.last
    writers = asyncio.gather(*(write() for _ in range(5)))
    seen: list[str] = []
    while len(seen) < 40:
        async with follow(client, last) as reader:
            assert (await reader.next()).event == "ready"
            for _ in range(min(chance.randint(1, 6), 40 - len(seen))):
                told = await reader.next()
                assert told.event == "change"
                seen.append(told.data["object_id"])
                last = told.id
    written = {object_id for one in await writers for object_id in one}
    assert len(seen) == len(set(seen))
    assert set(seen) == written


async def test_a_client_that_does_not_follow_gets_what_there_is(
    database: Database, server: Server, places: tuple[World, World], sign_in: SignIn
) -> None:
    client = await sign_in(UserRole.MANAGER, ScopeLevel.DISTRICT, HERE)
    begin = (await client.get("/api/v1/events")).text.split("id: ")[1].split()[0]
    object_id = await tell(database, places[0].estate_id, now=server.clock.now(), action="case.register")
    await tell(database, places[0].estate_id, now=server.clock.now(), action="lead.evidence-viewed")
    answer = ""
    while str(object_id) not in answer:  # another database's transaction may hold it back for a moment
        answer = (await client.get("/api/v1/events", headers={"Last-Event-ID": begin})).text
    assert answer.count("event: change") == 1
    assert "不得出现" not in answer


async def test_a_role_is_told_what_it_may_list(
    database: Database, server: Server, places: tuple[World, World], sign_in: SignIn
) -> None:
    """A manager there who is an inspector here hears of leads there and of visits here."""
    both = await sign_in(UserRole.MANAGER, ScopeLevel.DISTRICT, THERE)
    async with database.transaction(Role.APP, EstateScope(())) as session:
        session.add(
            UserGrant(
                user_id=both.user_id,  # type: ignore[attr-defined]  # set by signed_in
                role=UserRole.INSPECTOR, level=ScopeLevel.DISTRICT, code=HERE, granted_at=server.clock.now(),
            )
        )  # fmt: skip
    async with follow(both) as reader:
        assert (await reader.next()).event == "ready"
        for world in places:
            for action in ("lead.opened", "visit.finished"):
                await tell(database, world.estate_id, now=server.clock.now(), action=action)
        told = [(await reader.next()).data for _ in range(3)]
    expected = {(str(places[0].estate_id), "visit.finished"), (str(places[1].estate_id), "visit.finished"),
                (str(places[1].estate_id), "lead.opened")}  # fmt: skip
    assert {(one["estate_id"], one["kind"]) for one in told} == expected


async def test_devices_and_imports_are_told(
    database: Database, vault: Vault, objects: Objects, server: Server, places: tuple[World, World], sign_in: SignIn
) -> None:
    client = await sign_in(UserRole.ADMINISTRATOR, ScopeLevel.DISTRICT, HERE)
    async with follow(client) as reader:
        assert (await reader.next()).event == "ready"
        device = await fall_silent_and_come_back(database, vault, places[0], now=server.clock.now())
        upload = await begin_import(database, objects, places[0], now=server.clock.now())
        told = [(await reader.next()).data for _ in range(4)]
    assert [(one["kind"], one["object_id"]) for one in told] == [
        ("device.silent", str(device)), ("device.back", str(device)), ("import.waiting", str(upload)),
        ("import.checking", str(upload)),
    ]  # fmt: skip


async def test_a_quiet_stream_shows_that_it_lives(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT_S", 0.05)
    client = await sign_in(UserRole.MANAGER, ScopeLevel.DISTRICT, HERE)
    async with follow(client) as reader, asyncio.timeout(60):
        assert (await reader.next()).event == "ready"
        comments = 0
        async for line in reader.lines:
            comments += line.startswith(":")
            if comments == 2 and line.startswith("id: "):
                break


async def test_the_stream_of_somebody_signed_out_ends(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "CHECK_S", 0.1)
    client = await sign_in(UserRole.MANAGER, ScopeLevel.DISTRICT, HERE)
    async with follow(client) as reader:
        assert (await reader.next()).event == "ready"
        assert (await client.delete("/api/v1/session")).status_code == 204
        told = await reader.next()
        assert (told.event, told.data) == ("end", {"reason": "signed-out"})
        with pytest.raises(EOFError):
            await reader.next()
    assert (await client.get("/api/v1/events", headers=FOLLOW)).status_code == 401


async def test_a_user_has_so_many_streams(server: Server, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    hub = server_hub(server)
    monkeypatch.setattr(hub, "a_user", 1)
    client = await sign_in(UserRole.MANAGER, ScopeLevel.DISTRICT, HERE)
    async with follow(client):
        answer = await client.get("/api/v1/events", headers=FOLLOW)
        assert (answer.status_code, answer.json()["code"]) == (429, "too-many-requests")
        assert int(answer.headers["retry-after"]) > 0
        monkeypatch.setattr(hub, "at_once", 1)
        other = await sign_in(UserRole.MANAGER, ScopeLevel.DISTRICT, HERE)
        assert (await other.get("/api/v1/events", headers=FOLLOW)).status_code == 429
    while hub.watchers:  # noqa: ASYNC110 - the server hears of the end a moment later
        await asyncio.sleep(0.01)
    assert (await client.get("/api/v1/events")).status_code == 200


def server_hub(server: Server) -> stream.Hub:
    """The hub of the served app."""
    found: stream.Hub = server.app.state.live
    return found


async def test_a_listener_that_lost_its_connection_listens_again(
    database: Database, server: Server, places: tuple[World, World], sign_in: SignIn,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("api.live.hub.RETRY_S", 0.05)
    client = await sign_in(UserRole.MANAGER, ScopeLevel.DISTRICT, HERE)
    async with follow(client) as reader:
        assert (await reader.next()).event == "ready"
        async with database.transaction(Role.APP, EstateScope(())) as session:
            await session.execute(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE application_name = 'ruhu live' AND datname = current_database()"
                )
            )
        object_id = await tell(database, places[0].estate_id, now=server.clock.now())
        assert (await reader.next()).data["object_id"] == str(object_id)


async def test_a_client_that_does_not_read_is_cut(
    monkeypatch: pytest.MonkeyPatch, server: Server, sign_in: SignIn
) -> None:
    """A socket that takes no more: the connection is closed without an end, and the place among streams is free."""
    monkeypatch.setattr(stream, "PATIENCE_S", 0.05)
    client = await sign_in(UserRole.MANAGER, ScopeLevel.DISTRICT, HERE)
    roles = frozenset({"manager"})
    caller = Caller(client.user_id, new_id(), "x", "x", roles, None)  # type: ignore[attr-defined]  # set by signed_in
    work = UnitOfWork(server.context, caller, roles, server.clock.now(), Seen("-", None, None))
    cut: list[bool] = []

    async def stuck(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()

    hub = server_hub(server)
    answer = stream.EventStream(hub, work, header=None, last=None, follow=True)
    scope = {"extensions": {ABORT_EXTENSION: lambda: cut.append(True)}}
    await answer.to_asgi_response()(scope, asyncio.Event().wait, stuck)
    assert cut == [True]
    assert client.user_id not in hub.users  # type: ignore[attr-defined]  # set by signed_in


async def test_what_is_forgotten_is_said(
    database: Database, server: Server, places: tuple[World, World], sign_in: SignIn
) -> None:
    client = await sign_in(UserRole.MANAGER, ScopeLevel.DISTRICT, HERE)
    begin = (await client.get("/api/v1/events")).text.split("id: ")[1].split()[0]
    await tell(database, places[0].estate_id, now=server.clock.now())
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        assert await queries.forget(session, now=server.clock.now() + queries.KEPT / 2) == 0
        assert await queries.forget(session, now=server.clock.now() + queries.KEPT + timedelta(hours=1)) > 0
    answer = (await client.get("/api/v1/events", headers={"Last-Event-ID": begin})).text
    assert 'event: reset\ndata: {"reason":"too-old"}' in answer
    assert "event: change" not in answer


async def test_nobody_but_the_database_writes_events(database: Database, places: tuple[World, World]) -> None:
    for role, scope in ((Role.APP, places[0].scope), (Role.SYSTEM, SystemScope())):
        with pytest.raises(Exception, match="permission denied"):
            async with database.transaction(role, scope) as session:
                await session.execute(text("INSERT INTO live_event (at, epoch, estate_id, kind, object_kind) "
                                           "VALUES (now(), 1, gen_random_uuid(), 'lead.opened', 'lead')"))  # fmt: skip
        with pytest.raises(Exception, match="permission denied"):
            async with database.transaction(role, scope) as session:
                await session.execute(text("UPDATE live_event SET kind = 'x'"))


async def test_a_restore_is_told(database: Database, server: Server, sign_in: SignIn) -> None:
    """This changes the module's database and comes last but for the end of the server."""
    client = await sign_in(UserRole.MANAGER, ScopeLevel.DISTRICT, HERE)
    async with follow(client) as reader:
        before = (await reader.next()).id
        async with database.transaction(Role.OWNER, SystemScope()) as session:
            await session.execute(text("INSERT INTO restore_epoch (epoch, began_at) VALUES (2, now())"))
        server_hub(server).close()  # only to be rung; opened again
        server_hub(server).closing = False
        told = await reader.next()
        assert (told.event, told.data) == ("reset", {"reason": "restored"})
    async with follow(client, before) as reader:
        told = await reader.next()
        assert (told.event, told.data) == ("reset", {"reason": "restored"})
        assert told.id.startswith("2.")


async def test_a_server_that_ends_ends_its_streams(server: Server, sign_in: SignIn) -> None:
    client = await sign_in(UserRole.MANAGER, ScopeLevel.DISTRICT, HERE)
    async with follow(client) as reader:
        assert (await reader.next()).event == "ready"
        server_hub(server).close()
        told = await reader.next()
        assert (told.event, told.data) == ("end", {"reason": "restart"})


def test_places() -> None:
    now = Horizon(3, 100, 120, (50, 7))
    place = Place(3, 60, 1)
    assert parse(str(place)) == place
    assert [parse(odd) for odd in ("", "3.60", "0.1.1", "3.60.1 ", "3.60.-1", f"3.1.{'9' * 19}")] == [None] * 6
    assert now.end == Place(3, 99, LAST_ID)
    assert resume(None, now) == resume("", now) == (now.end, None)
    assert resume(str(place), now) == (place, None)
    assert resume("3.119.5", now) == (Place(3, 119, 5), None)
    for given, reason in (("2.60.1", "restored"), ("3.120.1", "unknown"), ("what", "unknown"), ("3.50.6", "too-old")):
        assert resume(given, now) == (now.end, reason)
    assert heartbeat(place) == b": \nid: 3.60.1\n\n"
    assert frame("x", {"a": 1}, retry_ms=5) == b'retry: 5\nevent: x\ndata: {"a":1}\n\n'
