"""Every SQL statement about people and households. What is out of scope is not there: row-level security decides."""

import uuid
from collections.abc import Collection, Sequence
from datetime import date
from typing import TypeVar

from sqlalchemy import ColumnElement, Row, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from inspection.registry.households.models import (
    Absence,
    CareTag,
    GuestStay,
    Household,
    HouseholdMember,
    Lease,
    Person,
    ServiceWorker,
    WorkerHousehold,
)
from inspection.registry.places.models import Building, Entrance, HousingUnit
from storage.database import Base

R = TypeVar("R", bound=Base)


async def locked(session: AsyncSession, kind: type[R], row_id: uuid.UUID) -> R | None:
    """A row by id, locked against another's change."""
    return await session.get(kind, row_id, with_for_update=True)


def overlaps(
    first: InstrumentedAttribute[date],
    last: InstrumentedAttribute[date] | InstrumentedAttribute[date | None],
    valid_from: date,
    valid_to: date | None,
) -> ColumnElement[bool]:
    """Whether a recorded period has a day in common with the given one; an open end is None."""
    begins_before = or_(last.is_(None), last >= valid_from)
    return begins_before if valid_to is None else begins_before & (first <= valid_to)


async def person_by_index(session: AsyncSession, *, estate_id: uuid.UUID, index: bytes) -> Person | None:
    """The person of an estate with an ID number, by its blind index; locked."""
    return await session.scalar(
        select(Person).where(Person.estate_id == estate_id, Person.id_number_index == index).with_for_update()
    )


async def is_member(session: AsyncSession, *, person_id: uuid.UUID, valid_from: date, valid_to: date | None) -> bool:
    """Whether a person is a household's member on a day of the period."""
    found = await session.scalar(
        select(
            exists().where(
                HouseholdMember.person_id == person_id,
                overlaps(HouseholdMember.valid_from, HouseholdMember.valid_to, valid_from, valid_to),
            )
        )
    )
    return bool(found)


async def has_stay(
    session: AsyncSession,
    *,
    household_id: uuid.UUID,
    person_id: uuid.UUID,
    valid_from: date,
    valid_to: date,
    other_than: uuid.UUID | None = None,
) -> bool:
    """Whether a guest is told for a household on a day of the period."""
    conditions = [
        GuestStay.household_id == household_id,
        GuestStay.person_id == person_id,
        GuestStay.cancelled_at.is_(None),
        overlaps(GuestStay.valid_from, GuestStay.valid_to, valid_from, valid_to),
    ]
    if other_than is not None:
        conditions.append(GuestStay.id != other_than)
    return bool(await session.scalar(select(exists().where(*conditions))))


async def households_of_estate(
    session: AsyncSession, *, estate_id: uuid.UUID, household_ids: Collection[uuid.UUID]
) -> set[uuid.UUID]:
    """Those of the households that belong to the estate."""
    query = select(Household.id).where(Household.estate_id == estate_id, Household.id.in_(household_ids))
    return set(await session.scalars(query))


async def households(
    session: AsyncSession, *, estate_id: uuid.UUID, text_filter: str | None, after: str | None, limit: int
) -> Sequence[Household]:
    """Households of an estate in order of their numbers; `text_filter` looks at number and members' names."""
    query = select(Household).where(Household.estate_id == estate_id).order_by(Household.number).limit(limit)
    if text_filter:
        named = exists().where(
            HouseholdMember.household_id == Household.id,
            HouseholdMember.person_id == Person.id,
            Person.name.icontains(text_filter, autoescape=True),
        )
        query = query.where(Household.number.icontains(text_filter, autoescape=True) | named)
    if after is not None:
        query = query.where(Household.number > after)
    return (await session.scalars(query)).all()


async def members(session: AsyncSession, *, household_id: uuid.UUID) -> Sequence[Row[HouseholdMember, Person]]:
    """Members of a household with their people, those of the past too."""
    return (
        await session.execute(
            select(HouseholdMember, Person)
            .join(Person, Person.id == HouseholdMember.person_id)
            .where(HouseholdMember.household_id == household_id)
            .order_by(HouseholdMember.valid_from, HouseholdMember.id)
        )
    ).all()


