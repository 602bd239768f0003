"""Discrepancies: what the rules found, with everything needed to understand and to clear it."""

import uuid
from datetime import date, datetime

from sqlalchemy import Date, DateTime, Float, ForeignKey, Index, String, Text, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, EstateRef, Id, Json, JsonList, Moment
from storage.database import Base


class Discrepancy(Base):
    """Lead only: a discrepancy decides nothing about anybody. One of a rule stands at a time for a household."""

    __tablename__ = "discrepancy"
    __table_args__ = (
        Index(
            "uq_discrepancy_standing", "household_id", "rule", unique=True, postgresql_where=text("cleared_at IS NULL")
        ),
    )

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("household.id"), index=True)
    unit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("housing_unit.id"), index=True)
    rule: Mapped[Code]
    severity: Mapped[Code]
    admissibility: Mapped[Code] = mapped_column(default="lead_only")
    first_flagged_at: Mapped[Moment]
    last_confirmed_at: Mapped[Moment]
    cleared_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    cleared_why: Mapped[str | None] = mapped_column(String(1000))
    score: Mapped[float] = mapped_column(Float)
    terms: Mapped[Json]
    counts: Mapped[Json]
    first_day: Mapped[date] = mapped_column(Date)
    last_day: Mapped[date] = mapped_column(Date)
    explanation_zh: Mapped[str] = mapped_column(Text)
    explanation_en: Mapped[str] = mapped_column(Text)
    clears_zh: Mapped[str] = mapped_column(Text)
    clears_en: Mapped[str] = mapped_column(Text)
    rule_version: Mapped[str] = mapped_column(String(200))
    pseudonym_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    event_ids: Mapped[JsonList]


class NotRaisedNote(Base):
    """Why a rule that looked at a household did not raise anything: one row a household and rule, the latest reason."""

    __tablename__ = "not_raised_note"

    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("household.id"), primary_key=True)
    rule: Mapped[Code] = mapped_column(primary_key=True)
    estate_id: Mapped[EstateRef]
    code: Mapped[Code]
    why_zh: Mapped[str] = mapped_column(Text)
    why_en: Mapped[str] = mapped_column(Text)
    at: Mapped[Moment]
