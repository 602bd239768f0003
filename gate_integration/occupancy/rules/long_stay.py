"""LONG_STAY and SUBLET: an unregistered person recurs with a link to the unit, and are its people still there?

SUBLET contains LONG_STAY: a household under SUBLET stands under LONG_STAY too, so that a prompt already given does not
vanish when the registered people leave, and hiding one of them cannot turn one flag into another.
SUBLET is never raised while any member cannot be recognised: each unknown face that recurs could be that member, at
home, so no evidence of this kind can say that everybody is gone (design §5).
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from math import log1p

from gate_integration.occupancy.rules import explain
from gate_integration.occupancy.rules.evidence import HouseholdEvidence, Registered, Unknown
from gate_integration.occupancy.rules.outcome import Discrepancy, NotRaised, Rule, Severity
from gate_integration.occupancy.rules.parameters import Parameters
from gate_integration.occupancy.rules.presence import (
    Known,
    first_reason,
    healthy_days,
    hidden_people,
    known_days,
    latest,
    members_today,
    silence_of,
    why_not_gone,
)
from gate_integration.occupancy.rules.scoring import (
    Scored,
    beyond_hidden,
    rounded,
    score_unknown,
    seen_days,
    total,
)


@dataclass(frozen=True, slots=True)
class Survey:
    """What LONG_STAY and SUBLET share: who counts, who does not and why, and how well it could be seen.

    `blind` is the code of why nothing can be said at all, None when the observation suffices.
    """

    known: Known
    scored: tuple[Scored, ...]
    left_out: Mapping[str, int]
    hidden: int
    allowed: int
    short_healthy: int
    long_healthy: int
    guests_seen: int
    workers_seen: int
    blind: str | None

    def healthy(self, counts: Mapping[str, int], parameters: Parameters) -> int:
        """Healthy days of the window that `counts` speaks of."""
        return self.short_healthy if counts["window_days"] == parameters.short_window else self.long_healthy


def survey(evidence: HouseholdEvidence, parameters: Parameters, today: date) -> Survey:
    """Score everybody unregistered once, for both rules."""
    known = known_days(evidence, today)
    answers = [score_unknown(unknown, evidence, parameters, today) for unknown in evidence.unknowns]
    long_first = known.last - timedelta(days=parameters.long_window - 1)
    short_first = known.last - timedelta(days=parameters.short_window - 1)
    hidden = hidden_people(evidence, max(long_first, known.first), today)
    short_healthy = healthy_days(evidence, parameters, max(short_first, known.first), known.last)
    long_healthy = healthy_days(evidence, parameters, max(long_first, known.first), known.last)
    blind = None
    if known.length < parameters.short_min_span:
        blind = "too-short"
    elif (
        short_healthy < parameters.window_min_share * parameters.short_window
        and long_healthy < parameters.window_min_share * parameters.long_window
    ):
        blind = "device-unhealthy"

    def seen(people: tuple[Registered, ...]) -> int:
        return sum(any(long_first <= day <= today and one.registered_on(day) for day in one.seen_on) for one in people)

    return Survey(
        known=known,
        scored=tuple(answer for answer in answers if isinstance(answer, Scored)),
        left_out=Counter(answer for answer in answers if isinstance(answer, str)),
        hidden=hidden,
        allowed=hidden * parameters.unknowns_per_hidden,
        short_healthy=short_healthy,
        long_healthy=long_healthy,
        guests_seen=seen(evidence.guests),
        workers_seen=seen(evidence.workers),
        blind=blind,
    )


def judge_long_stay(found: Survey, parameters: Parameters) -> Discrepancy | tuple[NotRaised, ...]:
    """Prompt: somebody unregistered seems to live here; register or explain."""
    beyond = None
    if found.blind is None:
        beyond = beyond_hidden(found.scored, found.allowed, parameters.long_stay_min_score)
    if beyond is None:
        return _reasons(Rule.LONG_STAY, found, found.scored)
    head = beyond.head
    counts = {
        **head.counts,
        "people": len(beyond.people),
        "hidden_people": found.hidden,
        "healthy_days": found.healthy(head.counts, parameters),
    }
    return Discrepancy(
        rule=Rule.LONG_STAY,
        severity=Severity.PROMPT,
        score=head.score,
        terms=head.terms,
        counts=counts,
        first_day=beyond.first_day,
        last_day=beyond.last_day,
        texts=explain.long_stay(counts, beyond.first_day, head.last_day, parameters.version),
        event_ids=beyond.event_ids,
        pseudonym_ids=tuple(one.pseudonym_id for one in beyond.people),
    )


def judge_sublet(
    evidence: HouseholdEvidence, found: Survey, parameters: Parameters, today: date
) -> Discrepancy | tuple[NotRaised, ...]:
    """Lead: somebody unregistered seems to live here and the registered people are not seen any more."""
    members = members_today(evidence, today)
    if not members:
        return (explain.not_raised(Rule.SUBLET, "no-member"),)
    unseen = sum(not member.visible_on(today) for member in members)
    if unseen:
        return (explain.not_raised(Rule.SUBLET, "member-not-visible", n=unseen),)
    # Whoever comes together with a member proves that the member is there.
    together = latest((day for one in evidence.unknowns for day, v in one.days.items() if v.with_resident > 0), today)
    silences = [silence_of(member, evidence, parameters, today, together) for member in members]
    why = first_reason(
        why_not_gone(one, parameters.never_seen_days if one.never_seen else parameters.absent_days, parameters)
        for one in silences
    )
    if why is not None:
        return (explain.not_raised(Rule.SUBLET, "registered-present" if why == "present" else why),)
    gone_since = max(one.since for one in silences)
    absent = min(one.counted for one in silences)
    by_id = {unknown.pseudonym_id: unknown for unknown in evidence.unknowns}
    alone = [
        _alone(one, by_id[one.pseudonym_id], evidence, found, parameters, gone_since=gone_since, absent=absent)
        for one in found.scored
    ]
    stayed = [one for one in alone if one.counts["alone_days"] >= parameters.alone_min_days]
    beyond = None
    if found.blind is None:
        beyond = beyond_hidden(stayed, found.allowed, parameters.sublet_min_score)
    if beyond is None:
        return _reasons(Rule.SUBLET, found, [one for one in stayed if one.score >= parameters.sublet_min_score])
    head = beyond.head
    first_day = max(gone_since, beyond.first_day)
    counts = {
        **head.counts,
        "people": len(beyond.people),
        "hidden_people": found.hidden,
        "healthy_days": found.healthy(head.counts, parameters),
        "members": len(members),
        "absent_days": absent,
    }
    return Discrepancy(
        rule=Rule.SUBLET,
        severity=Severity.LEAD,
        score=head.score,
        terms=head.terms,
        counts=counts,
        first_day=first_day,
        last_day=max(first_day, beyond.last_day),
        texts=explain.sublet(counts, gone_since, head.last_day, parameters.version),
        event_ids=beyond.event_ids,
        pseudonym_ids=tuple(one.pseudonym_id for one in beyond.people),
    )


def _alone(
    one: Scored,
    unknown: Unknown,
    evidence: HouseholdEvidence,
    found: Survey,
    parameters: Parameters,
    *,
    gone_since: date,
    absent: int,
) -> Scored:
    """The same person under SUBLET: seen while nobody registered was, and how well acquainted before."""
    seen = seen_days(unknown, evidence, parameters, found.known)
    # An outage does not unmake an acquaintance, so every known day counts here.
    together = sum(
        visits.with_resident > 0 and found.known.first <= day <= found.known.last
        for day, visits in unknown.days.items()
    )
    terms = {
        **one.terms,
        "sublet_prior": parameters.sublet_prior,
        "registered_absent": parameters.absent_day * min(absent, parameters.absent_cap),
        "acquainted": parameters.acquainted * log1p(together),
    }
    terms = rounded(terms)
    alone_days = sum(day >= gone_since for day in seen)
    return replace(one, terms=terms, score=total(terms), counts={**one.counts, "alone_days": alone_days})


def _reasons(rule: Rule, found: Survey, qualified: list[Scored] | tuple[Scored, ...]) -> tuple[NotRaised, ...]:
    """Every reason that kept the rule silent, in a fixed order; at least one."""
    if found.blind is not None:
        return (explain.not_raised(rule, found.blind),)
    reasons = []
    if qualified:
        reasons.append(explain.not_raised(rule, "within-hidden", n=len(qualified), hidden=found.hidden))
    weak = Counter(found.left_out)
    weak["score-low"] += len(found.scored) - len(qualified)
    reasons += [
        explain.not_raised(rule, code, n=weak[code])
        for code in ("maybe-neighbour", "many-units", "no-unit-link", "not-recurring", "score-low")
        if weak[code]
    ]
    if found.guests_seen:
        reasons.append(explain.not_raised(rule, "guest-registered", n=found.guests_seen))
    if found.workers_seen:
        reasons.append(explain.not_raised(rule, "worker-registered", n=found.workers_seen))
    return tuple(reasons) or (explain.not_raised(rule, "no-unknown"),)
