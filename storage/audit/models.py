"""Audit rows, what of them can be erased, and the chain that proves them."""

import json
import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, DateTime, Index, LargeBinary, String, Text, Uuid, cast, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from storage.columns import Big, Bytes, Code, Id, Moment
from storage.database import Base


class AuditEntry(Base):
    """One thing done or seen: who, what, to what, when, for which purpose. Never changed, never deleted.

    Ids stay for ever: that of an erased person points at a tombstone. Free text and everything else that may tell
    of a person lies in `side`, of which the row keeps a salted hash.
    """

    __tablename__ = "audit_entry"
    __table_args__ = (
        Index("ix_audit_entry_object", "object_kind", "object_id"),
        Index("ix_audit_entry_estate_at", "estate_id", "at"),
        Index("ix_audit_entry_actor_at", "actor_user_id", "at"),
        Index("ix_audit_entry_at_id", "at", "id"),
        Index("ix_audit_entry_xid_id", "xid", "id"),
    )
    __mapper_args__ = {"eager_defaults": False}  # noqa: RUF012 - SQLAlchemy's own form

    id: Mapped[Id]
    at: Mapped[Moment]
    actor_user_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    actor_kind: Mapped[Code]
    action: Mapped[Code]
    object_kind: Mapped[Code]
    object_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    estate_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    purpose: Mapped[str | None] = mapped_column(String(64))
    payload_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    xid: Mapped[int] = mapped_column(BigInteger, server_default=text("pg_current_xact_id()::text::bigint"))
    """The transaction that wrote the row, set by the database alone: tells the sealer what can no longer change."""

    side: Mapped["AuditPayload | None"] = relationship(
        primaryjoin="AuditEntry.id == foreign(AuditPayload.entry_id)", lazy="joined", uselist=False
    )

    @property
    def payload(self) -> dict[str, Any]:
        """What was recorded beside the columns: ids, codes and counts; empty once erased."""
        found: dict[str, Any] = {} if self.side is None else self.side.read()["payload"]
        return found

    @property
    def reason(self) -> str | None:
        """Why, in somebody's own words; None when nothing was said or it is erased."""
        found: str | None = None if self.side is None else self.side.read()["reason"]
        return found


class AuditPayload(Base):
    """The erasable side of an entry. `body` is the canonical JSON {"payload": {…}, "reason": …}, hashed as it stands.

    `subject_id`: the person whom it tells of, if it is one.
    """

    __tablename__ = "audit_payload"
    __table_args__ = (
        Index("ix_audit_payload_subject_id", "subject_id", postgresql_where=text("subject_id IS NOT NULL")),
    )

    entry_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    subject_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    salt: Mapped[Bytes]
    body: Mapped[str] = mapped_column(Text)

    def read(self) -> dict[str, Any]:
        """`payload` and `reason`."""
        found: dict[str, Any] = json.loads(self.body)
        return found


def body_json() -> ColumnElement[Any]:
    """The body of a payload as JSON, for conditions: `body_json()["reason"].astext`."""
    return cast(AuditPayload.body, JSONB)


class AuditLink(Base):
    """The place of an entry in the chain; `digest` covers the entry, `previous` and the sequence."""

    __tablename__ = "audit_link"

    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    entry_id: Mapped[uuid.UUID] = mapped_column(Uuid, unique=True)
    previous: Mapped[Bytes]
    digest: Mapped[Bytes]


class AuditHead(Base):
    """The signed end of the chain after one run of the sealer.

    `mark_xid`, `mark_id`: everything up to this place in the order of (xid, id) is sealed; None while the first pass
    of an epoch goes on.
    """

    __tablename__ = "audit_head"

    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    digest: Mapped[Bytes]
    count: Mapped[Big]
    at: Mapped[Moment]
    previous: Mapped[Bytes]
    mark_xid: Mapped[int | None] = mapped_column(BigInteger)
    mark_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    key_id: Mapped[Code]
    signature: Mapped[Bytes]


class AuditCopy(Base):
    """A head that was copied to the object store."""

    __tablename__ = "audit_copy"

    epoch: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    sequence: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
