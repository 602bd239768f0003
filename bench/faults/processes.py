"""The processes of an installation, kept running as a service manager would, and killed on demand."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
START_PATIENCE_S = 180.0


@dataclass(slots=True)
class Service:
    """One command that is to run: its process now, and whether its end is expected."""

    name: str
    arguments: list[str]
    environment: dict[str, str]
    log: Path
    pid: int | None = None
    asked: bool = False
    wanted: bool = True
    not_before: float = 0.0


@dataclass(slots=True)
class Services:
    """Runs services through a nursery; one that ends is started again. `unasked`: ends nobody caused, by name."""

    environment: dict[str, str]
    services: dict[str, Service] = field(default_factory=dict)
    restarts: int = 0
    unasked: Counter[str] = field(default_factory=Counter)
    codes: Counter[str] = field(default_factory=Counter)
    ended: dict[int, int] = field(default_factory=dict)
    lock: threading.Condition = field(default_factory=threading.Condition)
    stopping: bool = False
    nursery: subprocess.Popen[str] | None = None
    threads: list[threading.Thread] = field(default_factory=list)
    born: list[int] = field(default_factory=list)

    def open(self) -> None:
        """Starts the nursery and what watches over the services."""
        self.nursery = subprocess.Popen(
            [sys.executable, "-m", "bench.faults.nursery"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=ROOT, env=self.environment, start_new_session=True,
        )  # fmt: skip
        for work in (self._listen, self._watch):
            thread = threading.Thread(target=work, daemon=True, name=work.__name__)
            thread.start()
            self.threads.append(thread)

    def close(self) -> None:
        """Ends the nursery; services are to be stopped before."""
        with self.lock:
            self.stopping = True
            self.lock.notify_all()
        if self.nursery is not None and self.nursery.stdin is not None and self.nursery.stdout is not None:
            self.nursery.stdin.close()
            self.nursery.wait(30)
            for thread in self.threads:
                thread.join(30)
            self.nursery.stdout.close()

    def add(self, service: Service) -> None:
        """A service that runs from now on."""
        with self.lock:
            self.services[service.name] = service
            self.lock.notify_all()

    def run_once(self, arguments: list[str], log: Path) -> int:
        """Runs a command to its end; its exit code."""
        with self.lock:
            pid = self._fork(arguments, {}, log)
            if not self.lock.wait_for(lambda: pid in self.ended, 300):
                raise RuntimeError(f"ruhu {' '.join(arguments[:2])} does not end")
            return self.ended.pop(pid)

    def signal(self, name: str, number: int, *, rest_s: float = 0.0) -> bool:
        """Sends a signal to a service, which starts again `rest_s` after its end; False when it is not there."""
        with self.lock:
            service = self.services[name]
            if service.pid is None:
                return False
            service.asked = True
            service.not_before = time.monotonic() + rest_s
            with contextlib.suppress(ProcessLookupError):
                os.kill(service.pid, number)
            return True

    def stop(self, patience_s: float = 90.0) -> list[str]:
        """Asks all services to end; the names and codes of those that did not end by themselves or well."""
        with self.lock:
            for service in self.services.values():
                service.wanted, service.asked = False, True
                if service.pid is not None:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(service.pid, signal.SIGTERM)
            self.codes.clear()
            quiet = self.lock.wait_for(
                lambda: all(service.pid is None for service in self.services.values()), patience_s
            )
            # uvicorn ends by the signal itself, once everything is answered and closed.
            bad = [name for name in self.codes if not name.endswith((" 0", f" -{signal.SIGTERM:d}"))]
            if not quiet:
                for service in self.services.values():
                    if service.pid is not None:
                        bad.append(f"{service.name} did not end")
                        os.kill(service.pid, signal.SIGKILL)
            return bad

    def _fork(self, arguments: list[str], environment: dict[str, str], log: Path) -> int:
        """A new process; the lock is held and given up while it waits."""
        if self.nursery is None or self.nursery.stdin is None:
            raise RuntimeError("the nursery is not open")
        self.born.clear()
        order = {"arguments": arguments, "environment": environment, "log": str(log)}
        self.nursery.stdin.write(json.dumps(order) + "\n")
        self.nursery.stdin.flush()
        if not self.lock.wait_for(lambda: self.born, START_PATIENCE_S):
            raise RuntimeError("the nursery does not answer")
        return self.born.pop()

    def _listen(self) -> None:
        """Hears of births and ends."""
        if self.nursery is None or self.nursery.stdout is None:
            raise RuntimeError("the nursery is not open")
        for text in self.nursery.stdout:
            told = json.loads(text)
            with self.lock:
                if "born" in told:
                    self.born.append(told["born"])
                else:
                    self.ended[told["ended"]] = told["code"]
                self.lock.notify_all()

    def _watch(self) -> None:
        """Starts what is to run and does not."""
        with self.lock:
            while not self.stopping:
                for service in self.services.values():
                    if service.pid is not None and service.pid in self.ended:
                        self._note_end(service, self.ended.pop(service.pid))
                    if service.pid is None and service.wanted and time.monotonic() >= service.not_before:
                        service.pid = self._fork(service.arguments, service.environment, service.log)
                        self.restarts += 1
                self.lock.notify_all()
                self.lock.wait(0.05)

    def _note_end(self, service: Service, code: int) -> None:
        self.codes[f"{service.name} {code}"] += 1
        if not service.asked:
            self.unasked[f"{service.name} {code}"] += 1
            service.not_before = time.monotonic() + 0.5
        service.pid, service.asked = None, False


def processes(belongs: Callable[[Path], bool]) -> list[int]:
    """Processes that live (zombies do not) and belong somewhere, by their folder in /proc."""
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal() or int(folder.name) == os.getpid():
            continue
        with contextlib.suppress(OSError, IndexError):
            state = (folder / "stat").read_text().rsplit(")", 1)[1].split()[0]
            if state not in "ZX" and belongs(folder):
                found.append(int(folder.name))
    return sorted(found)


def sessions(data: Path) -> list[int]:
    """PostgreSQL's processes that serve a connection of ours."""
    return processes(
        lambda folder: (
            (folder / "cwd").readlink() == data and (folder / "cmdline").read_bytes().startswith(b"postgres: ruhu_")
        )
    )


def supervisors(home: Path) -> list[int]:
    """Supervisors of a cluster; there is one at most but for moments."""
    return processes(
        lambda folder: (
            (folder / "cmdline").read_bytes().split(b"\0")[2:4] == [b"storage.postgres.supervisor", str(home).encode()]
        )
    )


def belonging(data_dir: Path) -> list[int]:
    """Everything that was started for a data directory or works in it."""
    mark = f"RUHU_DATA={data_dir}".encode()

    def ours(folder: Path) -> bool:
        if (folder / "cwd").readlink().is_relative_to(data_dir):
            return True
        return mark in (folder / "environ").read_bytes().split(b"\0")

    return processes(ours)
