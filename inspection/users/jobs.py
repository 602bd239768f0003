"""Forgetting: tries that no longer count, answers and limits that are over, log-ins that ended long ago."""

from datetime import datetime, timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.users import tries
from inspection.users.models import RefreshFamily, RefreshToken
from storage.requests import allowances, answers

LOG_INS_KEPT = timedelta(days=30)
"""A stolen token that comes back is recognised for so long; the audit log keeps that there was a log-in."""


async def forget(session: AsyncSession, *, now: datetime) -> int:
    """Deletes all of that; how many rows. Several at once do no harm."""
    over = select(RefreshFamily.id).where(
        or_(RefreshFamily.ended_at < now - LOG_INS_KEPT, RefreshFamily.expires_at < now - LOG_INS_KEPT)
    )
    count = await session.scalar(select(func.count()).select_from(over.subquery())) or 0
    await session.execute(delete(RefreshToken).where(RefreshToken.family_id.in_(over)))
    await session.execute(delete(RefreshFamily).where(RefreshFamily.id.in_(over)))
    for forget_old in (tries.forget_old, answers.forget_old, allowances.forget_old):
        count += await forget_old(session, now=now)
    return count
