"""What holds for every answer to people, and for every request before it is looked at.

No cross-origin access is ever allowed: no header says so. Strict-Transport-Security is the TLS proxy's to send, since
only it knows whether all of the name is served over TLS.
"""

from litestar.datastructures import MutableScopeHeaders
from litestar.enums import ScopeType
from litestar.response.base import ASGIResponse
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import MEDIA_TYPE, HostUnknown, MethodNotAllowed, respond_bytes
from storage.problems import Problem

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; "
    "sandbox",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Answers are data: where one is opened as a page (SVG, PDF, a picture), nothing in it runs or loads anything."""
PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
"""Asked for by address, from within."""


async def add_headers(message: Message, _: Scope) -> None:
    """Adds what every answer carries, unless the route said something else."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        for name, value in HEADERS.items():
            headers.setdefault(name, value)


def guard_house(app: ASGIApp, *, public_hosts: tuple[str, ...]) -> ASGIApp:
    """Refuses methods that nobody needs, TRACE among them, and names under which the house is not known: a page of
    somebody else's name that resolves to us must not be answered, nor end up in an address that we give out."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == ScopeType.HTTP:
            refusal = refused(scope, public_hosts)
            if refusal is not None:
                await refuse(refusal, scope, receive, send)
                return
        await app(scope, receive, send)

    return answer


def refused(scope: Scope, public_hosts: tuple[str, ...]) -> Problem | None:
    """Why a request is not looked at."""
    if scope.get("method") not in METHODS:
        return MethodNotAllowed()
    if public_hosts and scope["path"] not in PROBES:
        named = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1").lower()
        if named not in public_hosts and named.rpartition(":")[0] not in public_hosts:
            return HostUnknown()
    return None


async def refuse(problem: Problem, scope: Scope, receive: Receive, send: Send) -> None:
    """Sends a problem."""
    await ASGIResponse(body=respond_bytes(problem), status_code=problem.status, media_type=MEDIA_TYPE)(
        scope, receive, send
    )
