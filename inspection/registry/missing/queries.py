"""Every SQL statement about what full lists lack."""

import uuid
from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, exists, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.households.models import Household, HouseholdMember, Lease, Person
from inspection.registry.missing.models import MissingKind, MissingRecord, MissingStatus
from inspection.registry.places.models import Building, Entrance, HousingUnit

STANDING = (MissingStatus.OPEN, MissingStatus.DISMISSED)
PIECE = 1000


async def standing(session: AsyncSession, *, estate_id: uuid.UUID) -> dict[uuid.UUID, uuid.UUID]:
    """Listings of an estate that stand, by the record that is missing."""
    rows = await session.execute(
        select(MissingRecord.record_id, MissingRecord.id).where(
            MissingRecord.estate_id == estate_id, MissingRecord.status.in_(STANDING)
        )
    )
    return {record_id: listing for record_id, listing in rows}  # noqa: C416


async def add(session: AsyncSession, rows: Sequence[dict[str, Any]]) -> None:
    """Lists records."""
    for start in range(0, len(rows), PIECE):
        await session.execute(insert(MissingRecord), rows[start : start + PIECE])


async def close(session: AsyncSession, ids: Collection[uuid.UUID], status: MissingStatus, now: datetime) -> None:
    """Takes listings off."""
    if ids:
        await session.execute(
            update(MissingRecord), [{"id": listing, "status": status, "decided_at": now} for listing in ids]
        )


async def of_estate(
    session: AsyncSession,
    *,
    estate_id: uuid.UUID,
    status: MissingStatus,
    kind: MissingKind | None,
    after: uuid.UUID | None,
    limit: int,
) -> Sequence[Row[MissingRecord, HousingUnit, str, str, Household, Person]]:
    """Listings of an estate with what they are about, in order of listing."""
    query = (
        select(MissingRecord, HousingUnit, Building.name, Entrance.name, Household, Person)
        .outerjoin(HousingUnit, HousingUnit.id == MissingRecord.unit_id)
        .outerjoin(Building, Building.id == HousingUnit.building_id)
        .outerjoin(Entrance, Entrance.id == HousingUnit.entrance_id)
        .outerjoin(Household, Household.id == MissingRecord.household_id)
        .outerjoin(Person, Person.id == MissingRecord.person_id)
        .where(MissingRecord.estate_id == estate_id, MissingRecord.status == status)
        .order_by(MissingRecord.id)
        .limit(limit)
    )
    if kind is not None:
        query = query.where(MissingRecord.kind == kind)
    if after is not None:
        query = query.where(MissingRecord.id > after)
    return (await session.execute(query)).all()


async def locked(session: AsyncSession, *, estate_id: uuid.UUID, ids: Collection[uuid.UUID]) -> list[MissingRecord]:
    """Listings of an estate, locked in one order."""
    query = select(MissingRecord).where(MissingRecord.estate_id == estate_id, MissingRecord.id.in_(ids))
    return list(await session.scalars(query.order_by(MissingRecord.id).with_for_update()))


async def running_members(
    session: AsyncSession, *, household_id: uuid.UUID, on: date
) -> Sequence[HouseholdMember]:  # fmt: skip
    """Memberships of a household that have not ended."""
    open_end = or_(HouseholdMember.valid_to.is_(None), HouseholdMember.valid_to >= on)
    query = select(HouseholdMember).where(HouseholdMember.household_id == household_id, open_end)
    return (await session.scalars(query.order_by(HouseholdMember.id))).all()


async def running_leases(session: AsyncSession, *, household_id: uuid.UUID, on: date) -> Sequence[Lease]:
    """Leases of a household that have not ended."""
    open_end = or_(Lease.valid_to.is_(None), Lease.valid_to >= on)
    query = select(Lease).where(Lease.household_id == household_id, open_end)
    return (await session.scalars(query.order_by(Lease.id))).all()


async def is_let_after(session: AsyncSession, *, unit_id: uuid.UUID, day: date) -> bool:
    """Whether a unit is let on a later day."""
    found = exists().where(Lease.unit_id == unit_id, or_(Lease.valid_to.is_(None), Lease.valid_to > day))
    return bool(await session.scalar(select(found)))
