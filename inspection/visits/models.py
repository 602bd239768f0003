"""Visits and what an inspector brings back. Ids are made by the phone: a repeated request is the same thing.

`late`: it arrived when the visit was done or cancelled already. It is kept all the same.
"""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Boolean, DateTime, Float, ForeignKey, Index, String, Text, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Bytes, Code, EstateRef, Id, JsonList, Moment
from storage.database import Base


class VisitKind(StrEnum):
    """Why somebody knocks."""

    VERIFICATION = "verification"  # 入户核查
    FOLLOW_UP = "follow_up"  # 回访
    PATROL = "patrol"  # 日常巡查
    CARE = "care"  # 关爱走访


class VisitStatus(StrEnum):
    """A visit is planned, begun by a check-in, and done when its result is recorded."""

    PLANNED = "planned"
    STARTED = "started"
    DONE = "done"
    CANCELLED = "cancelled"


class VisitResult(StrEnum):
    """How it went; no answer and refusal weigh nothing by themselves."""

    MET = "met"
    NO_ANSWER = "no_answer"
    REFUSED = "refused"


class Outcome(StrEnum):
    """What a visit found; the last two belong to a follow-up."""

    UNFOUNDED = "unfounded"  # 查否
    SUBSTANTIATED = "substantiated"  # 查实
    WELFARE_REFERRAL = "welfare_referral"  # 关爱转介
    RECTIFIED_ON_SPOT = "rectified_on_spot"  # 立查立改
    RECTIFIED = "rectified"  # 整改到位
    NOT_RECTIFIED = "not_rectified"  # 整改不到位


class Visit(Base):
    """入户走访: one task at one unit."""

    __tablename__ = "visit"
    __table_args__ = (Index("ix_visit_assignee_status", "assigned_to", "status"),)

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("household.id"), index=True)
    unit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("housing_unit.id"), index=True)
    kind: Mapped[Code]
    lead_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("lead.id"), index=True)
    case_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, index=True)
    assigned_to: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"))
    second_officer: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("app_user.id"))
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    status: Mapped[Code] = mapped_column(default=VisitStatus.PLANNED)
    result: Mapped[str | None] = mapped_column(String(64))
    let_in_by: Mapped[str | None] = mapped_column(String(200))
    notes: Mapped[str | None] = mapped_column(Text)
    notice_left: Mapped[bool] = mapped_column(Boolean, default=False)
    created_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"))
    created_at: Mapped[Moment]
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class CheckIn(Base):
    """Where the inspector was, as the phone told it, with the grade the server gave and its reasons."""

    __tablename__ = "check_in"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"))
    body_digest: Mapped[Bytes]
    fixes: Mapped[JsonList]
    clock_difference_s: Mapped[float | None] = mapped_column(Float)
    phone_time: Mapped[Moment]
    received_at: Mapped[Moment]
    late: Mapped[bool] = mapped_column(Boolean, default=False)
    grade: Mapped[Code]
    reasons: Mapped[JsonList]
    distance_m: Mapped[float | None] = mapped_column(Float)


class Photo(Base):
    """A photograph of a visit; the bytes lie encrypted in the object store."""

    __tablename__ = "photo"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"))
    object_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("stored_object.id"))
    body_digest: Mapped[Bytes]
    content_type: Mapped[Code]
    size: Mapped[int]
    taken_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    caption: Mapped[str | None] = mapped_column(String(500))
    received_at: Mapped[Moment]
    late: Mapped[bool] = mapped_column(Boolean, default=False)


class OccupantMet(Base):
    """Somebody met at the door or inside: a registered person, or how they described themselves."""

    __tablename__ = "occupant_met"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    body_digest: Mapped[Bytes]
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    described_as: Mapped[str | None] = mapped_column(String(500))
    relation: Mapped[str | None] = mapped_column(String(64))
    lives_here: Mapped[bool | None] = mapped_column(Boolean)
    since: Mapped[str | None] = mapped_column(String(64))
    statement: Mapped[str | None] = mapped_column(Text)
    recorded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"))
    recorded_at: Mapped[Moment]
    late: Mapped[bool] = mapped_column(Boolean, default=False)


class Finding(Base):
    """What a visit found, by an officer who was there; a later one of the same visit stands beside the earlier."""

    __tablename__ = "finding"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    visit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("visit.id"), index=True)
    body_digest: Mapped[Bytes]
    outcome: Mapped[Code]
    violation: Mapped[str | None] = mapped_column(String(64))
    statement: Mapped[str] = mapped_column(Text)
    began_on: Mapped[str | None] = mapped_column(String(10))
    vulnerability: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    recorded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"))
    recorded_at: Mapped[Moment]
    late: Mapped[bool] = mapped_column(Boolean, default=False)
