"""Timers: what has to happen every so often, by the injected clock, once for all workers together."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from storage import jobs
from storage.columns import Code, Moment
from storage.database import Base


class Timer(Base):
    """When a timer last went off."""

    __tablename__ = "timer"

    name: Mapped[Code] = mapped_column(primary_key=True)
    last_run_at: Mapped[Moment]


async def defer_due(session: AsyncSession, *, intervals: Mapping[str, timedelta], now: datetime) -> list[str]:
    """Puts the job of every timer that is due into the queue; of several workers only one does.

    A timer whose last time lies in the future (a clock that was set back) goes off at once.
    """
    due: list[str] = []
    for name, interval in intervals.items():
        claimed = await session.scalar(
            text(
                "INSERT INTO timer (name, last_run_at) VALUES (:name, :now) ON CONFLICT (name) DO UPDATE "
                "SET last_run_at = :now WHERE timer.last_run_at <= :before OR timer.last_run_at > :now RETURNING name"
            ),
            {"name": name, "now": now, "before": now - interval},
        )
        if claimed is not None:
            await jobs.defer(session, task=name, lock=name)
            due.append(name)
    return due
