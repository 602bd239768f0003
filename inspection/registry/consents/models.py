"""ProcessingBasis: why an estate may process at all. Consent: what a person allowed, scope by scope."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, DateTime, ForeignKey, Index, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, Day, EstateRef, Id, Moment, Name
from storage.database import Base


class Purpose(StrEnum):
    """The three purposes (个人信息保护法 26, 28; each is off until a basis is recorded)."""

    ACCESS_CONTROL = "access_control"
    WELFARE_CHECK = "welfare_check"
    TENANCY_COMPLIANCE = "tenancy_compliance"


class ConsentScope(StrEnum):
    """What a consent covers; each is given and withdrawn by itself (人脸识别办法 6)."""

    TEMPLATE = "template"
    KEEP_PHOTO = "keep_photo"
    PUSH_TO_GATES = "push_to_gates"
    OFF_DEVICE = "off_device"


class ProcessingBasis(Base):
    """The recorded basis for one purpose in one estate: legal ground, impact assessment, notice, signature, expiry."""

    __tablename__ = "processing_basis"
    __table_args__ = (Index("ix_processing_basis_estate_purpose", "estate_id", "purpose"),)

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    purpose: Mapped[Code]
    legal_basis: Mapped[Name]
    assessment_number: Mapped[Code]
    assessment_date: Mapped[Day]
    notice_version: Mapped[Code]
    signed_by: Mapped[Name]
    valid_from: Mapped[Day]
    valid_to: Mapped[Day]
    created_at: Mapped[Moment]
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Consent(Base):
    """One scope of one person's consent; at most one stands at a time."""

    __tablename__ = "consent"
    __table_args__ = (
        Index("uq_consent_standing", "person_id", "scope", unique=True, postgresql_where=text("withdrawn_at IS NULL")),
    )

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), index=True)
    scope: Mapped[Code]
    notice_version: Mapped[Code]
    channel: Mapped[Code]
    given_at: Mapped[Moment]
    given_by_guardian_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    valid_to: Mapped[date | None] = mapped_column(Date)
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    withdrawn_reason: Mapped[str | None] = mapped_column()
