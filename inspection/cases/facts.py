"""What is known of a case, gathered from the rows in the transaction that takes the step."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases import periods, queries
from inspection.cases.deadlines import DeadlineKind
from inspection.cases.models import Case, CaseEvidence, CaseStep, Deadline, Measure, Representation, Service
from inspection.cases.schemas import MeasureKind, StepInput
from inspection.cases.transitions import COMPLETION, MACHINE_KINDS, Facts
from inspection.cases.vocabulary import Action, EvidenceKind, Role, State, Violation
from inspection.documents import queries as document_queries
from inspection.documents.models import Document
from inspection.documents.vocabulary import DocumentStatus
from inspection.users.authority import Officer, officers_at
from inspection.visits import coverage
from inspection.visits import queries as visit_queries
from inspection.visits.models import Finding, Outcome, Visit, VisitKind, VisitResult, VisitStatus
from inspection.visits.service import officers_of

SUPPORTS: Final = frozenset({Outcome.SUBSTANTIATED, Outcome.RECTIFIED_ON_SPOT})
PASSED: Final = frozenset({Outcome.RECTIFIED, Outcome.RECTIFIED_ON_SPOT, Outcome.UNFOUNDED})
FAILED: Final = frozenset({Outcome.NOT_RECTIFIED, Outcome.SUBSTANTIATED})
CHECKING: Final = frozenset({VisitKind.VERIFICATION, VisitKind.PATROL})
CALLS_FOR_PROOF: Final = frozenset({Action.ORDER_RECTIFICATION, Action.RECTIFY_ON_SPOT, Action.FAIL_FOLLOW_UP})
"""Steps after which the matter is put right, or put right again: an older proof says nothing about that."""
SERVED_IN: Final = {State.NOTICE: MeasureKind.NOTICE, State.RECTIFICATION_ORDER: MeasureKind.ORDER}
RENDERED: Final = {Action.GIVE_NOTICE: MeasureKind.NOTICE, Action.ORDER_RECTIFICATION: MeasureKind.ORDER}


@dataclass(frozen=True, slots=True)
class Known:
    """The rows of a case."""

    steps: Sequence[CaseStep]
    evidence: Sequence[tuple[CaseEvidence, bool | None]]
    measures: Sequence[Measure]
    services: Sequence[Service]
    representations: Sequence[Representation]
    deadlines: Sequence[Deadline]
    papers: Sequence[Document]
    visits: Sequence[Visit]
    findings: Mapping[uuid.UUID, Finding]
    there: Mapping[uuid.UUID, frozenset[uuid.UUID]]
    officers: Mapping[uuid.UUID, Officer]

    def supporting(self, violation: Violation | None) -> list[tuple[Visit, Finding]]:
        """Visits that speak for the violation: made, done, found so, and not reviewed as inadmissible.

        A door that stayed shut proves nothing but, with enough attempts, that nobody opens: it counts for vacancy.
        `violation` None: not classified yet, so that it may become that.
        """
        vacancy = violation in {None, Violation.VACANT}
        rejected = {
            item.source_id
            for item, admissible in self.evidence
            if item.kind == EvidenceKind.VISIT and not counts(item, admissible)
        }
        return [
            (visit, finding)
            for visit, finding in self._found(CHECKING)
            if finding.outcome in SUPPORTS
            and visit.id not in rejected
            and (visit.result == VisitResult.MET or (vacancy and finding.violation == Violation.VACANT))
        ]

    def against(self) -> list[CaseEvidence]:
        """What counts as evidence of the violation; proof that it was put right is none."""
        return [
            item for item, admissible in self.evidence if not item.proves_rectification and counts(item, admissible)
        ]

    def rectification_proved(self) -> bool:
        """Whether a proof that counts was added since the last step that calls for one."""
        called = [step.at for step in self.steps if step.action in CALLS_FOR_PROOF]
        return bool(called) and any(
            item.proves_rectification and item.added_at >= called[-1] and counts(item, admissible)
            for item, admissible in self.evidence
        )

    def follow_up(self) -> tuple[Visit, Finding] | None:
        """The newest follow-up visit made after the matter was last reported as put right."""
        reported = [step.at for step in self.steps if step.action in COMPLETION]
        made = [
            pair
            for pair in self._found(frozenset({VisitKind.FOLLOW_UP}))
            if reported and pair[0].started_at is not None and pair[0].started_at >= reported[-1]
        ]
        return made[-1] if made else None

    def certified(self, visit: Visit) -> frozenset[uuid.UUID]:
        """Who was at a visit and holds a certificate."""
        return frozenset(
            user_id
            for user_id in self.there.get(visit.id, frozenset())
            if user_id in self.officers and self.officers[user_id].certificate_number
        )

    def document(self, kind: MeasureKind) -> Measure | None:
        """The newest document of a kind."""
        return next((measure for measure in reversed(self.measures) if measure.kind == kind), None)

    def measures_of(self, paper: Document) -> list[Measure]:
        """What rests on a document."""
        return [measure for measure in self.measures if measure.document_id == paper.id]

    def paper(self, action: Action, document_id: uuid.UUID | None) -> Document | None:
        """The document for a step: issued since the case came here, of the right kind, taken up by no step yet."""
        return next(
            (
                paper
                for paper in self.papers
                if paper.id == document_id
                and paper.kind == RENDERED[action].value
                and paper.status == DocumentStatus.ISSUED
                and paper.issued_at is not None
                and paper.issued_at >= self.steps[-1].at
                and not self.measures_of(paper)
            ),
            None,
        )

    def service(self, kind: MeasureKind | None, *, now: datetime) -> Service | None:
        """The service by which the newest document of a kind counts as served; None before that moment."""
        measure = None if kind is None else self.document(kind)
        if measure is None:
            return None
        made = [row for row in self.services if row.measure_id == measure.id and row.effective_at <= now]
        return min(made, key=lambda row: row.effective_at, default=None)

    def spoken(self) -> list[Representation]:
        """What was said about the newest notice."""
        notice = self.document(MeasureKind.NOTICE)
        return [row for row in self.representations if notice is not None and row.recorded_at >= notice.issued_at]

    def _found(self, kinds: frozenset[VisitKind]) -> list[tuple[Visit, Finding]]:
        return [
            (visit, self.findings[visit.id])
            for visit in self.visits
            if visit.kind in kinds
            and visit.status == VisitStatus.DONE
            and visit.started_at is not None
            and visit.id in self.findings
        ]


async def known(session: AsyncSession, case: Case) -> Known:
    """Reads everything about a case."""
    visits = await visit_queries.of_case(session, case.id)
    findings = await visit_queries.findings_of(session, [visit.id for visit in visits])
    there = await officers_of(session, visits)
    measures = await queries.measures(session, case.id)
    people = frozenset().union(*there.values()) if there else frozenset()
    return Known(
        steps=await queries.steps(session, case.id),
        evidence=await queries.evidence(session, case.id),
        measures=measures,
        services=await queries.services(session, [measure.id for measure in measures]),
        representations=await queries.representations(session, case.id),
        deadlines=await queries.deadlines(session, case.id),
        papers=await document_queries.of_case(session, case.id),
        visits=visits,
        findings={finding.visit_id: finding for finding in findings},  # the newest of a visit counts
        there=there,
        officers=await officers_at(session, user_ids=people, estate_id=case.estate_id),
    )


def counts(item: CaseEvidence, admissible: bool | None) -> bool:
    """Whether a piece of evidence counts for what it is to show.

    A machine's record against somebody does after a favourable review, anything else unless rejected.
    """
    return admissible is True if needs_checks(item) else admissible is not False


def needs_checks(item: CaseEvidence) -> bool:
    """Whether it is a machine's record against somebody (行政处罚法 41); a proof speaks for them."""
    return EvidenceKind(item.kind) in MACHINE_KINDS and not item.proves_rectification


