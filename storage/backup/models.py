"""What the database remembers of its backups and of the drills that proved them."""

import uuid
from datetime import datetime

from sqlalchemy import DateTime, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Big, Bytes, Id, JsonList, Moment
from storage.database import Base


class Backup(Base):
    """One finished backup. `manifest_digest` is the SHA-256 of its manifest: the folder can be held against it."""

    __tablename__ = "backup"

    id: Mapped[Id]
    taken_at: Mapped[Moment]
    finished_at: Mapped[Moment]
    epoch: Mapped[int]
    revision: Mapped[str] = mapped_column(String(64))
    directory: Mapped[str] = mapped_column(String(1000))
    manifest_digest: Mapped[Bytes]
    objects: Mapped[Big]
    object_bytes: Mapped[Big]
    missing: Mapped[Big]
    verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class BackupDrill(Base):
    """One restore on trial. `findings` are sentences about what was not as it should be; none means it passed."""

    __tablename__ = "backup_drill"

    id: Mapped[Id]
    backup_id: Mapped[uuid.UUID] = mapped_column(Uuid, index=True)
    at: Mapped[Moment]
    passed: Mapped[bool]
    objects_opened: Mapped[int]
    findings: Mapped[JsonList]
