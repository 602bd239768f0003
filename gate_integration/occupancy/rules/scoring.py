"""Named log-likelihood terms for one unregistered person, and the choice of those who count.

Everything here rises with what is seen of the unknown person and never depends on what is seen of a registered one
in a way that could raise it: that, and the order statistic of `beyond_hidden`, make the refusal rule hold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from math import fsum, log1p

from gate_integration.occupancy.rules.evidence import HouseholdEvidence, LinkKind, Unknown, Visits
from gate_integration.occupancy.rules.parameters import Parameters
from gate_integration.occupancy.rules.presence import Known, is_healthy, known_days

_DIGITS = 4  # scores are shown and stored; more digits would only say how doubles are added


@dataclass(frozen=True, slots=True)
class Scored:
    """One unregistered person who recurs with a link to the unit."""

    pseudonym_id: str
    score: float
    terms: Mapping[str, float]
    counts: Mapping[str, int]
    first_day: date
    last_day: date
    event_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Beyond:
    """Those who remain when hidden people of the household are allowed for; `first_day` is theirs together."""

    head: Scored
    rest: tuple[Scored, ...]
    first_day: date

    @property
    def people(self) -> tuple[Scored, ...]:
        """Everybody who remains, strongest first."""
        return (self.head, *self.rest)

    @property
    def event_ids(self) -> tuple[str, ...]:
        """Every event of everybody who remains, once, in order."""
        return tuple(sorted({event for one in self.people for event in one.event_ids}))

    @property
    def last_day(self) -> date:
        """The last day of what was seen. (`first_day` may be that of somebody left out, and later than the head's.)"""
        return max(self.first_day, *(one.last_day for one in self.people))


def total(terms: Mapping[str, float]) -> float:
    """The score: the sum of the terms, whatever their order."""
    return round(fsum(terms.values()), _DIGITS)


def rounded(terms: Mapping[str, float]) -> dict[str, float]:
    """Terms as they are shown; they still add up to the score. Adding zero turns -0.0 into 0.0."""
    return {name: round(value, _DIGITS) + 0.0 for name, value in terms.items()}


def seen_days(
    unknown: Unknown, evidence: HouseholdEvidence, parameters: Parameters, known: Known
) -> dict[date, Visits]:
    """The known, healthy days on which the person was seen."""
    return {
        day: unknown.days[day]
        for day in sorted(unknown.days)
        if known.first <= day <= known.last and is_healthy(evidence, parameters, day)
    }


def link_days(unknown: Unknown, known: Known) -> dict[LinkKind, int]:
    """On how many known days each kind of link was seen."""
    found = {kind: set[date]() for kind in LinkKind}
    for link in unknown.links:
        found[link.kind].update(day for day in link.on if known.first <= day <= known.last)
    return {kind: len(days) for kind, days in found.items() if days}


def is_linked(unknown: Unknown, parameters: Parameters, known: Known) -> bool:
    """Whether the person may be attributed to the unit: met there by a person, or linked on enough days."""
    days = link_days(unknown, known)
    return LinkKind.VISIT in days or sum(days.values()) >= parameters.min_link_days


def score_unknown(unknown: Unknown, evidence: HouseholdEvidence, parameters: Parameters, today: date) -> Scored | str:
    """The person's terms in the window that says more, or the code of why they do not count.

    A day on which they were not seen counts as such whether the gates were healthy or not: an outage may only lower a
    score.
    """
    known = known_days(evidence, today)
    seen = seen_days(unknown, evidence, parameters, known)
    if not seen:
        return "no-unknown"
    if not is_linked(unknown, parameters, known):
        return "no-unit-link"
    if unknown.neighbour:
        return "maybe-neighbour"
    if unknown.other_units > parameters.max_other_units:
        return "many-units"
    scored = [
        _in_window(unknown, seen, evidence, parameters, known, length)
        for length, least, span in (
            (parameters.short_window, parameters.short_min_days, parameters.short_min_span),
            (parameters.long_window, parameters.long_min_days, parameters.long_min_days),
        )
        if _recurs(seen, known, length=length, least=least, span=span)
    ]
    if not scored:
        return "not-recurring"
    best = max(scored, key=lambda one: one.score)
    return best if best.score >= parameters.long_stay_min_score else "score-low"


def beyond_hidden(people: Sequence[Scored], allowed: int, min_score: float) -> Beyond | None:
    """Drop the `allowed` strongest; None when nobody remains.

    Hiding one more registered person adds at most one unknown face and drops one more: the n-th strongest of what
    remains can only become weaker, and the n-th first day only later.
    """
    ranked = sorted(
        (one for one in people if one.score >= min_score), key=lambda one: (-one.score, one.first_day, one.pseudonym_id)
    )
    remaining = ranked[allowed:]
    if not remaining:
        return None
    first_day = sorted(one.first_day for one in ranked)[allowed]
    return Beyond(remaining[0], tuple(remaining[1:]), first_day)


def _recurs(seen: Mapping[date, Visits], known: Known, *, length: int, least: int, span: int) -> bool:
    inside = [day for day in seen if (known.last - day).days < length]
    return len(inside) >= least and (inside[-1] - inside[0]).days + 1 >= span


def _in_window(
    unknown: Unknown,
    seen: Mapping[date, Visits],
    evidence: HouseholdEvidence,
    parameters: Parameters,
    known: Known,
    length: int,
) -> Scored:
    first = known.last - timedelta(days=length - 1)
    inside = {day: visits for day, visits in seen.items() if day >= first}
    signs = [_sign(visits, parameters, exits=evidence.coverage.exits_recorded) for visits in inside.values()]
    weights = dict(zip(LinkKind, parameters.links, strict=True))
    terms = {
        "prior": parameters.prior,
        "recurrence": parameters.tempering
        * (len(inside) * parameters.day_seen + (length - len(inside)) * parameters.day_unseen),
        "times_of_day": parameters.tempering * fsum(signs),
        "other_units": parameters.other_units * log1p(unknown.other_units),
    }
    links = link_days(unknown, known)
    terms |= {f"link_{kind.value}": weights[kind] * log1p(days) for kind, days in links.items()}
    terms = rounded(terms)
    counts = {
        "window_days": length,
        "seen_days": len(inside),
        "night_days": sum(_passes_at_night(visits, parameters) for visits in inside.values()),
        "with_resident": sum(visits.with_resident for visits in inside.values()),
        "other_units": unknown.other_units,
    } | {f"link_{kind.value}": days for kind, days in links.items()}
    events = tuple(event for visits in inside.values() for event in visits.event_ids)
    return Scored(unknown.pseudonym_id, total(terms), terms, counts, next(iter(seen)), max(inside), events)


def _passes_at_night(visits: Visits, parameters: Parameters) -> bool:
    return _hour(visits.first_at) < parameters.morning_until or _hour(visits.last_at) >= parameters.night_from


def _hour(moment: time) -> float:
    return moment.hour + moment.minute / 60


def _sign(visits: Visits, parameters: Parameters, *, exits: bool) -> float:
    if _passes_at_night(visits, parameters):
        return parameters.night_sign
    if _hour(visits.last_at) >= parameters.evening_from:
        return parameters.evening_only if exits else parameters.evening_blind
    return parameters.daytime_only
