"""What a rule may look at: one household as the gates and the register know it, as values.

Every date is a local date of Asia/Shanghai, every time of day a local time there; periods include both ends.
The caller attributes pseudonyms to the unit by links and never hands over a name, an ID number, an age or a sex:
no protected attribute is an input (domain reference §5.2, the lesson of the DWP model).
Rules use full days before the day of evaluation, and nothing that lies after it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, time
from enum import StrEnum


class LinkKind(StrEnum):
    """By what an unregistered person is attributed to a unit (design §7)."""

    UNIT_CREDENTIAL = "unit_credential"  # passed with a card, PIN or QR of the unit
    UNIT_DOOR = "unit_door"  # seen at the unit's own door
    INTERCOM = "intercom"  # let in from the unit
    ARRIVES_WITH_RESIDENT = "arrives_with_resident"  # together with its residents beyond chance
    VISIT = "visit"  # met in the unit by an inspector


class WorkerKind(StrEnum):
    """What a service worker known to the estate does."""

    CARER = "carer"
    COURIER = "courier"
    CLEANER = "cleaner"
    METER = "meter"
    MAINTENANCE = "maintenance"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """Somebody the register knows for this household.

    `visible_from` is the first day on which this person could be recognised by a camera on the household's gates
    (usable template, or a face on the devices); None for whoever refuses, for a child without guardian consent, and
    where no camera looks. `seen_on` counts recognitions by day.
    """

    person_id: str
    start: date
    end: date | None = None
    visible_from: date | None = None
    seen_on: Mapping[date, int] = field(default_factory=dict)

    def registered_on(self, day: date) -> bool:
        """Whether the registration is in force on `day`."""
        return self.start <= day and (self.end is None or day <= self.end)

    def visible_on(self, day: date) -> bool:
        """Whether this person could be recognised on `day`."""
        return self.visible_from is not None and self.visible_from <= day


@dataclass(frozen=True, slots=True, kw_only=True)
class Member(Registered):
    """A tenant, co-tenant or co-resident of the household."""

    role: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Guest(Registered):
    """A stay told to the estate (临时居住报备)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker(Registered):
    """A service worker of this household; `seen_on` counts only passes attributed to it."""

    kind: WorkerKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """An absence told by the household: of one member, or of everybody (`person_id` None)."""

    person_id: str | None
    start: date
    end: date

    def covers(self, person_id: str, day: date, *, before: int, after: int) -> bool:
        """Whether the absence explains that `person_id` is not seen on `day`, with slack in days at both ends."""
        if self.person_id is not None and self.person_id != person_id:
            return False
        return -before <= (day - self.start).days and (day - self.end).days <= after


@dataclass(frozen=True, slots=True, kw_only=True)
class Visits:
    """One day of one unregistered person at this household's gates.

    `first_at` and `last_at` are local times of the first and last pass; `with_resident` counts passes together with a
    recognised member.
    """

    count: int
    first_at: time
    last_at: time
    with_resident: int = 0
    event_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One kind of attribution to the unit: how often on which day."""

    kind: LinkKind
    on: Mapping[date, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unknown:
    """An unregistered person of the estate (a pseudonym) as seen by this household's gates.

    `other_units`: to how many other units the same pseudonym is linked as far as known on the day of evaluation.
    `neighbour`: linked no less to a unit one of whose people could not be recognised: perhaps that person, visiting.
    """

    pseudonym_id: str
    days: Mapping[date, Visits]
    links: tuple[Link, ...] = ()
    other_units: int = 0
    neighbour: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CardUser:
    """Somebody seen using a card or fingerprint of the household who is none of its people.

    `pseudonym`: an unregistered person; otherwise somebody registered with another household of the estate. PIN, QR
    code, intercom and remote release are made to be shared and are not counted. `on` counts uses by day.
    `neighbour`: as of `Unknown`.
    """

    user_id: str
    pseudonym: bool
    on: Mapping[date, int]
    event_ids: Mapping[date, tuple[str, ...]] = field(default_factory=dict)
    other_units: int = 0
    neighbour: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How well the household could have been seen.

    `healthy` gives, by day, the share 0..1 of the household's gates that worked; a day not listed was not observed.
    `exits_recorded`: whether leaving leaves an identity; without it a quiet morning means nothing.
    """

    healthy: Mapping[date, float]
    exits_recorded: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class CareTag:
    """A care tag. While it is open compliance rules wait; `closed_on` is the day on which care closed the matter."""

    level: str
    start: date
    closed_on: date | None = None

    def open_on(self, day: date) -> bool:
        """Whether care still has the matter on `day`."""
        return self.start <= day and (self.closed_on is None or day < self.closed_on)


@dataclass(frozen=True, slots=True, kw_only=True)
class HouseholdEvidence:
    """Everything the occupancy rules may know of one household.

    `credential_use`: days on which a card, PIN or QR of the household was used without a face match.
    `window_from`..`window_to`: the days of which anything is known; presence before `lease_from` belongs to others.
    """

    household_id: str
    unit_id: str
    lease_from: date
    window_from: date
    window_to: date
    coverage: Coverage
    members: tuple[Member, ...] = ()
    guests: tuple[Guest, ...] = ()
    workers: tuple[Worker, ...] = ()
    absences: tuple[Absence, ...] = ()
    unknowns: tuple[Unknown, ...] = ()
    card_users: tuple[CardUser, ...] = ()
    credential_use: frozenset[date] = frozenset()
    care: tuple[CareTag, ...] = ()
