"""Each request of people is named, measured and told in one line: the route's template, never the path or its query.

The name comes from `X-Request-ID`, if it is a UUID or 32 hexadecimal digits (what proxies make; free text could hold a
name or a number), else it is made here; it goes back with the answer and stands in every line of the request.
"""

import logging
import re
import time
import uuid

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from api.metrics.process import Metrics
from storage.log_lines import FIELDS, REQUEST

log = logging.getLogger("ruhu.access")

NAME = re.compile(rb"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
QUIET = frozenset({"/healthz", "/readyz"})
STREAMS = frozenset({"/api/v1/events"})
"""These last as long as somebody watches: a duration would say nothing."""


def name_of(scope: HTTPScope) -> str:
    """The request's name."""
    given = next((value.lower() for name, value in scope["headers"] if name == b"x-request-id"), b"")
    return given.decode() if NAME.fullmatch(given) else uuid.uuid4().hex


class Observed:
    """The people's app, watched."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != ScopeType.HTTP:
            await self.app(scope, receive, send)
            return
        name = name_of(scope)
        token = REQUEST.set(name)
        began = time.perf_counter()
        status = 0

        async def answer(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableScopeHeaders.from_message(message)["X-Request-ID"] = name
            await send(message)

        try:
            await self.app(scope, receive, answer)
        finally:
            self.tell(scope, status, time.perf_counter() - began)
            REQUEST.reset(token)

    def tell(self, scope: HTTPScope, status: int, seconds: float) -> None:
        """Measures, and writes the line; status 0: the connection ended before an answer began."""
        route = str(scope.get("path_template") or "-")
        method = scope["method"] if scope["method"] in {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"} else "-"
        if route not in STREAMS:
            self.metrics.requests.labels(method, route, str(status)).observe(seconds)
        if route in QUIET:
            return
        work = scope.get("state", {}).get("work")
        line = {"method": method, "route": route, "status": status, "ms": round(seconds * 1000, 1)}
        if work is not None:
            line["user"] = str(work.caller.user_id)
        log.log(logging.INFO if status < 500 else logging.WARNING, "request", extra={FIELDS: line})
