"""Days on which something could be seen, people who could not, and the silence of those who could."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from gate_integration.occupancy.rules.evidence import HouseholdEvidence, Member, Registered
from gate_integration.occupancy.rules.parameters import Parameters

DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Known:
    """The full days of which anything is known: from the lease or the first observation to yesterday."""

    first: date
    last: date

    @property
    def length(self) -> int:
        """Number of days, 0 when there are none."""
        return max((self.last - self.first).days + 1, 0)


@dataclass(frozen=True, slots=True)
class Silence:
    """How long a member has not been seen. All numbers are days of `since`..yesterday.

    `counted` are healthy days no told absence explains; `never_seen` says there was no sighting before either.
    """

    since: date
    calendar: int
    healthy: int
    told: int
    counted: int
    never_seen: bool


def known_days(evidence: HouseholdEvidence, today: date) -> Known:
    """The observation that counts for this household on the day of evaluation."""
    return Known(max(evidence.window_from, evidence.lease_from), min(evidence.window_to, today - DAY))


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day of `first`..`last`, both included; none when they are in the wrong order."""
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def is_healthy(evidence: HouseholdEvidence, parameters: Parameters, day: date) -> bool:
    """Whether enough of the household's gates worked on `day`; a day nobody reported on is not healthy."""
    return evidence.coverage.healthy.get(day, 0.0) >= parameters.healthy_min_share


def healthy_days(evidence: HouseholdEvidence, parameters: Parameters, first: date, last: date) -> int:
    """Number of healthy days in `first`..`last`."""
    return sum(is_healthy(evidence, parameters, day) for day in days_between(first, last))


def hidden_people(evidence: HouseholdEvidence, first: date, today: date) -> int:
    """How many people registered with the household an unknown face may belong to (design §5).

    Counted is everybody registered at some time in `first`..`today` who was not registered and recognisable during all
    of it: refusers, children without guardian consent, people enrolled or registered only lately (their earlier passes
    are unknown faces for good), people who left. Service workers of the household count too.
    """

    def hidden(person: Registered) -> bool:
        touches = person.start <= today and (person.end is None or person.end >= first)
        throughout = person.registered_on(first) and person.registered_on(today) and person.visible_on(first)
        return touches and not throughout

    return sum(map(hidden, (*evidence.members, *evidence.guests, *evidence.workers)))


def members_today(evidence: HouseholdEvidence, today: date) -> tuple[Member, ...]:
    """Members in force on the day of evaluation."""
    return tuple(member for member in evidence.members if member.registered_on(today))


def latest(days: Iterable[date], today: date) -> date | None:
    """The last day not after the day of evaluation; None when there is none."""
    return max((day for day in days if day <= today), default=None)


def silence_of(
    member: Member, evidence: HouseholdEvidence, parameters: Parameters, today: date, household_sign: date | None
) -> Silence:
    """Since when a recognisable member has not been seen.

    A sighting counts as presence also on a day with unhealthy gates: an outage may only suppress a suspicion.
    `household_sign` is the last sign of the household as a whole, which ends the silence of each member.
    """
    known = known_days(evidence, today)
    seen = latest(member.seen_on, today)
    # Callers ask only about members who are visible today.
    first = max(known.first, member.start, member.visible_from or today)
    signs = [sign + DAY for sign in (seen, household_sign) if sign is not None]
    since = max(first, *signs) if signs else first
    days = list(days_between(since, known.last))
    healthy = [day for day in days if is_healthy(evidence, parameters, day)]
    told = sum(_is_told(member, evidence, parameters, day) for day in healthy)
    return Silence(since, len(days), len(healthy), told, len(healthy) - told, not signs)


def _is_told(member: Member, evidence: HouseholdEvidence, parameters: Parameters, day: date) -> bool:
    return any(
        absence.covers(member.person_id, day, before=parameters.slack_before, after=parameters.slack_after)
        for absence in evidence.absences
    )


def why_not_gone(silence: Silence, needed: int, parameters: Parameters) -> str | None:
    """Why a silence does not count as `needed` days of absence; None when it does."""
    if silence.calendar < needed:
        return "too-short" if silence.never_seen else "present"
    if silence.counted >= needed:
        enough = silence.healthy >= parameters.window_min_share * silence.calendar
        return None if enough else "device-unhealthy"
    return "absence-told" if silence.healthy >= needed else "device-unhealthy"


def first_reason(reasons: Iterable[str | None]) -> str | None:
    """The reason that speaks for the household: whoever is there, then what is not known, then what was told."""
    found = set(reasons)
    return next((why for why in ("present", "too-short", "absence-told", "device-unhealthy") if why in found), None)
