"""From rows of text to what the file states: units, households, people, memberships, leases. Values in, values out.

Rows that agree become one record; rows that do not are issues. A blank cell states nothing.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Final

from inspection.registry import id_number
from inspection.registry.households.models import HouseholdKind, MemberRole
from inspection.registry.households.papers import phone_digits
from inspection.registry.imports.headings import Column
from inspection.registry.imports.reader import RawRow
from inspection.registry.imports.report import Issue, id_issue, issue
from inspection.registry.imports.values import EXAMPLE, KINDS, MASKED, ROLES, ROUNDED, plain, read_date, read_whole

CODE_LENGTH: Final = 64
NAME_LENGTH: Final = 200
EARLIEST: Final = date(1949, 10, 1)
LATEST: Final = date(2149, 12, 31)
DIGITS_OF_A_NUMBER: Final = 6
PLACE: Final = (
    Column.BUILDING, Column.ENTRANCE, Column.ROOM, Column.UNIT_CODE, Column.FLOOR, Column.MAX_PEOPLE,
)  # fmt: skip
WHO: Final = (
    Column.ROLE, Column.NAME, Column.ID_NUMBER, Column.PHONE, Column.GUARDIAN, Column.MOVED_IN, Column.MOVED_OUT,
)  # fmt: skip
UnitKey = tuple[str, str, str, str]  # code, building, entrance, room; "" where the file states nothing


@dataclass(frozen=True, slots=True)
class UnitStated:
    """A unit as the file names it, with floor and capacity where stated."""

    row: int
    key: UnitKey
    floor: int | None
    max_people: int | None


@dataclass(frozen=True, slots=True)
class HouseholdStated:
    """A household and the unit its rows name."""

    row: int
    number: str
    kind: HouseholdKind | None
    unit: UnitKey | None


@dataclass(frozen=True, slots=True)
class PersonStated:
    """A person by ID number; `guardian` is an ID number too."""

    row: int
    number: str
    name: str
    birth_date: date
    phone: str | None
    guardian: str | None


@dataclass(frozen=True, slots=True)
class MemberStated:
    """A membership; dates where stated."""

    row: int
    household: str
    person: str
    role: MemberRole
    valid_from: date | None
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class LeaseStated:
    """A lease of the household's unit."""

    row: int
    number: str
    household: str
    unit: UnitKey
    valid_from: date
    valid_to: date | None


@dataclass(slots=True)
class Stated:
    """All the file states, and what is wrong with it."""

    units: dict[UnitKey, UnitStated] = field(default_factory=dict)
    households: dict[str, HouseholdStated] = field(default_factory=dict)
    people: dict[str, PersonStated] = field(default_factory=dict)
    members: list[MemberStated] = field(default_factory=list)
    leases: dict[str, LeaseStated] = field(default_factory=dict)
    vacant: set[UnitKey] = field(default_factory=set)
    issues: list[Issue] = field(default_factory=list)

    def take(self, raw: RawRow, *, today: date) -> None:
        """Reads a row; one at fault leaves issues and as much as can be used for finding more of them."""
        RowCheck(raw, self, today).run()