async def leasing_estate(
    session: AsyncSession, *, household_id: uuid.UUID, unit_id: uuid.UUID, on: date
) -> uuid.UUID | None:
    """The estate, if the household's lease of the unit runs on that day."""
    estate: uuid.UUID | None = await session.scalar(
        select(Lease.estate_id).where(
            Lease.household_id == household_id,
            Lease.unit_id == unit_id,
            Lease.valid_from <= on,
            or_(Lease.valid_to.is_(None), Lease.valid_to >= on),
        )
    )
    return estate


async def leases(session: AsyncSession, *, household_id: uuid.UUID) -> Sequence[Row[Lease, HousingUnit, str, str]]:
    """Leases of a household with unit, building and entrance, newest first."""
    return (
        await session.execute(
            select(Lease, HousingUnit, Building.name, Entrance.name)
            .join(HousingUnit, HousingUnit.id == Lease.unit_id)
            .join(Building, Building.id == HousingUnit.building_id)
            .join(Entrance, Entrance.id == HousingUnit.entrance_id)
            .where(Lease.household_id == household_id)
            .order_by(Lease.valid_from.desc())
        )
    ).all()


async def guests(session: AsyncSession, *, household_id: uuid.UUID) -> Sequence[Row[GuestStay, Person]]:
    """Guest stays of a household with the guests, newest first."""
    return (
        await session.execute(
            select(GuestStay, Person)
            .join(Person, Person.id == GuestStay.person_id)
            .where(GuestStay.household_id == household_id)
            .order_by(GuestStay.valid_from.desc(), GuestStay.id)
        )
    ).all()


async def workers(session: AsyncSession, *, household_id: uuid.UUID) -> Sequence[Row[ServiceWorker, Person]]:
    """Service workers who come for a household by name (not those of the whole estate)."""
    return (
        await session.execute(
            select(ServiceWorker, Person)
            .join(Person, Person.id == ServiceWorker.person_id)
            .join(WorkerHousehold, WorkerHousehold.worker_id == ServiceWorker.id)
            .where(WorkerHousehold.household_id == household_id)
            .order_by(ServiceWorker.valid_from.desc(), ServiceWorker.id)
        )
    ).all()


async def care_tags(session: AsyncSession, *, household_id: uuid.UUID) -> Sequence[CareTag]:
    """Care tags of a household, newest first."""
    query = select(CareTag).where(CareTag.household_id == household_id).order_by(CareTag.valid_from.desc())
    return (await session.scalars(query)).all()


async def absences(session: AsyncSession, *, person_ids: Collection[uuid.UUID]) -> Sequence[Absence]:
    """Absences of people, newest first."""
    query = select(Absence).where(Absence.person_id.in_(person_ids)).order_by(Absence.valid_from.desc())
    return (await session.scalars(query)).all()


async def household_ids_of_worker(session: AsyncSession, *, worker_id: uuid.UUID) -> Sequence[uuid.UUID]:
    """The households a worker comes for; none means the whole estate."""
    query = select(WorkerHousehold.household_id).where(WorkerHousehold.worker_id == worker_id)
    return (await session.scalars(query)).all()


async def workers_of_estate(
    session: AsyncSession, *, estate_id: uuid.UUID, after: uuid.UUID | None, limit: int
) -> Sequence[Row[ServiceWorker, Person, list[uuid.UUID] | None]]:
    """Service workers of an estate in order of recording, with the households they come for."""
    named = (
        select(func.array_agg(WorkerHousehold.household_id))
        .where(WorkerHousehold.worker_id == ServiceWorker.id)
        .scalar_subquery()
    )
    query = (
        select(ServiceWorker, Person, named)
        .join(Person, Person.id == ServiceWorker.person_id)
        .where(ServiceWorker.estate_id == estate_id)
        .order_by(ServiceWorker.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(ServiceWorker.id > after)
    return (await session.execute(query)).all()
