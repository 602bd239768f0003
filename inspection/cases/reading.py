"""A case as it is read: everything about it, and what the reader may do now with what that needs."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases import facts, queries, service
from inspection.cases.documents import number_zh
from inspection.cases.errors import CaseNotFound
from inspection.cases.legal_basis import ACTION_ARTICLES, VIOLATION_ARTICLES
from inspection.cases.models import Case
from inspection.cases.periods import as_due
from inspection.cases.schemas import (
    ActionView,
    CaseDetails,
    CaseView,
    CaseVisitView,
    DeadlineView,
    EvidenceView,
    MeasureKind,
    MeasureView,
    NeedView,
    PointView,
    RepresentationView,
    ServiceMethod,
    ServiceView,
    StepInput,
    StepView,
)
from inspection.cases.transitions import PERMITS, TRANSITIONS, Refused, check, legal_actions
from inspection.cases.vocabulary import LABELS, Action, EvidenceKind, Requirement, State, Violation
from inspection.registry.places.models import Estate
from inspection.users.authority import Officer, require
from storage.audit.service import Actor
from storage.clock import local_day
from storage.rules.service import in_force

BROUGHT: Final = frozenset({Requirement.CLASSIFIED, Requirement.LEGAL_BASIS, Requirement.DOCUMENT, Requirement.REASON})
"""What the request for a step itself brings."""


async def get(session: AsyncSession, *, case_id: uuid.UUID, actor: Actor, now: datetime) -> CaseDetails:
    """One case in scope with everything about it."""
    case = await queries.case(session, case_id)
    if case is None:
        raise CaseNotFound
    officer = await require(session, actor=actor, estate_id=case.estate_id)
    estate = await session.get_one(Estate, case.estate_id)
    rules = await in_force(session, division_code=estate.division_code, on=local_day(now))
    rows = await facts.known(session, case)
    return CaseDetails(
        case=view(case),
        steps=_steps(rows),
        deadlines=_deadlines(rows),
        measures=_measures(rows),
        evidence=[
            EvidenceView(
                id=item.id, kind=EvidenceKind(item.kind), source_kind=item.source_kind, source_id=item.source_id,
                description=item.description, proves_rectification=item.proves_rectification, added_by=item.added_by,
                added_at=item.added_at, admissible=admissible, counts=facts.counts(item, admissible),
            )
            for item, admissible in rows.evidence
        ],
        representations=[
            RepresentationView(
                id=row.id, made_by=row.made_by, made_at=row.made_at, waived=row.waived, nothing_more=row.nothing_more,
                document=row.document,
                points=[PointView(text=point["text"], reply=point["reply"]) for point in row.points],
            )
            for row in rows.representations
        ],
        visits=[
            CaseVisitView(
                id=visit.id, kind=visit.kind, status=visit.status, result=visit.result, assigned_to=visit.assigned_to,
                second_officer=visit.second_officer, started_at=visit.started_at, done_at=visit.done_at,
            )
            for visit in rows.visits
        ],
        permits=sorted(permit.value for permit in PERMITS[State(case.state)]),
        actions=actions(case, rows, officer=officer, values=rules.values, now=now),
    )  # fmt: skip


async def page(
    session: AsyncSession,
    *,
    state: State | None = None,
    estate_id: uuid.UUID | None = None,
    household_id: uuid.UUID | None = None,
    before: tuple[datetime, uuid.UUID] | None = None,
    limit: int = 50,
) -> list[CaseView]:
    """Cases in scope, newest first; `before` is the place (opened_at, id) of the last one seen."""
    rows = await queries.page(
        session, state=state, estate_id=estate_id, household_id=household_id, before=before, limit=limit
    )
    return [view(row) for row in rows]


def view(case: Case) -> CaseView:
    """A case in a list."""
    state = State(case.state)
    return CaseView(
        id=case.id, number=case.number, number_zh=number_zh(case.number), estate_id=case.estate_id,
        household_id=case.household_id, unit_id=case.unit_id, lead_id=case.lead_id, state=state,
        state_zh=LABELS[state][0], state_en=LABELS[state][1],
        violation=None if case.violation is None else Violation(case.violation),
        began_on=None if case.began_on is None else date.fromisoformat(case.began_on), opened_by=case.opened_by,
        opened_at=case.opened_at, closed_at=case.closed_at, version=case.version,
    )  # fmt: skip


def actions(
    case: Case, rows: facts.Known, *, officer: Officer, values: Mapping[str, Any], now: datetime
) -> list[ActionView]:
    """The steps open to a person in this state: where each leads, what to bring, what is missing."""
    state, found = State(case.state), []
    for action in Action:
        role = service.role_for(officer, action)
        if action not in legal_actions(state, role):
            continue
        row = TRANSITIONS[action]
        gathered, _ = facts.gather(
            case, rows, officer=officer, role=role, step=StepInput(action=action), values=values, now=now
        )
        answer = check(state, action, gathered)
        unmet = answer.missing if isinstance(answer, Refused) else ()
        to = row.to or (None if case.resume_to is None else State(case.resume_to))
        found.append(
            ActionView(
                action=action, zh=LABELS[action][0], en=LABELS[action][1], to=to,
                bring=[_need(need) for need in unmet if need in BROUGHT],
                missing=[_need(need) for need in unmet if need not in BROUGHT],
                articles=_articles(case, action),
            )
        )  # fmt: skip
    return found


def _articles(case: Case, action: Action) -> list[str]:
    """Articles that the form proposes; the person who takes the step names those it rests on."""
    of_violation = () if case.violation is None else VIOLATION_ARTICLES[Violation(case.violation)]
    return [*ACTION_ARTICLES.get(action, ()), *(of_violation if action in facts.RENDERED else ())]


def _need(need: Requirement) -> NeedView:
    return NeedView(code=need.value, zh=LABELS[need][0], en=LABELS[need][1])


def _steps(rows: facts.Known) -> list[StepView]:
    return [
        StepView(
            position=row.position, action=Action(row.action), from_state=State(row.from_state),
            to_state=State(row.to_state), actor_user_id=row.actor_user_id, actor_role=row.actor_role,
            certificate_number=row.certificate_number, at=row.at, legal_basis=row.legal_basis, note=row.note,
        )
        for row in rows.steps
    ]  # fmt: skip


def _deadlines(rows: facts.Known) -> list[DeadlineView]:
    return [
        DeadlineView(
            id=row.id, kind=row.kind, starts_on=row.starts_on, amount=row.amount, unit=row.unit,
            last_day=as_due(row).date, due_at=row.due_at, provisional=row.provisional, source=row.source,
            met_at=row.met_at, warned_at=row.warned_at,
        )
        for row in rows.deadlines
    ]  # fmt: skip


def _measures(rows: facts.Known) -> list[MeasureView]:
    return [
        MeasureView(
            id=row.id, kind=MeasureKind(row.kind), number=row.number, text=row.text, legal_basis=row.legal_basis,
            document_id=row.document_id, issued_by=row.issued_by, issued_at=row.issued_at,
            services=[
                ServiceView(
                    id=served.id, method=ServiceMethod(served.method), served_at=served.served_at,
                    effective_at=served.effective_at, received_by=served.received_by, witness=served.witness,
                    photo_object_id=served.photo_object_id, note=served.note, recorded_by=served.recorded_by,
                    recorded_at=served.recorded_at,
                )
                for served in rows.services
                if served.measure_id == row.id
            ],
        )
        for row in rows.measures
    ]  # fmt: skip
