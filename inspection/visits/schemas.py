"""Visits as they travel. Bodies that a phone sends are kept by their digest: the bytes count, not the fields."""

import uuid
from datetime import date, datetime
from typing import Annotated, Any

import msgspec

from inspection.cases.vocabulary import Violation
from inspection.visits.coordinates import Crs
from inspection.visits.geofence import GradeLetter, Provider
from inspection.visits.models import Outcome, VisitKind, VisitResult, VisitStatus
from storage.fields import Aware, Text

Short = Annotated[str, msgspec.Meta(max_length=200)]


class VisitInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A visit to plan. Two officers are needed for what shall be evidence (行政处罚法 42)."""

    household_id: uuid.UUID
    unit_id: uuid.UUID
    kind: VisitKind
    assigned_to: uuid.UUID
    second_officer: uuid.UUID | None = None
    due_at: Aware | None = None


class FixInput(msgspec.Struct, frozen=True, kw_only=True):
    """One raw fix. `accuracy_m`: 68 % radius. Nothing is corrected on the phone."""

    lat: float
    lon: float
    crs: Crs
    fixed_at: Aware
    accuracy_m: float | None = None
    provider: Provider = Provider.UNKNOWN
    speed_mps: float | None = None
    mocked: bool = False


class CheckInInput(msgspec.Struct, frozen=True, kw_only=True):
    """A check-in at the door. `clock_difference_s`: the phone's clock minus the server's when they last spoke."""

    phone_time: Aware
    fixes: Annotated[list[FixInput], msgspec.Meta(max_length=200)]
    clock_difference_s: float | None = None


class OccupantInput(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody met: a registered person by id, or how they described themselves."""

    person_id: uuid.UUID | None = None
    described_as: Annotated[str, msgspec.Meta(max_length=500)] | None = None
    relation: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    lives_here: bool | None = None
    since: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    statement: Text | None = None


class VulnerabilityCheck(msgspec.Struct, frozen=True, kw_only=True):
    """Hardship and exceptions, each asked after before anybody may be given a notice. `note`: what was learnt."""

    illness: bool
    disability: bool
    minors: bool
    in_hospital: bool
    caring_for_relatives: bool
    violence: bool
    shift_or_away_work: bool
    bereavement: bool
    schooling: bool
    note: Annotated[str, msgspec.Meta(max_length=4000)] = ""


class FindingInput(msgspec.Struct, frozen=True, kw_only=True):
    """What an officer found. `began_on`: since when, as far as it is known."""

    outcome: Outcome
    statement: Text
    violation: Violation | None = None
    began_on: date | None = None
    vulnerability: VulnerabilityCheck | None = None


class ResultInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a visit ended. `let_in_by`: who opened, and what they allowed. `notice_left`: a dated notice at the door."""

    result: VisitResult
    let_in_by: Short | None = None
    notes: Annotated[str, msgspec.Meta(max_length=8000)] | None = None
    notice_left: bool = False


class ReasonView(msgspec.Struct, frozen=True, kw_only=True):
    """One reason of a grade."""

    code: str
    zh: str
    en: str


class CheckInView(msgspec.Struct, frozen=True, kw_only=True):
    """A check-in with its grade."""

    id: uuid.UUID
    user_id: uuid.UUID
    phone_time: datetime
    received_at: datetime
    grade: GradeLetter
    reasons: list[ReasonView]
    distance_m: float | None
    late: bool


class PhotoView(msgspec.Struct, frozen=True, kw_only=True):
    """A photo as stored; the bytes are read elsewhere, with a reason."""

    id: uuid.UUID
    user_id: uuid.UUID
    content_type: str
    size: int
    sha256: str
    taken_at: datetime | None
    caption: str | None
    received_at: datetime
    late: bool


class OccupantView(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody met."""

    id: uuid.UUID
    person_id: uuid.UUID | None
    described_as: str | None
    relation: str | None
    lives_here: bool | None
    since: str | None
    statement: str | None
    recorded_by: uuid.UUID
    recorded_at: datetime
    late: bool


class FindingView(msgspec.Struct, frozen=True, kw_only=True):
    """What was found."""

    id: uuid.UUID
    outcome: Outcome
    statement: str
    violation: Violation | None
    began_on: date | None
    vulnerability: dict[str, Any] | None
    recorded_by: uuid.UUID
    recorded_at: datetime
    late: bool


class VisitView(msgspec.Struct, frozen=True, kw_only=True):
    """A visit in a list: where, who, until when."""

    id: uuid.UUID
    estate_id: uuid.UUID
    estate: str
    building: str
    entrance: str
    room_no: str
    household_id: uuid.UUID
    household_number: str
    unit_id: uuid.UUID
    kind: VisitKind
    status: VisitStatus
    lead_id: uuid.UUID | None
    case_id: uuid.UUID | None
    assigned_to: uuid.UUID
    second_officer: uuid.UUID | None
    due_at: datetime | None
    created_at: datetime
    started_at: datetime | None
    done_at: datetime | None
    result: VisitResult | None
    let_in_by: str | None
    notice_left: bool


class VisitDetails(msgspec.Struct, frozen=True, kw_only=True):
    """A visit with everything that was sent from the field."""

    visit: VisitView
    notes: str | None
    check_ins: list[CheckInView]
    photos: list[PhotoView]
    occupants: list[OccupantView]
    findings: list[FindingView]
