"""Leads: opened by the gate side or by a person, decided by a person alone.

A lead weighs nothing by itself. What the machine may do is open one, add to it, and withdraw one that nobody has
decided on yet.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.leads import queries
from inspection.leads.errors import LeadNotFound, LeadNotOpen, LeadStands, ReopenTooLate
from inspection.leads.models import Lead, LeadSource, LeadStatus
from inspection.leads.schemas import LeadView
from inspection.ports import GateEvidence
from inspection.registry.consents.models import Purpose
from inspection.registry.consents.service import require_basis
from inspection.registry.households.service import leasing_estate
from inspection.registry.places.models import Estate
from inspection.users.authority import require
from inspection.users.models import UserRole
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.problems import Invalid
from storage.rules.service import in_force
from storage.rules.values import RuleDefault

MANAGERS: Final = frozenset({UserRole.MANAGER})
READERS: Final = frozenset({UserRole.MANAGER, UserRole.AUDITOR})
GATE_SIDE: Final = Actor.system("occupancy")
REOPEN_DAYS: Final = RuleDefault("leads.reopen_days", 30, "calendar_day", "内部管理参数，须由主管部门确认")
DEFAULTS: Final = (REOPEN_DAYS,)
"""Default rows of a rule set."""


async def open_from_gate(
    session: AsyncSession,
    *,
    estate_id: uuid.UUID,
    household_id: uuid.UUID,
    unit_id: uuid.UUID,
    rule: str,
    discrepancy_id: uuid.UUID,
    summary_zh: str,
    summary_en: str,
    now: datetime,
) -> Lead:
    """The lead of a discrepancy: repeated calls give the same one.

    One lead of a rule stands for a household: a further discrepancy is added to it. A lead that a person dismissed
    stays dismissed as long as it rests on the same discrepancy.
    """
    known = await queries.with_discrepancy(session, discrepancy_id)
    if known:
        return known[-1]
    lead_id = new_id()
    values = {
        "id": lead_id, "estate_id": estate_id, "household_id": household_id, "unit_id": unit_id,
        "source": LeadSource.GATE, "rule": rule, "discrepancy_ids": [str(discrepancy_id)], "summary_zh": summary_zh,
        "summary_en": summary_en, "status": LeadStatus.NEW, "created_at": now,
    }  # fmt: skip
    added = await queries.add_standing(session, values)
    lead = await queries.standing(session, household_id=household_id, rule=rule)
    if lead is None:  # it was decided between the two statements
        raise LeadNotOpen
    if str(discrepancy_id) in lead.discrepancy_ids:
        if added:
            _audit(session, lead, "lead.opened", GATE_SIDE, now, discrepancy_id=discrepancy_id)
    else:
        lead.discrepancy_ids = [*lead.discrepancy_ids, str(discrepancy_id)]
        if lead.status == LeadStatus.NEW:
            lead.summary_zh, lead.summary_en = summary_zh, summary_en
        _audit(session, lead, "lead.extended", GATE_SIDE, now, discrepancy_id=discrepancy_id)
    return lead


async def withdraw_from_gate(session: AsyncSession, *, discrepancy_id: uuid.UUID, why: str, now: datetime) -> None:
    """Withdraws a lead that nobody has decided on when its newest discrepancy is cleared; others get a note."""
    for lead in await queries.with_discrepancy(session, discrepancy_id):
        if lead.status == LeadStatus.NEW and lead.discrepancy_ids[-1] == str(discrepancy_id):
            lead.status = LeadStatus.WITHDRAWN
            _audit(session, lead, "lead.withdrawn", GATE_SIDE, now, why, discrepancy_id=discrepancy_id)
        else:
            _audit(session, lead, "lead.discrepancy-cleared", GATE_SIDE, now, why, discrepancy_id=discrepancy_id)


async def create(
    session: AsyncSession,
    *,
    household_id: uuid.UUID,
    unit_id: uuid.UUID,
    source: LeadSource,
    summary_zh: str,
    summary_en: str,
    actor: Actor,
    now: datetime,
) -> Lead:
    """A lead that a manager enters. Raises `NotFound` unless the household leases the unit today."""
    estate_id = await leasing_estate(session, household_id=household_id, unit_id=unit_id, now=now)
    officer = await require(session, actor=actor, estate_id=estate_id, any_of=MANAGERS)
    if source is LeadSource.GATE:
        raise Invalid("门禁线索由系统依规则产生", "A gate lead comes from the rules, not from a person")
    lead = Lead(
        id=new_id(), estate_id=estate_id, household_id=household_id, unit_id=unit_id, source=source, rule=None,
        discrepancy_ids=[], summary_zh=summary_zh, summary_en=summary_en or summary_zh, status=LeadStatus.NEW,
        created_at=now, created_by=officer.user_id,
    )  # fmt: skip
    session.add(lead)
    _audit(session, lead, "lead.opened", actor, now)
    return lead


async def accept(
    session: AsyncSession,
    *,
    lead_id: uuid.UUID,
    reason: str,
    gate_evidence: GateEvidence,
    actor: Actor,
    now: datetime,
) -> Lead:
    """A manager takes a lead up. What it rests on is copied into it, since the sources expire.

    This alone opens no case: `inspection.cases.opening.accept_lead` does both.
    """
    lead = await _to_decide(session, lead_id, actor)
    lead.evidence = (
        await gate_evidence.freeze(session, discrepancy_ids=[uuid.UUID(text) for text in lead.discrepancy_ids], now=now)
        if lead.discrepancy_ids
        else None
    )
    return _decide(session, lead, LeadStatus.ACCEPTED, reason, actor, now)


async def dismiss(session: AsyncSession, *, lead_id: uuid.UUID, reason: str, actor: Actor, now: datetime) -> Lead:
    """A manager lays a lead aside, with the reason."""
    lead = await _to_decide(session, lead_id, actor)
    return _decide(session, lead, LeadStatus.DISMISSED, reason, actor, now)


async def reopen(session: AsyncSession, *, lead_id: uuid.UUID, reason: str, actor: Actor, now: datetime) -> Lead:
    """Undoes a dismissal, within the days that the rules allow."""
    lead = await _locked(session, lead_id)
    await require(session, actor=actor, estate_id=lead.estate_id, any_of=MANAGERS)
    if lead.status != LeadStatus.DISMISSED or lead.decided_at is None:
        raise LeadNotOpen("只有已排除的线索可以恢复", "Only a dismissed lead can be reopened", status=lead.status)
    estate = await session.get_one(Estate, lead.estate_id)
    rules = await in_force(session, division_code=estate.division_code, on=local_day(now))
    if now > lead.decided_at + timedelta(days=int(rules.values.get(REOPEN_DAYS.key, REOPEN_DAYS.value))):
        raise ReopenTooLate
    if lead.rule is not None and await queries.standing(session, household_id=lead.household_id, rule=lead.rule):
        raise LeadStands
    lead.status, lead.decided_at, lead.decided_by, lead.decision_reason = LeadStatus.NEW, None, None, None
    _audit(session, lead, "lead.reopened", actor, now, reason)
    return lead


async def settle(session: AsyncSession, *, lead_id: uuid.UUID, actor: Actor, now: datetime) -> None:
    """Marks an accepted lead whose case has ended, so that a new suspicion is a new lead."""
    lead = await _locked(session, lead_id)
    lead.status = LeadStatus.SETTLED
    _audit(session, lead, "lead.settled", actor, now)


async def get(session: AsyncSession, *, lead_id: uuid.UUID) -> Lead:
    """One lead in scope."""
    lead = await session.get(Lead, lead_id)
    if lead is None:
        raise LeadNotFound
    return lead


async def read_evidence(
    session: AsyncSession, *, lead_id: uuid.UUID, purpose: str, reason: str, actor: Actor, now: datetime
) -> dict[str, Any]:
    """The frozen evidence of a lead, empty before acceptance: a movement trail, so that the view is logged.

    Raises `NoProcessingBasis` when the estate has no standing basis for the purpose.
    """
    lead = await get(session, lead_id=lead_id)
    await require(session, actor=actor, estate_id=lead.estate_id, any_of=READERS)
    await require_basis(session, lead.estate_id, Purpose(purpose), local_day(now))
    record(
        session, at=now, actor=actor, action="lead.evidence-viewed", object_kind="lead", object_id=lead.id,
        estate_id=lead.estate_id, purpose=purpose, reason=reason[:1000],
    )  # fmt: skip
    return lead.evidence or {}


async def page(
    session: AsyncSession,
    *,
    status: LeadStatus | None = None,
    estate_id: uuid.UUID | None = None,
    household_id: uuid.UUID | None = None,
    rule: str | None = None,
    before: tuple[datetime, uuid.UUID] | None = None,
    limit: int = 50,
) -> Sequence[Lead]:
    """Leads in scope, newest first; `before` is the place (created_at, id) of the last one seen."""
    return await queries.page(
        session, status=status, estate_id=estate_id, household_id=household_id, rule=rule, before=before, limit=limit
    )


def view(lead: Lead) -> LeadView:
    """A lead as it travels, without the frozen evidence."""
    return LeadView(
        id=lead.id, estate_id=lead.estate_id, household_id=lead.household_id, unit_id=lead.unit_id,
        source=LeadSource(lead.source), rule=lead.rule, discrepancy_ids=[uuid.UUID(x) for x in lead.discrepancy_ids],
        summary_zh=lead.summary_zh, summary_en=lead.summary_en, status=LeadStatus(lead.status),
        created_at=lead.created_at, created_by=lead.created_by, decided_at=lead.decided_at,
        decided_by=lead.decided_by, decision_reason=lead.decision_reason,
    )  # fmt: skip


async def _locked(session: AsyncSession, lead_id: uuid.UUID) -> Lead:
    lead = await queries.locked(session, lead_id)
    if lead is None:
        raise LeadNotFound
    return lead


async def _to_decide(session: AsyncSession, lead_id: uuid.UUID, actor: Actor) -> Lead:
    lead = await _locked(session, lead_id)
    await require(session, actor=actor, estate_id=lead.estate_id, any_of=MANAGERS)
    if lead.status != LeadStatus.NEW:
        raise LeadNotOpen(status=lead.status)
    return lead


def _decide(session: AsyncSession, lead: Lead, status: LeadStatus, reason: str, actor: Actor, now: datetime) -> Lead:
    if not reason.strip():
        raise Invalid("须写明理由", "A written reason is needed")
    lead.status, lead.decision_reason, lead.decided_by, lead.decided_at = status, reason, actor.user_id, now
    _audit(session, lead, f"lead.{status.value}", actor, now, reason)
    return lead


def _audit(
    session: AsyncSession,
    lead: Lead,
    action: str,
    actor: Actor,
    now: datetime,
    reason: str | None = None,
    discrepancy_id: uuid.UUID | None = None,
) -> None:
    payload: dict[str, Any] = {} if discrepancy_id is None else {"discrepancy_id": str(discrepancy_id)}
    record(
        session, at=now, actor=actor, action=action, object_kind="lead", object_id=lead.id, estate_id=lead.estate_id,
        reason=None if reason is None else reason[:1000], **payload,
    )  # fmt: skip
