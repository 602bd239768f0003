"""The embedded stack of a demonstration: its own data directory, a simulated clock, a server and a worker process."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import httpx

from api.house import House, open_house
from api.upgrade import upgrade
from storage.clock import SimulatedClock
from storage.settings import ClockKind, Settings, load

MARK = "DEMO"


class NotADemo(Exception):
    """The folder holds something that is not a demonstration; nothing was touched."""


class Stack:
    """A demonstration's processes. `stop` ends them, and nothing else."""

    def __init__(self, settings: Settings, start: datetime) -> None:
        self.settings = settings
        self.clock = SimulatedClock(settings.clock_file, start=start)
        self.processes: list[subprocess.Popen[bytes]] = []
        self.house: House | None = None

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"http://{self.settings.host}:{self.settings.port}"

    def environment(self) -> dict[str, str]:
        """What the child processes are told."""
        return os.environ | {
            "RUHU_DATA": str(self.settings.data_dir),
            "RUHU_MASTER_KEY_FILE": str(self.settings.master_key_file),
            "RUHU_CACHE": str(self.settings.cache_dir),
            "RUHU_CLOCK": ClockKind.SIMULATED,
            "RUHU_HOST": self.settings.host,
            "RUHU_PORT": str(self.settings.port),
            "OPENBLAS_NUM_THREADS": "1",
        }

    def open(self, say: Callable[[str], None]) -> House:
        """Opens the house and brings its database to this release."""
        self.house = open_house(self.settings, say=say)
        upgrade(self.house)
        return self.house

    def start(self) -> None:
        """Starts the server and the worker and waits until both serve."""
        for command in ("serve", "worker"):
            log = (self.settings.data_dir / f"{command}.log").open("ab")
            self.processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "api.cli", command], env=self.environment(), stdin=subprocess.DEVNULL,
                    stdout=log, stderr=log, cwd=Path(__file__).resolve().parent.parent.parent,
                )
            )  # fmt: skip
            log.close()
        end = time.monotonic() + 60
        while time.monotonic() < end:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=2).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            self.check()
            time.sleep(0.1)
        raise RuntimeError(f"the server did not become ready; see {self.settings.data_dir / 'serve.log'}")

    def check(self) -> None:
        """Raises when a process has ended."""
        for process, name in zip(self.processes, ("serve", "worker"), strict=False):
            if process.poll() is not None:
                raise RuntimeError(f"{name} ended with {process.returncode}; see {self.settings.data_dir}/{name}.log")

    def stop(self) -> None:
        """Ends the processes: asked first, then made to."""
        for process in self.processes:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self.processes.clear()
        if self.house is not None and self.house.lease is not None:
            self.house.lease.release()


def free_port(host: str, wanted: int) -> int:
    """The port wanted, or another one when somebody has it."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise RuntimeError("no free port")


def fresh_stack(start: datetime) -> Stack:
    """A new demonstration below `RUHU_DEMO_DATA` (var/demo); an earlier one there is replaced.

    Raises `NotADemo` when the folder holds anything else.
    """
    folder = Path(os.environ.get("RUHU_DEMO_DATA", "var/demo")).absolute()
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise NotADemo(f"{folder} 不是演示目录: it is not a demonstration's folder and is left alone")
    if folder.exists():
        retired = folder.with_name(f"{folder.name}.{secrets.token_hex(3)}.old")
        folder.rename(retired)
        shutil.rmtree(retired, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    (folder / MARK).touch()
    key = folder.parent / "keys" / f"{folder.name}.key"
    key.unlink(missing_ok=True)
    base = load({k: v for k, v in os.environ.items() if k in {"RUHU_CACHE", "RUHU_POSTGRES_BIN", "RUHU_PORT"}})
    settings = replace(
        base, data_dir=folder, master_key_file=key, clock=ClockKind.SIMULATED, host="127.0.0.1",
        port=free_port("127.0.0.1", base.port),
    )  # fmt: skip
    return Stack(settings, start)