class RowCheck:
    """One row's reading: cells are looked at singly, then joined to what earlier rows stated."""

    def __init__(self, raw: RawRow, stated: Stated, today: date) -> None:
        self.raw = raw
        self.stated = stated
        self.today = today

    def run(self) -> None:
        """Reads the row into `stated`.

        A row may state a unit alone (nobody lives there), a household with or without a lease, or a person.
        """
        filled = {column for column, text in self.raw.cells.items() if text}
        if not filled:
            return  # columns we do not know, such as a running number
        if plain(self.raw.cells.get(Column.HOUSEHOLD, "")).startswith(EXAMPLE):
            self.tell("example-row", Column.HOUSEHOLD)
            return
        if filled.issubset(PLACE):
            self.unit(vacant=True)
            return
        household = self.code(Column.HOUSEHOLD, required=True)
        unit = self.unit()
        kind = self.kind()
        if filled.isdisjoint(WHO):
            if household is not None:
                self.household(household, kind, unit)
                self.lease(household, unit)
            return
        role = self.role()
        person = self.person()
        moved_in, moved_out = self.date(Column.MOVED_IN), self.date(Column.MOVED_OUT)
        if moved_in and moved_out and moved_out < moved_in:
            self.tell("bad-period", Column.MOVED_OUT)
        if household is None:
            return
        self.household(household, kind, unit)
        self.lease(household, unit)
        if role is not None and person is not None:
            self.stated.members.append(MemberStated(self.raw.row, household, person, role, moved_in, moved_out))

    def tell(self, code: str, column: Column) -> None:
        """Notes an issue with a cell."""
        self.stated.issues.append(issue(code, self.raw.row, column, self.raw.cells.get(column, "")))

    def code(self, column: Column, *, required: bool = False, longest: int = CODE_LENGTH) -> str | None:
        """A short text; None when blank or unusable."""
        text = plain(self.raw.cells.get(column, ""))
        if not text:
            if required:
                self.tell("missing-value", column)
            return None
        if len(text) > longest:
            self.tell("too-long", column)
            return None
        return text

    def date(self, column: Column) -> date | None:
        """A date; None when blank or unusable."""
        text = self.raw.cells.get(column, "")
        if not text:
            return None
        found = read_date(text)
        if found is None or not EARLIEST <= found <= LATEST:
            self.tell("bad-date", column)
            return None
        return found

    def whole(self, column: Column, smallest: int, largest: int) -> int | None:
        """A whole number; None when blank or unusable."""
        text = self.raw.cells.get(column, "")
        found = read_whole(text, smallest, largest) if text else None
        if text and found is None:
            self.tell("bad-number", column)
        return found

    def unit(self, *, vacant: bool = False) -> UnitKey | None:
        """The unit the row names; by code, by address, or by both. `vacant`: the row names nothing else."""
        code = self.code(Column.UNIT_CODE)
        building = self.code(Column.BUILDING, longest=NAME_LENGTH)
        entrance = self.code(Column.ENTRANCE, longest=NAME_LENGTH)
        room = self.code(Column.ROOM)
        floor, most = self.whole(Column.FLOOR, -10, 200), self.whole(Column.MAX_PEOPLE, 1, 50)
        if code is None and not (building and entrance and room):
            if vacant or building or entrance or room:
                self.tell("missing-value", Column.UNIT_CODE)
            return None
        key = (code or "", building or "", entrance or "", room or "")
        before = self.stated.units.get(key)
        if before is not None and (vacant or key in self.stated.vacant):
            self.tell("duplicate-unit", Column.UNIT_CODE if code else Column.ROOM)
        if vacant:
            self.stated.vacant.add(key)
        if before is None:
            self.stated.units[key] = UnitStated(self.raw.row, key, floor, most)
            return key
        for column, mine, theirs in (
            (Column.FLOOR, floor, before.floor),
            (Column.MAX_PEOPLE, most, before.max_people),
        ):
            if mine is not None and theirs is not None and mine != theirs:
                self.tell("unit-differs", column)
        self.stated.units[key] = UnitStated(
            before.row, key, before.floor if floor is None else floor, before.max_people if most is None else most
        )
        return key

    def kind(self) -> HouseholdKind | None:
        """How the household is assisted; None when blank or unknown."""
        text = plain(self.raw.cells.get(Column.KIND, ""))
        if text and text not in KINDS:
            self.tell("unknown-kind", Column.KIND)
        return KINDS.get(text)

    def role(self) -> MemberRole | None:
        """The person's role; None when it is none of the three."""
        text = self.code(Column.ROLE, required=True)
        if text is not None and text not in ROLES:
            self.tell("unknown-role", Column.ROLE)
        return ROLES.get(text or "")

    def id_number(self, column: Column) -> id_number.IdNumber | None:
        """An ID number; None when blank or wrong."""
        text = self.raw.cells.get(column, "")
        if not text:
            return None
        if ROUNDED.fullmatch(plain(text)) or MASKED.search(plain(text)):
            self.tell("id-masked" if MASKED.search(plain(text)) else "id-rounded", column)
            return None
        try:
            return id_number.parse(text, today=self.today)
        except id_number.BadIdNumber as error:
            self.stated.issues.append(id_issue(error.code, error.zh, error.en, self.raw.row, column, text))
            return None

    def person(self) -> str | None:
        """The person's ID number, the person being noted; None when the row names nobody usable."""
        name = self.raw.cells.get(Column.NAME, "").strip()
        if not name:
            self.tell("missing-value", Column.NAME)
        elif len(name) > NAME_LENGTH:
            self.tell("too-long", Column.NAME)
        elif sum(character.isdigit() for character in name) >= DIGITS_OF_A_NUMBER:
            self.tell("bad-name", Column.NAME)
        if not self.raw.cells.get(Column.ID_NUMBER):
            self.tell("missing-value", Column.ID_NUMBER)
        number = self.id_number(Column.ID_NUMBER)
        phone_text = self.raw.cells.get(Column.PHONE, "")
        phone = phone_digits(phone_text) if phone_text else None
        if phone_text and phone is None:
            self.tell("bad-phone", Column.PHONE)
        guardian = self.id_number(Column.GUARDIAN)
        if number is None:
            return None
        mine = PersonStated(
            self.raw.row, number.number, name, number.birth_date, phone, guardian.number if guardian else None
        )
        before = self.stated.people.setdefault(mine.number, mine)
        if before is not mine:
            self.join_person(before, mine)
        return mine.number

    def join_person(self, before: PersonStated, mine: PersonStated) -> None:
        """A second row about one person: it may add, and must not contradict."""
        if before.name != mine.name:
            self.tell("person-differs", Column.NAME)
        if before.phone and mine.phone and before.phone != mine.phone:
            self.tell("person-differs", Column.PHONE)
        if before.guardian and mine.guardian and before.guardian != mine.guardian:
            self.tell("person-differs", Column.GUARDIAN)
        self.stated.people[mine.number] = PersonStated(
            before.row, before.number, before.name, before.birth_date, before.phone or mine.phone,
            before.guardian or mine.guardian,
        )  # fmt: skip

    def household(self, number: str, kind: HouseholdKind | None, unit: UnitKey | None) -> None:
        """Notes the household."""
        before = self.stated.households.get(number)
        if before is None:
            self.stated.households[number] = HouseholdStated(self.raw.row, number, kind, unit)
            return
        if kind is not None and before.kind is not None and kind is not before.kind:
            self.tell("household-differs", Column.KIND)
        self.stated.households[number] = HouseholdStated(before.row, number, before.kind or kind, before.unit or unit)

    def lease(self, household: str, unit: UnitKey | None) -> None:
        """Notes the lease, if the row states one."""
        number = self.code(Column.LEASE)
        valid_from, valid_to = self.date(Column.LEASE_FROM), self.date(Column.LEASE_TO)
        if number is None:
            if valid_from or valid_to:
                self.tell("missing-value", Column.LEASE)
            return
        if valid_from is None:
            if not self.raw.cells.get(Column.LEASE_FROM):
                self.tell("missing-value", Column.LEASE_FROM)
            return
        if unit is None:
            self.tell("missing-value", Column.UNIT_CODE)
            return
        if valid_to is not None and valid_to < valid_from:
            self.tell("bad-period", Column.LEASE_TO)
            return
        mine = LeaseStated(self.raw.row, number, household, unit, valid_from, valid_to)
        before = self.stated.leases.setdefault(number, mine)
        if (before.household, before.unit, before.valid_from, before.valid_to) != (
            household, unit, valid_from, valid_to,
        ):  # fmt: skip
            self.tell("lease-differs", Column.LEASE)
