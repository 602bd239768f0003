"""Cases and everything the law wants written down about them."""

import uuid
from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Index, Integer, String, Text, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, EstateRef, Id, Json, JsonList, Moment
from storage.database import Base


class Case(Base):
    """案件. `number` runs per district and year. `version` counts its changes, for If-Match."""

    __tablename__ = "violation_case"
    __table_args__ = (UniqueConstraint("number"), Index("ix_violation_case_estate_state", "estate_id", "state"))

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    household_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("household.id"), index=True)
    unit_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("housing_unit.id"), index=True)
    lead_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("lead.id"), unique=True)
    number: Mapped[Code]
    state: Mapped[Code]
    violation: Mapped[str | None] = mapped_column(String(64))
    began_on: Mapped[str | None] = mapped_column(String(10))
    opened_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"))
    opened_at: Mapped[Moment]
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    resume_to: Mapped[str | None] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(Integer, default=0)


class CaseNumber(Base):
    """The last case number given in a district and year."""

    __tablename__ = "case_number"

    district: Mapped[str] = mapped_column(String(6), primary_key=True)
    year: Mapped[int] = mapped_column(primary_key=True)
    last: Mapped[int]


class CaseStep(Base):
    """One step of a case, by a person: `actor_user_id` is never empty, so no machine can take one."""

    __tablename__ = "case_step"
    __table_args__ = (UniqueConstraint("case_id", "position"),)

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("violation_case.id"), index=True)
    position: Mapped[int]
    action: Mapped[Code]
    from_state: Mapped[Code]
    to_state: Mapped[Code]
    actor_user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"), index=True)
    actor_role: Mapped[Code]
    certificate_number: Mapped[str | None] = mapped_column(String(64))
    at: Mapped[Moment]
    legal_basis: Mapped[str | None] = mapped_column(String(500))
    note: Mapped[str | None] = mapped_column(Text)
    details: Mapped[Json]


class CaseEvidence(Base):
    """A piece of evidence in a case, of some kind (gate, visit, document …), with where it lies.

    `proves_rectification`: it shows that the matter was put right, and is no evidence of the violation.
    """

    __tablename__ = "case_evidence"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("violation_case.id"), index=True)
    kind: Mapped[Code]
    source_kind: Mapped[Code]
    source_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    description: Mapped[str] = mapped_column(Text)
    facts: Mapped[Json]
    proves_rectification: Mapped[bool] = mapped_column(default=False)
    added_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"))
    added_at: Mapped[Moment]


class EvidenceReview(Base):
    """A person's review of a piece of evidence (行政处罚法 41); the newest counts, none is ever changed."""

    __tablename__ = "evidence_review"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    evidence_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("case_evidence.id"), index=True)
    admissible: Mapped[bool]
    checks: Mapped[Json]
    note: Mapped[str] = mapped_column(String(2000))
    reviewed_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"))
    reviewed_at: Mapped[Moment]


class Measure(Base):
    """A notice (告知书), an order (责令整改通知书) or another document of a step, numbered, with its text.

    `document_id`: the issued document; None for a decision whose text was given with the step.
    """

    __tablename__ = "measure"
    __table_args__ = (UniqueConstraint("number"),)

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("violation_case.id"), index=True)
    kind: Mapped[Code]
    number: Mapped[Code]
    text: Mapped[str] = mapped_column(Text)
    legal_basis: Mapped[str] = mapped_column(String(500))
    document_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("document.id"), index=True)
    issued_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"))
    issued_at: Mapped[Moment]


class Service(Base):
    """送达: how and when a document reached the person (民诉法 87–95)."""

    __tablename__ = "service"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    measure_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("measure.id"), index=True)
    method: Mapped[Code]
    received_by: Mapped[str | None] = mapped_column(String(200))
    witness: Mapped[str | None] = mapped_column(String(200))
    served_at: Mapped[Moment]
    effective_at: Mapped[Moment]
    note: Mapped[str | None] = mapped_column(String(1000))
    photo_object_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    recorded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"))
    recorded_at: Mapped[Moment]


class Representation(Base):
    """陈述申辩: what the person said, point by point, and the reply to each point.

    `waived`: in writing, they say nothing; `nothing_more`: in writing, nothing follows after these points.
    `document`: the paper that they signed to say so.
    A point is `{"text", "reply", "replied_by", "replied_at"}`.
    """

    __tablename__ = "representation"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("violation_case.id"), index=True)
    made_by: Mapped[str] = mapped_column(String(200))
    made_at: Mapped[Moment]
    waived: Mapped[bool]
    nothing_more: Mapped[bool]
    document: Mapped[str | None] = mapped_column(String(500))
    points: Mapped[JsonList]
    recorded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"))
    recorded_at: Mapped[Moment]
    answered_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("app_user.id"))
    answered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Deadline(Base):
    """A date that matters to a case; `provisional` until that year's calendar is published."""

    __tablename__ = "deadline"
    __table_args__ = (Index("ix_deadline_due", "due_at"),)

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    case_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("violation_case.id"), index=True)
    kind: Mapped[Code]
    starts_on: Mapped[str] = mapped_column(String(10))
    amount: Mapped[int]
    unit: Mapped[Code]
    due_at: Mapped[Moment]
    provisional: Mapped[bool]
    source: Mapped[str] = mapped_column(String(500))
    met_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    warned_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
