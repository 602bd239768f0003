"""What a file changes in the register: stated records against known ones. Values in, values out.

The file adds and corrects; what it does not mention stays as it is, and a blank cell changes nothing. Records are
recognised by unit code or address, household number, ID number (by blind index) and lease number, so that the same
file a second time changes nothing.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final, TypeVar

from inspection.registry.ages import ADULT_FROM, GUARDIAN_CONSENTS_UNDER
from inspection.registry.households.models import HouseholdKind
from inspection.registry.id_number import age_on
from inspection.registry.imports.checker import LeaseStated, MemberStated, PersonStated, Stated, UnitKey, UnitStated
from inspection.registry.imports.headings import Column
from inspection.registry.imports.known import (
    Known,
    KnownHousehold,
    KnownLease,
    KnownMember,
    KnownPerson,
    KnownUnit,
)
from inspection.registry.imports.report import Count, Issue, issue
from inspection.registry.imports.values import plain, words

FOREVER: Final = date.max
KINDS_OF_RECORD: Final = ("units", "households", "people", "members", "leases")
Record = KnownUnit | KnownHousehold | KnownPerson | KnownMember | KnownLease
R = TypeVar("R", KnownUnit, KnownHousehold, KnownPerson, KnownMember, KnownLease)
P = TypeVar("P", KnownLease, KnownMember)


@dataclass(frozen=True, slots=True)
class Indexes:
    """How numbers are indexed and ids are made: given, so that planning needs no key and no clock."""

    id_number: Callable[[str], bytes]
    phone: Callable[[str], bytes]
    new_id: Callable[[], uuid.UUID]


@dataclass(slots=True)
class Plan:
    """New and changed records, the changed ones as they were (`before`), and the ids of all that the file names.

    `papers`: by person, the ID number (of new people) and telephone to be sealed.
    """

    new_units: list[KnownUnit] = field(default_factory=list)
    changed_units: list[KnownUnit] = field(default_factory=list)
    new_households: list[KnownHousehold] = field(default_factory=list)
    changed_households: list[KnownHousehold] = field(default_factory=list)
    new_people: list[KnownPerson] = field(default_factory=list)
    changed_people: list[KnownPerson] = field(default_factory=list)
    new_members: list[KnownMember] = field(default_factory=list)
    changed_members: list[KnownMember] = field(default_factory=list)
    new_leases: list[KnownLease] = field(default_factory=list)
    changed_leases: list[KnownLease] = field(default_factory=list)
    papers: dict[uuid.UUID, tuple[str | None, str | None]] = field(default_factory=dict)
    before: dict[uuid.UUID, Record] = field(default_factory=dict)
    named: set[uuid.UUID] = field(default_factory=set)
    counts: dict[str, Count] = field(default_factory=lambda: {kind: Count() for kind in KINDS_OF_RECORD})
    issues: list[Issue] = field(default_factory=list)


def plan(stated: Stated, known: Known, *, indexes: Indexes, create_units: bool, today: date) -> Plan:
    """Compares a file with the register. `create_units` allows units that are not registered yet."""
    return Planner(stated, known, indexes, create_units=create_units, today=today).run()


class Planner:
    """One comparison; each part leaves what the next one needs."""

    def __init__(self, stated: Stated, known: Known, indexes: Indexes, *, create_units: bool, today: date) -> None:
        self.stated = stated
        self.known = known
        self.indexes = indexes
        self.create_units = create_units
        self.today = today
        self.plan = Plan(issues=list(stated.issues))
        self.units: dict[UnitKey, KnownUnit] = {}
        self.households: dict[str, KnownHousehold] = {}
        self.people: dict[str, KnownPerson] = {}
        self.lease_rows: list[tuple[int, KnownLease]] = []
        self.member_rows: list[tuple[int, KnownMember]] = []

    def run(self) -> Plan:
        """The whole comparison."""
        self.match_units()
        self.match_households()
        self.match_people()
        self.match_guardians()
        self.match_leases()
        self.match_members()
        self.find_double_leases()
        self.find_double_people()
        self.find_crowded_units()
        return self.plan

    def tell(self, code: str, row: int, column: Column, value: str = "") -> None:
        """Notes an issue."""
        self.plan.issues.append(issue(code, row, column, value))

    def match_units(self) -> None:
        """Units by code, else by address."""
        by_code = {plain(unit.code): unit for unit in self.known.units}
        by_address = {address_of(unit): unit for unit in self.known.units}
        settled: dict[uuid.UUID, KnownUnit] = {}
        made: set[uuid.UUID] = set()
        for key, unit in self.stated.units.items():
            code, *address = key
            place = (address[0], address[1], address[2])
            found = by_code.get(code) if code else by_address.get(place)
            if found is None:
                found = self.new_unit(unit, taken=by_address.get(place) is not None)
                if found is None:
                    continue
                made.add(found.id)
                by_code[code] = by_address[place] = found
            named = address_of(found)
            if any(mine and mine != theirs for mine, theirs in zip(place, named, strict=True)):
                self.tell("unit-differs", unit.row, Column.UNIT_CODE, code)
            before = settled.get(found.id, found)
            now = replace(
                before,
                floor=before.floor if unit.floor is None else unit.floor,
                max_people=before.max_people if unit.max_people is None else unit.max_people,
                withdrawn=False,
            )
            if before.withdrawn:
                self.tell("unit-returns", unit.row, Column.UNIT_CODE, code)
            self.units[key] = settled[found.id] = now
        original = {unit.id: unit for unit in self.known.units}
        for unit_id, now in settled.items():
            self.sort("units", now, original.get(unit_id), self.plan.new_units, self.plan.changed_units)

    def new_unit(self, unit: UnitStated, *, taken: bool) -> KnownUnit | None:
        """A unit to be made; None with an issue when it may not or cannot be."""
        code, building, entrance, room = unit.key
        if taken:
            self.tell("unit-differs", unit.row, Column.UNIT_CODE, code)
            return None
        if not self.create_units:
            value = code or f"{building}{entrance}{room}"
            self.tell("unknown-unit", unit.row, Column.UNIT_CODE if code else Column.ROOM, value)
            return None
        needed = {
            Column.UNIT_CODE: code, Column.BUILDING: building, Column.ENTRANCE: entrance, Column.ROOM: room,
            Column.FLOOR: unit.floor, Column.MAX_PEOPLE: unit.max_people,
        }  # fmt: skip
        missing = [column for column, value in needed.items() if value is None or value == ""]
        for column in missing:
            self.tell("missing-value", unit.row, column)
        if missing or unit.floor is None or unit.max_people is None:
            return None
        return KnownUnit(self.indexes.new_id(), code, building, entrance, room, unit.floor, unit.max_people)

    def match_households(self) -> None:
        """Households by number."""
        before = {plain(household.number): household for household in self.known.households}
        for number, stated in self.stated.households.items():
            old = before.get(number)
            if old is None:
                now = KnownHousehold(self.indexes.new_id(), number, stated.kind or HouseholdKind.IN_KIND)
            else:
                now = replace(old, kind=stated.kind or old.kind)
            self.households[number] = now
            self.sort("households", now, old, self.plan.new_households, self.plan.changed_households)

    def match_people(self) -> None:
        """People by the blind index of their ID numbers; guardians are matched when all people are."""
        before = {person.index: person for person in self.known.people}
        for number, stated in self.stated.people.items():
            index = self.indexes.id_number(number)
            phone = self.indexes.phone(stated.phone) if stated.phone else None
            old = before.get(index)
            if old is None:
                now = KnownPerson(self.indexes.new_id(), index, stated.name, stated.birth_date, phone, None)
                self.plan.papers[now.id] = (number, stated.phone)
            else:
                name = old.name if words(old.name) == words(stated.name) else stated.name
                now = replace(old, name=name, birth_date=stated.birth_date, phone_index=phone or old.phone_index)
                if now.phone_index != old.phone_index:
                    self.plan.papers[now.id] = (None, stated.phone)
            self.people[number] = now

    def match_guardians(self) -> None:
        """Every child under 14 has a guardian: an adult of this file or of the estate."""
        before = {person.index: person for person in self.known.people}
        for number, stated in self.stated.people.items():
            now = self.people[number]
            if stated.guardian is not None:
                guardian = self.people.get(stated.guardian) or before.get(self.indexes.id_number(stated.guardian))
                if self.may_guard(stated, guardian) and guardian is not None:
                    now = replace(now, guardian_id=guardian.id)
            elif now.guardian_id is None and age_on(stated.birth_date, self.today) < GUARDIAN_CONSENTS_UNDER:
                self.tell("child-without-guardian", stated.row, Column.GUARDIAN)
            self.people[number] = now
            self.sort("people", now, before.get(now.index), self.plan.new_people, self.plan.changed_people)

    def may_guard(self, child: PersonStated, guardian: KnownPerson | None) -> bool:
        """Whether somebody may be the child's guardian; tells when not."""
        if guardian is None or guardian.id == self.people[child.number].id:
            self.tell("unknown-guardian", child.row, Column.GUARDIAN, child.guardian or "")
            return False
        if guardian.birth_date is None or age_on(guardian.birth_date, self.today) < ADULT_FROM:
            self.tell("guardian-too-young", child.row, Column.GUARDIAN, child.guardian or "")
            return False
        return True

    def match_leases(self) -> None:
        """Leases by number; a known one keeps its unit and household, its days may be corrected."""
        before: dict[str, list[KnownLease]] = defaultdict(list)
        for lease in self.known.leases:
            before[plain(lease.number)].append(lease)
        for number, stated in self.stated.leases.items():
            unit = self.units.get(stated.unit)
            if unit is None:
                continue
            old = same_lease(before[number], unit.id, stated)
            now = self.lease(stated, unit.id, old)
            if old is not None and (old.household_id, old.unit_id) != (now.household_id, now.unit_id):
                self.tell("lease-differs", stated.row, Column.LEASE, number)
                continue
            if old is not None and (old.valid_to or FOREVER) < self.today <= (now.valid_to or FOREVER):
                self.tell("lease-resumes", stated.row, Column.LEASE_TO, (old.valid_to or FOREVER).isoformat())
            self.lease_rows.append((stated.row, now))
            self.sort("leases", now, old, self.plan.new_leases, self.plan.changed_leases)

    def lease(self, stated: LeaseStated, unit_id: uuid.UUID, old: KnownLease | None) -> KnownLease:
        """The lease as the file states it."""
        return KnownLease(
            id=self.indexes.new_id() if old is None else old.id,
            number=stated.number if old is None else old.number,
            household_id=self.households[stated.household].id,
            unit_id=unit_id,
            valid_from=stated.valid_from,
            valid_to=stated.valid_to or (old.valid_to if old else None),
        )

    def match_members(self) -> None:
        """Memberships by household and person, and by their days when there are several."""
        before: dict[tuple[uuid.UUID, uuid.UUID], list[KnownMember]] = defaultdict(list)
        for member in self.known.members:
            before[member.household_id, member.person_id].append(member)
        begins: dict[str, date] = {}
        for lease in self.stated.leases.values():
            begins[lease.household] = min(lease.valid_from, begins.get(lease.household, FOREVER))
        exact = {
            (self.households[one.household].id, self.people[one.person].id, one.valid_from)
            for one in self.stated.members
        }
        for stated in self.stated.members:
            person, household = self.people[stated.person], self.households[stated.household]
            # A known one that another row of the file begins on its day is that row's.
            mine = [
                one
                for one in before[household.id, person.id]
                if one.valid_from == stated.valid_from or (household.id, person.id, one.valid_from) not in exact
            ]
            old = same_membership(mine, stated)
            valid_from = stated.valid_from or (old.valid_from if old else begins.get(stated.household))
            if valid_from is None:
                self.tell("missing-value", stated.row, Column.MOVED_IN)
                continue
            now = KnownMember(
                id=self.indexes.new_id() if old is None else old.id,
                household_id=household.id, person_id=person.id, role=stated.role, valid_from=valid_from,
                valid_to=stated.valid_to or (old.valid_to if old else None),
            )  # fmt: skip
            if now.valid_to is not None and now.valid_to < now.valid_from:
                self.tell("bad-period", stated.row, Column.MOVED_OUT)
                continue
            if stated.valid_to is None and now.valid_to is not None and now.valid_to < self.today:
                self.tell("member-ended", stated.row, Column.MOVED_OUT, now.valid_to.isoformat())
            self.member_rows.append((stated.row, now))
            self.sort("members", now, old, self.plan.new_members, self.plan.changed_members)

    def find_double_leases(self) -> None:
        """Two leases on one unit at one time, of the file or of the register."""
        by_unit: dict[uuid.UUID, list[tuple[int, KnownLease]]] = defaultdict(list)
        for row, lease in with_the_rest(self.lease_rows, self.known.leases):
            by_unit[lease.unit_id].append((row, lease))
        for leases in by_unit.values():
            for row in double_rows(leases):
                self.tell("unit-already-let", row, Column.LEASE)

    def find_double_people(self) -> None:
        """A person in two households, or twice in one, at one time."""
        by_person: dict[uuid.UUID, list[tuple[int, KnownMember]]] = defaultdict(list)
        for row, member in with_the_rest(self.member_rows, self.known.members):
            by_person[member.person_id].append((row, member))
        numbers = {person.id: number for number, person in self.people.items()}
        for person_id, members in by_person.items():
            for row in double_rows(members):
                self.tell("duplicate-person", row, Column.ID_NUMBER, numbers[person_id])

    def find_crowded_units(self) -> None:
        """More people in a household today than its unit is meant for."""
        living: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
        for _, member in with_the_rest(self.member_rows, self.known.members):
            if member.valid_from <= self.today <= (member.valid_to or FOREVER):
                living[member.household_id].add(member.person_id)
        for number, stated in self.stated.households.items():
            unit = self.units.get(stated.unit) if stated.unit else None
            if unit is not None and len(living[self.households[number].id]) > unit.max_people:
                self.tell("too-many-people", stated.row, Column.HOUSEHOLD, number)

    def sort(self, kind: str, now: R, before: R | None, new: list[R], changed: list[R]) -> None:
        """Puts a record where it belongs and counts it."""
        count = self.plan.counts[kind]
        self.plan.named.add(now.id)
        if before is None:
            new.append(now)
            count.new += 1
        elif now != before:
            changed.append(now)
            self.plan.before[now.id] = before
            count.changed += 1
        else:
            count.unchanged += 1


