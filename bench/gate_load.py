"""A load generator: connections that post the same delivery, each as soon as the one before is answered.

`python -m bench.gate_load PORT CLIENTS SECONDS`, with {"path", "body"} on standard input; writes what it saw as JSON.
Answers are read by an asyncio protocol without an HTTP library: the generator shares the machine with the server.
"""

import asyncio
import json
import sys
import time
from typing import cast

import uvloop

MAX_CLIENTS = 256
MAX_SECONDS = 120.0


class Client(asyncio.Protocol):
    """One connection."""

    end = 0.0

    def __init__(self, request: bytes, waits: list[float], done: "asyncio.Future[None]") -> None:
        self.request = request
        self.waits = waits
        self.done = done
        self.refused = 0
        self.sent = 0.0
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Waits for the others."""
        self.transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def send(self, now: float) -> None:
        """One request."""
        self.sent = now
        if self.transport is not None:
            self.transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        """An answer, or the first part of one: the server writes the body by itself."""
        if not data.endswith(b"\r\n\r\nOK") and data != b"OK":
            if not data.startswith(b"HTTP/1.1 200 "):
                self.refused += 1
                self.finish()
            return
        now = time.perf_counter()
        self.waits.append(now - self.sent)
        if now < self.end:
            self.send(now)
        else:
            self.finish()

    def finish(self) -> None:
        """Closes."""
        if self.transport is not None:
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends; a connection closed by the server in the middle is a refusal."""
        if time.perf_counter() < self.end or exc is not None:
            self.refused += 1
        if not self.done.done():
            self.done.set_result(None)


async def run(port: int, clients: int, seconds: float, request: bytes) -> dict[str, object]:
    """Posts for `seconds`, which begin when all are connected."""
    loop = asyncio.get_running_loop()
    waits: list[float] = []
    made: list[Client] = []
    for _ in range(clients):
        client = Client(request, waits, loop.create_future())
        made.append(client)
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)  # type: ignore[misc]
    began = time.perf_counter()
    for client in made:
        client.end = began + seconds
        client.send(time.perf_counter())
    await asyncio.wait([client.done for client in made], timeout=seconds + 30)
    return {
        "answered": len(waits),
        "refused": sum(client.refused for client in made),
        "seconds": time.perf_counter() - began,
        "waits": waits,
    }


def main() -> None:
    """Reads the arguments, posts, writes what was seen."""
    port, clients, seconds = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])
    if not 1 <= clients <= MAX_CLIENTS or not 0 < seconds <= MAX_SECONDS:
        raise SystemExit("too many clients or seconds")
    given = json.load(sys.stdin)
    body = given["body"].encode()
    head = (
        f"POST {given['path']} HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    json.dump(uvloop.run(run(port, clients, seconds, head.encode() + body)), sys.stdout)


if __name__ == "__main__":
    main()
