"""An installation under load is killed, cut and starved at random points; what it acknowledged must be there, once.

A run has a folder of its own: data directory, keys, logs, the journal of acknowledgements. When nothing is wrong the
folder is removed, otherwise it is kept.
"""

import contextlib
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.demo.stack import free_port
from bench.faults.ground import BUCKET, Ground, prepared
from bench.faults.invariants import Findings, nothing_left
from bench.faults.journal import Journal
from bench.faults.load import Lines, Load
from bench.faults.looking import look
from bench.faults.making import Maker, leftovers
from bench.faults.processes import Service, Services, belonging
from bench.faults.proxy import in_thread
from bench.faults.schedule import KILLS, Kind, Step, plan
from bench.faults.world import furnished, wait_ready
from storage import settings as settings_module
from storage.postgres.binaries import find_launcher
from storage.postgres.cluster import Cluster
from storage.settings import Settings

SERVERS = ("serve-1", "serve-2")
PROGRESS_S = 120.0  # without a single acknowledgement
MAKING_S = 90.0  # until there is something again that a fault can be made on
ROUNDS = 5  # of schedules; the later ones make up for what could not be made
QUIET_S = 60.0  # until the embedded PostgreSQL has stopped after its last user

Say = Callable[[str], None]


class Standstill(Exception):
    """The installation does not come back."""


@dataclass(slots=True)
class Installation:
    """Everything of a run that has to be opened and closed."""

    ground: Ground
    settings: Settings
    cluster: Cluster
    services: Services
    load: Load
    maker: Maker


