"""The working-day calendar in force somewhere: the published national one, and what rule sets add to it.

Rule-set keys: `calendar.years`, `{"2027": {"holidays": ["2027-01-01", …], "workdays": […]}}`, for a year that was
published after this release; `calendar.days`, `{"2026-10-10": false}`, for local days off or worked.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

from inspection.cases.deadlines import DEADLINES, Calendar, DeadlineKind, Unit, published_calendar


def from_rules(values: Mapping[str, Any]) -> Calendar:
    """The calendar by a rule set's values. Raises `ValueError` for a day that is none or lies outside its year."""
    days = {date.fromisoformat(day): bool(works) for day, works in values.get("calendar.days", {}).items()}
    calendar = published_calendar(days)
    for year, table in values.get("calendar.years", {}).items():
        calendar = calendar.with_year(
            int(year),
            holidays=frozenset(date.fromisoformat(day) for day in table.get("holidays", ())),
            workdays=frozenset(date.fromisoformat(day) for day in table.get("workdays", ())),
        )
    return calendar


def length(kind: DeadlineKind, values: Mapping[str, Any]) -> tuple[int, Unit, str]:
    """How long a deadline is: number, unit, source. A rule set gives a number, or `{"length", "unit", "source"}`."""
    _, number, unit, source = next(row for row in DEADLINES if row[0] == kind.rule_key)
    told = values.get(kind.rule_key, number)
    if isinstance(told, Mapping):
        return int(told["length"]), Unit(told.get("unit", unit)), str(told.get("source", source))
    return int(told), unit, source
