"""Every statement about evidence: a fixed number for an estate, whatever its households. Days are Shanghai's."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Date,
    DateTime,
    Time,
    and_,
    cast,
    exists,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices.models import Credential, DeviceContact, DeviceOutage, DevicePerson, GateDevice
from gate_integration.enrolment.models import FaceTemplate
from gate_integration.enrolment.queries import consented
from gate_integration.intake.models import PassEvent
from gate_integration.occupancy.rows import CardUse, Span, Together, UnknownDay
from gate_integration.protocols.records import CredentialKind
from gate_integration.sightings.models import Band, LinkKind, Pseudonym, Sighting, Source
from inspection.registry.consents.models import Consent, ConsentScope, ProcessingBasis, Purpose


def _local(moment: Any) -> ColumnElement[Any]:  # noqa: ANN401
    return func.timezone("Asia/Shanghai", moment)


_DAY: ColumnElement[date] = cast(_local(Sighting.seen_at.expression), Date)


def _within(estate_id: uuid.UUID, span: Span) -> tuple[ColumnElement[bool], ...]:
    return (Sighting.estate_id == estate_id, Sighting.seen_at >= span.begin, Sighting.seen_at < span.end)


async def gates(session: AsyncSession, *, estate_id: uuid.UUID) -> Sequence[Any]:
    """(device, last contact) of every gate that stands, with a camera or without."""
    return (
        await session.execute(
            select(GateDevice, DeviceContact.last_contact_at)
            .outerjoin(DeviceContact, DeviceContact.device_id == GateDevice.id)
            .where(GateDevice.estate_id == estate_id, GateDevice.retired_at.is_(None))
            .order_by(GateDevice.id)
        )
    ).all()


async def outages(session: AsyncSession, *, estate_id: uuid.UUID, span: Span) -> Sequence[Any]:
    """(device, began, ended or None) of outages that touch the span."""
    return (
        await session.execute(
            select(DeviceOutage.device_id, DeviceOutage.began_at, DeviceOutage.ended_at).where(
                DeviceOutage.estate_id == estate_id,
                DeviceOutage.began_at < span.end,
                or_(DeviceOutage.ended_at.is_(None), DeviceOutage.ended_at > span.begin),
            )
        )
    ).all()


def _standing(person: ColumnElement[uuid.UUID], scope: ConsentScope, on: date) -> ColumnElement[bool]:
    return and_(
        Consent.person_id == person,
        Consent.scope == scope,
        Consent.withdrawn_at.is_(None),
        or_(Consent.valid_to.is_(None), Consent.valid_to >= on),
    )


async def enrolled_since(session: AsyncSession, *, estate_id: uuid.UUID, on: date) -> dict[uuid.UUID, datetime]:
    """Since when our recognition can know each person: template and consent both there.

    Left out is whom a terminal may name while their pictures must not leave it: those are not looked at.
    """
    person = FaceTemplate.person_id.expression
    on_a_device = exists().where(DevicePerson.person_id == person, DevicePerson.removed_at.is_(None))
    rows = await session.execute(
        select(FaceTemplate.person_id, func.min(func.greatest(FaceTemplate.created_at, Consent.given_at)))
        .join(Consent, _standing(person, ConsentScope.TEMPLATE, on))
        .where(
            FaceTemplate.estate_id == estate_id,
            FaceTemplate.destroyed_at.is_(None),
            or_(~on_a_device, consented(person, ConsentScope.OFF_DEVICE, on)),
        )
        .group_by(FaceTemplate.person_id)
    )
    return {person: since for person, since in rows}  # noqa: C416


async def pictures_since(session: AsyncSession, *, estate_id: uuid.UUID, on: date) -> datetime | None:
    """Since when the estate's basis in force lets pictures be looked at; None: it does not."""
    begins = func.timezone("Asia/Shanghai", cast(ProcessingBasis.valid_from, DateTime))
    found: datetime | None = await session.scalar(
        select(func.min(func.greatest(begins, ProcessingBasis.created_at))).where(
            ProcessingBasis.estate_id == estate_id,
            ProcessingBasis.purpose == Purpose.TENANCY_COMPLIANCE,
            ProcessingBasis.withdrawn_at.is_(None),
            ProcessingBasis.valid_from <= on,
            ProcessingBasis.valid_to >= on,
        )
    )
    return found


