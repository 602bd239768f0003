"""Deadlines of a case: working days, calendar days and months, counted as the law counts them.

- The day on which something happens is not counted (民事诉讼法 art. 85; 民法典 art. 201).
- A last day on a holiday moves to the first working day after it (民事诉讼法 art. 85; 民法典 art. 203). A Saturday or
  Sunday is a holiday unless the State Council made it a working day (调休).
- A month ends on the same day number, or on the month's last day when it has no such day (民法典 art. 202).
- A deadline ends with its last day in Asia/Shanghai.
- The State Council publishes a year's holidays about November of the year before. A deadline that had to look at a day
  of a year not yet published is *provisional*: weekends alone were known. It is computed anew when the year is known.
"""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

import chinese_calendar

from storage.clock import SHANGHAI, local_day

LONGEST: Final = 3660  # an upper bound on a length, so that a wrong row of a rule set cannot make a century of a week
_DAY: Final = timedelta(days=1)
_SATURDAY: Final = 5


class Unit(StrEnum):
    """In what a deadline is counted."""

    WORKING_DAY = "working_day"
    CALENDAR_DAY = "calendar_day"
    MONTH = "month"


class DeadlineKind(StrEnum):
    """What a deadline is for; the rule-set key is `cases.deadline.` and this code."""

    REPRESENTATION = "representation"
    HEARING_REQUEST = "hearing_request"
    HEARING_NOTICE = "hearing_notice"
    RECTIFICATION = "rectification"
    FOLLOW_UP = "follow_up"
    VACATE = "vacate"
    PENALTY_DECISION = "penalty_decision"
    SERVE_DECISION = "serve_decision"
    PAY_FINE = "pay_fine"
    RECONSIDERATION = "reconsideration"
    LITIGATION = "litigation"
    DEMAND = "demand"
    COURT_APPLICATION = "court_application"
    ANNOUNCEMENT = "announcement"

    @property
    def rule_key(self) -> str:
        """The key of this deadline's row in a rule set."""
        return f"cases.deadline.{self.value}"


_LOCAL: Final = "地方参数：国家未规定天数，须由主管部门确认"

DEADLINES: Final[tuple[tuple[str, int, Unit, str], ...]] = tuple(
    (kind.rule_key, length, unit, source)
    for kind, length, unit, source in (
        (DeadlineKind.REPRESENTATION, 5, Unit.WORKING_DAY, "行政处罚法第四十四、四十五条；" + _LOCAL),
        (DeadlineKind.HEARING_REQUEST, 5, Unit.WORKING_DAY, "行政处罚法第六十四条第一项、第八十五条"),
        (DeadlineKind.HEARING_NOTICE, 7, Unit.WORKING_DAY, "行政处罚法第六十四条第二项、第八十五条"),
        (DeadlineKind.RECTIFICATION, 15, Unit.CALENDAR_DAY, "行政处罚法第二十八条；" + _LOCAL),
        (DeadlineKind.FOLLOW_UP, 7, Unit.WORKING_DAY, _LOCAL),
        (DeadlineKind.VACATE, 30, Unit.CALENDAR_DAY, "公共租赁住房管理办法第二十七条；" + _LOCAL),
        (DeadlineKind.PENALTY_DECISION, 90, Unit.CALENDAR_DAY, "行政处罚法第六十条"),
        (DeadlineKind.SERVE_DECISION, 7, Unit.WORKING_DAY, "行政处罚法第六十一、八十五条"),
        (DeadlineKind.PAY_FINE, 15, Unit.CALENDAR_DAY, "行政处罚法第六十七条"),
        (DeadlineKind.RECONSIDERATION, 60, Unit.CALENDAR_DAY, "行政复议法第二十条"),
        (DeadlineKind.LITIGATION, 6, Unit.MONTH, "行政诉讼法第四十六条"),
        (DeadlineKind.DEMAND, 10, Unit.WORKING_DAY, "行政强制法第五十四、六十九条"),
        (DeadlineKind.COURT_APPLICATION, 3, Unit.MONTH, "行政强制法第五十三条"),
        (DeadlineKind.ANNOUNCEMENT, 30, Unit.CALENDAR_DAY, "民事诉讼法第九十五条"),
    )
)
"""Default rows of a rule set: key, length, unit, source. A jurisdiction overrides a row, never a line of code."""


