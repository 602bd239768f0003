"""The register as an import sees it: read in five statements, written in as few."""

import uuid
from collections.abc import Iterable

from sqlalchemy import func, insert, select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.households.models import Household, HouseholdMember, Lease, Person
from inspection.registry.imports.known import (
    Known,
    KnownHousehold,
    KnownLease,
    KnownMember,
    KnownPerson,
    KnownUnit,
)
from inspection.registry.places.models import Building, Entrance, HousingUnit, UnitStatus
from storage.database import Base


async def one_import_at_a_time(session: AsyncSession, *, estate_id: uuid.UUID) -> None:
    """Lets imports into one estate follow each other."""
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended('registry-import/' || CAST(:id AS text), 0))"),
        {"id": str(estate_id)},
    )


async def hold_still(session: AsyncSession, *, estate_id: uuid.UUID) -> None:
    """Has everybody else's changes to the estate's register wait until this transaction ends, and waits for theirs.

    Otherwise what somebody changed between the comparison and the writing would be written over with what was before.
    References to the rows, such as the gates' sightings, are not kept waiting.
    """
    for table in (HousingUnit, Household, Person, HouseholdMember, Lease):
        rows = select(table.id).where(table.estate_id == estate_id).order_by(table.id).with_for_update(key_share=True)
        await session.execute(select(func.count()).select_from(rows.subquery()))


async def register_of(session: AsyncSession, *, estate_id: uuid.UUID) -> Known:
    """The register of an estate; people only as far as they have an ID number and were not erased."""
    units = await session.execute(
        select(
            HousingUnit.id, HousingUnit.code, Building.name, Entrance.name, HousingUnit.room_no, HousingUnit.floor,
            HousingUnit.max_people, HousingUnit.status == UnitStatus.WITHDRAWN,
        )
        .join(Building, Building.id == HousingUnit.building_id)
        .join(Entrance, Entrance.id == HousingUnit.entrance_id)
        .where(HousingUnit.estate_id == estate_id)
    )  # fmt: skip
    households = await session.execute(
        select(Household.id, Household.number, Household.kind).where(Household.estate_id == estate_id)
    )
    people = await session.execute(
        select(
            Person.id, Person.id_number_index, Person.name, Person.birth_date, Person.phone_index, Person.guardian_id
        ).where(Person.estate_id == estate_id, Person.id_number_index.is_not(None), Person.erased_at.is_(None))
    )
    members = await session.execute(
        select(
            HouseholdMember.id, HouseholdMember.household_id, HouseholdMember.person_id, HouseholdMember.role,
            HouseholdMember.valid_from, HouseholdMember.valid_to,
        ).where(HouseholdMember.estate_id == estate_id)
    )  # fmt: skip
    leases = await session.execute(
        select(Lease.id, Lease.number, Lease.household_id, Lease.unit_id, Lease.valid_from, Lease.valid_to).where(
            Lease.estate_id == estate_id
        )
    )
    return Known(
        units=[KnownUnit(*row) for row in units],
        households=[KnownHousehold(*row) for row in households],
        people=[
            KnownPerson(person_id, index or b"", name, birth, phone, guardian)
            for person_id, index, name, birth, phone, guardian in people
        ],
        members=[KnownMember(*row) for row in members],
        leases=[KnownLease(*row) for row in leases],
    )


async def mark_allocated(session: AsyncSession, *, unit_ids: Iterable[uuid.UUID]) -> None:
    """Marks units as let."""
    rows = [{"id": unit_id, "status": UnitStatus.ALLOCATED} for unit_id in sorted(unit_ids)]
    if rows:
        await session.execute(update(HousingUnit), rows)


async def add_rows(
    session: AsyncSession,
    table: type[Base],
    rows: list[dict[str, object]],
) -> None:
    """Adds rows of one table."""
    if rows:
        await session.execute(insert(table), rows)


async def change_rows(
    session: AsyncSession,
    table: type[Base],
    rows: list[dict[str, object]],
) -> None:
    """Changes rows of one table, each by its id. All rows have the same keys."""
    if rows:
        await session.execute(update(table), rows)