async def on_devices_since(
    session: AsyncSession, *, estate_id: uuid.UUID, on: date
) -> dict[tuple[uuid.UUID, uuid.UUID], datetime]:
    """Since when each (person, device) is recognised by the device itself, with consent to that."""
    rows = await session.execute(
        select(
            DevicePerson.person_id,
            DevicePerson.device_id,
            func.min(func.greatest(DevicePerson.since, Consent.given_at)),
        )
        .join(Consent, _standing(DevicePerson.person_id.expression, ConsentScope.PUSH_TO_GATES, on))
        .where(DevicePerson.estate_id == estate_id, DevicePerson.has_face, DevicePerson.removed_at.is_(None))
        .group_by(DevicePerson.person_id, DevicePerson.device_id)
    )
    return {(person, device): since for person, device, since in rows}


async def seen_people(session: AsyncSession, *, estate_id: uuid.UUID, span: Span) -> Sequence[Any]:
    """(person, unit linked or None, day, passes) of recognised people."""
    return (
        await session.execute(
            select(Sighting.person_id, Sighting.unit_id, _DAY.label("day"), func.count())
            .where(*_within(estate_id, span), Sighting.band == Band.MATCH, Sighting.person_id.is_not(None))
            .group_by(Sighting.person_id, Sighting.unit_id, text("day"))
        )
    ).all()


async def credential_days(session: AsyncSession, *, estate_id: uuid.UUID, span: Span) -> Sequence[Any]:
    """(unit, day) on which something of the unit opened a door and nobody was recognised."""
    return (
        await session.execute(
            select(Sighting.unit_id, _DAY.label("day"))
            .where(
                *_within(estate_id, span),
                Sighting.link_kind == LinkKind.UNIT_CREDENTIAL,
                Sighting.person_id.is_(None),
                Sighting.unit_id.is_not(None),
            )
            .group_by(Sighting.unit_id, text("day"))
        )
    ).all()


async def card_uses(session: AsyncSession, *, estate_id: uuid.UUID, span: Span) -> list[CardUse]:
    """Uses of a household's card or fingerprint by a face that was recognised, or by an unregistered person's.

    PIN, QR code, intercom and remote release are made to be shared and are left out.
    """
    unknown = and_(Sighting.band == Band.NO_MATCH, Pseudonym.id.is_not(None), Pseudonym.forgotten_at.is_(None))
    recognised = and_(Sighting.band == Band.MATCH, Sighting.source == Source.FACE, Sighting.person_id.is_not(None))
    rows: Any = await session.execute(
        select(
            Credential.household_id,
            DevicePerson.person_id,
            Sighting.pseudonym_id,
            Sighting.person_id,
            _DAY.label("day"),
            func.count(),
            func.array_agg(aggregate_order_by(Sighting.pass_event_id, Sighting.seen_at.asc())),
        )
        .join(PassEvent, PassEvent.id == Sighting.pass_event_id)
        .outerjoin(Credential, Credential.id == Sighting.credential_id)
        .outerjoin(DevicePerson, DevicePerson.id == PassEvent.device_person_id)
        .outerjoin(Pseudonym, Pseudonym.id == Sighting.pseudonym_id)
        .where(
            *_within(estate_id, span),
            Sighting.link_kind == LinkKind.UNIT_CREDENTIAL,
            PassEvent.credential_kind.in_((CredentialKind.CARD, CredentialKind.FINGERPRINT)),
            or_(unknown, recognised),
        )
        .group_by(
            Credential.household_id, DevicePerson.person_id, Sighting.pseudonym_id, Sighting.person_id, text("day")
        )
        .order_by(Sighting.pseudonym_id, Sighting.person_id, text("day"))
    )
    return [
        CardUse(household, holder, pseudonym, person, day, count, tuple(map(str, events)))
        for household, holder, pseudonym, person, day, count, events in rows
    ]