@dataclass(frozen=True, slots=True)
class Calendar:
    """Which days are worked, as tables.

    `years` are the published ones; `holidays` are weekdays off; `workdays` are weekend days worked; `overrides` are
    local (自治地方 holidays, 全国年节及纪念日放假办法 art. 4): day → worked or not, above everything, known by itself.
    """

    years: frozenset[int]
    holidays: frozenset[date]
    workdays: frozenset[date]
    overrides: Mapping[date, bool] = field(default_factory=dict)

    def works(self, day: date) -> bool:
        """Whether `day` is a working day; a guess by weekends when `knows(day)` is false."""
        if day in self.overrides:
            return self.overrides[day]
        return day in self.workdays or (day.weekday() < _SATURDAY and day not in self.holidays)

    def knows(self, day: date) -> bool:
        """Whether the answer of `works` rests on a published table or a local override."""
        return day in self.overrides or day.year in self.years

    def with_year(self, year: int, *, holidays: frozenset[date], workdays: frozenset[date]) -> "Calendar":
        """This calendar with a newly published year. Raises `ValueError` for a day outside that year."""
        if any(day.year != year for day in holidays | workdays):
            raise ValueError(f"every day of the table of {year} must lie in {year}")
        return Calendar(
            years=self.years | {year},
            holidays=frozenset(day for day in self.holidays if day.year != year) | holidays,
            workdays=frozenset(day for day in self.workdays if day.year != year) | workdays,
            overrides=self.overrides,
        )


def published_calendar(overrides: Mapping[date, bool] | None = None) -> Calendar:
    """The national calendar as published (from 2004 on; the last year depends on the library's data)."""
    holidays = frozenset(chinese_calendar.constants.holidays)
    return Calendar(
        years=frozenset(range(min(holidays).year, max(holidays).year + 1)),
        holidays=holidays,
        workdays=frozenset(chinese_calendar.constants.workdays),
        overrides=dict(overrides or {}),
    )


@dataclass(frozen=True, slots=True)
class Due:
    """The last day of a deadline in Asia/Shanghai; `provisional` while a year it had to look at is unpublished."""

    date: date
    provisional: bool

    @property
    def due_at(self) -> datetime:
        """The first moment after the deadline, in UTC: midnight in Shanghai at the end of `date`."""
        return datetime.combine(self.date + _DAY, time(), tzinfo=SHANGHAI).astimezone(UTC)

    @classmethod
    def ending_at(cls, due_at: datetime, *, provisional: bool) -> "Due":
        """A deadline read back from its stored `due_at` (aware)."""
        return cls(local_day(due_at) - _DAY, provisional)

    def is_over(self, now: datetime) -> bool:
        """Whether the deadline has certainly ended at `now` (aware). Never so for a provisional one."""
        return not self.provisional and now >= self.due_at


def add_working_days(start: date, n: int, calendar: Calendar) -> Due:
    """The n-th working day after `start`. Raises `ValueError` for a length outside 1 to 3660."""
    _check_length(n)
    day, known, left = start, True, n
    while left:
        day += _DAY
        known = known and calendar.knows(day)
        left -= calendar.works(day)
    return Due(day, provisional=not known)


def add_days(start: date, n: int, calendar: Calendar) -> Due:
    """`n` calendar days after `start`, moved on from a holiday. Raises `ValueError` as `add_working_days`."""
    _check_length(n)
    return _first_worked(start + n * _DAY, calendar)


def add_months(start: date, n: int, calendar: Calendar) -> Due:
    """`n` months after `start`, moved on from a holiday. Raises `ValueError` as `add_working_days`."""
    _check_length(n)
    years, month = divmod(start.month - 1 + n, 12)
    year = start.year + years
    last = monthrange(year, month + 1)[1]
    return _first_worked(date(year, month + 1, min(start.day, last)), calendar)


def due(start: date, n: int, unit: Unit, calendar: Calendar) -> Due:
    """The deadline `n` units after `start` (a day in Asia/Shanghai, itself not counted), in any unit."""
    return {Unit.WORKING_DAY: add_working_days, Unit.CALENDAR_DAY: add_days, Unit.MONTH: add_months}[unit](
        start, n, calendar
    )


def _first_worked(day: date, calendar: Calendar) -> Due:
    known = calendar.knows(day)
    while not calendar.works(day):
        day += _DAY
        known = known and calendar.knows(day)
    return Due(day, provisional=not known)


def _check_length(n: int) -> None:
    if not 1 <= n <= LONGEST:
        raise ValueError(f"a deadline has 1 to {LONGEST} units, not {n}")
