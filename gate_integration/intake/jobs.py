"""What the worker does for the intake from time to time."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.intake import queries
from storage.clock import local_day

SEALED_HOURS = 72


async def forget_sealed(session: AsyncSession, *, now: datetime, hours: int = SEALED_HOURS) -> int:
    """Destroys bodies that could not be cleared of pictures, once their time is over; gives back how many."""
    return await queries.drop_sealed(session, now=now, hours=hours)


async def ensure_partitions(session: AsyncSession, *, now: datetime) -> None:
    """Makes the partitions of deliveries for this month and the next."""
    today = local_day(now)
    for month in (today, today.replace(day=1) + timedelta(days=32)):
        await queries.ensure_partition(session, month=month)
