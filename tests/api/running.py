"""An installation of processes: `ruhu serve` and `ruhu worker` over a database of their own."""

import os
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from tests.conftest import ROOT

TOKEN = "metrics-token-of-the-tests-0123456789"


def free_port() -> int:
    """A port that nobody uses now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass
class Running:
    """Processes and what they wrote; `port` of the server, `metrics_port` of the worker."""

    environment: dict[str, str]
    folder: Path
    port: int = field(default_factory=free_port)
    metrics_port: int = field(default_factory=free_port)
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the server is."""
        return f"http://127.0.0.1:{self.port}"

    def start(self, command: str, **extra: str) -> None:
        """Starts `serve` or `worker`."""
        own = {
            "RUHU_PORT": str(self.port), "RUHU_METRICS_TOKEN": TOKEN, "RUHU_SECOND_FACTOR_ROLES": "",
            "RUHU_ARGON2_MEMORY_KIB": "1024", "RUHU_ARGON2_TIME": "1", "PYTHONUNBUFFERED": "1",
        }  # fmt: skip
        if command == "worker":
            own["RUHU_METRICS_PORT"] = str(self.metrics_port)
        with (self.folder / f"{command}.log").open("ab") as log:
            self.processes[command] = subprocess.Popen(
                [sys.executable, "-m", "api.cli", command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT,
                env=os.environ | self.environment | own | extra,
            )  # fmt: skip

    def wait(self) -> None:
        """Until everything that was started answers."""
        urls = {"serve": f"{self.url}/readyz", "worker": f"http://127.0.0.1:{self.metrics_port}/metrics"}
        for command, process in self.processes.items():
            end = time.monotonic() + 60
            while True:
                assert process.poll() is None, self.output(command)
                assert time.monotonic() < end, self.output(command)
                try:
                    if httpx.get(urls[command], timeout=5).status_code in {200, 401}:
                        break
                except httpx.TransportError:
                    time.sleep(0.05)

    def output(self, command: str) -> str:
        """Everything a process wrote."""
        return (self.folder / f"{command}.log").read_text()

    def end(self, command: str, number: int) -> int:
        """Sends a signal and waits for the end; the exit code."""
        process = self.processes.pop(command)
        process.send_signal(number)
        return process.wait(60)

    def kill(self) -> None:
        """Whatever still runs."""
        for process in self.processes.values():
            process.kill()
            process.wait()
