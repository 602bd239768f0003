"""The calendar and the lengths of deadlines by a rule set."""

from datetime import date

import pytest

from inspection.cases.calendar import from_rules, length
from inspection.cases.deadlines import DEADLINES, DeadlineKind, Unit, published_calendar

KIND = next(iter(DeadlineKind))
SHIPPED = next(row for row in DEADLINES if row[0] == KIND.rule_key)


def test_a_rule_set_adds_years_and_local_days() -> None:
    year = max(published_calendar().years) + 1
    calendar = from_rules(
        {"calendar.years": {str(year): {"holidays": [f"{year}-01-01"]}}, "calendar.days": {"2026-10-10": False}}
    )
    assert year in calendar.years
    assert date(year, 1, 1) in calendar.holidays
    assert from_rules({}) == published_calendar()


def test_a_day_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="out of range"):
        from_rules({"calendar.days": {"2026-02-30": True}})


def test_a_length_is_the_shipped_one_unless_the_rule_set_says_otherwise() -> None:
    assert length(KIND, {}) == (SHIPPED[1], SHIPPED[2], SHIPPED[3])
    assert length(KIND, {KIND.rule_key: 9}) == (9, SHIPPED[2], SHIPPED[3])
    told = {"length": 2, "unit": Unit.MONTH.value, "source": "地方规定"}
    assert length(KIND, {KIND.rule_key: told}) == (2, Unit.MONTH, "地方规定")
