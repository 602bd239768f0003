"""The one way in which a case moves: a person takes a step that the table of transitions allows.

A step writes its row, what it makes (documents, evidence, deadlines) and its audit row in one transaction.
"""

import uuid
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases import access, facts, paperwork, periods, queries
from inspection.cases.errors import IllegalStep, StepNeeds, StepRole
from inspection.cases.models import Case, CaseEvidence, CaseStep, Deadline, Measure
from inspection.cases.schemas import MeasureKind, StepInput
from inspection.cases.transitions import FINAL, TRANSITIONS, Allowed, Facts, Refused, check
from inspection.cases.vocabulary import LABELS, Action, EvidenceKind, Role, State
from inspection.leads import service as leads
from inspection.registry.places.models import Estate
from inspection.users.authority import HumanNeeded, Officer
from inspection.visits import service as visits
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.problems import Forbidden, Invalid
from storage.rules.service import in_force

GIVEN: Final = {Action.SUSPEND: MeasureKind.SUSPENSION, Action.WITHDRAW: MeasureKind.WITHDRAWAL}
LETTERS: Final = {MeasureKind.SUSPENSION: "止", MeasureKind.WITHDRAWAL: "撤"}


async def step(
    session: AsyncSession,
    *,
    case_id: uuid.UUID,
    step: StepInput,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> Case:
    """Takes a step. The table decides whether it is legal; rows of the database are its facts.

    Raises `HumanNeeded`, `StepRole`, `IllegalStep` and `StepNeeds` (with the legal steps), `VersionMismatch`.
    """
    opened = await access.locked(session, case_id=case_id, actor=actor, any_of=None, version=version)
    case, officer = opened.case, opened.officer
    estate = await session.get_one(Estate, case.estate_id)
    rules = await in_force(session, division_code=estate.division_code, on=local_day(now))
    rows = await facts.known(session, case)
    role = role_for(officer, step.action)
    gathered, started = facts.gather(case, rows, officer=officer, role=role, step=step, values=rules.values, now=now)
    to = allowed(check(State(case.state), step.action, gathered))
    if step.action is Action.SUBSTANTIATE:
        _classify(session, case, rows, gathered, step, officer, now)
    paper = rows.paper(step.action, step.document_id) if step.action in facts.RENDERED else None
    if paper is not None:
        paperwork.attach(session, case=case, paper=paper, officer=officer, now=now)
    elif step.action in GIVEN and step.document is not None:
        await _add_measure(session, case, GIVEN[step.action], step.document, step.legal_basis or "", officer, now)
    await move(
        session, case=case, step=step, to=to, officer=officer, role=role, started=started, position=len(rows.steps) + 1,
        actor=actor, now=now,
    )  # fmt: skip
    return case


def role_for(officer: Officer, action: Action) -> Role:
    """In which of their roles a person takes a step: one that the table opens it to, if they have such a role."""
    held = [role for role in Role if role.value in officer.roles]
    if not held:
        raise Forbidden
    return next(
        (role for role in sorted(held, key=lambda role: role is not Role.MANAGER) if role in TRANSITIONS[action].roles),
        held[0],
    )


def allowed(answer: Allowed | Refused) -> State:
    """Where the step leads; raises the problem that a refusal is."""
    if isinstance(answer, Allowed):
        return answer.to
    legal = [{"action": action, "zh": LABELS[action][0], "en": LABELS[action][1]} for action in answer.legal]
    missing = [{"code": need, "zh": LABELS[need][0], "en": LABELS[need][1]} for need in answer.missing]
    match answer.code:
        case "human-actor-needed":
            raise HumanNeeded(answer.zh, answer.en)
        case "role-not-allowed":
            raise StepRole(answer.zh, answer.en, legal=legal)
        case "illegal-step" | "former-state-unknown":
            raise IllegalStep(answer.zh, answer.en, legal=legal)
        case _:
            raise StepNeeds(answer.zh, answer.en, legal=legal, missing=missing)


async def move(
    session: AsyncSession,
    *,
    case: Case,
    step: StepInput,
    to: State,
    officer: Officer,
    role: Role,
    started: list[Deadline],
    position: int,
    actor: Actor,
    now: datetime,
) -> None:
    """Writes a step that was allowed: its row, deadlines, the case's new state, the audit row."""
    before = State(case.state)
    row = CaseStep(
        id=new_id(), estate_id=case.estate_id, case_id=case.id, position=position, action=step.action,
        from_state=before, to_state=to, actor_user_id=officer.user_id, actor_role=role,
        certificate_number=officer.certificate_number, at=now, legal_basis=step.legal_basis, note=step.reason,
        details={"deadlines": [str(deadline.id) for deadline in started]},
    )  # fmt: skip
    session.add(row)
    case.resume_to = before if step.action is Action.SUSPEND else None
    case.state, case.version = to, case.version + 1
    final = to in FINAL
    await periods.apply(session, case=case, action=step.action, started=started, final=final, now=now)
    record(
        session, at=now, actor=actor, action=f"case.{step.action.value.replace('_', '-')}", object_kind="case",
        object_id=case.id, estate_id=case.estate_id, reason=None if step.reason is None else step.reason[:1000],
        step_id=str(row.id), position=position, before=before, after=to, number=case.number, role=role,
    )  # fmt: skip
    if final:
        case.closed_at = now
        await leads.settle(session, lead_id=case.lead_id, actor=actor, now=now)
        await visits.cancel_planned(session, case_id=case.id, reason="案件已结束", actor=actor, now=now)
    await session.flush()


def _classify(
    session: AsyncSession,
    case: Case,
    rows: facts.Known,
    gathered: Facts,
    step: StepInput,
    officer: Officer,
    now: datetime,
) -> None:
    """Writes down as what the finding was classified, and on which visits it rests."""
    if step.began_on is not None and step.began_on > local_day(now):
        raise Invalid("违规开始日期不能晚于今天", "The violation cannot have begun after today")
    if step.violation is not None:
        case.violation = step.violation
    case.began_on = step.began_on.isoformat() if step.began_on else case.began_on
    there = {item.source_id for item, _ in rows.evidence if item.kind == EvidenceKind.VISIT}
    for visit, finding in rows.supporting(gathered.violation):
        if visit.id not in there:
            session.add(
                CaseEvidence(
                    id=new_id(), estate_id=case.estate_id, case_id=case.id, kind=EvidenceKind.VISIT,
                    source_kind="visit", source_id=visit.id, description=finding.statement,
                    facts={"finding_id": str(finding.id), "outcome": finding.outcome, "result": visit.result},
                    added_by=officer.user_id, added_at=now,
                )
            )  # fmt: skip


async def _measure_number(session: AsyncSession, case: Case, kind: MeasureKind) -> str:
    """The case's number with the kind's letter and a running number: `999999-2026-0001-止1`."""
    return f"{case.number}-{LETTERS[kind]}{await queries.count_measures(session, case_id=case.id, kind=kind) + 1}"


async def _add_measure(
    session: AsyncSession, case: Case, kind: MeasureKind, text: str, legal_basis: str, officer: Officer, now: datetime
) -> None:
    session.add(
        Measure(
            id=new_id(), estate_id=case.estate_id, case_id=case.id, kind=kind,
            number=await _measure_number(session, case, kind), text=text, legal_basis=legal_basis,
            issued_by=officer.user_id, issued_at=now,
        )
    )  # fmt: skip
