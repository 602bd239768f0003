"""Facts that one floor tells another without importing it: rows written with the fact, read by the worker."""

from datetime import datetime

from sqlalchemy import DateTime, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, EstateRef, Id, Json, Moment
from storage.database import Base


class OutboxFact(Base):
    """One fact, for example `consent-withdrawn`; `payload` holds ids only."""

    __tablename__ = "outbox_fact"
    __table_args__ = (Index("ix_outbox_fact_open", "created_at", postgresql_where=text("processed_at IS NULL")),)

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    kind: Mapped[Code]
    payload: Mapped[Json]
    created_at: Mapped[Moment]
    processed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