def gather(
    case: Case,
    rows: Known,
    *,
    officer: Officer,
    role: Role,
    step: StepInput,
    values: Mapping[str, Any],
    now: datetime,
) -> tuple[Facts, list[Deadline]]:
    """The facts for a step by `officer` in `role`, and the deadlines that the step would begin."""
    done_by = {Action(row.action): row.actor_user_id for row in rows.steps}
    told = step.violation if step.action is Action.SUBSTANTIATE else None
    violation = told or (None if case.violation is None else Violation(case.violation))
    supporting, follow_up, spoken = rows.supporting(violation), rows.follow_up(), rows.spoken()
    state = State(case.state)
    service = rows.service(SERVED_IN.get(state), now=now)
    started = periods.starting(
        step.action,
        served_at=None if service is None else service.effective_at,
        recorded_at=None if service is None else service.recorded_at,
        now=now,
        values=values,
    )
    set_so_far = [(DeadlineKind(row.kind), row) for row in rows.deadlines]
    evidence = {EvidenceKind(item.kind) for item in rows.against()}
    if supporting:
        evidence.add(EvidenceKind.VISIT)
    facts = Facts(
        now=now,
        actor_id=officer.user_id,
        role=role,
        has_certificate=bool(officer.certificate_number),
        done_by=done_by,
        suspended_from=None if case.resume_to is None else State(case.resume_to),
        violation=violation,
        evidence=frozenset(evidence),
        officers=max((rows.certified(visit) for visit, _ in supporting), key=len, default=frozenset()),
        visit_coverage_met=coverage.is_met(_attempts(rows), values),
        vulnerability_checked=any(
            rows.findings[visit.id].vulnerability is not None
            for visit in rows.visits
            if visit.id in rows.findings and visit.status == VisitStatus.DONE
        ),
        served=service is not None,
        representation_ended_in_writing=bool(spoken) and (spoken[-1].waived or spoken[-1].nothing_more),
        open_points=sum(point["reply"] is None for row in rows.representations for point in row.points),
        rectification_proved=rows.rectification_proved(),
        follow_up_by=None if follow_up is None else _by(rows, follow_up, done_by),
        follow_up_passed=None if follow_up is None else _passed(follow_up[1]),
        deadlines=periods.newest([*set_so_far, *started]),
        legal_basis=bool(step.legal_basis and step.legal_basis.strip()),
        document=(
            rows.paper(step.action, step.document_id) is not None
            if step.action in RENDERED
            else bool(step.document and step.document.strip())
        ),
        reason=bool(step.reason and step.reason.strip()),
    )
    return facts, [row for _, row in started]


def _attempts(rows: Known) -> list[coverage.Attempt]:
    return [
        coverage.Attempt(visit.started_at, visit.notice_left)
        for visit in rows.visits
        if visit.kind in CHECKING and visit.status == VisitStatus.DONE and visit.started_at is not None
    ]


def _by(rows: Known, follow_up: tuple[Visit, Finding], done_by: Mapping[Action, uuid.UUID]) -> uuid.UUID:
    """Who made the follow-up visit; who reported completion, if they were there too, so that the table refuses it."""
    visit, finding = follow_up
    reporters = {done_by[action] for action in COMPLETION if action in done_by}
    return next(iter(reporters & rows.there[visit.id]), finding.recorded_by)


def _passed(finding: Finding) -> bool | None:
    if finding.outcome in PASSED:
        return True
    return False if finding.outcome in FAILED else None
