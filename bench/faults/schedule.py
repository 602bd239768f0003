"""What goes wrong when: a list of faults drawn from a seed. Values in, values out."""

import random
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Kind(StrEnum):
    """A fault."""

    SERVER = "kill-server"  # SIGKILL of one `ruhu serve`
    WORKER = "kill-worker"  # SIGKILL of `ruhu worker`
    SUPERVISOR = "kill-supervisor"  # SIGKILL of what watches the embedded PostgreSQL
    POSTMASTER = "kill-postmaster"  # SIGKILL of PostgreSQL's first process
    BACKEND = "kill-backend"  # SIGKILL of one database session: PostgreSQL restarts as a whole
    SESSION = "end-session"  # SIGTERM of one database session: that connection alone is lost
    EVERYTHING = "kill-everything"  # SIGKILL of all of these at once
    SERVER_ASKED = "end-server"  # SIGTERM of one `ruhu serve`
    WORKER_ASKED = "end-worker"  # SIGTERM of `ruhu worker`
    CUT_REQUEST = "cut-request"  # the line breaks within a request
    CUT_ANSWER = "cut-answer"  # the line breaks after a request and before its answer
    CUT_ALL = "cut-all"  # every connection is reset
    REFUSE = "refuse"  # new connections are refused for a while
    STALL = "stall"  # connections stand still for a while
    DISK_FULL = "disk-full"  # the disk under database and objects is full for a while
    STORE = "kill-store"  # SIGKILL of the object store's server, back after a while


KILLS: Final = frozenset(
    {Kind.SERVER, Kind.WORKER, Kind.SUPERVISOR, Kind.POSTMASTER, Kind.BACKEND, Kind.SESSION, Kind.EVERYTHING,
     Kind.SERVER_ASKED, Kind.WORKER_ASKED, Kind.CUT_REQUEST, Kind.CUT_ANSWER, Kind.CUT_ALL, Kind.STORE}
)  # fmt: skip
"""Ends of a process or of connections. `--kills` counts these; the other faults come on top."""

WEIGHTS: Final = {
    Kind.SERVER: 12, Kind.WORKER: 10, Kind.SUPERVISOR: 10, Kind.POSTMASTER: 9, Kind.BACKEND: 5, Kind.SESSION: 12,
    Kind.EVERYTHING: 3, Kind.SERVER_ASKED: 4, Kind.WORKER_ASKED: 3, Kind.CUT_REQUEST: 8, Kind.CUT_ANSWER: 12,
    Kind.CUT_ALL: 6, Kind.REFUSE: 2, Kind.STALL: 2, Kind.DISK_FULL: 2, Kind.STORE: 6,
}  # fmt: skip
"""How often each is drawn. Every kind that can be had is in a schedule at least once when it is long enough."""


@dataclass(frozen=True, slots=True)
class Step:
    """One fault. `pause_s`: before it. `acks`: acknowledgements to wait for before it, since the fault before; none
    means that it falls into whatever that one left behind. `where`, `amount`: from 0 to 1, which process and how much.
    """

    number: int
    kind: Kind
    pause_s: float
    acks: int
    where: float
    amount: float


def plan(*, seed: int, kills: int, available: Collection[Kind] = tuple(Kind)) -> list[Step]:
    """Steps with exactly `kills` kills, the same for the same arguments."""
    chance = random.Random(seed)
    kinds = sorted(available)
    mortal = [kind for kind in kinds if kind in KILLS]
    if not mortal or kills < 1:
        raise ValueError("at least one kill of a kind that can be had")
    rest = kills
    drawn: list[Kind] = []
    if kills >= 2 * len(mortal):
        drawn += kinds
        rest -= len(mortal)
    while rest > 0:
        kind = chance.choices(kinds, [WEIGHTS[kind] for kind in kinds])[0]
        drawn.append(kind)
        rest -= kind in KILLS
    chance.shuffle(drawn)
    return [
        Step(
            number,
            kind,
            round(chance.uniform(0.0, 0.35), 3),
            0 if chance.random() < 0.3 else chance.randint(1, 8),
            round(chance.random(), 4),
            round(chance.random(), 4),
        )
        for number, kind in enumerate(drawn, 1)
    ]
