"""Rows of what changed. The database's triggers write them, with the change; see migration 0017."""

import uuid

from sqlalchemy import BigInteger, Identity, Index, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, Moment
from storage.database import Base


class LiveEvent(Base):
    """One change: what kind, of which thing, in which estate. Nothing about a person, ever."""

    __tablename__ = "live_event"
    __table_args__ = (Index("ix_live_event_place", "epoch", "xid", "id"),)

    id: Mapped[int] = mapped_column(BigInteger, Identity(always=True), primary_key=True)
    xid: Mapped[int] = mapped_column(BigInteger, server_default=text("pg_current_xact_id()::text::bigint"))
    epoch: Mapped[int]
    at: Mapped[Moment]
    estate_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    kind: Mapped[Code]
    object_kind: Mapped[Code]
    object_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)


class LiveFloor(Base):
    """The last place of an epoch that was forgotten: whoever stopped before it may have missed something."""

    __tablename__ = "live_floor"

    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    xid: Mapped[int] = mapped_column(BigInteger)
    event_id: Mapped[int] = mapped_column(BigInteger)
