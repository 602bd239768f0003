"""Which gates cover a unit, since when a person could be seen there, and how well they worked. Pure."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from gate_integration.devices.models import CaptureMode, GateLevel
from gate_integration.occupancy.rules.evidence import Coverage
from storage.clock import SHANGHAI, local_day

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Gate:
    """A gate as evidence needs it; `last_contact` None: never heard of."""

    id: uuid.UUID
    level: str
    building_id: uuid.UUID | None
    entrance_id: uuid.UUID | None
    unit_id: uuid.UUID | None
    capture_mode: str
    camera: bool
    direction: str
    exit_recorded: bool
    created_at: datetime
    last_contact: datetime | None
    outages: tuple[tuple[datetime, datetime | None], ...] = ()

    def covers(self, unit: "UnitPlace") -> bool:
        """Whether whoever goes to the unit may come through here."""
        match self.level:
            case GateLevel.ESTATE:
                return True
            case GateLevel.BUILDING:
                return self.building_id == unit.building_id
            case GateLevel.ENTRANCE:
                return self.entrance_id == unit.entrance_id
            case _:
                return self.unit_id == unit.unit_id

    @property
    def looks(self) -> bool:
        """Whether pictures of this gate reach our recognition. No answers of `edge` machines are taken in yet."""
        return self.camera and self.capture_mode == CaptureMode.SNAPSHOT

    @property
    def shows_exits(self) -> bool:
        """Whether leaving through it leaves an identity."""
        return self.exit_recorded and self.direction != "in"

    def worked(self, day: date) -> float:
        """The share 0..1 of a local day in which it recorded; 0 on days after it was last heard of."""
        if self.last_contact is None or day > local_day(self.last_contact):
            return 0.0
        begin = max(_midnight(day), self.created_at)
        end = _midnight(day + _DAY)
        down = sum(
            (stop - start for start, stop in _merged(self.outages, begin, end)),
            start=max(begin - _midnight(day), _DAY * 0),
        )
        return max(0.0, 1 - down / _DAY)


@dataclass(frozen=True, slots=True)
class UnitPlace:
    """Where a unit lies."""

    unit_id: uuid.UUID
    building_id: uuid.UUID
    entrance_id: uuid.UUID


@dataclass(slots=True)
class GateMap:
    """The gates of an estate, and what a household's gates could see.

    `pictures_since`: since when the estate's basis lets pictures be looked at.
    """

    gates: Sequence[Gate]
    enrolled: Mapping[uuid.UUID, datetime]
    on_devices: Mapping[tuple[uuid.UUID, uuid.UUID], datetime]
    pictures_since: datetime | None
    coverages: dict[tuple[uuid.UUID, ...], tuple[date, Coverage]] = field(default_factory=dict)

    def of(self, unit: UnitPlace) -> tuple[Gate, ...]:
        """The gates that cover a unit."""
        return tuple(gate for gate in self.gates if gate.covers(unit))

    def visible_from(self, person_id: uuid.UUID, gates: Iterable[Gate]) -> date | None:
        """The first whole day on which the person could not come home unseen.

        That takes one level (estate, building, entrance, unit) whose gates all recognise the person: otherwise another
        gate of that level is a way round, and not being seen means nothing.
        """
        since: dict[str, list[datetime | None]] = defaultdict(list)
        for gate in gates:
            since[gate.level].append(self._recognised_since(person_id, gate))
        complete = [max(filter(None, found)) for found in since.values() if all(found)]
        return local_day(min(complete)) + _DAY if complete else None

    def _recognised_since(self, person_id: uuid.UUID, gate: Gate) -> datetime | None:
        if not gate.camera:
            return None
        ways = [self.on_devices.get((person_id, gate.id))]
        enrolled = self.enrolled.get(person_id)
        if gate.looks and enrolled is not None and self.pictures_since is not None:
            ways.append(max(enrolled, self.pictures_since))
        known = [moment for moment in ways if moment is not None]
        return max(min(known), gate.created_at) if known else None

    def coverage(self, gates: Sequence[Gate], first: date, today: date) -> tuple[date, Coverage]:
        """The first whole day of observation, and how well the cameras among the gates worked on each day."""
        cameras = tuple(gate for gate in gates if gate.camera)
        key = tuple(gate.id for gate in cameras)
        if key not in self.coverages:
            begin = max(first, min((local_day(gate.created_at) + _DAY for gate in cameras), default=today))
            days = [begin + timedelta(days=n) for n in range(max((today - begin).days, 0))]
            healthy = {day: round(sum(gate.worked(day) for gate in cameras) / len(cameras), 4) for day in days}
            self.coverages[key] = (
                begin,
                Coverage(healthy=healthy, exits_recorded=any(gate.shows_exits for gate in cameras)),
            )
        return self.coverages[key]


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)


def _merged(
    spans: Iterable[tuple[datetime, datetime | None]], begin: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """The spans inside `begin`..`end`, without overlaps."""
    merged: list[tuple[datetime, datetime]] = []
    clipped = sorted((max(start, begin), min(stop or end, end)) for start, stop in spans)
    for start, stop in clipped:
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], stop))
        elif start < stop:
            merged.append((start, stop))
    return merged
