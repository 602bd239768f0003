"""SQL about visits. Row-level security keeps every statement within the session's estates."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

from sqlalchemy import Row, Select, or_, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.households.models import Household, Person
from inspection.registry.places.models import Building, Entrance, Estate, HousingUnit
from inspection.visits.models import CheckIn, Finding, OccupantMet, Photo, Visit, VisitStatus

Sent = TypeVar("Sent", CheckIn, Photo, OccupantMet, Finding)
Placed = Row[Visit, str, str, str, str, str]
_ARRIVED: Final[dict[Any, Any]] = {
    CheckIn: CheckIn.received_at,
    Photo: Photo.received_at,
    OccupantMet: OccupantMet.recorded_at,
    Finding: Finding.recorded_at,
}


async def one_at_a_time(session: AsyncSession, key: uuid.UUID) -> None:
    """Waits for whoever else handles the same client-made id; ends with the transaction."""
    await session.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": str(key)})


async def visit(session: AsyncSession, visit_id: uuid.UUID, *, lock: bool = False) -> Visit | None:
    """A visit in scope."""
    return await session.get(Visit, visit_id, with_for_update=lock or None, populate_existing=lock)


async def sent(session: AsyncSession, kind: type[Sent], key: uuid.UUID) -> Sent | None:
    """What was stored under a client-made id, within scope."""
    return await session.get(kind, key)


async def sent_of_visit(session: AsyncSession, kind: type[Sent], visit_id: uuid.UUID) -> Sequence[Sent]:
    """Everything of a kind that belongs to a visit, in order of arrival."""
    found = await session.scalars(select(kind).where(kind.visit_id == visit_id).order_by(_ARRIVED[kind], kind.id))
    return found.all()


async def person_in(session: AsyncSession, *, person_id: uuid.UUID, estate_id: uuid.UUID) -> bool:
    """Whether the estate knows the person."""
    found = await session.scalar(select(Person.id).where(Person.id == person_id, Person.estate_id == estate_id))
    return found is not None


def _placed() -> Select[Visit, str, str, str, str, str]:
    return (
        select(Visit, Estate.name, Building.name, Entrance.name, HousingUnit.room_no, Household.number)
        .join(Estate, Estate.id == Visit.estate_id)
        .join(HousingUnit, HousingUnit.id == Visit.unit_id)
        .join(Building, Building.id == HousingUnit.building_id)
        .join(Entrance, Entrance.id == HousingUnit.entrance_id)
        .join(Household, Household.id == Visit.household_id)
    )


async def placed(session: AsyncSession, visit_id: uuid.UUID) -> Placed | None:
    """A visit with the names of its place."""
    return (await session.execute(_placed().where(Visit.id == visit_id))).one_or_none()


async def page(
    session: AsyncSession,
    *,
    officer: uuid.UUID | None,
    status: VisitStatus | None,
    case_id: uuid.UUID | None,
    household_id: uuid.UUID | None,
    before: tuple[datetime, uuid.UUID] | None,
    limit: int,
) -> Sequence[Placed]:
    """Up to `limit` visits with their places, newest first; of one officer, if named."""
    query = _placed().order_by(Visit.created_at.desc(), Visit.id.desc()).limit(limit)
    if officer is not None:
        query = query.where(or_(Visit.assigned_to == officer, Visit.second_officer == officer))
    if status is not None:
        query = query.where(Visit.status == status)
    if case_id is not None:
        query = query.where(Visit.case_id == case_id)
    if household_id is not None:
        query = query.where(Visit.household_id == household_id)
    if before is not None:
        query = query.where(tuple_(Visit.created_at, Visit.id) < before)
    return (await session.execute(query)).all()


async def of_case(session: AsyncSession, case_id: uuid.UUID) -> Sequence[Visit]:
    """The visits of a case, oldest first."""
    return (
        await session.scalars(select(Visit).where(Visit.case_id == case_id).order_by(Visit.created_at, Visit.id))
    ).all()


async def findings_of(session: AsyncSession, visit_ids: Sequence[uuid.UUID]) -> Sequence[Finding]:
    """The findings of some visits, oldest first."""
    return (
        await session.scalars(
            select(Finding).where(Finding.visit_id.in_(visit_ids)).order_by(Finding.recorded_at, Finding.id)
        )
    ).all()


async def checked_in(session: AsyncSession, visit_ids: Sequence[uuid.UUID]) -> Sequence[Row[uuid.UUID, uuid.UUID]]:
    """(visit id, user id) of everybody who checked in themselves."""
    query = select(CheckIn.visit_id, CheckIn.user_id).where(CheckIn.visit_id.in_(visit_ids)).distinct()
    return (await session.execute(query)).all()
