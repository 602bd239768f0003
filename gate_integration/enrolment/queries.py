"""Every statement about templates."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from gate_integration.devices.models import DevicePerson
from gate_integration.enrolment.models import FaceTemplate, GalleryGeneration
from gate_integration.intake.models import PassEvent
from gate_integration.sightings.models import Sighting
from inspection.registry.consents.models import Consent, ConsentScope
from inspection.registry.consents.queries import bases_in_force
from inspection.registry.households.models import Person
from storage.objects.models import StoredObject
from storage.outbox import OutboxFact


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a cached matrix was made from: it holds no longer than all three stay the same."""

    generation: int
    withdrawn: int
    day: date


@dataclass(frozen=True, slots=True)
class SealedTemplate:
    """One template as it lies in the database."""

    id: uuid.UUID
    person_id: uuid.UUID
    sealed: bytes


def consented(person: ColumnElement[uuid.UUID], scope: ConsentScope, on: date) -> ColumnElement[bool]:
    """Whether a consent of this scope stands on `on`."""
    given = aliased(Consent)  # a statement that names the table itself must not be taken for this one
    return exists().where(
        given.person_id == person,
        given.scope == scope,
        given.withdrawn_at.is_(None),
        or_(given.valid_to.is_(None), given.valid_to >= on),
    )


async def stamp(session: AsyncSession, *, estate_id: uuid.UUID, on: date) -> Stamp:
    """The state of an estate's templates and consents, as a transaction sees it."""
    withdrawn = (
        select(func.count())
        .select_from(Consent)
        .where(
            Consent.estate_id == estate_id,
            Consent.scope == ConsentScope.TEMPLATE,
            Consent.withdrawn_at.is_not(None),
        )
        .scalar_subquery()
    )
    generation = select(GalleryGeneration.generation).where(GalleryGeneration.estate_id == estate_id).scalar_subquery()
    row = (await session.execute(select(func.coalesce(generation, 0), withdrawn))).one()
    return Stamp(row[0], row[1], on)


async def live_templates(
    session: AsyncSession, *, estate_id: uuid.UUID, engine: str, model_hash: str, on: date
) -> list[SealedTemplate]:
    """Templates of one engine that may be compared on `on`: not destroyed, and consented to."""
    rows = await session.execute(
        select(FaceTemplate.id, FaceTemplate.person_id, FaceTemplate.sealed)
        .join(Person, Person.id == FaceTemplate.person_id)
        .where(
            FaceTemplate.estate_id == estate_id,
            FaceTemplate.engine == engine,
            FaceTemplate.model_hash == model_hash,
            FaceTemplate.destroyed_at.is_(None),
            Person.erased_at.is_(None),
            consented(FaceTemplate.person_id.expression, ConsentScope.TEMPLATE, on),
        )
        .order_by(FaceTemplate.id)
    )
    return [SealedTemplate(id, person, sealed or b"") for id, person, sealed in rows]  # noqa: A001


async def templates_of(session: AsyncSession, *, person_id: uuid.UUID) -> Sequence[FaceTemplate]:
    """A person's templates that have not been destroyed, oldest first."""
    return (
        await session.scalars(
            select(FaceTemplate)
            .where(FaceTemplate.person_id == person_id, FaceTemplate.destroyed_at.is_(None))
            .order_by(FaceTemplate.created_at, FaceTemplate.id)
        )
    ).all()


async def person(session: AsyncSession, *, person_id: uuid.UUID) -> Person | None:
    """A person within scope who has not been erased."""
    found: Person | None = await session.scalar(
        select(Person).where(Person.id == person_id, Person.erased_at.is_(None))
    )
    return found


async def person_for_enrolment(session: AsyncSession, *, person_id: uuid.UUID) -> Person | None:
    """The person's row, locked, so that two enrolments at once count each other's templates."""
    found: Person | None = await session.scalar(
        select(Person).where(Person.id == person_id, Person.erased_at.is_(None)).with_for_update()
    )
    return found


