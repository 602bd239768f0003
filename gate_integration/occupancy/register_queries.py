"""What the register told of an estate's households in a span, and by when: statements for evidence."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.occupancy.rows import Span
from inspection.registry.households.models import (
    Absence,
    CareTag,
    GuestStay,
    Household,
    HouseholdMember,
    Lease,
    ServiceWorker,
    WorkerHousehold,
)
from inspection.registry.places.models import HousingUnit


async def leases(session: AsyncSession, *, estate_id: uuid.UUID, on: date) -> Sequence[Any]:
    """(household, unit, lease from, building, entrance) of every lease in force on a day.

    After an erasure in the household the lease counts from then on: whose passages the earlier ones were, nobody knows.
    """
    return (
        await session.execute(
            select(
                Lease.household_id,
                Lease.unit_id,
                func.greatest(Lease.valid_from, Household.evidence_from),
                HousingUnit.building_id,
                HousingUnit.entrance_id,
            )
            .join(HousingUnit, HousingUnit.id == Lease.unit_id)
            .join(Household, Household.id == Lease.household_id)
            .where(
                Lease.estate_id == estate_id,
                Lease.valid_from <= on,
                or_(Lease.valid_to.is_(None), Lease.valid_to >= on),
            )
            .order_by(Household.number, Lease.valid_from)
        )
    ).all()


async def members(session: AsyncSession, *, estate_id: uuid.UUID, span: Span) -> Sequence[Any]:
    """(household, person, role, from, to) of members whose time touches the span."""
    return (
        await session.execute(
            select(
                HouseholdMember.household_id,
                HouseholdMember.person_id,
                HouseholdMember.role,
                HouseholdMember.valid_from,
                HouseholdMember.valid_to,
            )
            .where(
                HouseholdMember.estate_id == estate_id,
                HouseholdMember.valid_from <= span.today,
                or_(HouseholdMember.valid_to.is_(None), HouseholdMember.valid_to >= span.first),
            )
            .order_by(HouseholdMember.id)
        )
    ).all()


async def guests(session: AsyncSession, *, estate_id: uuid.UUID, span: Span, known: datetime) -> Sequence[Any]:
    """(household, person, from, to, cancelled on) of stays told by `known`."""
    return (
        await session.execute(
            select(
                GuestStay.household_id,
                GuestStay.person_id,
                GuestStay.valid_from,
                GuestStay.valid_to,
                cast(func.timezone("Asia/Shanghai", GuestStay.cancelled_at), Date),
            )
            .where(
                GuestStay.estate_id == estate_id,
                GuestStay.created_at <= known,
                GuestStay.valid_from <= span.today,
                GuestStay.valid_to >= span.first,
            )
            .order_by(GuestStay.id)
        )
    ).all()


async def workers(session: AsyncSession, *, estate_id: uuid.UUID, span: Span, known: datetime) -> Sequence[Any]:
    """(household, person, kind, from, to) of service workers named for a household, recorded by `known`."""
    return (
        await session.execute(
            select(
                WorkerHousehold.household_id,
                ServiceWorker.person_id,
                ServiceWorker.kind,
                ServiceWorker.valid_from,
                ServiceWorker.valid_to,
            )
            .join(ServiceWorker, ServiceWorker.id == WorkerHousehold.worker_id)
            .where(
                WorkerHousehold.estate_id == estate_id,
                ServiceWorker.created_at <= known,
                ServiceWorker.valid_from <= span.today,
                or_(ServiceWorker.valid_to.is_(None), ServiceWorker.valid_to >= span.first),
            )
            .order_by(ServiceWorker.id)
        )
    ).all()


async def absences(session: AsyncSession, *, estate_id: uuid.UUID, span: Span, known: datetime) -> Sequence[Any]:
    """(person, from, to) of absences told by `known` and not taken back by then."""
    return (
        await session.execute(
            select(Absence.person_id, Absence.valid_from, Absence.valid_to)
            .where(
                Absence.estate_id == estate_id,
                Absence.told_at <= known,
                or_(Absence.cancelled_at.is_(None), Absence.cancelled_at > known),
                Absence.valid_to >= span.first,
            )
            .order_by(Absence.id)
        )
    ).all()


async def care_tags(session: AsyncSession, *, estate_id: uuid.UUID, span: Span) -> Sequence[Any]:
    """(household, level, from, to) of care tags that touch the span."""
    return (
        await session.execute(
            select(CareTag.household_id, CareTag.level, CareTag.valid_from, CareTag.valid_to)
            .where(
                CareTag.estate_id == estate_id,
                CareTag.valid_from <= span.today,
                or_(CareTag.valid_to.is_(None), CareTag.valid_to >= span.first),
            )
            .order_by(CareTag.id)
        )
    ).all()
