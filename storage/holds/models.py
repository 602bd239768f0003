"""Legal holds."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, EstateRef, Id, Moment
from storage.database import Base


class HoldScope(StrEnum):
    """What a hold is laid on."""

    ESTATE = "estate"
    UNIT = "unit"
    HOUSEHOLD = "household"
    PERSON = "person"
    CASE = "case"
    DEVICE = "device"


class LegalHold(Base):
    """A hold asked for by one person and approved by another; it works from the approval until `until`, or its release.

    A row is never moved to another thing or a later end: to prolong is to ask anew, by `prolongs_id`.
    """

    __tablename__ = "legal_hold"
    __table_args__ = (
        CheckConstraint("approved_by <> requested_by", name="two_people"),
        CheckConstraint("until > requested_at", name="ends_later"),
        Index("ix_legal_hold_scope", "scope_kind", "scope_id"),
        Index("ix_legal_hold_until", "until"),
    )

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    scope_kind: Mapped[Code]
    scope_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    legal_basis: Mapped[str] = mapped_column(String(500))
    reason: Mapped[str] = mapped_column(String(2000))
    requested_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"))
    requested_at: Mapped[Moment]
    approve_before: Mapped[Moment]
    until: Mapped[Moment]
    prolongs_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("legal_hold.id"))
    approved_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("app_user.id"))
    approved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    released_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("app_user.id"))
    released_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    release_reason: Mapped[str | None] = mapped_column(String(2000))
