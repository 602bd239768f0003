"""Discrepancies and reasons for silence, for a person who reads them. Scope is row-level security's matter."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.occupancy import store
from gate_integration.occupancy.models import Discrepancy
from gate_integration.occupancy.schemas import DiscrepancyView, NotRaisedView, note_view, views
from inspection.registry.consents.basis import require_basis
from inspection.registry.consents.models import Purpose
from inspection.registry.households.models import Household
from storage.audit.service import Actor, record
from storage.problems import NotFound


async def page(
    session: AsyncSession,
    *,
    unit_id: uuid.UUID | None,
    household_id: uuid.UUID | None,
    standing_only: bool,
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
    on: date,
) -> list[DiscrepancyView]:
    """Discrepancies that may be read on a day, newest first, from after a place (first_flagged_at, id)."""
    rows = await store.page(
        session, unit_id=unit_id, household_id=household_id, standing_only=standing_only, after=after, limit=limit,
        on=on,
    )  # fmt: skip
    return await _shown(session, rows, on)


async def one(session: AsyncSession, *, discrepancy_id: uuid.UUID, on: date) -> DiscrepancyView:
    """One discrepancy. Raises `NotFound`, `NoProcessingBasis`."""
    row = await session.get(Discrepancy, discrepancy_id)
    if row is None:
        raise NotFound
    await require_basis(session, row.estate_id, Purpose.TENANCY_COMPLIANCE, on)
    return (await _shown(session, [row], on))[0]


async def not_raised(session: AsyncSession, *, household_id: uuid.UUID, on: date) -> list[NotRaisedView]:
    """Why rules were silent about a household. Raises `NotFound`, `NoProcessingBasis`."""
    household = await session.get(Household, household_id)
    if household is None:
        raise NotFound
    await require_basis(session, household.estate_id, Purpose.TENANCY_COMPLIANCE, on)
    return [note_view(note) for note in await store.notes(session, household_ids=[household_id])]


def log_views(
    session: AsyncSession, rows: Iterable[DiscrepancyView], *, reason: str, actor: Actor, now: datetime
) -> None:
    """Puts on record that somebody read discrepancies: they tell on which days people were seen."""
    for row in rows:
        record(
            session, at=now, actor=actor, action="discrepancy.viewed", object_kind="discrepancy", object_id=row.id,
            estate_id=row.estate_id, purpose=Purpose.TENANCY_COMPLIANCE, reason=reason,
            household_id=str(row.household_id),
        )  # fmt: skip


async def _shown(session: AsyncSession, rows: Sequence[Discrepancy], on: date) -> list[DiscrepancyView]:
    """With the lead that each belongs to, on whatever page that stands."""
    company = await store.of_units(session, unit_ids={row.unit_id for row in rows}, on=on)
    return views(rows, company)
