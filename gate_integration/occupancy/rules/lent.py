"""CREDENTIAL_LENT: the household's card or fingerprint, and a face that is none of its people.

Only uses that were seen to be somebody else's count, on several days, and only beyond the number of the household's
people who cannot be recognised: their faces are unknown faces too (design §5). Whether a member was close by does not
matter here, since nobody can say so of a member who refuses.
"""

from collections import Counter
from datetime import date, timedelta
from math import log1p

from gate_integration.occupancy.rules import explain
from gate_integration.occupancy.rules.evidence import CardUser, HouseholdEvidence
from gate_integration.occupancy.rules.outcome import Discrepancy, NotRaised, Rule, Severity
from gate_integration.occupancy.rules.parameters import Parameters
from gate_integration.occupancy.rules.presence import Known, healthy_days, hidden_people, is_healthy, known_days
from gate_integration.occupancy.rules.scoring import Scored, beyond_hidden, rounded, total


def judge_lent(evidence: HouseholdEvidence, parameters: Parameters, today: date) -> Discrepancy | tuple[NotRaised, ...]:
    """Prompt: somebody who is not registered with the household uses its card or fingerprint."""
    known = known_days(evidence, today)
    window = Known(max(known.first, known.last - timedelta(days=parameters.lent_window - 1)), known.last)
    healthy = healthy_days(evidence, parameters, window.first, window.last)
    if healthy < parameters.window_min_share * window.length:
        return (explain.not_raised(Rule.CREDENTIAL_LENT, "device-unhealthy"),)
    hidden = hidden_people(evidence, window.first, today)
    answers = [(user, _score(user, evidence, parameters, window)) for user in evidence.card_users]
    scored = {one.pseudonym_id: (user, one) for user, one in answers if isinstance(one, Scored)}
    beyond = beyond_hidden(
        [one for _, one in scored.values()], hidden * parameters.unknowns_per_hidden, parameters.lent_min_score
    )
    if beyond is None:
        return _reasons(Counter(one for _, one in answers if isinstance(one, str)), len(scored), hidden)
    head = beyond.head
    counts = {
        **head.counts,
        "people": len(beyond.people),
        "hidden_people": hidden,
        "window_days": parameters.lent_window,
        "healthy_days": healthy,
    }
    return Discrepancy(
        rule=Rule.CREDENTIAL_LENT,
        severity=Severity.PROMPT,
        score=head.score,
        terms=head.terms,
        counts=counts,
        first_day=beyond.first_day,
        last_day=beyond.last_day,
        texts=explain.lent(counts, beyond.first_day, head.last_day, parameters.version),
        event_ids=beyond.event_ids,
        pseudonym_ids=tuple(
            one.pseudonym_id
            for one in beyond.people
            if scored[head.pseudonym_id][0].pseudonym and scored[one.pseudonym_id][0].pseudonym
        ),
    )


def _score(user: CardUser, evidence: HouseholdEvidence, parameters: Parameters, window: Known) -> Scored | str:
    """The person's terms, or the code of why they do not count. Unhealthy days are left out: they may only lower."""
    used = {
        day: user.on[day]
        for day in sorted(user.on)
        if window.first <= day <= window.last and is_healthy(evidence, parameters, day)
    }
    if not used:
        return "no-foreign-use"
    if user.neighbour:
        return "maybe-neighbour"
    if user.other_units > parameters.max_other_units:
        return "many-units"
    if len(used) < parameters.lent_min_days:
        return "few-uses"
    terms = rounded(
        {
            "prior": parameters.lent_prior,
            "use": parameters.lent_day * min(len(used), parameters.lent_cap),
            "other_units": parameters.other_units * log1p(user.other_units),
        }
    )
    if total(terms) < parameters.lent_min_score:
        return "few-uses"
    return Scored(
        pseudonym_id=user.user_id,
        score=total(terms),
        terms=terms,
        counts={"used_days": len(used), "uses": sum(used.values()), "other_units": user.other_units},
        first_day=min(used),
        last_day=max(used),
        event_ids=tuple(event for day in used for event in user.event_ids.get(day, ())),
    )


def _reasons(left_out: Counter[str], scored: int, hidden: int) -> tuple[NotRaised, ...]:
    """Every reason that kept the rule silent, in a fixed order; at least one."""
    reasons = []
    if scored:
        reasons.append(explain.not_raised(Rule.CREDENTIAL_LENT, "within-hidden", n=scored, hidden=hidden))
    reasons += [
        explain.not_raised(Rule.CREDENTIAL_LENT, code, n=left_out[code])
        for code in ("maybe-neighbour", "many-units", "few-uses")
        if left_out[code]
    ]
    return tuple(reasons) or (explain.not_raised(Rule.CREDENTIAL_LENT, "no-foreign-use"),)
