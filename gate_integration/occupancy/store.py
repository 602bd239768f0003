"""Every statement about discrepancies and about why there is none."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices.models import DeviceOutage, GateDevice
from gate_integration.intake.models import PassEvent
from gate_integration.occupancy.models import Discrepancy, NotRaisedNote
from gate_integration.sightings.models import Sighting
from inspection.registry.consents.models import Purpose
from inspection.registry.consents.queries import estates_with_basis
from storage.objects.models import StoredObject


async def lock_estate(session: AsyncSession, *, estate_id: uuid.UUID) -> None:
    """One evaluation of an estate at a time."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(f"occupancy/{estate_id}", 0))))


async def standing(session: AsyncSession, *, estate_id: uuid.UUID) -> Sequence[Discrepancy]:
    """The discrepancies of an estate that have not been cleared."""
    return (
        await session.scalars(
            select(Discrepancy)
            .where(Discrepancy.estate_id == estate_id, Discrepancy.cleared_at.is_(None))
            .order_by(Discrepancy.id)
        )
    ).all()


def may_be_read(on: date) -> ColumnElement[bool]:
    """Discrepancies of estates that have a basis for tenancy compliance on that day: without one nobody reads them."""
    return Discrepancy.estate_id.in_(estates_with_basis(purpose=Purpose.TENANCY_COMPLIANCE, on=on))


async def of_units(session: AsyncSession, *, unit_ids: Collection[uuid.UUID], on: date) -> Sequence[Discrepancy]:
    """The discrepancies of units that have not been cleared, newest first, where they may be read on that day."""
    return (
        await session.scalars(
            select(Discrepancy)
            .where(Discrepancy.unit_id.in_(unit_ids), Discrepancy.cleared_at.is_(None), may_be_read(on))
            .order_by(Discrepancy.first_flagged_at.desc(), Discrepancy.id.desc())
        )
    ).all()


async def page(
    session: AsyncSession,
    *,
    unit_id: uuid.UUID | None,
    household_id: uuid.UUID | None,
    standing_only: bool,
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
    on: date,
) -> Sequence[Discrepancy]:
    """Discrepancies in scope that may be read on that day, newest first."""
    query = select(Discrepancy).where(may_be_read(on))
    if unit_id is not None:
        query = query.where(Discrepancy.unit_id == unit_id)
    if household_id is not None:
        query = query.where(Discrepancy.household_id == household_id)
    if standing_only:
        query = query.where(Discrepancy.cleared_at.is_(None))
    if after is not None:
        query = query.where(tuple_(Discrepancy.first_flagged_at, Discrepancy.id) < tuple_(*after))
    query = query.order_by(Discrepancy.first_flagged_at.desc(), Discrepancy.id.desc()).limit(limit)
    return (await session.scalars(query)).all()


async def by_ids(session: AsyncSession, *, ids: Collection[uuid.UUID]) -> Sequence[Discrepancy]:
    """Discrepancies by id, cleared ones too."""
    return (
        await session.scalars(select(Discrepancy).where(Discrepancy.id.in_(ids)).order_by(Discrepancy.first_flagged_at))
    ).all()


async def notes(session: AsyncSession, *, household_ids: Collection[uuid.UUID]) -> Sequence[NotRaisedNote]:
    """Why rules did not speak about households."""
    return (
        await session.scalars(
            select(NotRaisedNote)
            .where(NotRaisedNote.household_id.in_(household_ids))
            .order_by(NotRaisedNote.household_id, NotRaisedNote.rule)
        )
    ).all()


async def write_notes(
    session: AsyncSession,
    *,
    estate_id: uuid.UUID,
    rows: Sequence[Mapping[str, Any]],
    raised: Collection[tuple[uuid.UUID, str]],
) -> None:
    """Keeps the latest reasons, touches only those that changed, and drops what is raised now."""
    kept = {
        (note.household_id, note.rule): note
        for note in await session.scalars(select(NotRaisedNote).where(NotRaisedNote.estate_id == estate_id))
    }
    for key in raised:
        if key in kept:
            await session.delete(kept[key])
    changed = [row for row in rows if not _same(kept.get((row["household_id"], row["rule"])), row)]
    if changed:
        statement = insert(NotRaisedNote)
        await session.execute(
            statement.on_conflict_do_update(
                index_elements=["household_id", "rule"],
                set_={name: statement.excluded[name] for name in ("code", "why_zh", "why_en", "at")},
            ),
            changed,
        )


def _same(note: NotRaisedNote | None, row: Mapping[str, Any]) -> bool:
    return note is not None and all(getattr(note, name) == row[name] for name in ("code", "why_zh", "why_en"))


async def events_with_sightings(
    session: AsyncSession, *, ids: Collection[uuid.UUID]
) -> Sequence[tuple[PassEvent, Sighting | None]]:
    """Pass events with what was seen in them, in the order in which they happened."""
    rows = await session.execute(
        select(PassEvent, Sighting)
        .outerjoin(Sighting, Sighting.pass_event_id == PassEvent.id)
        .where(PassEvent.id.in_(ids))
        .order_by(PassEvent.effective_at, PassEvent.id)
    )
    return [(event, sighting) for event, sighting in rows]


async def keep_objects(session: AsyncSession, *, ids: Collection[uuid.UUID]) -> Sequence[StoredObject]:
    """Takes the expiry off stored objects that still exist."""
    kept = (
        await session.scalars(
            select(StoredObject).where(StoredObject.id.in_(ids), StoredObject.destroyed_at.is_(None)).with_for_update()
        )
    ).all()
    for row in kept:
        row.expires_at = None
    return kept


async def health_of(
    session: AsyncSession, *, device_ids: Collection[uuid.UUID], begin: datetime, end: datetime
) -> tuple[Sequence[GateDevice], Sequence[DeviceOutage]]:
    """Devices, and the times in a period in which they recorded nothing."""
    devices = (await session.scalars(select(GateDevice).where(GateDevice.id.in_(device_ids)))).all()
    outages = (
        await session.scalars(
            select(DeviceOutage)
            .where(
                DeviceOutage.device_id.in_(device_ids),
                DeviceOutage.began_at < end,
                func.coalesce(DeviceOutage.ended_at, end) > begin,
            )
            .order_by(DeviceOutage.began_at)
        )
    ).all()
    return devices, outages
