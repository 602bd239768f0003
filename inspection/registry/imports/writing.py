"""A plan becomes the register: in pieces, so that memory and progress are bounded, within the caller's transaction."""

import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.history.models import Change, Kind, RegisterChange
from inspection.registry.history.service import days
from inspection.registry.households import papers
from inspection.registry.households.models import Household, HouseholdMember, Lease, Person
from inspection.registry.imports import register
from inspection.registry.imports.known import KnownHousehold, KnownLease, KnownMember, KnownPerson, KnownUnit
from inspection.registry.imports.plan import FOREVER, Plan, Record
from inspection.registry.places.models import HousingUnit, UnitStatus
from inspection.registry.places.service import ensure_entrances
from storage.audit.service import Actor
from storage.ids import new_id
from storage.vault.service import Vault

PIECE: Final = 1000
T = TypeVar("T")


def pieces(records: Sequence[T]) -> Iterator[Sequence[T]]:
    """A list in parts."""
    for start in range(0, len(records), PIECE):
        yield records[start : start + PIECE]


@dataclass(slots=True)
class Writer:
    """Writes a plan into one estate. `progress` is told the number of records after each piece."""

    session: AsyncSession
    vault: Vault
    estate_id: uuid.UUID
    import_id: uuid.UUID
    plan: Plan
    actor: Actor
    now: datetime
    today: date
    progress: Callable[[int], None]

    async def run(self) -> None:
        """The whole plan; leases that end sooner make room for those that follow."""
        plan = self.plan
        await self.add_units()
        await self.change(
            HousingUnit, plan.changed_units, lambda u: {"id": u.id, "floor": u.floor, "max_people": u.max_people}
        )
        await self.restore_units()
        await self.add(Household, plan.new_households, self.household_values)
        await self.change(Household, plan.changed_households, lambda h: {"id": h.id, "kind": h.kind})
        await self.add_people()
        await self.change_people()
        await self.change(HouseholdMember, plan.changed_members, member_values)
        await self.add(HouseholdMember, plan.new_members, member_values)
        sooner_first = sorted(plan.changed_leases, key=lambda lease: lease.valid_to or FOREVER)
        await self.change(Lease, sooner_first, lease_values)
        await self.add(Lease, plan.new_leases, lease_values)
        current = {n.unit_id for n in plan.new_leases if n.valid_to is None or n.valid_to >= self.today}
        await register.mark_allocated(self.session, unit_ids=current)

    async def add_units(self) -> None:
        """Units with the buildings and entrances that are new."""
        units = self.plan.new_units
        if not units:
            return
        places = await ensure_entrances(
            self.session, estate_id=self.estate_id, places=[(u.building, u.entrance) for u in units]
        )

        def values(unit: KnownUnit) -> dict[str, Any]:
            building_id, entrance_id = places[unit.building, unit.entrance]
            return {
                "id": unit.id, "building_id": building_id, "entrance_id": entrance_id, "code": unit.code,
                "room_no": unit.room, "floor": unit.floor, "max_people": unit.max_people,
                "status": UnitStatus.VACANT,
            }  # fmt: skip

        await self.add(HousingUnit, units, values)

    async def restore_units(self) -> None:
        """Units that had been withdrawn are part of the stock again."""
        back = [u for u in self.plan.changed_units if getattr(self.plan.before[u.id], "withdrawn", False)]
        await register.change_rows(
            self.session, HousingUnit, [{"id": unit.id, "status": UnitStatus.VACANT} for unit in back]
        )

    def household_values(self, household: KnownHousehold) -> dict[str, Any]:
        """A new household's columns."""
        return {"id": household.id, "number": household.number, "kind": household.kind, "created_at": self.now}

    async def add(self, table: Any, records: Sequence[Any], values: Callable[[Any], dict[str, Any]]) -> None:  # noqa: ANN401
        """Adds records of one table with their history."""
        for piece in pieces(records):
            await register.add_rows(self.session, table, [{"estate_id": self.estate_id, **values(r)} for r in piece])
            await self.note(piece, Change.ADDED)

    async def change(self, table: Any, records: Sequence[Any], values: Callable[[Any], dict[str, Any]]) -> None:  # noqa: ANN401
        """Changes records of one table, with their history."""
        for piece in pieces(records):
            await register.change_rows(self.session, table, [values(record) for record in piece])
            await self.note(piece, Change.CHANGED)

    async def note(self, records: Iterable[Record], change: Change) -> None:
        """Keeps the history of a piece and tells how far it is. A new person's is that of their membership."""
        rows: list[dict[str, Any]] = []
        count = 0
        for record in records:
            count += 1
            if isinstance(record, KnownPerson) and change is Change.ADDED:
                continue
            before = self.plan.before.get(record.id) if change is Change.CHANGED else None
            rows.append(
                {
                    "id": new_id(), "estate_id": self.estate_id, "at": self.now, "change": change,
                    "record_id": record.id, **about(record), "before": shown(before) if before else None,
                    "after": changed_fields(before, record) if isinstance(record, KnownPerson) else shown(record),
                    "actor_kind": self.actor.kind, "actor_user_id": self.actor.user_id, "import_id": self.import_id,
                }
            )  # fmt: skip
        await register.add_rows(self.session, RegisterChange, rows)
        self.progress(count)

    async def add_people(self) -> None:
        """Seals and writes new people; guardians last, when all of them are there."""
        for piece in pieces(self.plan.new_people):
            rows: list[dict[str, Any]] = []
            for person in piece:
                key = await self.vault.new_subject_key(
                    self.session, estate_id=self.estate_id, subject_id=person.id, now=self.now
                )
                number, phone = self.plan.papers[person.id]
                sealed = papers.seal(
                    self.vault, key, estate_id=self.estate_id, person_id=person.id, number=number, phone=phone
                )
                rows.append(
                    {
                        "id": person.id, "estate_id": self.estate_id, "name": person.name,
                        "birth_date": person.birth_date, "created_at": self.now,
                        "id_number_sealed": sealed.id_number_sealed, "id_number_index": sealed.id_number_index,
                        "id_number_masked": sealed.id_number_masked, "phone_sealed": sealed.phone_sealed,
                        "phone_index": sealed.phone_index,
                    }
                )  # fmt: skip
            await self.session.flush()
            self.session.expunge_all()  # the keys just written would stay in memory otherwise
            await register.add_rows(self.session, Person, rows)
            await self.note(piece, Change.ADDED)
        guarded = [person for person in self.plan.new_people if person.guardian_id is not None]
        for piece in pieces(guarded):
            await register.change_rows(
                self.session, Person, [{"id": p.id, "guardian_id": p.guardian_id} for p in piece]
            )

    async def change_people(self) -> None:
        """Corrects names, birth dates, guardians, telephones."""
        await self.change(
            Person,
            self.plan.changed_people,
            lambda p: {"id": p.id, "name": p.name, "birth_date": p.birth_date, "guardian_id": p.guardian_id},
        )
        for piece in pieces([p for p in self.plan.changed_people if p.id in self.plan.papers]):
            keys = await self.vault.subject_keys(
                self.session, estate_id=self.estate_id, subject_ids=[p.id for p in piece], now=self.now
            )
            rows: list[dict[str, Any]] = []
            for person in piece:
                where = papers.place(self.estate_id, person.id, papers.PHONE)
                sealed = papers.sealed(keys[person.id], self.plan.papers[person.id][1], where)
                rows.append({"id": person.id, "phone_sealed": sealed, "phone_index": person.phone_index})
            await register.change_rows(self.session, Person, rows)


