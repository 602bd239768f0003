"""Rows of visits as they travel."""

from datetime import date

from inspection.cases.vocabulary import Violation
from inspection.visits.geofence import GradeLetter
from inspection.visits.models import (
    CheckIn,
    Finding,
    OccupantMet,
    Outcome,
    Photo,
    VisitKind,
    VisitResult,
    VisitStatus,
)
from inspection.visits.queries import Placed
from inspection.visits.schemas import CheckInView, FindingView, OccupantView, PhotoView, ReasonView, VisitView


def visit_view(row: Placed) -> VisitView:
    """A visit with the names of its place."""
    visit, estate, building, entrance, room_no, household_number = row
    return VisitView(
        id=visit.id, estate_id=visit.estate_id, estate=estate, building=building, entrance=entrance, room_no=room_no,
        household_id=visit.household_id, household_number=household_number, unit_id=visit.unit_id,
        kind=VisitKind(visit.kind), status=VisitStatus(visit.status), lead_id=visit.lead_id, case_id=visit.case_id,
        assigned_to=visit.assigned_to, second_officer=visit.second_officer, due_at=visit.due_at,
        created_at=visit.created_at, started_at=visit.started_at, done_at=visit.done_at,
        result=None if visit.result is None else VisitResult(visit.result), let_in_by=visit.let_in_by,
        notice_left=visit.notice_left,
    )  # fmt: skip


def check_in_view(row: CheckIn) -> CheckInView:
    """A check-in with its grade."""
    return CheckInView(
        id=row.id, user_id=row.user_id, phone_time=row.phone_time, received_at=row.received_at,
        grade=GradeLetter(row.grade), reasons=[ReasonView(**reason) for reason in row.reasons],
        distance_m=row.distance_m, late=row.late,
    )  # fmt: skip


def photo_view(row: Photo) -> PhotoView:
    """A photo's row."""
    return PhotoView(
        id=row.id, user_id=row.user_id, content_type=row.content_type, size=row.size, sha256=row.body_digest.hex(),
        taken_at=row.taken_at, caption=row.caption, received_at=row.received_at, late=row.late,
    )  # fmt: skip


def occupant_view(row: OccupantMet) -> OccupantView:
    """Somebody met."""
    return OccupantView(
        id=row.id, person_id=row.person_id, described_as=row.described_as, relation=row.relation,
        lives_here=row.lives_here, since=row.since, statement=row.statement, recorded_by=row.recorded_by,
        recorded_at=row.recorded_at, late=row.late,
    )  # fmt: skip


def finding_view(row: Finding) -> FindingView:
    """What was found."""
    return FindingView(
        id=row.id, outcome=Outcome(row.outcome), statement=row.statement,
        violation=None if row.violation is None else Violation(row.violation),
        began_on=None if row.began_on is None else date.fromisoformat(row.began_on),
        vulnerability=row.vulnerability, recorded_by=row.recorded_by, recorded_at=row.recorded_at, late=row.late,
    )  # fmt: skip
