"""SQL about leads. Row-level security keeps every statement within the session's estates."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.leads.models import Lead, LeadStatus

STANDING = (LeadStatus.NEW, LeadStatus.ACCEPTED)


async def locked(session: AsyncSession, lead_id: uuid.UUID) -> Lead | None:
    """A lead, locked until the transaction ends."""
    return await session.get(Lead, lead_id, with_for_update=True, populate_existing=True)


async def with_discrepancy(session: AsyncSession, discrepancy_id: uuid.UUID) -> Sequence[Lead]:
    """The leads that rest on a discrepancy, oldest first, locked."""
    found = await session.scalars(
        select(Lead)
        .where(Lead.discrepancy_ids.contains([str(discrepancy_id)]))
        .order_by(Lead.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return found.all()


async def standing(session: AsyncSession, *, household_id: uuid.UUID, rule: str) -> Lead | None:
    """The lead of a rule about a household that waits or is being worked on, locked."""
    return (
        await session.scalars(
            select(Lead)
            .where(Lead.household_id == household_id, Lead.rule == rule, Lead.status.in_(STANDING))
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    ).one_or_none()


async def add_standing(session: AsyncSession, values: dict[str, Any]) -> bool:
    """Adds a lead unless one of the same household and rule stands already; tells whether it was added."""
    added = await session.scalar(insert(Lead).values(**values).on_conflict_do_nothing().returning(Lead.id))
    return added is not None


async def page(
    session: AsyncSession,
    *,
    status: LeadStatus | None,
    estate_id: uuid.UUID | None,
    household_id: uuid.UUID | None,
    rule: str | None,
    before: tuple[datetime, uuid.UUID] | None,
    limit: int,
) -> Sequence[Lead]:
    """Up to `limit` leads, newest first, after the place that `before` names."""
    query = select(Lead).order_by(Lead.created_at.desc(), Lead.id.desc()).limit(limit)
    if status is not None:
        query = query.where(Lead.status == status)
    if estate_id is not None:
        query = query.where(Lead.estate_id == estate_id)
    if household_id is not None:
        query = query.where(Lead.household_id == household_id)
    if rule is not None:
        query = query.where(Lead.rule == rule)
    if before is not None:
        query = query.where(tuple_(Lead.created_at, Lead.id) < before)
    return (await session.scalars(query)).all()
