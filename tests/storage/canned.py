"""An HTTP server that gives the answers it is told to, whatever it is asked."""

import contextlib
import threading
from collections import deque
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, str, bytes]


class Answers:
    """The answers to come: first those of `then`, one each, afterwards that of `always`; and the requests so far."""

    def __init__(self) -> None:
        self.once: deque[Answer] = deque()
        self.last: Answer = (500, "text/plain", b"nothing to say")
        self.requests: list[str] = []
        self.port = 0

    def then(self, *answers: Answer) -> None:
        """Answers (status, content type, body), each given once."""
        self.once.extend(answers)

    def always(self, status: int, kind: str, body: bytes) -> None:
        """The answer when no other is left."""
        self.last = (status, kind, body)


@contextlib.contextmanager
def canned_answers() -> Iterator[Answers]:
    """A running server."""
    answers = Answers()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_any(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answers.requests.append(self.requestline)
            status, kind, body = answers.once.popleft() if answers.once else answers.last
            self.send_response(status)
            self.send_header("Content-Type", kind)
            if status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        do_GET = do_PUT = do_HEAD = do_DELETE = handle_any  # noqa: N815 - the names http.server looks for

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    answers.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield answers
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
