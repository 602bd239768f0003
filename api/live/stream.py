"""One stream of changes to one client, from where the client stopped.

A stream reads as its user, role by role: the database decides anew at each read which estates those are. Who was
signed out, or lost the roles, is told so and cut within `CHECK_S`.
"""

import asyncio
import contextlib
import logging
from dataclasses import dataclass, replace
from typing import Any

import asyncpg
from litestar import Response
from litestar.datastructures import MutableScopeHeaders
from litestar.types import Receive, Scope, Send
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from api.access import UnitOfWork, identify
from api.live.hub import Hub, Watcher
from api.live.visibility import FAMILIES
from api.problems import Unauthenticated
from gate_integration.intake.http_protocol import ABORT_EXTENSION
from inspection.users.models import UserRole
from storage.database import Role, UserScope, enter_scope
from storage.live import queries
from storage.live.models import LiveEvent
from storage.live.places import Horizon, Place, frame, heartbeat, resume

log = logging.getLogger("ruhu.live")

MEDIA_TYPE = "text/event-stream"
BATCH = 200
RETRY_MS = 3000
HEARTBEAT_S = 15.0
CHECK_S = 10.0
"""A look by itself, with the question whether the session still stands."""
PATIENCE_S = 30.0
"""How long a client may take to read what was sent, and how long a stream outlives the database."""
PAUSE_S = 0.2
"""Between two reads: what comes meanwhile is read together."""
HELD_S = 0.5
TROUBLE = (DBAPIError, PoolTimeout, OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError)


class TooSlow(Exception):
    """The client does not read what it is sent."""


@dataclass(frozen=True, slots=True)
class Page:
    """What one read gave: the changes, how far was looked, whether there is more at once or soon."""

    events: list[LiveEvent]
    upto: Place
    more: bool
    held: bool
    estates: frozenset[str]


async def read(work: UnitOfWork, after: Place, *, limit: int = BATCH) -> Page | None:
    """The next changes; None when the place is of another epoch. One transaction, a scope for each role."""
    found: dict[int, LiveEvent] = {}
    estates: set[str] = set()
    held = full = False
    scope = UserScope(work.caller.user_id, work.acting_roles)
    async with work.context.database.transaction(Role.APP, scope) as session:
        limits = await queries.horizon(session)
        if limits.epoch != after.epoch:
            return None
        for name in sorted(work.acting_roles):
            await enter_scope(session, UserScope(work.caller.user_id, frozenset({name})))
            seen: str = await session.scalar(select(func.current_setting("ruhu.estates"))) or "{}"
            estates.update(seen.strip("{}").split(","))
            rows = await queries.events(
                session, after=after, below=limits.xmin, families=FAMILIES[UserRole(name)], limit=limit
            )
            full = full or len(rows) == limit
            found.update((row.id, row) for row in rows)
            held = held or await queries.held_back(session, epoch=after.epoch, below=limits.xmin)
    events = sorted(found.values(), key=lambda row: (row.xid, row.id))[:limit]
    upto = max(after, limits.end)
    if full:
        upto = Place(after.epoch, events[-1].xid, events[-1].id)
    return Page(events, upto, full, held, frozenset(estates))


async def horizon(work: UnitOfWork) -> Horizon:
    """How far can be told now."""
    async with work.transaction() as session:
        return await queries.horizon(session)


def told(row: LiveEvent) -> bytes:
    """A change as it is sent."""
    data: dict[str, object] = {
        "kind": row.kind, "estate_id": str(row.estate_id), "object_kind": row.object_kind,
        "object_id": None if row.object_id is None else str(row.object_id), "at": row.at.isoformat(),
    }  # fmt: skip
    return frame("change", data, place=Place(row.epoch, row.xid, row.id))


