"""Archives of photographs: the pieces they lie in, how far they have come, and what becomes of each line."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import Date, DateTime, ForeignKey, Index, LargeBinary, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from inspection.registry.imports.models import ACTIVE, ACTIVE_SQL, ImportStatus
from storage.columns import Big, Bytes, Code, EstateRef, Id, JsonList, Moment, Name
from storage.database import Base

__all__ = ["ACTIVE", "ImportStatus", "LineState", "PhotoImport", "PhotoImportLine", "PhotoImportPiece"]


class LineState(StrEnum):
    """What becomes of one photograph or one line of the sheet."""

    UNCHECKED = "unchecked"  # consent and person are in order; the photograph was not looked at yet
    READY = "ready"  # would be enrolled once somebody confirms
    UNCHANGED = "unchanged"
    REFUSED = "refused"
    ENROLLED = "enrolled"
    DROPPED = "dropped"  # ready, and the archive was cancelled


OPEN_LINES: Final = (LineState.UNCHECKED, LineState.READY)


class PhotoImport(Base):
    """One archive for one estate; an estate has one active archive at a time.

    `digest`: of the archive, keyed. `refused`: the code that kept all of it out, or "". The archive lies in pieces,
    which are destroyed when the import ends, or when their day has come.
    """

    __tablename__ = "photo_import"
    __table_args__ = (Index("uq_photo_import_active", "estate_id", unique=True, postgresql_where=text(ACTIVE_SQL)),)

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    name: Mapped[Name]
    digest: Mapped[Bytes]
    size: Mapped[Big]
    status: Mapped[Code]
    attempts: Mapped[int]
    refused: Mapped[Code]
    lines_total: Mapped[int]
    lines_checked: Mapped[int]
    lines_ready: Mapped[int]
    lines_applied: Mapped[int]
    created_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    created_at: Mapped[Moment]
    touched_at: Mapped[Moment]
    delete_at: Mapped[Moment]
    confirmed_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class PhotoImportPiece(Base):
    """A piece of an archive, in order; all but the last are equally long."""

    __tablename__ = "photo_import_piece"

    import_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("photo_import.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    estate_id: Mapped[EstateRef]
    object_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("stored_object.id"))


class PhotoImportLine(Base):
    """A photograph with its line of consent, or either without the other.

    `entry`: the photograph's place in the archive. `row`: of the sheet, 0 for a photograph without a line. `shown`:
    the number, masked. `resembles`: other people whose template is as near as one's own would be, for a person to look
    at. `reasons`: remarks of the quality check. The consent's terms stand as the sheet has them.
    """

    __tablename__ = "photo_import_line"
    __table_args__ = (
        Index("uq_photo_import_line_import_id_position", "import_id", "position", unique=True),
        Index("ix_photo_import_line_state", "import_id", "state", "position"),
    )

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    import_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("photo_import.id"))
    position: Mapped[int]
    row: Mapped[int]
    entry: Mapped[int | None]
    shown: Mapped[Name]
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"), index=True)
    state: Mapped[Code]
    code: Mapped[Code]
    reasons: Mapped[JsonList]
    resembles: Mapped[JsonList]
    photo_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    scopes: Mapped[JsonList]
    refused_scopes: Mapped[JsonList]
    signed_on: Mapped[date | None] = mapped_column(Date)
    notice: Mapped[Code]
    channel: Mapped[Code]
    guardian: Mapped[Name]
    relation: Mapped[Name]
    paper: Mapped[str] = mapped_column(String(64))
    template_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
