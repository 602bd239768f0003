"""Requests as they travel. What a person said is shown to those who decide, and nowhere else."""

import uuid
from datetime import date, datetime
from typing import Annotated, Any

import msgspec

from inspection.rights.grounds import WORDS, Ground
from inspection.rights.holdings import Holding
from inspection.rights.models import AskedBy, Kind, Refusal, RightsRequest, State
from storage.fields import ShortCode, Title

Number = Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
Words = Annotated[str, msgspec.Meta(min_length=2, max_length=4000)]


class Asking(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who asks, how it was made sure that it is they, and the paper. A relative proves the death and the kinship."""

    asked_by: AskedBy = AskedBy.SELF
    asked_on: date
    identified_by: Title
    paper_number: ShortCode


class ErasureInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A request for erasure (个人信息保护法 47). No reason is asked for."""

    asking: Asking


class CorrectionInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is recorded wrongly, how it should read, and what shows it (个人信息保护法 46)."""

    asking: Asking
    why: Words
    proof: Title
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | None = None
    id_number: Number | None = None
    phone: Number | None = None
    birth_date: date | None = None


class ObjectionInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The person does not accept what the machine suspects, and wants a person to look (个人信息保护法 24)."""

    asking: Asking
    lead_id: uuid.UUID
    statement: Words


class DecisionInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The decision. A refusal names its ground; both give their reasons."""

    granted: bool
    reason: Words
    refusal: Refusal | None = None


class TakeBackInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The person takes the request back."""

    reason: Words


class KeptView(msgspec.Struct, frozen=True, kw_only=True):
    """A ground on which parts stay for now."""

    ground: str
    zh: str
    en: str


class RequestView(msgspec.Struct, frozen=True, kw_only=True):
    """A request and what became of it. `proof`: codes and counts of what was destroyed, and of what stays and why."""

    id: uuid.UUID
    estate_id: uuid.UUID
    person_id: uuid.UUID
    kind: Kind
    state: State
    asked_by: AskedBy
    asked_on: date
    identified_by: str
    paper_number: str
    lead_id: uuid.UUID | None
    answer_by: date
    overdue: bool
    recorded_by: uuid.UUID
    recorded_at: datetime
    decided_by: uuid.UUID | None
    decided_at: datetime | None
    decision_reason: str | None
    refusal: Refusal | None
    kept: list[KeptView]
    proof: list[dict[str, Any]]
    carried_out_at: datetime | None

    @classmethod
    def of(cls, row: RightsRequest, *, today: date) -> "RequestView":
        """From the row."""
        return cls(
            id=row.id, estate_id=row.estate_id, person_id=row.person_id, kind=Kind(row.kind), state=State(row.state),
            asked_by=AskedBy(row.asked_by), asked_on=row.asked_on, identified_by=row.identified_by,
            paper_number=row.paper_number, lead_id=row.lead_id, answer_by=row.answer_by,
            overdue=row.state == State.OPEN and row.answer_by < today, recorded_by=row.recorded_by,
            recorded_at=row.recorded_at, decided_by=row.decided_by, decided_at=row.decided_at,
            decision_reason=row.decision_reason, refusal=Refusal(row.refusal) if row.refusal else None,
            kept=[KeptView(ground=code, zh=WORDS[Ground(code)][0], en=WORDS[Ground(code)][1]) for code in row.kept],
            proof=row.proof, carried_out_at=row.carried_out_at,
        )  # fmt: skip


class RequestDetail(msgspec.Struct, frozen=True, kw_only=True):
    """A request with what the person said; None once it was erased."""

    request: RequestView
    details: dict[str, Any] | None


class ViewedView(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody looked: in which role and by which certificate. Names of staff are not told: the office answers."""

    at: datetime
    what_zh: str
    what_en: str
    purpose: str | None
    reason: str | None
    role: str
    certificate_number: str | None


class AccessReport(msgspec.Struct, frozen=True, kw_only=True):
    """Everything held of one person in one estate. `text_*` says the same as plain text, to print and hand over."""

    person_id: uuid.UUID
    estate_id: uuid.UUID
    made_at: datetime
    name: str
    id_number_masked: str
    holdings: list[Holding]
    viewed: list[ViewedView]
    requests: list[RequestView]
    automated_zh: str
    automated_en: str
    text_zh: str = ""
    text_en: str = ""
