"""Limits on costly requests: a token bucket for each user and limit, kept in the database.

In the database, since a limit on unmasking or exporting guards people's data against the people who work with it: it
must not grow with the number of server processes, nor be forgotten when one restarts. It costs one small statement,
and is asked for on costly routes only.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import DateTime, Interval, delete, func, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from storage.requests.models import RequestAllowance


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` requests at once; after that one in `interval`."""

    name: str
    burst: int
    interval: timedelta


async def take(session: AsyncSession, *, limit: Limit, user_id: uuid.UUID, now: datetime) -> int:
    """Uses one of a user's requests: 0, or the seconds until there is one again.

    The generic cell rate algorithm: one moment for each bucket, moved on by each request.
    """
    table = RequestAllowance
    present = literal(now, DateTime(timezone=True))
    moved = func.greatest(table.full_at, present, type_=DateTime(timezone=True)) + literal(limit.interval, Interval)
    taken = await session.scalar(
        insert(table)
        .values(user_id=user_id, name=limit.name, full_at=now + limit.interval)
        .on_conflict_do_update(
            index_elements=["user_id", "name"], set_={"full_at": moved},
            where=moved <= now + limit.interval * limit.burst,
        )
        .returning(table.full_at)
    )  # fmt: skip
    if taken is not None:
        return 0
    full_at = await session.scalar(select(table.full_at).where(table.user_id == user_id, table.name == limit.name))
    left = (full_at or now) + limit.interval * (1 - limit.burst) - now
    return max(1, -(-left // timedelta(seconds=1)))


async def forget_old(session: AsyncSession, *, now: datetime) -> int:
    """Deletes buckets that are full again; how many."""
    gone = await session.execute(
        delete(RequestAllowance).where(RequestAllowance.full_at < now).returning(RequestAllowance.user_id)
    )
    return len(gone.all())
