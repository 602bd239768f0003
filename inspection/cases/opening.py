"""From a lead to a case: a manager accepts, the case is numbered and registered, a first visit is planned."""

import uuid
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases import access, facts, queries, service
from inspection.cases.models import Case, CaseEvidence
from inspection.cases.schemas import StepInput
from inspection.cases.transitions import COMPLETION, check
from inspection.cases.vocabulary import Action, EvidenceKind, Permit, State
from inspection.leads import service as leads
from inspection.leads.models import Lead, LeadSource
from inspection.ports import GateEvidence
from inspection.registry.places.models import Estate
from inspection.users.authority import require
from inspection.visits import service as visits
from inspection.visits.models import Visit, VisitKind
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.rules.service import in_force

BROUGHT: Final = {LeadSource.GATE: EvidenceKind.GATE, LeadSource.DATA_MATCH: EvidenceKind.DATA_MATCH}


async def accept_lead(
    session: AsyncSession,
    *,
    lead_id: uuid.UUID,
    reason: str,
    gate_evidence: GateEvidence,
    actor: Actor,
    now: datetime,
) -> tuple[Lead, Case]:
    """Accepts a lead and opens its case in the state registered.

    What the machine brought becomes evidence that does not count until a person has reviewed it (行政处罚法 41).
    """
    lead = await leads.accept(
        session, lead_id=lead_id, reason=reason, gate_evidence=gate_evidence, actor=actor, now=now
    )
    officer = await require(session, actor=actor, estate_id=lead.estate_id, any_of=leads.MANAGERS)
    estate = await session.get_one(Estate, lead.estate_id)
    district, year = estate.division_code[:6], local_day(now).year
    running = await queries.next_number(session, district=district, year=year)
    case = Case(
        id=new_id(), estate_id=lead.estate_id, household_id=lead.household_id, unit_id=lead.unit_id, lead_id=lead.id,
        number=f"{district}-{year}-{running:04}", state=State.LEAD, opened_by=officer.user_id, opened_at=now, version=0,
    )  # fmt: skip
    session.add(case)
    await session.flush()
    source = LeadSource(lead.source)
    if source in BROUGHT:
        session.add(
            CaseEvidence(
                id=new_id(), estate_id=case.estate_id, case_id=case.id, kind=BROUGHT[source], source_kind="lead",
                source_id=lead.id, description=lead.summary_zh, facts={"discrepancy_ids": lead.discrepancy_ids},
                added_by=officer.user_id, added_at=now,
            )
        )  # fmt: skip
    step = StepInput(action=Action.REGISTER, reason=reason)
    rules = await in_force(session, division_code=estate.division_code, on=local_day(now))
    rows = await facts.known(session, case)
    role = service.role_for(officer, step.action)
    gathered, started = facts.gather(case, rows, officer=officer, role=role, step=step, values=rules.values, now=now)
    to = service.allowed(check(State.LEAD, step.action, gathered))
    await service.move(
        session, case=case, step=step, to=to, officer=officer, role=role, started=started, position=1, actor=actor,
        now=now,
    )  # fmt: skip
    return lead, case


async def plan_visit(
    session: AsyncSession,
    *,
    case_id: uuid.UUID,
    kind: VisitKind,
    assigned_to: uuid.UUID,
    second_officer: uuid.UUID | None,
    due_at: datetime | None,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> Visit:
    """Plans a visit of a case. Who reported the matter as put right does not make the follow-up."""
    opened = await access.permitted(
        session, case_id=case_id, permits=frozenset({Permit.PLAN_VISIT}), actor=actor, any_of=access.MANAGERS,
        version=version,
    )  # fmt: skip
    case = opened.case
    reporters = {step.actor_user_id for step in await queries.steps(session, case.id) if step.action in COMPLETION}
    visit = await visits.plan(
        session, household_id=case.household_id, unit_id=case.unit_id, kind=kind, assigned_to=assigned_to,
        second_officer=second_officer, due_at=due_at, lead_id=case.lead_id, case_id=case.id,
        not_by=frozenset(reporters) if kind is VisitKind.FOLLOW_UP else frozenset(), actor=actor, now=now,
    )  # fmt: skip
    case.version += 1
    record(
        session, at=now, actor=actor, action="case.visit-planned", object_kind="case", object_id=case.id,
        estate_id=case.estate_id, visit_id=str(visit.id),
    )  # fmt: skip
    return visit
