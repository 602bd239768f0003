"""What a person asked for, and what became of it."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, DateTime, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, EstateRef, Id, JsonList, Moment, Name
from storage.database import Base


class Kind(StrEnum):
    """Which right is used."""

    ERASURE = "erasure"  # 个人信息保护法 47, 49
    CORRECTION = "correction"  # 个人信息保护法 46
    OBJECTION = "objection"  # 个人信息保护法 24: a person looks at what the machine suspects


class State(StrEnum):
    """A request is open until a second person decides; an approved erasure is carried out by the worker.

    `partly_done`: what law makes us keep for now is still there, and goes when its reason is gone.
    """

    OPEN = "open"
    APPROVED = "approved"
    PARTLY_DONE = "partly_done"
    DONE = "done"
    REFUSED = "refused"
    TAKEN_BACK = "taken_back"


class AskedBy(StrEnum):
    """Who asks."""

    SELF = "self"
    GUARDIAN = "guardian"
    AGENT = "agent"  # with a written authority
    RELATIVE = "relative"  # a near relative of somebody deceased (个人信息保护法 49)


class Refusal(StrEnum):
    """Grounds on which a request may be refused as a whole; 个人信息保护法 50 wants them told.

    A hold, a case or a lease is none: what law makes us keep stays, and the rest of an erasure is carried out.
    """

    IDENTITY_NOT_PROVEN = "identity_not_proven"
    NO_AUTHORITY = "no_authority"
    NOT_THIS_PERSON = "not_this_person"
    NOT_PROVEN = "not_proven"  # of a correction: what is recorded is right as far as anybody can show
    UNFOUNDED = "unfounded"  # of an objection: a person has looked and sees it otherwise


class RightsRequest(Base):
    """A request, recorded on the person's behalf. `details_sealed`: their words and data, under their own key."""

    __tablename__ = "rights_request"
    __table_args__ = (
        Index("ix_rights_request_state", "state", "kind"),
        Index(
            "uq_rights_request_erasure",
            "person_id",
            unique=True,
            postgresql_where=text("kind = 'erasure' AND state IN ('open', 'approved', 'partly_done')"),
        ),
    )

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), index=True)
    kind: Mapped[Code]
    state: Mapped[Code]
    asked_by: Mapped[Code]
    asked_on: Mapped[date] = mapped_column(Date)
    identified_by: Mapped[Name]
    paper_number: Mapped[Code]
    details_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    lead_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("lead.id"))
    answer_by: Mapped[date] = mapped_column(Date)
    recorded_by: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"))
    recorded_at: Mapped[Moment]
    decided_by: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("app_user.id"))
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decision_reason: Mapped[str | None] = mapped_column(String(2000))
    refusal: Mapped[str | None] = mapped_column(String(64))
    kept: Mapped[JsonList]
    proof: Mapped[JsonList]
    carried_out_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
