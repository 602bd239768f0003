"""Cases as they travel."""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from inspection.cases.vocabulary import Action, EvidenceKind, State, Violation
from inspection.documents.vocabulary import Audience, ListForm
from storage.fields import Aware, Text

Who = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Paper = Annotated[str, msgspec.Meta(min_length=1, max_length=500, examples=["放弃陈述申辩声明书第3号"])]
Basis = Annotated[str, msgspec.Meta(min_length=1, max_length=500, examples=["行政处罚法第四十四条"])]


class ServiceMethod(StrEnum):
    """How a document reaches a person (民事诉讼法 87–95)."""

    DIRECT = "direct"  # 直接送达
    LEFT = "left"  # 留置送达
    ELECTRONIC = "electronic"  # 电子送达
    POST = "post"  # 邮寄送达
    ANNOUNCEMENT = "announcement"  # 公告送达


class MeasureKind(StrEnum):
    """Documents of a case."""

    NOTICE = "notice"  # 拟处理告知书
    ORDER = "order"  # 责令限期整改通知书
    SUSPENSION = "suspension"  # 中止决定
    WITHDRAWAL = "withdrawal"  # 撤案决定


class StepInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step with what it brings. What each step needs stands in the case's list of actions.

    `violation`, `began_on`: the classification, with `substantiate`. `document_id`: the issued notice or order that
    the step rests on. `document`: the text of another decision (to suspend, to withdraw).
    """

    action: Action
    reason: Text | None = None
    legal_basis: Basis | None = None
    violation: Violation | None = None
    began_on: date | None = None
    document_id: uuid.UUID | None = None
    document: Text | None = None


class AddedKind(StrEnum):
    """Evidence that a person may add by hand; gate records and visits come in by their own ways."""

    METER = "meter"
    DATA_MATCH = "data_match"
    DOCUMENT = "document"
    STATEMENT = "statement"


class EvidenceInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A piece of evidence or, with `proves_rectification`, proof that the matter was put right.

    A proof is never evidence of the violation. Completion is reported with one that was added since the order, or
    since the last follow-up that failed.
    """

    kind: AddedKind
    description: Text
    facts: dict[str, Any] = {}
    proves_rectification: bool = False


class EvidenceChecks(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What 行政处罚法 41 asks about electronic records."""

    legal_review: bool = False
    technical_review: bool = False
    conspicuously_marked: bool = False
    locations_published: bool = False


class EvidenceReviewInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A person's review of a piece of evidence."""

    admissible: bool
    note: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    checks: EvidenceChecks = EvidenceChecks()


class ServiceInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How and when a document reached the person. `served_at`: received, left, arrived or announced."""

    method: ServiceMethod
    served_at: Aware
    received_by: Who | None = None
    witness: Who | None = None
    photo_id: uuid.UUID | None = None
    note: Annotated[str, msgspec.Meta(max_length=1000)] | None = None


class RepresentationInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the person said, point by point. `waived` and `nothing_more` are theirs, in writing.

    `document`: number or description of the paper that they signed; required with `waived` or `nothing_more`.
    """

    made_by: Who
    made_at: Aware
    points: list[Text] = []
    waived: bool = False
    nothing_more: bool = False
    document: Paper | None = None


class ReplyInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The reply to one point."""

    reply: Text


class ProblemListInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A 问题（整改）清单: which cases, in which form, for whom, and why it is taken out.

    `estate_ids`: none means every estate in scope. `found_from`, `found_to`: when the problem was substantiated, in
    Asia/Shanghai, both days included. `states`: none means every state.
    """

    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=1000, pattern=r"\S")]
    form: ListForm = ListForm.XLSX
    audience: Audience = Audience.INTERNAL
    estate_ids: Annotated[list[uuid.UUID], msgspec.Meta(max_length=500)] = []
    found_from: date | None = None
    found_to: date | None = None
    states: Annotated[list[State], msgspec.Meta(max_length=30)] = []


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """A case in a list."""

    id: uuid.UUID
    number: str
    number_zh: str
    estate_id: uuid.UUID
    household_id: uuid.UUID
    unit_id: uuid.UUID
    lead_id: uuid.UUID
    state: State
    state_zh: str
    state_en: str
    violation: Violation | None
    began_on: date | None
    opened_by: uuid.UUID
    opened_at: datetime
    closed_at: datetime | None
    version: int


class StepView(msgspec.Struct, frozen=True, kw_only=True):
    """A step taken."""

    position: int
    action: Action
    from_state: State
    to_state: State
    actor_user_id: uuid.UUID
    actor_role: str
    certificate_number: str | None
    at: datetime
    legal_basis: str | None
    note: str | None


class ServiceView(msgspec.Struct, frozen=True, kw_only=True):
    """A service recorded. `effective_at`: from when it counts."""

    id: uuid.UUID
    method: ServiceMethod
    served_at: datetime
    effective_at: datetime
    received_by: str | None
    witness: str | None
    photo_object_id: uuid.UUID | None
    note: str | None
    recorded_by: uuid.UUID
    recorded_at: datetime


class MeasureView(msgspec.Struct, frozen=True, kw_only=True):
    """A document with its services."""

    id: uuid.UUID
    kind: MeasureKind
    number: str
    text: str
    legal_basis: str
    document_id: uuid.UUID | None
    issued_by: uuid.UUID
    issued_at: datetime
    services: list[ServiceView]


class DeadlineView(msgspec.Struct, frozen=True, kw_only=True):
    """A deadline: the last day in Asia/Shanghai, and the moment after it."""

    id: uuid.UUID
    kind: str
    starts_on: str
    amount: int
    unit: str
    last_day: date
    due_at: datetime
    provisional: bool
    source: str
    met_at: datetime | None
    warned_at: datetime | None


class EvidenceView(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of evidence, or with `proves_rectification` a proof that the matter was put right.

    `admissible`: by the newest review; None before one. `counts`: for what it is to show.
    """

    id: uuid.UUID
    kind: EvidenceKind
    source_kind: str
    source_id: uuid.UUID | None
    description: str
    proves_rectification: bool
    added_by: uuid.UUID
    added_at: datetime
    admissible: bool | None
    counts: bool


class PointView(msgspec.Struct, frozen=True, kw_only=True):
    """One point with its reply."""

    text: str
    reply: str | None


class RepresentationView(msgspec.Struct, frozen=True, kw_only=True):
    """What the person said. `document`: the paper that they signed to waive or to say that nothing follows."""

    id: uuid.UUID
    made_by: str
    made_at: datetime
    waived: bool
    nothing_more: bool
    document: str | None
    points: list[PointView]


class NeedView(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a step needs."""

    code: str
    zh: str
    en: str


class ActionView(msgspec.Struct, frozen=True, kw_only=True):
    """A step open to the caller in this state. `bring`: with the request; `missing`: must be so beforehand."""

    action: Action
    zh: str
    en: str
    to: State | None
    bring: list[NeedView]
    missing: list[NeedView]
    articles: list[str]


class CaseVisitView(msgspec.Struct, frozen=True, kw_only=True):
    """A visit of the case."""

    id: uuid.UUID
    kind: str
    status: str
    result: str | None
    assigned_to: uuid.UUID
    second_officer: uuid.UUID | None
    started_at: datetime | None
    done_at: datetime | None


class CaseDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A case with everything about it, and what the caller may do now."""

    case: CaseView
    steps: list[StepView]
    deadlines: list[DeadlineView]
    measures: list[MeasureView]
    evidence: list[EvidenceView]
    representations: list[RepresentationView]
    visits: list[CaseVisitView]
    permits: list[str]
    actions: list[ActionView]
