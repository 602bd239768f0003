"""Every SQL statement about bases and consents. What is out of scope is not there: row-level security decides."""

import uuid
from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy import ColumnElement, Select, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.consents.models import Consent, ProcessingBasis, Purpose
from inspection.registry.households.models import GuestStay, HouseholdMember, Person, ServiceWorker


def bases_in_force(*, estate_id: uuid.UUID, on: date) -> Select[ProcessingBasis]:
    """The bases of an estate that hold on a day, those that began last first."""
    return (
        select(ProcessingBasis)
        .where(
            ProcessingBasis.estate_id == estate_id,
            ProcessingBasis.withdrawn_at.is_(None),
            ProcessingBasis.valid_from <= on,
            ProcessingBasis.valid_to >= on,
        )
        .order_by(ProcessingBasis.valid_from.desc(), ProcessingBasis.id.desc())
    )


def estates_with_basis(*, purpose: Purpose, on: date) -> Select[uuid.UUID]:
    """The estates that may process for a purpose on a day (Asia/Shanghai)."""
    return select(ProcessingBasis.estate_id).where(
        ProcessingBasis.purpose == purpose,
        ProcessingBasis.withdrawn_at.is_(None),
        ProcessingBasis.valid_from <= on,
        ProcessingBasis.valid_to >= on,
    )


async def basis(session: AsyncSession, *, basis_id: uuid.UUID) -> ProcessingBasis | None:
    """A basis, locked against another's change."""
    return await session.scalar(select(ProcessingBasis).where(ProcessingBasis.id == basis_id).with_for_update())


async def bases(session: AsyncSession, *, estate_id: uuid.UUID) -> Sequence[ProcessingBasis]:
    """All bases of an estate, newest first."""
    query = select(ProcessingBasis).where(ProcessingBasis.estate_id == estate_id).order_by(ProcessingBasis.id.desc())
    return (await session.scalars(query)).all()


async def expired_bases(session: AsyncSession, *, on: date) -> Sequence[ProcessingBasis]:
    """Bases whose last day is over and whose end has not been told yet."""
    query = (
        select(ProcessingBasis)
        .where(ProcessingBasis.withdrawn_at.is_(None), ProcessingBasis.valid_to < on)
        .order_by(ProcessingBasis.id)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(query)).all()


async def person(session: AsyncSession, *, person_id: uuid.UUID) -> Person | None:
    """A person who was not erased, locked, so that consents of one person are changed one after the other."""
    query = select(Person).where(Person.id == person_id, Person.erased_at.is_(None)).with_for_update()
    return await session.scalar(query)


async def consent(session: AsyncSession, *, consent_id: uuid.UUID) -> Consent | None:
    """A consent, locked against another's change."""
    return await session.scalar(select(Consent).where(Consent.id == consent_id).with_for_update())


async def consents_of(session: AsyncSession, *, person_id: uuid.UUID) -> Sequence[Consent]:
    """All consents of a person, newest first, ended ones too."""
    return (
        await session.scalars(select(Consent).where(Consent.person_id == person_id).order_by(Consent.id.desc()))
    ).all()


async def unended(session: AsyncSession, *, person_id: uuid.UUID, scope: str) -> Consent | None:
    """The one consent of a person to a scope that was not ended, expired or not."""
    return await session.scalar(
        select(Consent)
        .where(Consent.person_id == person_id, Consent.scope == scope, Consent.withdrawn_at.is_(None))
        .with_for_update()
    )


async def standing(
    session: AsyncSession, *, person_ids: Collection[uuid.UUID], on: date
) -> Sequence[tuple[uuid.UUID, str]]:
    """Person and scope of every consent that stands on a day."""
    rows = await session.execute(
        select(Consent.person_id, Consent.scope).where(
            Consent.person_id.in_(person_ids),
            Consent.withdrawn_at.is_(None),
            or_(Consent.valid_to.is_(None), Consent.valid_to >= on),
        )
    )
    return [(person_id, scope) for person_id, scope in rows]


async def expired_consents(session: AsyncSession, *, on: date) -> Sequence[Consent]:
    """Consents whose last day is over and whose end has not been told yet."""
    query = (
        select(Consent)
        .where(Consent.withdrawn_at.is_(None), Consent.valid_to < on)
        .order_by(Consent.id)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(query)).all()


async def consents_of_leavers(session: AsyncSession, *, on: date) -> Sequence[Consent]:
    """Standing consents of people who had a tie to the estate and have none on the day or later.

    Ties are membership of a household, a guest stay, work in the estate. Whoever never had one is left alone: a
    person is recorded before the tie is.
    """
    tied, ever = tie_conditions(on)
    query = (
        select(Consent)
        .where(Consent.withdrawn_at.is_(None), ever, ~tied)
        .order_by(Consent.id)
        .with_for_update(skip_locked=True)
    )
    return (await session.scalars(query)).all()


def tie_conditions(on: date) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """For `Consent.person_id`: has a tie on the day or later; ever had one."""
    member = HouseholdMember.person_id == Consent.person_id
    guest = GuestStay.person_id == Consent.person_id
    worker = ServiceWorker.person_id == Consent.person_id
    tied = or_(
        exists().where(member, or_(HouseholdMember.valid_to.is_(None), HouseholdMember.valid_to >= on)),
        exists().where(guest, GuestStay.cancelled_at.is_(None), GuestStay.valid_to >= on),
        exists().where(worker, or_(ServiceWorker.valid_to.is_(None), ServiceWorker.valid_to >= on)),
    )
    return tied, or_(exists().where(member), exists().where(guest), exists().where(worker))
