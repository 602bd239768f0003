"""The one listener of a process: hears which estate has news, and wakes the streams that may see that estate.

A stream holds no queue. It knows a place, and reads on from there when it is woken: a slow client costs a place, not
memory. What NOTIFY does not reach (a connection that broke) is found by the look that every stream takes by itself.
"""

import asyncio
import contextlib
import logging
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import asyncpg

from api.problems import TooManyRequests
from storage.database import DatabaseUrls, Role
from storage.live.queries import CHANNEL

log = logging.getLogger("ruhu.live")

STREAMS_A_USER = 4
STREAMS = 500
RETRY_S = 2.0
TIMEOUT_S = 10.0


@dataclass(slots=True, eq=False)
class Watcher:
    """One stream: the estates it saw when it last read, and its bell."""

    user_id: uuid.UUID
    estates: frozenset[str] = frozenset()
    bell: asyncio.Event = field(default_factory=asyncio.Event)


class Hub:
    """All streams of a process. Connects when the first one comes, on the event loop that it comes on."""

    def __init__(self, urls: DatabaseUrls, *, a_user: int = STREAMS_A_USER, at_once: int = STREAMS) -> None:
        self.urls = urls
        self.a_user = a_user
        self.at_once = at_once
        self.watchers: set[Watcher] = set()
        self.users: Counter[uuid.UUID] = Counter()
        self.closing = False
        self.listener: asyncio.Task[None] | None = None

    @contextmanager
    def watch(self, user_id: uuid.UUID) -> Iterator[Watcher]:
        """A place among the streams; raises `TooManyRequests`."""
        if self.users[user_id] >= self.a_user:
            raise TooManyRequests(
                f"每个用户最多同时打开 {self.a_user} 个实时通道", f"A user has at most {self.a_user} streams at a time",
                retry_after=15,
            )  # fmt: skip
        if len(self.watchers) >= self.at_once:
            raise TooManyRequests("实时通道已满，请稍后再试", "All streams are taken, try again later", retry_after=30)
        if self.listener is None and not self.closing:
            self.listener = asyncio.create_task(self._listen(), name="live-listener")
        watcher = Watcher(user_id)
        self.watchers.add(watcher)
        self.users[user_id] += 1
        try:
            yield watcher
        finally:
            self.watchers.discard(watcher)
            self.users[user_id] -= 1
            if not self.users[user_id]:
                del self.users[user_id]

    def close(self) -> None:
        """Ends all streams at once; can be called from a signal handler of the loop."""
        self.closing = True
        self._ring_all()

    async def stop(self) -> None:
        """Ends the streams and hangs up."""
        self.close()
        if self.listener is not None:
            self.listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self.listener
            self.listener = None

    def _ring_all(self) -> None:
        for watcher in self.watchers:
            watcher.bell.set()

    def _heard(self, _connection: object, _pid: int, _channel: str, estate: object) -> None:
        for watcher in self.watchers:
            if estate in watcher.estates:
                watcher.bell.set()

    async def _listen(self) -> None:
        """Listens for ever; a lost connection is made again, and then everybody looks."""
        while True:
            lost = asyncio.Event()
            connection: asyncpg.Connection[Any] | None = None
            try:
                url = self.urls.by_role[Role.APP].replace("postgres://", "postgresql://", 1)
                connection = await asyncpg.connect(
                    url, timeout=TIMEOUT_S, server_settings={"application_name": "ruhu live"}
                )
                connection.add_termination_listener(lambda _, lost=lost: lost.set())
                await connection.add_listener(CHANNEL, self._heard)
                self._ring_all()
                await lost.wait()
                log.warning("the listener lost its connection")
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.warning("the listener has no connection: %s", type(error).__name__)
            finally:
                if connection is not None:
                    connection.terminate()
            await asyncio.sleep(RETRY_S)
