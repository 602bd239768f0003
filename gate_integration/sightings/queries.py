"""Every statement about sightings and pseudonyms."""

import uuid
from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, func, literal, or_, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from gate_integration.devices.models import DevicePerson
from gate_integration.sightings.models import Pseudonym, Sighting
from gate_integration.sightings.roster import Registration
from inspection.registry.consents.models import ProcessingBasis, Purpose
from inspection.registry.households.models import GuestStay, HouseholdMember, Lease, ServiceWorker, WorkerHousehold
from inspection.registry.places.models import HousingUnit
from storage.objects.models import StoredObject


async def sighted(session: AsyncSession, *, event_ids: Collection[uuid.UUID]) -> frozenset[uuid.UUID]:
    """Those of the events that have a sighting already."""
    return frozenset(await session.scalars(select(Sighting.pass_event_id).where(Sighting.pass_event_id.in_(event_ids))))


async def device_people(session: AsyncSession, *, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, DevicePerson]:
    """Entries of people on devices by id."""
    return {row.id: row for row in await session.scalars(select(DevicePerson).where(DevicePerson.id.in_(ids)))}


def leased(household_id: InstrumentedAttribute[uuid.UUID], *, first: date, last: date) -> ColumnElement[bool]:
    """Leases of a household that touch `first`..`last`."""
    return and_(
        Lease.household_id == household_id,
        Lease.valid_from <= last,
        or_(Lease.valid_to.is_(None), Lease.valid_to >= first),
    )


async def registrations(session: AsyncSession, *, estate_id: uuid.UUID, first: date, last: date) -> list[Registration]:
    """Members, registered guests and service workers of an estate whose time touches `first`..`last`."""
    found = [
        Registration(person, start, end, household, unit, entrance, building)
        for model, end_column in ((HouseholdMember, HouseholdMember.valid_to), (GuestStay, GuestStay.valid_to))
        for person, start, end, household, unit, entrance, building in await session.execute(
            select(
                model.person_id,
                func.greatest(model.valid_from, func.coalesce(Lease.valid_from, model.valid_from)),
                func.least(end_column, Lease.valid_to),
                model.household_id,
                HousingUnit.id,
                HousingUnit.entrance_id,
                HousingUnit.building_id,
            )
            .outerjoin(Lease, leased(model.household_id, first=first, last=last))
            .outerjoin(HousingUnit, HousingUnit.id == Lease.unit_id)
            .where(
                model.estate_id == estate_id,
                model.valid_from <= last,
                or_(end_column.is_(None), end_column >= first),
                *((GuestStay.cancelled_at.is_(None),) if model is GuestStay else ()),
            )
        )
    ]
    workers = await session.execute(
        select(
            ServiceWorker.person_id,
            ServiceWorker.valid_from,
            ServiceWorker.valid_to,
            WorkerHousehold.household_id,
            HousingUnit.id,
            HousingUnit.entrance_id,
            HousingUnit.building_id,
        )
        .outerjoin(WorkerHousehold, WorkerHousehold.worker_id == ServiceWorker.id)
        .outerjoin(Lease, leased(WorkerHousehold.household_id, first=first, last=last))
        .outerjoin(HousingUnit, HousingUnit.id == Lease.unit_id)
        .where(
            ServiceWorker.estate_id == estate_id,
            ServiceWorker.valid_from <= last,
            or_(ServiceWorker.valid_to.is_(None), ServiceWorker.valid_to >= first),
        )
    )
    found += [Registration(*row, works_there=True) for row in workers]
    return found


async def keep_until(session: AsyncSession, *, object_ids: Collection[uuid.UUID], until: datetime) -> None:
    """Lets pictures live until then, if they would expire before."""
    await session.execute(
        update(StoredObject)
        .where(StoredObject.id.in_(object_ids), StoredObject.expires_at < until, StoredObject.destroyed_at.is_(None))
        .values(expires_at=until)
    )


async def let_go(session: AsyncSession, *, object_ids: Collection[uuid.UUID], now: datetime) -> None:
    """Lets pictures expire at once: the job that destroys expired objects takes them with its next run."""
    await session.execute(
        update(StoredObject)
        .where(StoredObject.id.in_(object_ids), StoredObject.expires_at > now, StoredObject.destroyed_at.is_(None))
        .values(expires_at=now)
    )


