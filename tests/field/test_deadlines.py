"""Deadlines as the law counts them, against the published calendar and against a year nobody has published."""

from datetime import UTC, date, datetime, timedelta

import chinese_calendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspection.cases.deadlines import (
    DEADLINES,
    Calendar,
    DeadlineKind,
    Due,
    Unit,
    add_days,
    add_months,
    add_working_days,
    due,
    published_calendar,
)

NATIONAL = published_calendar()
LAST = max(NATIONAL.years)
UNKNOWN = Calendar(years=frozenset(), holidays=frozenset(), workdays=frozenset())
covered = st.dates(date(2004, 1, 1), date(LAST - 1, 12, 31))


def test_worked_check_of_the_formal_demand() -> None:
    served = date(2026, 9, 28)
    assert add_working_days(served, 10, NATIONAL) == Due(date(2026, 10, 16), provisional=False)
    assert add_days(served, 10, NATIONAL).date == date(2026, 10, 8)


@given(covered)
def test_the_table_agrees_with_the_library(day: date) -> None:
    assert NATIONAL.works(day) == chinese_calendar.is_workday(day)
    assert NATIONAL.knows(day)


def test_years_are_those_the_library_answers_for() -> None:
    assert min(NATIONAL.years) == 2004
    with pytest.raises(NotImplementedError):
        chinese_calendar.is_workday(date(LAST + 1, 1, 4))
    assert not NATIONAL.knows(date(LAST + 1, 1, 4))


@given(covered, st.integers(1, 60))
def test_working_days_are_exactly_n_and_the_last_is_one(start: date, n: int) -> None:
    end = add_working_days(start, n, NATIONAL).date
    days = [start + timedelta(days=i) for i in range(1, (end - start).days + 1)]
    assert sum(NATIONAL.works(day) for day in days) == n
    assert NATIONAL.works(end)


@given(covered, st.integers(1, 200))
def test_calendar_days_end_on_the_first_working_day_from_the_last(start: date, n: int) -> None:
    end = add_days(start, n, NATIONAL).date
    last = start + timedelta(days=n)
    assert end >= last
    assert NATIONAL.works(end)
    assert not any(NATIONAL.works(last + timedelta(days=i)) for i in range((end - last).days))


@pytest.mark.parametrize(
    ("start", "n", "end"),
    [
        (date(2026, 1, 15), 1, date(2026, 2, 24)),  # 15 February 2026 opens the Spring Festival holiday
        (date(2025, 11, 30), 3, date(2026, 2, 28)),  # no 30 February: the month's end, a working Saturday (调休)
        (date(2024, 8, 31), 6, date(2025, 2, 28)),
        (date(2023, 12, 29), 2, date(2024, 2, 29)),
        (date(2025, 12, 15), 6, date(2026, 6, 15)),
    ],
)
def test_months(start: date, n: int, end: date) -> None:
    assert add_months(start, n, NATIONAL) == Due(end, provisional=False)


def test_a_last_day_on_a_worked_weekend_stays() -> None:
    assert date(2026, 10, 10).weekday() == 5
    assert add_days(date(2026, 9, 30), 10, NATIONAL).date == date(2026, 10, 10)


def test_an_unpublished_year_is_guessed_by_weekends_and_provisional() -> None:
    assert add_working_days(date(2027, 1, 1), 5, UNKNOWN) == Due(date(2027, 1, 8), provisional=True)
    assert add_days(date(2027, 1, 1), 8, UNKNOWN) == Due(date(2027, 1, 11), provisional=True)
    assert add_months(date(2027, 1, 4), 1, UNKNOWN) == Due(date(2027, 2, 4), provisional=True)


def test_one_consulted_day_in_an_unpublished_year_is_enough() -> None:
    eve = date(LAST, 12, 28)
    assert add_working_days(eve, 10, NATIONAL).provisional
    assert not add_working_days(eve, 1, NATIONAL).provisional
    only_2026 = Calendar(years=frozenset({2026}), holidays=frozenset({date(2026, 12, 31)}), workdays=frozenset())
    assert add_days(date(2026, 12, 21), 10, only_2026) == Due(date(2027, 1, 1), provisional=True)


