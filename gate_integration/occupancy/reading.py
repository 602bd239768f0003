"""Discrepancies and reasons for silence, for a person who reads them. Scope is row-level security's matter."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.occupancy import store
from gate_integration.occupancy.models import Discrepancy
from gate_integration.occupancy.schemas import DiscrepancyView, NotRaisedView, note_view, views
from inspection.registry.households.models import Household
from storage.problems import NotFound


async def page(
    session: AsyncSession,
    *,
    unit_id: uuid.UUID | None,
    household_id: uuid.UUID | None,
    standing_only: bool,
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
) -> list[DiscrepancyView]:
    """Discrepancies, newest first, from after a place (first_flagged_at, id)."""
    rows = await store.page(
        session, unit_id=unit_id, household_id=household_id, standing_only=standing_only, after=after, limit=limit
    )
    return await _shown(session, rows)


async def one(session: AsyncSession, *, discrepancy_id: uuid.UUID) -> DiscrepancyView:
    """One discrepancy. Raises `NotFound`."""
    row = await session.get(Discrepancy, discrepancy_id)
    if row is None:
        raise NotFound
    return (await _shown(session, [row]))[0]


async def not_raised(session: AsyncSession, *, household_id: uuid.UUID) -> list[NotRaisedView]:
    """Why rules were silent about a household. Raises `NotFound`."""
    if await session.get(Household, household_id) is None:
        raise NotFound
    return [note_view(note) for note in await store.notes(session, household_ids=[household_id])]


async def _shown(session: AsyncSession, rows: Sequence[Discrepancy]) -> list[DiscrepancyView]:
    """With the lead that each belongs to, on whatever page that stands."""
    company = await store.of_units(session, unit_ids={row.unit_id for row in rows})
    return views(rows, company)
