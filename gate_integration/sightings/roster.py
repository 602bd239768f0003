"""Who belongs where on which day: the people a search may consider, from the household to the estate. Pure."""

import uuid
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date

from gate_integration.devices.models import GateLevel

HOUSEHOLD = "household"

_People = dict[uuid.UUID, set[uuid.UUID]]


@dataclass(frozen=True, slots=True)
class Registration:
    """Somebody registered for a while: with a household (and its unit of that time), or with the whole estate."""

    person_id: uuid.UUID
    start: date
    end: date | None
    household_id: uuid.UUID | None = None
    unit_id: uuid.UUID | None = None
    entrance_id: uuid.UUID | None = None
    building_id: uuid.UUID | None = None
    works_there: bool = False


@dataclass(frozen=True, slots=True)
class Place:
    """What an event tells about where to look first."""

    household_id: uuid.UUID | None = None
    unit_id: uuid.UUID | None = None
    entrance_id: uuid.UUID | None = None
    building_id: uuid.UUID | None = None


@dataclass(slots=True)
class DayRoster:
    """The roster of one day."""

    households: _People = field(default_factory=lambda: defaultdict(set))
    units: _People = field(default_factory=lambda: defaultdict(set))
    entrances: _People = field(default_factory=lambda: defaultdict(set))
    buildings: _People = field(default_factory=lambda: defaultdict(set))
    estate: set[uuid.UUID] = field(default_factory=set)
    unit_of_household: dict[uuid.UUID, uuid.UUID] = field(default_factory=dict)
    # Of residents and guests; what a worker carries leads to no household.
    households_of: dict[uuid.UUID, set[uuid.UUID]] = field(default_factory=lambda: defaultdict(set))

    def ladder(self, place: Place) -> list[tuple[str, frozenset[uuid.UUID]]]:
        """The rungs to search, from the narrowest; one that adds nobody to the one before is left out."""
        rungs: list[tuple[str, frozenset[uuid.UUID]]] = []
        for name, people in (
            (HOUSEHOLD, self._among(self.households, place.household_id)),
            (GateLevel.UNIT.value, self._among(self.units, place.unit_id)),
            (GateLevel.ENTRANCE.value, self._among(self.entrances, place.entrance_id)),
            (GateLevel.BUILDING.value, self._among(self.buildings, place.building_id)),
            (GateLevel.ESTATE.value, frozenset(self.estate)),
        ):
            before = rungs[-1][1] if rungs else frozenset()
            if people - before or name == GateLevel.ESTATE:
                rungs.append((name, people))
        return rungs

    @staticmethod
    def _among(groups: _People, key: uuid.UUID | None) -> frozenset[uuid.UUID]:
        return frozenset(groups.get(key, ())) if key is not None else frozenset()


class Roster:
    """An estate's registrations over the days of a batch."""

    def __init__(self, registrations: Iterable[Registration]) -> None:
        self.registrations = tuple(registrations)
        self.days: dict[date, DayRoster] = {}

    def on(self, day: date) -> DayRoster:
        """Who was registered on `day`."""
        if day not in self.days:
            self.days[day] = self._build(day)
        return self.days[day]

    def _build(self, day: date) -> DayRoster:
        roster = DayRoster()
        for one in self.registrations:
            if one.start > day or (one.end is not None and one.end < day):
                continue
            roster.estate.add(one.person_id)
            for groups, key in (
                (roster.households, one.household_id),
                (roster.units, one.unit_id),
                (roster.entrances, one.entrance_id),
                (roster.buildings, one.building_id),
            ):
                if key is not None:
                    groups[key].add(one.person_id)
            if one.household_id is not None and not one.works_there:
                roster.households_of[one.person_id].add(one.household_id)
                if one.unit_id is not None:
                    roster.unit_of_household[one.household_id] = one.unit_id
        return roster
