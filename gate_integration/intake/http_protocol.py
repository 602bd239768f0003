"""uvicorn's HTTP protocol with what device routes need and ASGI does not offer.

- `scope["extensions"]["ruhu.abort"]()` closes the connection without a reply.
- `scope["extensions"]["ruhu.exchange"]`, below `/gate/`, is an `Exchange`: it gives a body that has come already
  without waiting, and writes a reply in one piece. A reply in ASGI messages is two writes, each a call of the system
  and a segment. It is to be taken out: it knows its scope, and a circle is left to the garbage collector.
- A request head has to be complete within `HEAD_TIMEOUT_S`, also on a connection that never sends a byte.
- Requests below `/gate/` are never written to the access log: their path holds a token.
- Requests that are no HTTP are counted by address; they never reach an application, so nobody else can see them.

Use it as `uvicorn.Config(..., http=GateHttpProtocol)`.
"""

import asyncio
from collections import Counter
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

HEAD_TIMEOUT_S = 20.0
ABORT_EXTENSION = "ruhu.abort"
EXCHANGE_EXTENSION = "ruhu.exchange"
ADDRESSES_COUNTED = 256

bad_requests: Counter[str] = Counter()


class Exchange:
    """One request of a device and its reply."""

    __slots__ = ("cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self.cycle = cycle

    def whole_body(self) -> bytes | None:
        """The body, if all of it is there; else None, and `receive` gives it as it comes."""
        cycle = self.cycle
        if cycle.more_body or cycle.disconnected or cycle.waiting_for_100_continue:
            return None
        body, cycle.body = bytes(cycle.body), bytearray()
        return body

    def answer(self, head: bytes, text: bytes) -> bool:
        """Writes a whole reply: `head` is the status line and headers with their line ends, which name the length of
        `text`. False when that is not possible now, and then nothing was written: `send` waits until it is.
        """
        cycle = self.cycle
        if cycle.response_started or cycle.flow.write_paused or cycle.disconnected or cycle.access_log:
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        parts = [head]
        for name, value in cycle.default_headers:
            parts += (name, b": ", value, b"\r\n")
        if not cycle.keep_alive:
            parts.append(b"connection: close\r\n")
        parts += (b"\r\n", text)
        cycle.transport.write(b"".join(parts))
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True


class GateHttpProtocol(HttpToolsProtocol):
    """One connection."""

    head_timer: asyncio.TimerHandle | None = None
    in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn declares it
        """Begins to wait for the first request."""
        super().connection_made(transport)
        self.head_timer = self.loop.call_later(HEAD_TIMEOUT_S, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forgets the timer."""
        self._head_done()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feeds the parser; a head that is still incomplete afterwards is waited for with a limit."""
        super().data_received(data)
        if self.in_head and self.head_timer is None and not self.transport.is_closing():
            self.head_timer = self.loop.call_later(HEAD_TIMEOUT_S, self.transport.abort)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.in_head = True
        cast("dict[str, Any]", self.scope)["extensions"] = {ABORT_EXTENSION: self.transport.abort}

    def on_headers_complete(self) -> None:
        """The head is complete; the application's task has been made but has not run yet."""
        self.in_head = False
        self._head_done()
        super().on_headers_complete()
        if self.scope["path"].startswith("/gate/"):
            self.cycle.access_log = False
            cast("dict[str, Any]", self.scope)["extensions"][EXCHANGE_EXTENSION] = Exchange(self.cycle)

    def send_400_response(self, msg: str) -> None:
        """Counts a request that is no HTTP."""
        address = self.client[0] if self.client else ""
        if address in bad_requests or len(bad_requests) < ADDRESSES_COUNTED:
            bad_requests[address] += 1
        super().send_400_response(msg)

    def _head_done(self) -> None:
        if self.head_timer is not None:
            self.head_timer.cancel()
            self.head_timer = None