async def unknown_days(session: AsyncSession, *, estate_id: uuid.UUID, span: Span) -> list[UnknownDay]:
    """Every unregistered person not forgotten, by gate and day."""
    at = cast(_local(Sighting.seen_at.expression), Time)
    rows: Any = await session.execute(
        select(
            Sighting.pseudonym_id,
            Sighting.device_id,
            _DAY.label("day"),
            func.count(),
            func.min(at),
            func.max(at),
            func.array_agg(aggregate_order_by(Sighting.pass_event_id, Sighting.seen_at.asc())),
        )
        .join(Pseudonym, Pseudonym.id == Sighting.pseudonym_id)
        .where(*_within(estate_id, span), Sighting.band == Band.NO_MATCH, Pseudonym.forgotten_at.is_(None))
        .group_by(Sighting.pseudonym_id, Sighting.device_id, text("day"))
        .order_by(Sighting.pseudonym_id, text("day"))
    )
    return [
        UnknownDay(pseudonym, device, day, count, first_at, last_at, [str(event) for event in events])
        for pseudonym, device, day, count, first_at, last_at, events in rows
    ]


async def unknown_links(session: AsyncSession, *, estate_id: uuid.UUID, span: Span) -> Sequence[Any]:
    """(pseudonym, unit, kind of link, day, passes)."""
    return (
        await session.execute(
            select(Sighting.pseudonym_id, Sighting.unit_id, Sighting.link_kind, _DAY.label("day"), func.count())
            .where(
                *_within(estate_id, span),
                Sighting.band == Band.NO_MATCH,
                Sighting.pseudonym_id.is_not(None),
                Sighting.unit_id.is_not(None),
            )
            .group_by(Sighting.pseudonym_id, Sighting.unit_id, Sighting.link_kind, text("day"))
        )
    ).all()


async def passes_by_gate(session: AsyncSession, *, estate_id: uuid.UUID, span: Span) -> Sequence[Any]:
    """(person, device, passes) of recognised people: how often somebody passes a gate, for chance."""
    return (
        await session.execute(
            select(Sighting.person_id, Sighting.device_id, func.count())
            .where(*_within(estate_id, span), Sighting.band == Band.MATCH, Sighting.person_id.is_not(None))
            .group_by(Sighting.person_id, Sighting.device_id)
        )
    ).all()


async def together(session: AsyncSession, *, estate_id: uuid.UUID, span: Span, seconds: int) -> list[Together]:
    """Passes of unregistered people with a recognised person at the same gate within `seconds`.

    A window over each gate's passes in order of time: one sort, whatever the planner knows of the table. A join over
    the same rows was seen to take minutes on a table that had just been filled.
    """
    recognised = and_(Sighting.band == Band.MATCH, Sighting.person_id.is_not(None))
    unknown = and_(Sighting.band == Band.NO_MATCH, Sighting.pseudonym_id.is_not(None))
    near = (
        select(
            Sighting.id,
            Sighting.pseudonym_id,
            Sighting.device_id,
            _DAY.label("day"),
            func.array_agg(Sighting.person_id)
            .filter(recognised)
            .over(
                partition_by=Sighting.device_id,
                order_by=cast(func.extract("epoch", Sighting.seen_at), BigInteger),
                range_=(-seconds, seconds),
            )
            .label("people"),
        )
        .where(*_within(estate_id, span), or_(recognised, unknown))
        .subquery()
    )
    person = func.unnest(near.c.people).column_valued("person", joins_implicitly=True)
    rows: Any = await session.execute(
        select(near.c.pseudonym_id, person, near.c.device_id, near.c.day, func.count(near.c.id.distinct()))
        .select_from(near)
        .where(near.c.pseudonym_id.is_not(None))
        .group_by(near.c.pseudonym_id, person, near.c.device_id, near.c.day)
    )
    return [Together(*row) for row in rows]
