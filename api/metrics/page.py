"""`/metrics`, for whoever knows the token: a raw ASGI app, beside the people's app and in the worker."""

import asyncio
import hmac
import logging
from collections.abc import Sequence

from litestar.enums import ScopeType
from litestar.types import HTTPScope, Receive, Scope, Send
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from api.metrics.facts import Facts

log = logging.getLogger("ruhu.metrics")


class MetricsPage:
    """Answers 404 where no token is set, 401 to whoever does not send it."""

    def __init__(self, registry: CollectorRegistry, *, token: str, facts: Facts | None = None) -> None:
        self.registry = registry
        self.token = token.encode()
        self.facts = facts
        self.turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One scrape."""
        del receive
        if scope["type"] != ScopeType.HTTP:
            return
        await self.scrape(scope, send)

    async def scrape(self, scope: HTTPScope, send: Send) -> None:
        """One answer."""
        if not self.token or scope["path"] != "/metrics" or scope["method"] not in {"GET", "HEAD"}:
            await answer(send, 404, b"not found\n")
            return
        given = next((value for name, value in scope["headers"] if name == b"authorization"), b"")
        if not hmac.compare_digest(given, b"Bearer " + self.token):
            await answer(send, 401, b"a token is needed\n", (b"www-authenticate", b"Bearer"))
            return
        async with self.turn:
            if self.facts is not None:
                await self.facts.refresh()
            page = await asyncio.to_thread(generate_latest, self.registry)
        await answer(send, 200, page, content_type=CONTENT_TYPE_PLAIN_0_0_4.encode())


async def answer(
    send: Send, status: int, body: bytes, *extra: tuple[bytes, bytes], content_type: bytes = b"text/plain"
) -> None:
    """Sends a page."""
    headers: Sequence[tuple[bytes, bytes]] = [
        (b"content-type", content_type), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"), *extra,
    ]  # fmt: skip
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})
