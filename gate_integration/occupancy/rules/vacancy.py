"""VACANT: nobody registered was seen, and nothing else shows that the unit is used (ladder of rungs in days).

A household with any member who cannot be recognised is never called vacant from the gate: that member's coming and
going leaves no trace that could be missed. A sign of life counts whatever the gates' health; silence only on healthy
days that no told absence explains.
"""

from collections.abc import Iterator
from datetime import date

from gate_integration.occupancy.rules import explain
from gate_integration.occupancy.rules.evidence import HouseholdEvidence, WorkerKind
from gate_integration.occupancy.rules.outcome import Discrepancy, NotRaised, Rule, Severity
from gate_integration.occupancy.rules.parameters import Parameters
from gate_integration.occupancy.rules.presence import (
    first_reason,
    known_days,
    latest,
    members_today,
    silence_of,
    why_not_gone,
)
from gate_integration.occupancy.rules.scoring import is_linked, rounded, total


def judge_vacancy(
    evidence: HouseholdEvidence, parameters: Parameters, today: date
) -> Discrepancy | tuple[NotRaised, ...]:
    """Prompt at the highest rung that the silence of everybody in the household has reached."""
    members = members_today(evidence, today)
    if not members:
        return (explain.not_raised(Rule.VACANT, "no-member"),)
    unseen = sum(not member.visible_on(today) for member in members)
    if unseen:
        return (explain.not_raised(Rule.VACANT, "member-not-visible", n=unseen),)
    sign = latest(_signs_of_life(evidence, parameters, today), today)
    silences = [silence_of(member, evidence, parameters, today, sign) for member in members]
    why = first_reason(why_not_gone(one, parameters.rung_notice, parameters) for one in silences)
    if why is not None:
        return (explain.not_raised(Rule.VACANT, "unit-in-use" if why == "present" else why),)
    shortest = min(silences, key=lambda one: (one.counted, one.since))
    rung = max(days for days in parameters.rungs if days <= shortest.counted)
    since = max(one.since for one in silences)
    terms = rounded({"prior": parameters.prior, "silence": parameters.vacant_day * shortest.counted})
    counts = {
        "rung_days": rung,
        "absent_days": shortest.counted,
        "members": len(members),
        "window_days": shortest.calendar,
        "healthy_days": shortest.healthy,
        "told_days": shortest.told,
    }
    last = known_days(evidence, today).last
    return Discrepancy(
        rule=Rule.VACANT,
        severity=Severity.PROMPT,
        score=total(terms),
        terms=terms,
        counts=counts,
        first_day=since,
        last_day=last,
        texts=explain.vacant(counts, since, last, parameters.version),
    )


def _signs_of_life(evidence: HouseholdEvidence, parameters: Parameters, today: date) -> Iterator[date]:
    """Days on which somebody used the unit: its credential, its guests, a carer, a person linked to it."""
    known = known_days(evidence, today)
    yield from evidence.credential_use
    for guest in evidence.guests:
        yield from guest.seen_on
    for worker in evidence.workers:
        if worker.kind is WorkerKind.CARER:
            yield from worker.seen_on
    for unknown in evidence.unknowns:
        linked = is_linked(unknown, parameters, known) and unknown.other_units <= parameters.max_other_units
        yield from (day for day, visits in unknown.days.items() if linked or visits.with_resident > 0)