@dataclass(slots=True)
class Run:
    """One run. `step`: the last fault made; `looks`: how often everything was compared."""

    folder: Path
    seed: int
    kills: int
    s3: bool
    every: int
    say: Say
    findings: Findings = field(default_factory=Findings)
    step: Step | None = None
    looks: int = 0
    killed: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def play(self) -> dict[str, Any]:
        """Everything, from an empty folder to the report. What is wrong stands in `findings`."""
        began = time.monotonic()
        with contextlib.ExitStack() as stack:
            there = self.opened(stack)
            self.say(f"{self.folder}: {time.monotonic() - began:.0f} s to an installation that serves")
            ready = time.monotonic()
            try:
                self.faults(there)
                if self.findings.sound:
                    self.compare(there)
            except Standstill as error:
                self.findings.other.append(str(error))
            there.load.close()
            self.findings.add(self.end(there))
            return self.report(there, began=began, ready=ready)

    def opened(self, stack: contextlib.ExitStack) -> Installation:
        """A furnished installation that serves, with its load standing by."""
        ground = stack.enter_context(prepared(self.folder, s3=self.s3))
        environment = self.environment(ground)
        settings = settings_module.load(environment)
        cluster = Cluster(settings.data_dir / "pg", find_launcher(settings.postgres_bin, settings.postgres_user))
        services = Services(environment)
        services.open()
        stack.callback(services.close)
        if self.s3 and services.run_once(["objects", "init"], self.folder / "commands.log") != 0:
            raise RuntimeError(f"no bucket was made; see {self.folder / 'commands.log'}")
        ports = [free_port("127.0.0.1", 0) for _ in SERVERS]
        proxies = [stack.enter_context(in_thread(("127.0.0.1", port))) for port in ports]
        stack.callback(services.stop)
        for name, port in zip(SERVERS, ports, strict=True):
            services.add(Service(name, ["serve", "--port", str(port)], {}, self.folder / f"{name}.log"))
        services.add(Service("worker", ["worker"], {}, self.folder / "worker.log"))
        for port in ports:
            wait_ready(f"http://127.0.0.1:{port}")
        world = furnished(services, f"http://127.0.0.1:{ports[0]}", self.folder)
        journal = Journal(self.folder / "journal.jsonl")
        journal.open()
        stack.callback(journal.close)
        load = Load(world, Lines([proxy.port for proxy in proxies]), journal, self.seed)
        load.open()
        stack.callback(load.close)
        services.restarts = 0
        maker = Maker(ground, services, list(SERVERS), proxies, cluster)
        return Installation(ground, settings, cluster, services, load, maker)

    def environment(self, ground: Ground) -> dict[str, str]:
        """What every process is told: nothing of the caller's own installation but where models lie."""
        ours = ("RUHU_", "DATABASE_", "OBJECT_")
        told = {name: text for name, text in os.environ.items() if not name.startswith(ours)} | {
            "RUHU_DATA": str(ground.data), "RUHU_MASTER_KEY_FILE": str(self.folder / "keys" / "faults.key"),
            "RUHU_CACHE": str(settings_module.load().cache_dir), "RUHU_SECOND_FACTOR_ROLES": "",
            "RUHU_ARGON2_MEMORY_KIB": "1024", "RUHU_ARGON2_TIME": "1", "OPENBLAS_NUM_THREADS": "1",
        }  # fmt: skip
        if ground.store is None:
            return told
        secret = self.folder / "store.secret"
        secret.write_text(ground.store.environment["MINIO_ROOT_PASSWORD"])
        secret.chmod(0o600)
        return told | {
            "OBJECT_STORE_URL": f"s3+http://{BUCKET}?endpoint=http://127.0.0.1:{ground.store.port}",
            "OBJECT_STORE_ACCESS_KEY": ground.store.environment["MINIO_ROOT_USER"],
            "OBJECT_STORE_SECRET_KEY_FILE": str(secret),
        }

    def faults(self, there: Installation) -> None:
        """Schedules until all kills are made, since not every one finds what it would kill. Raises `Standstill`."""
        available = [kind for kind in Kind if kind not in there.ground.skipped]
        there.load.going.set()
        for more in range(ROUNDS):
            left = self.kills - self.killed
            if left and self.findings.sound:
                self.go_through(there, plan(seed=self.seed + more, kills=left, available=available))

    def go_through(self, there: Installation, steps: Sequence[Step]) -> None:
        """One schedule, with a look at everything after every so many kills."""
        acks = there.load.journal.count
        for step in steps:
            self.step = step
            self.await_acks(there.load, acks + step.acks)
            time.sleep(step.pause_s)
            acks = there.load.journal.count
            end = time.monotonic() + MAKING_S
            while not (made := there.maker.make(step)) and time.monotonic() < end:
                time.sleep(0.1)
            if not made or step.kind not in KILLS:
                continue
            self.killed += 1
            if self.killed % self.every == 0 and self.killed < self.kills:
                self.compare(there)
                if not self.findings.sound:
                    return
                acks = there.load.journal.count
                there.load.going.set()

    def await_acks(self, load: Load, wanted: int) -> None:
        """Waits for acknowledgements; raises `Standstill` when none come."""
        count, end = load.journal.count, time.monotonic() + PROGRESS_S
        while load.journal.count < wanted:
            if load.failed:
                raise Standstill("; ".join(load.failed))
            if load.journal.count > count:
                count, end = load.journal.count, time.monotonic() + PROGRESS_S
            if time.monotonic() > end:
                raise Standstill(f"nothing was acknowledged for {PROGRESS_S:.0f} s")
            time.sleep(0.01)

    def compare(self, there: Installation) -> None:
        """Mends what is broken, lets the load finish, and looks at everything."""
        there.maker.mend()
        if not there.load.pause():
            raise Standstill("; ".join(there.load.failed) or f"not acknowledged: {sorted(there.load.busy)}")
        looked = look(there.settings, there.load.journal.read(), there.load)
        self.looks += 1
        self.counts = looked.counts
        self.findings.add(looked.findings)
        told = " ".join(f"{name} {count}" for name, count in looked.counts.items())
        self.say(f"{self.killed}/{self.kills} kills: {'sound' if self.findings.sound else 'NOT SOUND'}; {told}")

    def end(self, there: Installation) -> Findings:
        """Ends everything as asked; the database stops by itself, and nothing stays behind."""
        there.maker.mend()
        found = Findings(other=[f"did not end well: {name}" for name in there.services.stop()])
        there.services.close()
        data = there.settings.data_dir
        end = time.monotonic() + QUIET_S
        while time.monotonic() < end and belonging(data):
            time.sleep(0.1)
        found.add(nothing_left({"processes left": len(belonging(data)), "sockets left": len(leftovers(there.cluster))}))
        with contextlib.suppress(OSError):
            there.cluster.socket_dir.rmdir()
        return found

    def report(self, there: Installation, *, began: float, ready: float) -> dict[str, Any]:
        """What `--json` prints."""
        load, step = there.load, self.step
        return {
            "sound": self.findings.sound,
            "seed": self.seed,
            "kills": self.killed,
            "faults_by_kind": {str(kind): count for kind, count in sorted(there.maker.made.items())},
            "acknowledged": dict(sorted(load.acknowledged.items())),
            "stored": self.counts,
            "resent": dict(sorted(load.resent.items())),
            "answers": dict(sorted(load.statuses.items())),
            "lost": self.findings.lost,
            "doubled": self.findings.doubled,
            "unreadable": self.findings.unreadable,
            "other": self.findings.other,
            "last_step": None if step is None else {"number": step.number, "kind": step.kind},
            "looks": self.looks,
            "restarts": there.services.restarts,
            "ends_unasked": dict(sorted(there.services.unasked.items())),
            "skipped": there.ground.skipped,
            "seconds": round(time.monotonic() - ready, 1),
            "seconds_before": round(ready - began, 1),
            "folder": None if self.findings.sound else str(self.folder),
        }


def run(*, kills: int, seed: int, s3: bool, every: int, say: Say) -> dict[str, Any]:
    """A whole run in a folder of its own below the system's; the report, see `Run.report`."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(f"ended before the end: {playing.killed} of {kills} kills"))
    folder = Path(tempfile.mkdtemp(prefix="ruhu-faults-"))
    playing = Run(folder, seed, kills, s3, every, say)
    report = playing.play()
    if report["sound"]:
        shutil.rmtree(folder)
    return report
