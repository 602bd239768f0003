"""Runs of the deleting job: what each removed, and what was left."""

import uuid
from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Big, Bytes, Code, Id, JsonList, Moment
from storage.database import Base


class DeletionRun(Base):
    """One run over one class; `finished_at` is None while it goes on, or after its process died (the next one resumes).

    `cutoff` is the nationwide one, `periods` all: [{"days", "cutoff", "rule_version", "estates"}]. `rows`, `objects`
    and `bytes` are what went; `held` what stays for a legal hold; `remaining` what is overdue and still there without
    a hold: 0 is the proof. `digest`: SHA-256 over the digests of the batches, in their order.
    """

    __tablename__ = "deletion_run"
    __table_args__ = (Index("ix_deletion_run_class_started", "class_code", "started_at"),)

    id: Mapped[Id]
    class_code: Mapped[Code]
    cutoff: Mapped[Moment]
    periods: Mapped[JsonList]
    rule_version: Mapped[str] = mapped_column(String(1000))
    started_at: Mapped[Moment]
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    rows: Mapped[Big] = mapped_column(default=0)
    objects: Mapped[Big] = mapped_column(default=0)
    bytes: Mapped[Big] = mapped_column(default=0)
    held: Mapped[Big | None]
    remaining: Mapped[Big | None]
    digest: Mapped[Bytes | None]
    error: Mapped[str | None] = mapped_column(String(300))


class DeletionBatch(Base):
    """What one transaction of a run removed. `digest`: SHA-256 over the ids, sorted, 16 bytes each."""

    __tablename__ = "deletion_batch"

    run_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("deletion_run.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[Moment]
    rows: Mapped[Big]
    objects: Mapped[Big]
    bytes: Mapped[Big]
    digest: Mapped[Bytes]