def about(record: Record) -> dict[str, Any]:
    """What a change is of, and whose history it belongs to."""
    none: dict[str, Any] = {"household_id": None, "unit_id": None, "person_id": None}
    match record:
        case KnownUnit():
            return none | {"kind": Kind.UNIT, "unit_id": record.id}
        case KnownHousehold():
            return none | {"kind": Kind.HOUSEHOLD, "household_id": record.id}
        case KnownPerson():
            return none | {"kind": Kind.PERSON, "person_id": record.id}
        case KnownMember():
            return none | {"kind": Kind.MEMBER, "household_id": record.household_id, "person_id": record.person_id}
        case KnownLease():
            return none | {"kind": Kind.LEASE, "household_id": record.household_id, "unit_id": record.unit_id}


def shown(record: Record) -> dict[str, Any] | None:
    """What history keeps of a record: of a person nothing."""
    match record:
        case KnownUnit():
            return {"floor": record.floor, "max_people": record.max_people, "withdrawn": record.withdrawn}
        case KnownHousehold():
            return {"kind": record.kind}
        case KnownMember():
            return {"role": record.role} | days(record.valid_from, record.valid_to)
        case KnownLease():
            return {"number": record.number} | days(record.valid_from, record.valid_to)
        case KnownPerson():
            return None


def changed_fields(before: Record | None, after: KnownPerson) -> dict[str, Any]:
    """Which of a person's details changed, without what they are."""
    pairs = {"name": "name", "birth_date": "birth_date", "phone_index": "phone", "guardian_id": "guardian"}
    return {"fields": [told for name, told in pairs.items() if getattr(before, name, None) != getattr(after, name)]}


def member_values(member: KnownMember) -> dict[str, Any]:
    """A membership's columns."""
    return {
        "id": member.id, "household_id": member.household_id, "person_id": member.person_id, "role": member.role,
        "valid_from": member.valid_from, "valid_to": member.valid_to,
    }  # fmt: skip


def lease_values(lease: KnownLease) -> dict[str, Any]:
    """A lease's columns."""
    return {
        "id": lease.id, "household_id": lease.household_id, "unit_id": lease.unit_id, "number": lease.number,
        "valid_from": lease.valid_from, "valid_to": lease.valid_to,
    }  # fmt: skip