def test_publication_settles_a_provisional_deadline() -> None:
    guess = add_working_days(date(2027, 2, 1), 5, UNKNOWN)
    holidays = frozenset(date(2027, 2, day) for day in range(5, 12))
    settled = UNKNOWN.with_year(2027, holidays=holidays, workdays=frozenset({date(2027, 2, 20)}))
    assert (guess.date, guess.provisional) == (date(2027, 2, 8), True)
    assert add_working_days(date(2027, 2, 1), 5, settled) == Due(date(2027, 2, 15), provisional=False)
    assert settled.works(date(2027, 2, 20))


def test_a_corrected_year_replaces_the_former_table() -> None:
    first = UNKNOWN.with_year(2027, holidays=frozenset({date(2027, 1, 1)}), workdays=frozenset({date(2027, 1, 2)}))
    second = first.with_year(2027, holidays=frozenset(), workdays=frozenset())
    assert second.works(date(2027, 1, 1))
    assert not second.works(date(2027, 1, 2))
    with pytest.raises(ValueError, match="must lie in 2027"):
        UNKNOWN.with_year(2027, holidays=frozenset({date(2028, 1, 3)}), workdays=frozenset())


def test_local_overrides_stand_above_everything() -> None:
    local = published_calendar({date(2026, 4, 15): False, date(2026, 10, 3): True, date(2027, 1, 4): True})
    assert not local.works(date(2026, 4, 15))
    assert local.works(date(2026, 10, 3))
    assert add_days(date(2026, 4, 5), 10, local).date == date(2026, 4, 16)
    assert local.knows(date(2027, 1, 4))
    assert not add_days(date(2026, 12, 25), 10, local).provisional


def test_a_deadline_ends_with_its_day_in_shanghai() -> None:
    ends = Due(date(2026, 10, 16), provisional=False)
    assert ends.due_at == datetime(2026, 10, 16, 16, tzinfo=UTC)
    assert ends.due_at.tzinfo is UTC
    assert not ends.is_over(ends.due_at - timedelta(microseconds=1))
    assert ends.is_over(ends.due_at)
    assert not Due(ends.date, provisional=True).is_over(ends.due_at + timedelta(days=99))


@given(covered, st.booleans())
def test_a_deadline_is_read_back_from_its_moment(day: date, provisional: bool) -> None:
    stored = Due(day, provisional)
    assert Due.ending_at(stored.due_at, provisional=provisional) == stored


@pytest.mark.parametrize("unit", list(Unit))
@pytest.mark.parametrize("n", [0, -1, 3661])
def test_lengths_out_of_bounds_are_refused(unit: Unit, n: int) -> None:
    with pytest.raises(ValueError, match="1 to 3660"):
        due(date(2026, 1, 5), n, unit, NATIONAL)


def test_due_counts_in_the_unit_named() -> None:
    start = date(2026, 3, 2)
    assert due(start, 5, Unit.WORKING_DAY, NATIONAL) == add_working_days(start, 5, NATIONAL)
    assert due(start, 5, Unit.CALENDAR_DAY, NATIONAL) == add_days(start, 5, NATIONAL)
    assert due(start, 5, Unit.MONTH, NATIONAL) == add_months(start, 5, NATIONAL)


def test_every_deadline_has_one_default_row_with_its_source() -> None:
    assert [key for key, *_ in DEADLINES] == [kind.rule_key for kind in DeadlineKind]
    assert all(length >= 1 and isinstance(unit, Unit) and source for _, length, unit, source in DEADLINES)
    rows = {key: (length, unit) for key, length, unit, _ in DEADLINES}
    assert rows["cases.deadline.demand"] == (10, Unit.WORKING_DAY)
    assert rows["cases.deadline.hearing_request"] == (5, Unit.WORKING_DAY)
    assert rows["cases.deadline.penalty_decision"] == (90, Unit.CALENDAR_DAY)
    assert rows["cases.deadline.rectification"] == (15, Unit.CALENDAR_DAY)
    assert rows["cases.deadline.vacate"] == (30, Unit.CALENDAR_DAY)
