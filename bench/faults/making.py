"""Makes a fault happen."""

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bench.faults.ground import Ground
from bench.faults.processes import Services, sessions, supervisors
from bench.faults.proxy import Faults, ThreadedProxy
from bench.faults.schedule import Kind, Step
from storage.postgres.cluster import Cluster

LONGEST_REST_S = 0.8  # between a service's end and its restart
LONGEST_LINE_S = 1.2
LONGEST_DISK_S = 2.5
LONGEST_STORE_S = 2.0


@dataclass(slots=True)
class Maker:
    """Makes faults on one installation. `made` counts by kind; `missed`: there was nothing to kill at that moment,
    since an earlier fault had not been mended yet; another step is drawn for it."""

    ground: Ground
    services: Services
    servers: list[str]
    proxies: list[ThreadedProxy]
    cluster: Cluster
    made: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    mending: list[threading.Thread] = field(default_factory=list)

    def make(self, step: Step) -> bool:
        """Makes the fault of a step; False when there was nothing to make it on."""
        done = self._makers()[step.kind](step)
        (self.made if done else self.missed)[step.kind] += 1
        return done

    def mend(self) -> None:
        """Waits until disk, store and lines are sound again."""
        for thread in self.mending:
            thread.join(60)
        self.mending.clear()
        for proxy in self.proxies:
            proxy.set(Faults())
            proxy.accept()

    def _makers(self) -> dict[Kind, Callable[[Step], bool]]:
        return {
            Kind.SERVER: lambda step: self._service(self._server(step), signal.SIGKILL, step),
            Kind.SERVER_ASKED: lambda step: self._service(self._server(step), signal.SIGTERM, step),
            Kind.WORKER: lambda step: self._service("worker", signal.SIGKILL, step),
            Kind.WORKER_ASKED: lambda step: self._service("worker", signal.SIGTERM, step),
            Kind.SUPERVISOR: lambda _: self._kill(supervisors(self.cluster.home)),
            Kind.POSTMASTER: lambda _: self._kill(self._postmaster()),
            Kind.BACKEND: lambda step: self._one_session(step, signal.SIGKILL),
            Kind.SESSION: lambda step: self._one_session(step, signal.SIGTERM),
            Kind.EVERYTHING: self._everything,
            Kind.CUT_REQUEST: lambda step: self._line(step, Faults(cut_up_after=int(step.amount * 900), times=1)),
            Kind.CUT_ANSWER: lambda step: self._line(step, Faults(cut_down_after=int(step.amount * 20), times=1)),
            Kind.CUT_ALL: lambda _: sum(proxy.cut_all() for proxy in self.proxies) > 0,
            Kind.STALL: self._stall,
            Kind.REFUSE: self._refuse,
            Kind.DISK_FULL: self._disk_full,
            Kind.STORE: self._store,
        }

    def _server(self, step: Step) -> str:
        return self.servers[int(step.where * len(self.servers))]

    def _proxy(self, step: Step) -> ThreadedProxy:
        return self.proxies[int(step.where * len(self.proxies))]

    def _service(self, name: str, number: int, step: Step) -> bool:
        return self.services.signal(name, number, rest_s=step.amount * LONGEST_REST_S)

    def _postmaster(self) -> list[int]:
        pid = self.cluster.postmaster_pid()
        return [] if pid is None else [pid]

    def _one_session(self, step: Step, number: int) -> bool:
        found = sessions(self.cluster.data)
        return self._kill([found[int(step.where * len(found))]] if found else [], number)

    @staticmethod
    def _kill(pids: list[int], number: int = signal.SIGKILL) -> bool:
        done = False
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                done = True
        return done

    def _everything(self, step: Step) -> bool:
        """In an order that differs each time: nobody dies at once in all places."""
        ends: list[Callable[[], object]] = [
            lambda: self._kill(supervisors(self.cluster.home)),
            lambda: self._kill(self._postmaster()),
            lambda: self._kill(sessions(self.cluster.data)),
            *(lambda name=name: self._service(name, signal.SIGKILL, step) for name in (*self.servers, "worker")),
        ]
        random.Random(step.where).shuffle(ends)
        for end in ends:
            end()
        return True

    def _line(self, step: Step, faults: Faults) -> bool:
        """The next connection that gets so far is cut; the step waits for it, or gives it up."""
        proxy = self._proxy(step)
        before = proxy.proxy.cuts
        proxy.set(faults)
        end = time.monotonic() + 2.0
        while proxy.proxy.cuts == before and time.monotonic() < end:
            time.sleep(0.005)
        proxy.set(Faults())
        return proxy.proxy.cuts > before

    def _stall(self, step: Step) -> bool:
        proxy = self._proxy(step)
        proxy.set(Faults(stalled=True))
        self._later(step.amount * LONGEST_LINE_S, lambda: proxy.set(Faults()))
        return True

    def _refuse(self, step: Step) -> bool:
        proxy = self._proxy(step)
        proxy.refuse()
        self._later(step.amount * LONGEST_LINE_S, proxy.accept)
        return True

    def _disk_full(self, step: Step) -> bool:
        self._join("disk")
        self.ground.fill()
        self._later(0.3 + step.amount * LONGEST_DISK_S, self.ground.free, "disk")
        return True

    def _store(self, step: Step) -> bool:
        self._join("store")
        self.ground.store.kill()
        self._later(step.amount * LONGEST_STORE_S, self.ground.store.start, "store")
        return True

    def _join(self, name: str) -> None:
        """An earlier fault of the same place is mended first."""
        for thread in self.mending:
            if thread.name == name:
                thread.join(60)

    def _later(self, after_s: float, mend: Callable[[], object], name: str = "line") -> None:
        def work() -> None:
            time.sleep(after_s)
            mend()

        self.mending = [thread for thread in self.mending if thread.is_alive()]
        thread = threading.Thread(target=work, name=name, daemon=True)
        thread.start()
        self.mending.append(thread)


def leftovers(cluster: Cluster) -> list[Path]:
    """Sockets that a cluster left behind."""
    folder = cluster.socket_dir
    return sorted(folder.iterdir()) if folder.exists() else []
