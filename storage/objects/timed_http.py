"""urllib3 connections that end with the operation they serve.

urllib3 bounds connecting and each wait for bytes; a body is sent under whichever time-out the socket had last, and
nothing bounds the whole. Here an operation sets a moment for its thread, and sending and waiting end with it.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

CONNECT_S = 3.0
CONNECTIONS = 16
PIECE = 256 * 1024


class Limit(threading.local):
    """Until when the operation of this thread may take, in seconds of the monotonic clock."""

    at: float = 0.0
    running: bool = False

    def left(self) -> float:
        """Seconds left; never nothing, since a socket takes that for no limit."""
        return max(0.001, self.at - time.monotonic())

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """One operation with its deadline; within another, it is a part of that."""
        if self.running:
            yield
            return
        self.running, self.at = True, time.monotonic() + seconds
        try:
            yield
        finally:
            self.running = False


limit = Limit()


class _Timed(HTTPConnection):
    def send(self, data: Any) -> None:  # noqa: ANN401 - as http.client declares it
        """Sends by pieces, each within the time that is left."""
        if self.sock is None:
            self.connect()
        if not isinstance(data, bytes | bytearray | memoryview):
            super().send(data)
            return
        view = memoryview(data)
        for start in range(0, len(view), PIECE):
            self.sock.settimeout(limit.left())
            super().send(view[start : start + PIECE])

    def getresponse(self) -> Any:  # noqa: ANN401 - urllib3's own, passed through
        """Waits for the head of the answer within the time that is left."""
        self.timeout = limit.left()
        return super().getresponse()


class _TimedTls(_Timed, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Timed


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TimedTls


def make_pool(*, deadline_s: float, ca_file: Path | None) -> urllib3.PoolManager:
    """A pool without repetitions of its own, since those are counted against the operation. Certificates are checked
    against `ca_file`, or the system's authorities."""
    pool = urllib3.PoolManager(
        num_pools=2,
        maxsize=CONNECTIONS,
        timeout=urllib3.Timeout(connect=min(CONNECT_S, deadline_s), read=deadline_s),
        retries=False,
        cert_reqs="CERT_REQUIRED",
        ca_certs=str(ca_file) if ca_file is not None else None,
    )
    pool.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
    return pool


def read_whole(response: urllib3.BaseHTTPResponse) -> bytes:
    """The body of an answer, within the time that is left; an answer that ends early is an error."""
    pieces: list[bytes] = []
    whole = False
    try:
        while piece := response.read1(PIECE):
            pieces.append(piece)
            if time.monotonic() > limit.at:
                break
        else:
            whole = True
    finally:
        if whole:
            response.release_conn()
        else:
            response.close()
    if not whole:
        raise TimeoutError
    body = b"".join(pieces)
    if len(body) != int(response.headers.get("content-length", len(body))):
        raise urllib3.exceptions.ProtocolError("an answer ended early")
    return body
