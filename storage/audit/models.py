"""Audit rows: appended in the transaction that did the thing, never changed."""

import uuid

from sqlalchemy import Index, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, Id, Json, Moment
from storage.database import Base


class AuditEntry(Base):
    """One thing done or seen. `payload` holds ids, codes and counts: never a name, a number or a picture."""

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_object", "object_kind", "object_id"),
        Index("ix_audit_entry_estate_at", "estate_id", "at"),
        Index("ix_audit_entry_actor_at", "actor_user_id", "at"),
    )

    id: Mapped[Id]
    at: Mapped[Moment]
    actor_user_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    actor_kind: Mapped[Code]
    action: Mapped[Code]
    object_kind: Mapped[Code]
    object_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    estate_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    purpose: Mapped[str | None] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(String(1000))
    payload: Mapped[Json]
