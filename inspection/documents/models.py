"""Issuing authorities, the counters of their numbers, and documents."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, LargeBinary, String, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, EstateRef, Id, Json, JsonList, Moment, Name
from storage.database import Base


class IssuingAuthority(Base):
    """发文机关 of a division: it issues for every estate whose division code begins with its own, the longest first.

    `designator`: 机关代字. `former`: those it gave up; its numbers stand under them, so that nobody else takes one.
    `review_body`, `court`: where its decisions are challenged.
    """

    __tablename__ = "issuing_authority"

    id: Mapped[Id]
    division_code: Mapped[str] = mapped_column(String(12), unique=True)
    name: Mapped[Name]
    designator: Mapped[str] = mapped_column(String(20), unique=True)
    former: Mapped[JsonList] = mapped_column(default=list)
    address: Mapped[str | None] = mapped_column(String(200))
    phone: Mapped[str | None] = mapped_column(String(64))
    review_body: Mapped[str | None] = mapped_column(String(200))
    court: Mapped[str | None] = mapped_column(String(200))
    updated_at: Mapped[Moment]
    updated_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)


class DocumentNumber(Base):
    """The last number that an authority gave to a kind of document in a year."""

    __tablename__ = "document_number"

    authority_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("issuing_authority.id"), primary_key=True)
    kind: Mapped[Code] = mapped_column(primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]


class Document(Base):
    """A document of a case. `given`: what its writer told; everything else comes from the case.

    From its issue on nothing of it changes but that it may become void: a trigger of the database sees to that.
    `content`: what stands in it; `object_id`, `digest`: its bytes and their SHA-256.
    """

    __tablename__ = "document"
    __table_args__ = (
        Index("ix_document_authority_year", "authority_id", "year", "kind", "running"),
        CheckConstraint(
            "(status = 'draft') = (number IS NULL) AND (number IS NULL) = (digest IS NULL)"
            " AND (number IS NULL) = (object_id IS NULL)",
            name="numbered_when_issued",
        ),
        CheckConstraint("(status = 'void') = (void_reason IS NOT NULL)", name="void_with_reason"),
    )

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("violation_case.id"), index=True)
    kind: Mapped[Code]
    status: Mapped[Code]
    given: Mapped[Json]
    replaces_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("document.id"), unique=True)
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"))
    created_at: Mapped[Moment]
    authority_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("issuing_authority.id"))
    year: Mapped[int | None]
    running: Mapped[int | None]
    number: Mapped[str | None] = mapped_column(String(64), unique=True)
    title: Mapped[str | None] = mapped_column(String(200))
    content: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    object_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("stored_object.id"))
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    size: Mapped[int | None]
    issued_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("app_user.id"))
    issued_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    void_reason: Mapped[str | None] = mapped_column(String(1000))
    voided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("app_user.id"))
    voided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
