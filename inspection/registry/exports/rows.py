"""The register as the rows of its file. Values in, values out."""

import uuid
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from inspection.registry.imports.absent import runs
from inspection.registry.imports.headings import Column
from inspection.registry.imports.known import Known, KnownLease, KnownMember, KnownPerson, KnownUnit
from inspection.registry.imports.values import KIND_NAMES, ROLE_NAMES

HEADINGS: Final = tuple(Column)


@dataclass(frozen=True, slots=True)
class Numbers:
    """A person's numbers as the export shows them."""

    id_number: str = ""
    phone: str = ""


@dataclass(slots=True)
class Exported:
    """The rows, and how many memberships have no row since their people have no ID number."""

    rows: list[dict[Column, str]] = field(default_factory=list)
    left_off: int = 0


def exported(known: Known, numbers: Mapping[uuid.UUID, Numbers], *, today: date) -> Exported:
    """Everything that runs today or later: each let unit with its people, then flats nobody leases.

    A household has a row for each member and one for each further lease, so that the file says all there is to say.
    """
    units = {unit.id: unit for unit in known.units if not unit.withdrawn}
    people = {person.id: person for person in known.people}
    leases: dict[uuid.UUID, list[KnownLease]] = defaultdict(list)
    members: dict[uuid.UUID, list[KnownMember]] = defaultdict(list)
    for lease in known.leases:
        if runs(lease, today) and lease.unit_id in units:
            leases[lease.household_id].append(lease)
    found = Exported()
    for member in known.members:
        if not runs(member, today):
            continue
        if member.person_id in people:
            members[member.household_id].append(member)
        else:
            found.left_off += 1

    for household in known.households:
        mine = sorted(leases[household.id], key=lambda lease: (lease.valid_from, lease.number))
        home = {Column.HOUSEHOLD: household.number, Column.KIND: KIND_NAMES[household.kind]}
        letting = [home | unit_cells(units[lease.unit_id]) | lease_cells(lease) for lease in mine] or [home]
        rows = [letting[0] | member_cells(member, people, numbers) for member in members[household.id]]
        found.rows += (rows or letting[:1]) + letting[1:]
    let = {lease.unit_id for each in leases.values() for lease in each}
    found.rows += [unit_cells(unit) for unit in units.values() if unit.id not in let]
    found.rows.sort(key=lambda row: [row.get(c, "") for c in (Column.BUILDING, Column.ENTRANCE, Column.ROOM)])
    return found


def unit_cells(unit: KnownUnit) -> dict[Column, str]:
    """A unit."""
    return {
        Column.BUILDING: unit.building, Column.ENTRANCE: unit.entrance, Column.ROOM: unit.room,
        Column.UNIT_CODE: unit.code, Column.FLOOR: str(unit.floor), Column.MAX_PEOPLE: str(unit.max_people),
    }  # fmt: skip


def lease_cells(lease: KnownLease) -> dict[Column, str]:
    """A lease."""
    return {
        Column.LEASE: lease.number, Column.LEASE_FROM: lease.valid_from.isoformat(),
        Column.LEASE_TO: day(lease.valid_to),
    }  # fmt: skip


def member_cells(
    member: KnownMember, people: Mapping[uuid.UUID, KnownPerson], numbers: Mapping[uuid.UUID, Numbers]
) -> dict[Column, str]:
    """A membership and who it is; a guardian without an ID number cannot be named."""
    person = people[member.person_id]
    own = numbers.get(person.id, Numbers())
    guardian = numbers.get(person.guardian_id, Numbers()) if person.guardian_id else Numbers()
    return {
        Column.ROLE: ROLE_NAMES[member.role], Column.NAME: person.name, Column.ID_NUMBER: own.id_number,
        Column.PHONE: own.phone, Column.GUARDIAN: guardian.id_number,
        Column.MOVED_IN: member.valid_from.isoformat(), Column.MOVED_OUT: day(member.valid_to),
    }  # fmt: skip


def day(value: date | None) -> str:
    """A day, or nothing."""
    return value.isoformat() if value else ""


def lines(rows: list[dict[Column, str]]) -> Iterator[list[str]]:
    """The headings and the rows as lines of a sheet."""
    yield [column.value for column in HEADINGS]
    for row in rows:
        yield [row.get(column, "") for column in HEADINGS]