def address_of(unit: KnownUnit) -> tuple[str, str, str]:
    """A unit's address as a file states it."""
    return plain(unit.building), plain(unit.entrance), plain(unit.room)


def same_lease(known: Iterable[KnownLease], unit_id: uuid.UUID, stated: LeaseStated) -> KnownLease | None:
    """The known lease a row speaks of: of several with the number the one on that unit and day, else the last one.

    One that ended before the stated one begins was renewed under its number, and stays as it was.
    """
    return max(
        (lease for lease in known if (lease.valid_to or FOREVER) >= stated.valid_from), default=None,
        key=lambda lease: (lease.unit_id == unit_id, lease.valid_from == stated.valid_from, lease.valid_from),
    )  # fmt: skip


def same_membership(known: Iterable[KnownMember], stated: MemberStated) -> KnownMember | None:
    """The known membership a row speaks of: the one that begins that day, else the last one its days touch."""
    last = sorted(known, key=lambda member: member.valid_from, reverse=True)
    if stated.valid_from is None:
        return last[0] if last else None
    exact = [member for member in last if member.valid_from == stated.valid_from]
    touching = [
        member
        for member in last
        if (member.valid_to or FOREVER) >= stated.valid_from and member.valid_from <= (stated.valid_to or FOREVER)
    ]
    return next(iter(exact or touching), None)


def with_the_rest(rows: list[tuple[int, P]], known: Iterable[P]) -> list[tuple[int, P]]:
    """The file's records by row, and the register's that the file does not touch, as row 0."""
    touched = {record.id for _, record in rows}
    return rows + [(0, record) for record in known if record.id not in touched]


def double_rows(records: list[tuple[int, P]]) -> list[int]:
    """The rows whose periods share a day with another's; of two rows the later one is at fault."""
    found: list[int] = []
    running: tuple[int, P] | None = None
    for row, record in sorted(records, key=lambda pair: (pair[1].valid_from, pair[0])):
        if running is None:
            running = (row, record)
            continue
        end = running[1].valid_to or FOREVER
        if record.valid_from <= end and max(row, running[0]) > 0:
            found.append(max(row, running[0]))
        if (record.valid_to or FOREVER) >= end:
            running = (row, record)
    return found
