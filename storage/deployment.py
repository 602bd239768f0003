"""What is true of the whole installation."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import DateTime, LargeBinary, String, Uuid, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Moment
from storage.database import Base


class RestoreEpoch(Base):
    """One stretch of history of this database; a restore begins the next.

    What clients and outside copies remember of an earlier epoch may be of a future that was lost.
    """

    __tablename__ = "restore_epoch"

    epoch: Mapped[int] = mapped_column(primary_key=True)
    began_at: Mapped[Moment]
    backup_id: Mapped[UUID | None] = mapped_column(Uuid)
    backup_taken_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reason: Mapped[str | None] = mapped_column(String(1000))


class KeyCheck(Base):
    """A keyed digest of a fixed text: tells whether a key is the one this database was written with."""

    __tablename__ = "key_check"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    value: Mapped[bytes] = mapped_column(LargeBinary)


async def current_epoch(session: AsyncSession) -> int:
    """The epoch the database is in; 1 before any restore."""
    return await session.scalar(select(func.max(RestoreEpoch.epoch))) or 1
