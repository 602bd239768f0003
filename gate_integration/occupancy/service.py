"""Running the rules over an estate, and keeping what they say: suspicions, explained, that decide nothing."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.enrolment.parameters import rules_of
from gate_integration.enrolment.queries import standing_bases
from gate_integration.occupancy import store
from gate_integration.occupancy.evidence import evidence_for_estate
from gate_integration.occupancy.models import Discrepancy
from gate_integration.occupancy.parameters import read
from gate_integration.occupancy.rules import outcome
from gate_integration.occupancy.rules.evaluate import evaluate
from gate_integration.occupancy.rules.evidence import HouseholdEvidence
from gate_integration.occupancy.rules.outcome import NotRaised, Severity
from inspection.leads.service import open_from_gate, withdraw_from_gate
from inspection.registry.consents.models import Purpose
from storage.audit import service as audit
from storage.audit.service import Actor
from storage.clock import local_day
from storage.ids import new_id

_WORKER = Actor.system("worker")

NOT_SEEN_WELL = frozenset({"device-unhealthy"})
"""Reasons that say nothing about the household: what stands is neither confirmed nor cleared by them."""

_MOVED_ZH, _MOVED_EN = "该户已不再承租该房源", "The household does not lease this unit any more"


@dataclass(slots=True)
class EstateEvaluation:
    """What one run did. `ran` is False where the estate has no basis for it, and nothing was looked at."""

    ran: bool
    households: int = 0
    raised: int = 0
    confirmed: int = 0
    held: int = 0
    cleared: int = 0


async def evaluate_estate(session: AsyncSession, *, estate_id: uuid.UUID, now: datetime) -> EstateEvaluation:
    """Runs every rule on every household of an estate as of the morning of today (Asia/Shanghai); can be repeated.

    A discrepancy that stands keeps its first day; one the rules do not raise any more is cleared with their reason,
    unless the reason is that the gates could not see well.
    """
    today = local_day(now)
    if Purpose.TENANCY_COMPLIANCE not in await standing_bases(session, estate_id=estate_id, on=today):
        return EstateEvaluation(ran=False)
    await store.lock_estate(session, estate_id=estate_id)
    rules = read(await rules_of(session, estate_id=estate_id, on=today))
    households = await evidence_for_estate(session, estate_id=estate_id, today=today, rules=rules.evidence, now=now)
    standing = {(row.household_id, row.rule): row for row in await store.standing(session, estate_id=estate_id)}
    done = EstateEvaluation(ran=True, households=len(households))
    notes = []
    raised: list[tuple[uuid.UUID, str]] = []
    for evidence in households:
        household_id = uuid.UUID(evidence.household_id)
        answer = evaluate(evidence, rules.rules, today)
        for found in answer.discrepancies:
            raised.append((household_id, found.rule))
            row = standing.pop((household_id, found.rule), None)
            await _raise(session, row, found, evidence, estate_id, rules.rules.version, now, done)
        for rule, reasons in _by_rule(answer.not_raised).items():
            notes.append(_note(estate_id, household_id, rule, reasons, now))
            row = standing.pop((household_id, rule), None)
            if row is not None and NOT_SEEN_WELL & {reason.why_code for reason in reasons}:
                done.held += 1
            elif row is not None:
                await _clear(session, row, _joined(reasons)[0], now, done)
    for row in standing.values():
        await _clear(session, row, _MOVED_ZH, now, done)
    await session.flush()
    await store.write_notes(session, estate_id=estate_id, rows=notes, raised=raised)
    return done


async def _raise(
    session: AsyncSession,
    row: Discrepancy | None,
    found: outcome.Discrepancy,
    evidence: HouseholdEvidence,
    estate_id: uuid.UUID,
    version: str,
    now: datetime,
    done: EstateEvaluation,
) -> None:
    unit_id = uuid.UUID(evidence.unit_id)
    if row is not None and row.unit_id != unit_id:
        await _clear(session, row, _MOVED_ZH, now, done)
        row = None
    if row is not None:
        _describe(row, found, version, now)
        done.confirmed += 1
        return
    row = Discrepancy(
        id=new_id(), estate_id=estate_id, household_id=uuid.UUID(evidence.household_id), unit_id=unit_id,
        rule=found.rule, admissibility="lead_only", first_flagged_at=now, cleared_at=None, cleared_why=None,
    )  # fmt: skip
    _describe(row, found, version, now)
    session.add(row)
    audit.record(
        session, at=now, actor=_WORKER, action="discrepancy.raised", object_kind="discrepancy", object_id=row.id,
        estate_id=estate_id, purpose=Purpose.TENANCY_COMPLIANCE, rule=row.rule, severity=row.severity,
        score=row.score, rule_version=version,
    )  # fmt: skip
    await session.flush()
    done.raised += 1
    if found.severity is Severity.LEAD:
        await open_from_gate(
            session, estate_id=estate_id, household_id=row.household_id, unit_id=unit_id, rule=row.rule,
            discrepancy_id=row.id, summary_zh=row.explanation_zh, summary_en=row.explanation_en, now=now,
        )  # fmt: skip


def _describe(row: Discrepancy, found: outcome.Discrepancy, version: str, now: datetime) -> None:
    row.severity = found.severity
    row.last_confirmed_at = now
    row.score = found.score
    row.terms = dict(found.terms)
    row.counts = dict(found.counts)
    row.first_day, row.last_day = found.first_day, found.last_day
    row.explanation_zh, row.explanation_en = found.texts.explanation_zh, found.texts.explanation_en
    row.clears_zh, row.clears_en = found.texts.clears_zh, found.texts.clears_en
    row.rule_version = version
    row.pseudonym_id = uuid.UUID(found.pseudonym_id) if found.pseudonym_id is not None else None
    row.event_ids = list(found.event_ids)


async def _clear(session: AsyncSession, row: Discrepancy, why: str, now: datetime, done: EstateEvaluation) -> None:
    row.cleared_at, row.cleared_why = now, why[:1000]
    done.cleared += 1
    audit.record(
        session, at=now, actor=_WORKER, action="discrepancy.cleared", object_kind="discrepancy", object_id=row.id,
        estate_id=row.estate_id, purpose=Purpose.TENANCY_COMPLIANCE, reason=why[:1000], rule=row.rule,
    )  # fmt: skip
    await session.flush()
    if row.severity == Severity.LEAD:
        await withdraw_from_gate(session, discrepancy_id=row.id, why=why, now=now)


def _by_rule(reasons: Sequence[NotRaised]) -> Mapping[str, list[NotRaised]]:
    found: dict[str, list[NotRaised]] = {}
    for reason in reasons:
        found.setdefault(reason.rule, []).append(reason)
    return found


def _joined(reasons: Sequence[NotRaised]) -> tuple[str, str]:
    return " ".join(reason.why_zh for reason in reasons), " ".join(reason.why_en for reason in reasons)


def _note(
    estate_id: uuid.UUID, household_id: uuid.UUID, rule: str, reasons: Sequence[NotRaised], now: datetime
) -> dict[str, object]:
    why_zh, why_en = _joined(reasons)
    return {
        "estate_id": estate_id, "household_id": household_id, "rule": str(rule), "code": reasons[0].why_code,
        "why_zh": why_zh, "why_en": why_en, "at": now,
    }  # fmt: skip
