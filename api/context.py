"""What the handlers of one app share."""

from collections.abc import Callable
from dataclasses import dataclass, field

from gate_integration.faces.records import Engine
from inspection.ports import EnrolledPeople, GateEvidence, GateHoldings, UnitTimeline
from inspection.users.hashing import PasswordHashing
from storage.clock import Clock
from storage.database import Database
from storage.objects.service import Objects
from storage.settings import Settings
from storage.vault.service import Vault


@dataclass(slots=True)
class Ports:
    """What the gate side does for the field and office side."""

    evidence: GateEvidence
    timeline: UnitTimeline
    holdings: GateHoldings
    enrolled: EnrolledPeople


@dataclass(slots=True)
class Context:
    """Settings, clock, database, vault, objects, ports and the recognition engine of an app.

    `token_keys_until`: by the monotonic clock, how long the keys of access tokens need not be asked for again.
    """

    settings: Settings
    clock: Clock
    database: Database
    vault: Vault
    objects: Objects
    ports: Ports
    engine: Engine
    intake_counters: Callable[[], dict[str, int]] = dict
    hashing: PasswordHashing = field(default_factory=PasswordHashing)
    token_keys_until: float = 0.0
