"""What the worker does for the intake from time to time."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.intake import queries
from storage.clock import local_day


async def ensure_partitions(session: AsyncSession, *, now: datetime) -> None:
    """Makes the partitions of deliveries for this month and the next."""
    today = local_day(now)
    for month in (today, today.replace(day=1) + timedelta(days=32)):
        await queries.ensure_partition(session, month=month)
