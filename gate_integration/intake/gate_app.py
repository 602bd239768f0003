"""The device routes, as a raw ASGI application: `/gate/hikvision/{token}`, and `/gate/webhook/{device_id}`, which has
answers of its own (see `webhook_app`).

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

import logging
from collections.abc import Awaitable, Callable

import asyncpg

from gate_integration.intake.body import (
    BodyReader,
    BodyTooLarge,
    BodyTooSlow,
    CutOff,
    Receive,
    Scope,
    Send,
    content_type_of,
)
from gate_integration.intake.group_commit import StoringFailed
from gate_integration.intake.http_protocol import ABORT_EXTENSION, EXCHANGE_EXTENSION, Exchange
from gate_integration.intake.intake import Intake
from gate_integration.intake.webhook_app import WebhookApp
from gate_integration.protocols import hikvision

log = logging.getLogger("ruhu.intake")

ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

REPLIES = {"hikvision": hikvision.acknowledgement()}
# The same, as `Exchange.answer` takes it.
_RECEIPTS = {
    vendor: (
        b"HTTP/1.1 200 OK\r\ncontent-type: %s\r\ncontent-length: %d\r\n" % (content_type.encode(), len(text)),
        text,
    )
    for vendor, (text, content_type) in REPLIES.items()
}

WEBHOOK = "webhook"

_UNREACHABLE = (StoringFailed, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class NotStored(Exception):
    """Raised under a server that cannot close a connection without a reply: it answers an error then, no receipt."""


def make_gate_app(intake: Intake) -> ASGIApp:
    """The application for an intake."""
    return GateApp(intake)


class GateApp:
    """See the module."""

    def __init__(self, intake: Intake) -> None:
        self.intake = intake
        self.reader = BodyReader(intake)
        self.webhook = WebhookApp(intake, self.reader)

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
        vendor, token = vendor_and_token(scope["path"])
        if vendor == WEBHOOK:
            await self.webhook.handle(scope, receive, send, exchange, token)
            return
        if scope["method"] not in ("POST", "PUT"):
            counters["wrong_method"] += 1
            await reply(send, 405, b"method not allowed", close=True, extra=((b"allow", b"POST, PUT"),))
            return
        try:
            device = await self.intake.find(vendor, token)
            if device is None:
                counters["unknown_token"] += 1
                await reply(send, 404, b"not found", close=True)
                return
            async with self.reader.body(scope, receive, exchange) as body:
                await self.intake.accept(device, content_type=content_type_of(scope), body=body)
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


def vendor_and_token(path: str) -> tuple[str, str]:
    """The last two segments of a path, with or without a slash behind; the vendor is "" when it is none of ours."""
    segments = path.rstrip("/").rsplit("/", 2)
    if len(segments) != 3 or segments[1] not in (*REPLIES, WEBHOOK) or segments[0] not in ("", "/gate"):
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
