"""What is registered in one estate, as values that a file is compared with."""

import uuid
from dataclasses import dataclass, field
from datetime import date


@dataclass(frozen=True, slots=True)
class KnownUnit:
    """A registered unit."""

    id: uuid.UUID
    code: str
    building: str
    entrance: str
    room: str
    floor: int
    max_people: int
    withdrawn: bool = False


@dataclass(frozen=True, slots=True)
class KnownHousehold:
    """A registered household."""

    id: uuid.UUID
    number: str
    kind: str


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """A registered person with an ID number, by its blind index."""

    id: uuid.UUID
    index: bytes
    name: str
    birth_date: date | None
    phone_index: bytes | None
    guardian_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class KnownMember:
    """A registered membership."""

    id: uuid.UUID
    household_id: uuid.UUID
    person_id: uuid.UUID
    role: str
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class KnownLease:
    """A registered lease."""

    id: uuid.UUID
    number: str
    household_id: uuid.UUID
    unit_id: uuid.UUID
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class Known:
    """The register of one estate."""

    units: list[KnownUnit] = field(default_factory=list)
    households: list[KnownHousehold] = field(default_factory=list)
    people: list[KnownPerson] = field(default_factory=list)
    members: list[KnownMember] = field(default_factory=list)
    leases: list[KnownLease] = field(default_factory=list)