async def templates_without_consent(session: AsyncSession, *, on: date) -> Sequence[FaceTemplate]:
    """Templates that no consent covers any more, for whatever reason."""
    return (
        await session.scalars(
            select(FaceTemplate).where(
                FaceTemplate.destroyed_at.is_(None),
                ~consented(FaceTemplate.person_id.expression, ConsentScope.TEMPLATE, on),
            )
        )
    ).all()


async def photos_without_consent(session: AsyncSession, *, on: date) -> Sequence[FaceTemplate]:
    """Templates whose photo no consent covers any more."""
    return (
        await session.scalars(
            select(FaceTemplate).where(
                FaceTemplate.photo_object_id.is_not(None),
                ~consented(FaceTemplate.person_id.expression, ConsentScope.KEEP_PHOTO, on),
            )
        )
    ).all()


async def templates_before(
    session: AsyncSession, *, before: datetime, person_id: uuid.UUID | None = None, estate_id: uuid.UUID | None = None
) -> Sequence[FaceTemplate]:
    """Templates of a person, or of an estate, made not after `before`: a later consent covers only later ones."""
    conditions = [
        FaceTemplate.created_at <= before,
        or_(FaceTemplate.destroyed_at.is_(None), FaceTemplate.photo_object_id.is_not(None)),
    ]
    if person_id is not None:
        conditions.append(FaceTemplate.person_id == person_id)
    if estate_id is not None:
        conditions.append(FaceTemplate.estate_id == estate_id)
    return (await session.scalars(select(FaceTemplate).where(and_(*conditions)))).all()


async def bump(session: AsyncSession, *, estate_id: uuid.UUID) -> int:
    """Moves the estate's generation on: matrices made before are rebuilt at their next search."""
    return (
        await session.execute(
            insert(GalleryGeneration)
            .values(estate_id=estate_id, generation=1)
            .on_conflict_do_update(index_elements=["estate_id"], set_={"generation": GalleryGeneration.generation + 1})
            .returning(GalleryGeneration.generation)
        )
    ).scalar_one()


async def open_facts(session: AsyncSession, *, kinds: Collection[str], limit: int) -> Sequence[OutboxFact]:
    """Facts nobody has worked through yet, oldest first, locked for this transaction."""
    return (
        await session.scalars(
            select(OutboxFact)
            .where(OutboxFact.kind.in_(kinds), OutboxFact.processed_at.is_(None))
            .order_by(OutboxFact.created_at, OutboxFact.id)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    ).all()


async def snapshots_of(session: AsyncSession, *, person_id: uuid.UUID, before: datetime) -> Sequence[uuid.UUID]:
    """Pictures from gates, stored not after `before`, in which the person was recognised or whose entry was used.

    Without those kept for a case, which no day ends.
    """
    rows = await session.scalars(
        select(PassEvent.pictures).where(
            or_(
                PassEvent.id.in_(select(Sighting.pass_event_id).where(Sighting.person_id == person_id)),
                PassEvent.device_person_id.in_(select(DevicePerson.id).where(DevicePerson.person_id == person_id)),
            )
        )
    )
    shown = {uuid.UUID(one["object_id"]) for pictures in rows for one in pictures if one.get("object_id") is not None}
    return (
        await session.scalars(
            select(StoredObject.id).where(
                StoredObject.id.in_(shown),
                StoredObject.created_at <= before,
                StoredObject.expires_at.is_not(None),
                StoredObject.destroyed_at.is_(None),
            )
        )
    ).all()


async def standing_bases(session: AsyncSession, *, estate_id: uuid.UUID, on: date) -> frozenset[str]:
    """The purposes for which an estate may process on `on`."""
    rows = await session.scalars(bases_in_force(estate_id=estate_id, on=on))
    return frozenset(row.purpose for row in rows)
