"""Leads."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Index, String, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, EstateRef, Id, JsonList, Moment
from storage.database import Base


class LeadSource(StrEnum):
    """Where a lead comes from (线索来源)."""

    GATE = "gate"
    VISIT = "visit"
    PATROL = "patrol"
    DATA_MATCH = "data_match"
    COMPLAINT = "complaint"
    HOTLINE = "hotline"
    PETITION = "petition"
    AUDIT = "audit"
    SPOT_CHECK = "spot_check"
    ANNUAL_REVIEW = "annual_review"
    SELF_REPORT = "self_report"


class LeadStatus(StrEnum):
    """A lead waits until a person accepts or dismisses it; one the machine no longer supports is withdrawn.

    `settled`: its case has ended, so that a new suspicion is a new lead.
    """

    NEW = "new"
    ACCEPTED = "accepted"
    DISMISSED = "dismissed"
    WITHDRAWN = "withdrawn"
    SETTLED = "settled"


class Lead(Base):
    """线索. `evidence` is the frozen copy made on acceptance, since its sources expire."""

    __tablename__ = "lead"
    __table_args__ = (
        Index("ix_lead_estate_status", "estate_id", "status"),
        Index(
            "uq_lead_standing",
            "household_id", "rule",
            unique=True, postgresql_where=text("status IN ('new', 'accepted')"),
        ),
    )  # fmt: skip

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("household.id"), index=True)
    unit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("housing_unit.id"), index=True)
    source: Mapped[Code]
    rule: Mapped[str | None] = mapped_column(String(64))
    discrepancy_ids: Mapped[JsonList]
    summary_zh: Mapped[str] = mapped_column(Text)
    summary_en: Mapped[str] = mapped_column(Text)
    status: Mapped[Code] = mapped_column(default=LeadStatus.NEW)
    created_at: Mapped[Moment]
    created_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("app_user.id"))
    decision_reason: Mapped[str | None] = mapped_column(String(2000))
    evidence: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
