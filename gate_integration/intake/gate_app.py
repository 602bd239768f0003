"""The device routes, as a raw ASGI application: `/gate/hikvision/{token}`.

It can be mounted (with or without its prefix in the path) or run alone; run alone it starts and stops its intake by
the lifespan protocol. What it answers:

| request | answer |
|---|---|
| POST or PUT with a known token, stored | the protocol's own 200, after COMMIT |
| other method | 405 |
| unknown token, unknown vendor | 404 |
| body above the limit | 413, connection closed |
| body too slow | 408, connection closed |
| could not be stored | none: the connection is closed |

An answer is never a decision: it is the same whatever the body says, so it can neither open nor refuse a door (a
Hikvision terminal in remote check mode reads decisions from the reply).
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import asyncpg

from gate_integration.intake.directory import IntakeDevice
from gate_integration.intake.group_commit import StoringFailed
from gate_integration.intake.http_protocol import ABORT_EXTENSION, EXCHANGE_EXTENSION, Exchange
from gate_integration.intake.intake import Intake
from gate_integration.protocols import hikvision

log = logging.getLogger("ruhu.intake")

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

LARGE_BODY = 1024 * 1024
LARGE_BODIES_AT_ONCE = 4  # bounds memory: this many times the body limit
REPLIES = {"hikvision": hikvision.acknowledgement()}
# The same, as `Exchange.answer` takes it.
_RECEIPTS = {
    vendor: (
        b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n" % (content_type.encode(), len(text)),
        text,
    )
    for vendor, (text, content_type) in REPLIES.items()
}

_UNREACHABLE = (StoringFailed, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class NotStored(Exception):
    """Raised under a server that cannot close a connection without a reply: it answers an error then, no receipt."""


class BodyTooLarge(Exception):
    """The body is longer than the limit."""


class BodyTooSlow(Exception):
    """The body did not come in time."""


class CutOff(Exception):
    """The device hung up within its request."""


def make_gate_app(intake: Intake) -> ASGIApp:
    """The application for an intake."""
    return GateApp(intake)


class GateApp:
    """See the module."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.large = asyncio.Semaphore(LARGE_BODIES_AT_ONCE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the lifespan."""
        if scope["type"] == "http":
            await self.handle(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self.lifespan(receive, send)
        else:
            await send({"type": "websocket.close", "code": 1003})

    async def lifespan(self, receive: Receive, send: Send) -> None:
        """Starts and stops the intake with the server."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                try:
                    await self.intake.start()
                except (OSError, asyncpg.PostgresError) as error:
                    await send({"type": "lifespan.startup.failed", "message": str(error)})
                    return
                await send({"type": "lifespan.startup.complete"})
            else:
                await self.intake.stop()
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request of a device."""
        counters = self.intake.counters
        exchange: Exchange | None = (scope.get("extensions") or {}).pop(EXCHANGE_EXTENSION, None)
        if scope["method"] not in ("POST", "PUT"):
            counters["wrong_method"] += 1
            await reply(send, 405, b"method not allowed", close=True, extra=((b"allow", b"POST, PUT"),))
            return
        vendor, token = vendor_and_token(scope["path"])
        try:
            device = await self.intake.find(vendor, token)
            if device is None:
                counters["unknown_token"] += 1
                await reply(send, 404, b"not found", close=True)
                return
            await self.take(device, scope, receive, exchange)
        except BodyTooLarge:
            counters["too_large"] += 1
            await reply(send, 413, b"too large", close=True)
        except BodyTooSlow:
            counters["timed_out"] += 1
            await reply(send, 408, b"too slow", close=True)
        except CutOff:
            counters["cut_off"] += 1
        except _UNREACHABLE as error:
            counters["failed"] += 1
            log.warning("a delivery was not stored: %s", type(error).__name__)
            await close_unanswered(scope, receive)
        else:
            if exchange is None or not exchange.answer(*_RECEIPTS[vendor]):
                text, content_type = REPLIES[vendor]
                await reply(send, 200, text, content_type=content_type.encode())

    async def take(self, device: IntakeDevice, scope: Scope, receive: Receive, exchange: Exchange | None) -> None:
        """Reads the body and stores it."""
        content_type = ""
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value.decode("latin-1").replace("\x00", "")
            elif name == b"content-length" and int(value) > self.intake.body_limit:
                raise BodyTooLarge
        body = exchange.whole_body() if exchange is not None else None
        if body is not None:
            if len(body) > self.intake.body_limit:
                raise BodyTooLarge
            await self.intake.accept(device, content_type=content_type, body=body)
            return
        holding: list[asyncio.Semaphore] = []
        try:
            body = await self.read(receive, holding)
            await self.intake.accept(device, content_type=content_type, body=body)
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


def vendor_and_token(path: str) -> tuple[str, str]:
    """The last two segments of a path, with or without a slash behind; the vendor is "" when it is none of ours."""
    segments = path.rstrip("/").rsplit("/", 2)
    if len(segments) != 3 or segments[1] not in REPLIES or segments[0] not in ("", "/gate"):
        return "", segments[-1]
    return segments[1], segments[2]


async def reply(
    send: Send,
    status: int,
    text: bytes,
    *,
    close: bool = False,
    content_type: bytes = b"text/plain",
    extra: tuple[tuple[bytes, bytes], ...] = (),
) -> None:
    """A short text."""
    headers = [(b"content-type", content_type), (b"content-length", b"%d" % len(text)), *extra]
    if close:
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text})


async def close_unanswered(scope: Scope, receive: Receive) -> None:
    """Closes the connection without a reply. No device is known for certain to repeat an event after an error status;
    a broken connection they all know."""
    abort = (scope.get("extensions") or {}).get(ABORT_EXTENSION)
    if abort is None:
        raise NotStored
    abort()
    while (await receive())["type"] != "http.disconnect":
        pass
