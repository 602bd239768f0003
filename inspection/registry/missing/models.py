"""Records of the register that a full list lacked."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, DateTime, ForeignKey, Index, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, EstateRef, Id, Moment
from storage.database import Base


class MissingKind(StrEnum):
    """What is missing. Of a household that is missing as a whole its people are not listed singly."""

    UNIT = "unit"
    HOUSEHOLD = "household"
    MEMBER = "member"


class MissingStatus(StrEnum):
    """What became of it."""

    OPEN = "open"
    ENDED = "ended"  # somebody ended the record
    DISMISSED = "dismissed"  # somebody said that it stays; not listed again until a file has named it
    RETURNED = "returned"  # a later file names it
    SETTLED = "settled"  # ended by another way in the meantime


class MissingRecord(Base):
    """A unit, household or membership (`record_id`) that the file of `import_id` lacked."""

    __tablename__ = "missing_record"
    __table_args__ = (
        Index(
            "uq_missing_record_standing", "record_id", unique=True,
            postgresql_where=text("status IN ('open', 'dismissed')"),
        ),
        Index("ix_missing_record_estate_status", "estate_id", "status", "id"),
    )  # fmt: skip

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    import_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("registry_import.id"), index=True)
    kind: Mapped[Code]
    record_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    unit_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("housing_unit.id"))
    household_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("household.id"))
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    listed_at: Mapped[Moment]
    status: Mapped[Code]
    decided_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reason: Mapped[str | None] = mapped_column(String(1000))
    last_day: Mapped[date | None] = mapped_column(Date)
