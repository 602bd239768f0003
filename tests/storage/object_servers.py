"""Other people's S3 servers as real processes on free ports, ended by their id.

- JuiceFS gateway (MinIO's own handler code over a file system): rejects wrong signatures and mismatched digests, keeps
  what it acknowledged over a SIGKILL; it ignores `If-None-Match` and knows no versioning.
- moto_server (memory): honours `If-None-Match: *` and knows versioning; it checks no signature.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import urllib3

from tests.storage.certificates import Certificates

ACCESS, SECRET = "ruhu-test", "ruhu-test-secret"
BIN = Path(sys.executable).parent


def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Server:
    """A server process; `start` after `kill` continues on the same data and port."""

    name: str
    command: list[str]
    port: int
    log: Path
    environment: dict[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] | None = None
    authority: Path | None = None

    def start(self) -> None:
        """Starts it and waits until it answers HTTP."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command, stdout=log, stderr=log, env={**os.environ, **self.environment}
            )
        http = urllib3.PoolManager(retries=False, timeout=2, ca_certs=str(self.authority) if self.authority else None)
        for _ in range(600):
            assert self.process.poll() is None, f"{self.name} ended: {self.log.read_text()[-2000:]}"
            with contextlib.suppress(urllib3.exceptions.HTTPError):
                http.request("GET", f"{'https' if self.authority else 'http'}://127.0.0.1:{self.port}/")
                http.clear()
                return
            time.sleep(0.05)
        raise AssertionError(f"{self.name} does not answer")

    def kill(self) -> None:
        """SIGKILL."""
        if self.process is not None:
            self.process.send_signal(signal.SIGKILL)
            self.process.wait()
            self.process = None

    def stop(self) -> None:
        """Ends it."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None


@contextlib.contextmanager
def juicefs(folder: Path, *, inodes: int = 0) -> Iterator[Server]:
    """A JuiceFS gateway over a folder; no usage reports, metrics on a port of its own, deleted bytes not kept for a
    day. `inodes` makes it small: when they are used up, it is full."""
    data = f"sqlite3://{folder}/meta.db"
    subprocess.run(
        [
            BIN / "juicefs",
            "format",
            "--storage",
            "file",
            "--bucket",
            f"{folder}/blocks/",
            "--trash-days",
            "0",
            "--inodes",
            str(inodes),
            data,
            "objects",
        ],
        check=True,
        capture_output=True,
    )
    port = free_port()
    server = Server(
        "juicefs",
        [
            str(BIN / "juicefs"), "gateway", "--multi-buckets", "--no-banner", "--keep-etag", "--object-meta",
            "--cache-size", "0", "--no-usage-report", "--metrics", f"127.0.0.1:{free_port()}", data,
            f"127.0.0.1:{port}",
        ],
        port,
        folder / "juicefs.log",
        {"MINIO_ROOT_USER": ACCESS, "MINIO_ROOT_PASSWORD": SECRET, "HOME": str(folder)},
    )  # fmt: skip
    try:
        server.start()
        yield server
    finally:
        server.stop()


@contextlib.contextmanager
def moto(folder: Path, *, certificates: Certificates | None = None) -> Iterator[Server]:
    """A moto server; what it holds ends with it. `certificates`: over TLS."""
    port = free_port()
    command = [str(BIN / "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    if certificates is not None:
        command += ["-s", "-c", str(certificates.certificate), "-k", str(certificates.key)]
    authority = certificates.authority if certificates is not None else None
    server = Server("moto", command, port, folder / "moto.log", authority=authority)
    try:
        server.start()
        yield server
    finally:
        server.stop()