class EventStream(Response[bytes]):
    """The answer. `follow`: stay and tell what comes; else tell what there is and end."""

    def __init__(self, hub: Hub, work: UnitOfWork, *, header: str | None, last: str | None, follow: bool) -> None:
        super().__init__(b"", media_type=MEDIA_TYPE)
        self.hub = hub
        self.work = work
        self.header = header
        self.last = last
        self.follow = follow

    def to_asgi_response(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - what it is called with is not needed
        """The application that sends the stream."""
        return self.send_stream

    async def send_stream(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Holds the client's place until one of both sides ends it."""
        with self.hub.watch(self.work.caller.user_id) as watcher:
            place, reason = resume(self.last, await horizon(self.work))
            headers = MutableScopeHeaders()
            headers["content-type"] = f"{MEDIA_TYPE}; charset=utf-8"
            headers["x-accel-buffering"] = "no"
            head: Any = {"type": "http.response.start", "status": 200, "headers": headers.headers}
            await send(head)
            follower = Follower(self.hub, watcher, self.work, self.header, place, send)
            gone = asyncio.create_task(follower.until_gone(receive))
            try:
                await follower.run(reason, follow=self.follow)
            except TooSlow:
                log.info("a client that did not read was cut")
                extensions: Any = scope.get("extensions") or {}
                if ABORT_EXTENSION in extensions:
                    extensions[ABORT_EXTENSION]()
            else:
                if not follower.gone:
                    await send({"type": "http.response.body", "body": b"", "more_body": False})
            finally:
                gone.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await gone


class Follower:
    """The state of one stream."""

    def __init__(
        self, hub: Hub, watcher: Watcher, work: UnitOfWork, header: str | None, place: Place, send: Send
    ) -> None:
        self.hub = hub
        self.watcher = watcher
        self.work = work
        self.header = header
        self.place = place
        self.send = send
        self.gone = False
        self.loop = asyncio.get_running_loop()
        self.sent_at = self.stood_at = self.loop.time()

    async def until_gone(self, receive: Receive) -> None:
        """Waits for the client to hang up."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self.gone = True
        self.watcher.bell.set()

    async def run(self, reason: str | None, *, follow: bool) -> None:
        """Sends what there is, and what comes."""
        if reason is None:
            await self.write(frame("ready", {"epoch": self.place.epoch}, place=self.place, retry_ms=RETRY_MS))
        else:
            await self.write(frame("reset", {"reason": reason}, place=self.place, retry_ms=RETRY_MS))
        while not self.gone:
            if self.hub.closing:
                await self.write(frame("end", {"reason": "restart"}))
                return
            self.watcher.bell.clear()
            try:
                page = await self.look()
            except Unauthenticated:
                await self.write(frame("end", {"reason": "signed-out"}))
                return
            except TROUBLE as error:
                log.warning("a stream could not read: %s", type(error).__name__)
                if self.loop.time() - self.stood_at > PATIENCE_S:
                    await self.write(frame("end", {"reason": "unavailable"}))
                    return
                await self.wait(1.0)
                continue
            await self.tell(page)
            if not page.more:
                if not follow:
                    return
                await self.wait(HELD_S if page.held else CHECK_S)

    async def look(self) -> Page:
        """Reads on; asks from time to time whether the session still stands. Raises `Unauthenticated`."""
        if self.loop.time() - self.stood_at >= CHECK_S:
            caller = await identify(self.work.context, self.header)
            if not caller.roles & self.work.allowed or caller.unfinished is not None:
                raise Unauthenticated
            self.work = replace(self.work, caller=caller)
            self.stood_at = self.loop.time()
        page = await read(self.work, self.place)
        if page is not None:
            return page
        self.place = (await horizon(self.work)).end  # restored underneath: the client has to load everything anew
        await self.write(frame("reset", {"reason": "restored"}, place=self.place))
        return Page([], self.place, more=True, held=False, estates=frozenset())

    async def tell(self, page: Page) -> None:
        """Sends a page, or a sign of life when it is due."""
        self.watcher.estates = page.estates or self.watcher.estates
        self.place = page.upto
        if page.events:
            await self.write(b"".join(told(row) for row in page.events))
        elif self.loop.time() - self.sent_at >= HEARTBEAT_S:
            await self.write(heartbeat(self.place))

    async def wait(self, longest: float) -> None:
        """Waits for the bell, a sign of life that is due, or `longest` seconds; gathers for a moment what comes."""
        due = max(self.sent_at + HEARTBEAT_S - self.loop.time(), 0.05)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.watcher.bell.wait(), min(longest, due))
        if not self.gone and not self.hub.closing:
            await asyncio.sleep(PAUSE_S)

    async def write(self, data: bytes) -> None:
        """Sends; raises `TooSlow` when the client does not read."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self.send({"type": "http.response.body", "body": data, "more_body": True})
        except TimeoutError:
            raise TooSlow from None
        self.sent_at = self.loop.time()


def accepts_stream(accept: str) -> bool:
    """Whether a client asks for a stream that goes on: its Accept header names the type."""
    return any(part.split(";")[0].strip().lower() == MEDIA_TYPE for part in accept.split(","))
