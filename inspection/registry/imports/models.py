"""Imports: the file, how far it has come, what was found in it, who confirmed it."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import DateTime, ForeignKey, Index, String, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Big, Bytes, Code, EstateRef, Id, Moment, Name
from storage.database import Base


class ImportStatus(StrEnum):
    """How far an import has come."""

    WAITING = "waiting"  # stored, not looked at yet
    CHECKING = "checking"
    CHECKED = "checked"  # acceptable: waits for a person to confirm
    REFUSED = "refused"  # the file has errors; nothing was changed
    APPLYING = "applying"  # confirmed; becomes visible as a whole, or not at all
    APPLIED = "applied"
    CANCELLED = "cancelled"
    FAILED = "failed"  # could not be finished; nothing was changed


ACTIVE: Final = (ImportStatus.WAITING, ImportStatus.CHECKING, ImportStatus.CHECKED, ImportStatus.APPLYING)
ACTIVE_SQL: Final = "status IN ('waiting', 'checking', 'checked', 'applying')"


class RegistryImport(Base):
    """One file for one estate; an estate has one active import at a time.

    `digest` is the SHA-256 of the file, keyed. `report` is written when the check ends and again when it is applied;
    it holds masked values alone. `rows_total` is an estimate until the file was read.
    """

    __tablename__ = "registry_import"
    __table_args__ = (Index("uq_registry_import_active", "estate_id", unique=True, postgresql_where=text(ACTIVE_SQL)),)

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    object_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("stored_object.id"))
    name: Mapped[Name]
    sheet: Mapped[Name]
    digest: Mapped[Bytes]
    size: Mapped[Big]
    full_list: Mapped[bool]
    create_units: Mapped[bool]
    status: Mapped[Code]
    attempts: Mapped[int]
    rows_total: Mapped[int]
    rows_checked: Mapped[int]
    records_total: Mapped[int]
    records_applied: Mapped[int]
    report: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    created_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    created_at: Mapped[Moment]
    touched_at: Mapped[Moment]
    confirmed_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class RegistryImportIssue(Base):
    """One thing wrong in a file, in order of rows; `value` is masked."""

    __tablename__ = "registry_import_issue"

    import_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("registry_import.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    estate_id: Mapped[EstateRef]
    row: Mapped[int]
    column: Mapped[Code]
    code: Mapped[Code]
    severity: Mapped[Code]
    value: Mapped[Name]
    zh: Mapped[str] = mapped_column(String(400))
    en: Mapped[str] = mapped_column(String(400))