async def lock_pseudonyms(session: AsyncSession, *, estate_id: uuid.UUID) -> None:
    """One transaction at a time gives numbers to unregistered people of an estate."""
    await session.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:name, 0))"), {"name": f"pseudonym/{estate_id}"}
    )


async def live_pseudonyms(
    session: AsyncSession, *, estate_id: uuid.UUID, engine: str, model_hash: str
) -> Sequence[Pseudonym]:
    """Pseudonyms that have not been forgotten and were made by this engine."""
    return (
        await session.scalars(
            select(Pseudonym)
            .where(
                Pseudonym.estate_id == estate_id,
                Pseudonym.engine == engine,
                Pseudonym.model_hash == model_hash,
                Pseudonym.forgotten_at.is_(None),
            )
            .order_by(Pseudonym.number)
        )
    ).all()


async def last_number(session: AsyncSession, *, estate_id: uuid.UUID) -> int:
    """The highest number given in an estate, to the forgotten too: no number is ever given again."""
    return (
        await session.scalar(
            select(func.coalesce(func.max(Pseudonym.number), 0)).where(Pseudonym.estate_id == estate_id)
        )
    ) or 0


def _has_basis(estate: ColumnElement[uuid.UUID], on: date) -> ColumnElement[bool]:
    return (
        select(literal(1))
        .where(
            ProcessingBasis.estate_id == estate,
            ProcessingBasis.purpose == Purpose.TENANCY_COMPLIANCE,
            ProcessingBasis.withdrawn_at.is_(None),
            ProcessingBasis.valid_from <= on,
            ProcessingBasis.valid_to >= on,
        )
        .exists()
    )


async def pseudonyms_without_basis(session: AsyncSession, *, on: date) -> Sequence[Pseudonym]:
    """Pseudonyms of estates in scope whose basis has ended, locked."""
    return (
        await session.scalars(
            select(Pseudonym)
            .where(Pseudonym.forgotten_at.is_(None), ~_has_basis(Pseudonym.estate_id.expression, on))
            .with_for_update()
        )
    ).all()


async def pseudonyms(session: AsyncSession, *, ids: Collection[uuid.UUID]) -> Sequence[Pseudonym]:
    """Pseudonyms by id."""
    return (await session.scalars(select(Pseudonym).where(Pseudonym.id.in_(ids)).order_by(Pseudonym.id))).all()


async def trail(
    session: AsyncSession,
    *,
    unit_id: uuid.UUID,
    since: datetime,
    until: datetime,
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
) -> Sequence[Sighting]:
    """What was seen for a unit, newest first: linked to it, or of somebody registered with it at that time."""
    day = func.timezone("Asia/Shanghai", Sighting.seen_at)
    registered = (
        select(literal(1))
        .select_from(HouseholdMember)
        .join(Lease, Lease.household_id == HouseholdMember.household_id)
        .where(
            Lease.unit_id == unit_id,
            HouseholdMember.person_id == Sighting.person_id,
            HouseholdMember.valid_from <= day,
            or_(HouseholdMember.valid_to.is_(None), func.date(day) <= HouseholdMember.valid_to),
            Lease.valid_from <= day,
            or_(Lease.valid_to.is_(None), func.date(day) <= Lease.valid_to),
        )
        .exists()
    )
    conditions = [
        or_(Sighting.unit_id == unit_id, registered),
        Sighting.seen_at >= since,
        Sighting.seen_at < until,
    ]
    if after is not None:
        conditions.append(tuple_(Sighting.seen_at, Sighting.id) < tuple_(*after))
    return (
        await session.scalars(
            select(Sighting).where(*conditions).order_by(Sighting.seen_at.desc(), Sighting.id.desc()).limit(limit)
        )
    ).all()


async def numbers(session: AsyncSession, *, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, int]:
    """The numbers of pseudonyms."""
    rows = await session.execute(select(Pseudonym.id, Pseudonym.number).where(Pseudonym.id.in_(ids)))
    return {id: number for id, number in rows}  # noqa: A001, C416
