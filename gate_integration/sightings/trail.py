"""The movement trail of a unit: read for one purpose, with a reason, and logged."""

import uuid
from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.sightings import queries
from inspection.registry.consents.models import Purpose
from inspection.registry.consents.service import require_basis
from inspection.registry.places.models import HousingUnit
from storage.audit import service as audit
from storage.audit.service import Actor
from storage.clock import local_day
from storage.problems import NotFound


class TrailPurpose(StrEnum):
    """The one purpose for which movements are shown."""

    TENANCY_COMPLIANCE = Purpose.TENANCY_COMPLIANCE.value


class SightingView(msgspec.Struct, frozen=True, kw_only=True):
    """One sighting. It names a registered person, or the number of somebody unregistered, or nobody (`reason`)."""

    id: uuid.UUID
    pass_event_id: uuid.UUID
    device_id: uuid.UUID
    seen_at: datetime
    band: str
    source: str
    person_id: uuid.UUID | None
    pseudonym: int | None
    reason: str | None
    score: float | None
    searched: str | None
    unit_id: uuid.UUID | None
    link_kind: str | None


async def trail(
    session: AsyncSession,
    *,
    unit_id: uuid.UUID,
    purpose: TrailPurpose,
    reason: str,
    since: datetime,
    until: datetime,
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
    actor: Actor,
    now: datetime,
) -> list[SightingView]:
    """What led to a unit or was of somebody registered with it, newest first, from after a place (seen_at, id).

    Raises `NotFound`, `NoProcessingBasis`. The view is logged whether anything is found or not.
    """
    unit = await session.get(HousingUnit, unit_id)
    if unit is None:
        raise NotFound
    await require_basis(session, unit.estate_id, Purpose(purpose), local_day(now))
    rows = await queries.trail(session, unit_id=unit_id, since=since, until=until, after=after, limit=limit)
    numbers = await queries.numbers(session, ids=[row.pseudonym_id for row in rows if row.pseudonym_id is not None])
    audit.record(
        session, at=now, actor=actor, action="trail.viewed", object_kind="housing_unit", object_id=unit_id,
        estate_id=unit.estate_id, purpose=purpose, reason=reason, since=since.isoformat(), until=until.isoformat(),
        sightings=len(rows),
    )  # fmt: skip
    return [
        SightingView(
            id=row.id, pass_event_id=row.pass_event_id, device_id=row.device_id, seen_at=row.seen_at, band=row.band,
            source=row.source, person_id=row.person_id,
            pseudonym=numbers.get(row.pseudonym_id) if row.pseudonym_id is not None else None, reason=row.reason,
            score=row.score, searched=row.searched, unit_id=row.unit_id, link_kind=row.link_kind,
        )
        for row in rows
    ]  # fmt: skip
