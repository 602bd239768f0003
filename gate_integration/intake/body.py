"""Reading the body of a device's request within limits of size, time and memory."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from gate_integration.intake.http_protocol import Exchange
from gate_integration.intake.intake import Intake

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

LARGE_BODY = 1024 * 1024
LARGE_BODIES_AT_ONCE = 4  # bounds memory: this many times the body limit


class BodyTooLarge(Exception):
    """The body is longer than the limit."""


class BodyTooSlow(Exception):
    """The body did not come in time."""


class CutOff(Exception):
    """The device hung up within its request."""


def content_type_of(scope: Scope) -> str:
    """The content type as sent, without what a database refuses."""
    for name, value in scope["headers"]:
        if name == b"content-type":
            plain: str = value.decode("latin-1").replace("\x00", "")
            return plain
    return ""


class BodyReader:
    """Reads bodies; large ones wait for one of a few places."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.large = asyncio.Semaphore(LARGE_BODIES_AT_ONCE)

    @asynccontextmanager
    async def body(self, scope: Scope, receive: Receive, exchange: Exchange | None) -> AsyncIterator[bytes]:
        """The whole body; a large one has its place until the block is left."""
        for name, value in scope["headers"]:
            if name == b"content-length" and int(value) > self.intake.body_limit:
                raise BodyTooLarge
        body = exchange.whole_body() if exchange is not None else None
        if body is not None:
            if len(body) > self.intake.body_limit:
                raise BodyTooLarge
            yield body
            return
        holding: list[asyncio.Semaphore] = []
        try:
            yield await self.read(receive, holding)
        finally:
            for held in holding:
                held.release()

    async def read(self, receive: Receive, holding: list[asyncio.Semaphore]) -> bytes:
        """The whole body. A large one waits for one of a few places, within its own time."""
        loop = asyncio.get_running_loop()
        end = loop.time() + self.intake.read_timeout_s
        idle = self.intake.idle_timeout_s
        chunks: list[bytes] = []
        size = 0
        try:
            async with asyncio.timeout_at(min(end, loop.time() + idle)) as limit:
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        raise CutOff
                    chunk: bytes = message.get("body", b"")
                    size += len(chunk)
                    if size > self.intake.body_limit:
                        raise BodyTooLarge
                    if chunk:
                        chunks.append(chunk)
                    if not message.get("more_body", False):
                        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
                    if size > LARGE_BODY and not holding:
                        limit.reschedule(end)
                        await self.large.acquire()
                        holding.append(self.large)
                    limit.reschedule(min(end, loop.time() + idle))
        except TimeoutError:
            raise BodyTooSlow from None
