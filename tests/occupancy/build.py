"""Small households for the tests of the occupancy rules: short names for what a scenario would say at length."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, time, timedelta

from gate_integration.occupancy.rules.evidence import (
    CardUser,
    Coverage,
    Guest,
    HouseholdEvidence,
    Link,
    LinkKind,
    Member,
    Unknown,
    Visits,
    Worker,
    WorkerKind,
)
from gate_integration.occupancy.rules.outcome import Discrepancy, Evaluation, Rule
from gate_integration.occupancy.rules.parameters import DEFAULTS, Parameters

FIRST = date(2026, 1, 1)
DEFAULT = Parameters.from_rules({row.key: row.value for row in DEFAULTS}, version="2026-test")


def day(number: int) -> date:
    """Day 0 is the first day of the observation."""
    return FIRST + timedelta(days=number)


def member(name: str = "m1", *, seen: Iterable[int] = (), visible: int | None = 0, start: int = -900) -> Member:
    return Member(
        person_id=name,
        role="tenant",
        start=day(start),
        visible_from=None if visible is None else day(visible),
        seen_on={day(n): 2 for n in seen},
    )


def guest(name: str = "g1", *, start: int, end: int, visible: bool = True, seen: Iterable[int] = ()) -> Guest:
    return Guest(
        person_id=name,
        start=day(start),
        end=day(end),
        visible_from=day(start) if visible else None,
        seen_on={day(n): 2 for n in seen},
    )


def worker(name: str = "w1", *, kind: WorkerKind = WorkerKind.CARER, seen: Iterable[int] = ()) -> Worker:
    return Worker(person_id=name, kind=kind, start=day(-30), visible_from=day(-30), seen_on={day(n): 2 for n in seen})


def unknown(
    name: str = "u1",
    *,
    seen: Iterable[int],
    at: tuple[time, time] = (time(7, 30), time(19, 0)),
    link: LinkKind | None = LinkKind.UNIT_CREDENTIAL,
    with_resident: int = 0,
    other_units: int = 0,
) -> Unknown:
    days = sorted(set(seen))
    return Unknown(
        pseudonym_id=name,
        days={
            day(n): Visits(
                count=2, first_at=at[0], last_at=at[1], with_resident=with_resident, event_ids=(f"{name}-{n:03}",)
            )
            for n in days
        },
        links=() if link is None else (Link(kind=link, on={day(n): 1 for n in days}),),
        other_units=other_units,
    )


def card_user(name: str = "u1", *, used: Iterable[int], pseudonym: bool = True, other_units: int = 0) -> CardUser:
    days = sorted(set(used))
    return CardUser(
        user_id=name,
        pseudonym=pseudonym,
        on={day(n): 1 for n in days},
        event_ids={day(n): (f"{name}-card-{n:03}",) for n in days},
        other_units=other_units,
    )


def household(*, length: int = 60, healthy: float = 1.0, exits: bool = True, **parts: object) -> HouseholdEvidence:
    base = HouseholdEvidence(
        household_id="h1",
        unit_id="unit-1",
        lease_from=day(-900),
        window_from=day(0),
        window_to=day(length - 1),
        coverage=Coverage(healthy={day(n): healthy for n in range(length)}, exits_recorded=exits),
    )
    return replace(base, **parts)  # type: ignore[arg-type]  # test helper: the fields of the dataclass by name


def outage(evidence: HouseholdEvidence, days: Iterable[int]) -> HouseholdEvidence:
    """The same household with gates down on some days."""
    down = {day(n): 0.2 for n in days}
    return replace(
        evidence,
        coverage=Coverage(
            healthy={**evidence.coverage.healthy, **down}, exits_recorded=evidence.coverage.exits_recorded
        ),
    )


def flag(result: Evaluation, rule: Rule) -> Discrepancy | None:
    return next((one for one in result.discrepancies if one.rule is rule), None)


def raised(result: Evaluation) -> set[str]:
    return {one.rule.value for one in result.discrepancies}


def why(result: Evaluation, rule: Rule) -> list[str]:
    return [one.why_code for one in result.not_raised if one.rule is rule]
