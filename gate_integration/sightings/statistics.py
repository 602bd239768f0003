"""Counts about intake and sightings, for people who run them."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.intake.models import DeliveryProblem, EventKey, PassEvent, RawPending
from gate_integration.sightings.models import Band, Sighting
from inspection.registry.places.models import Estate
from storage.problems import NotFound


@dataclass(frozen=True, slots=True)
class EstateCounts:
    """Counts of one estate; `sightings` by band."""

    events: int
    duplicates: int
    problems: int
    sightings: dict[str, int]


async def pending(session: AsyncSession) -> tuple[int, datetime | None]:
    """How many deliveries wait to be read, and since when the oldest does."""
    row = (await session.execute(select(func.count(), func.min(RawPending.received_at)))).one()
    return row[0], row[1]


async def of_estate(session: AsyncSession, *, estate_id: uuid.UUID) -> EstateCounts:
    """The counts of an estate in scope; raises `NotFound`."""
    if await session.get(Estate, estate_id) is None:
        raise NotFound
    events = await session.scalar(select(func.count()).where(PassEvent.estate_id == estate_id))
    copies = await session.scalar(select(func.sum(EventKey.copies)).where(EventKey.estate_id == estate_id))
    problems = await session.scalar(
        select(func.count()).where(DeliveryProblem.estate_id == estate_id, DeliveryProblem.resolved_at.is_(None))
    )
    bands = await session.execute(
        select(Sighting.band, func.count()).where(Sighting.estate_id == estate_id).group_by(Sighting.band)
    )
    found = {band.value: 0 for band in Band} | {band: count for band, count in bands}  # noqa: C416
    return EstateCounts(events or 0, int(copies or 0), problems or 0, found)
