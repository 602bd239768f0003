"""What a count of stored faces obliges to, and until when (人脸识别技术应用安全管理办法 15). Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from inspection.cases.deadlines import Calendar, Due, add_working_days
from inspection.filing.models import FilingKind, Level
from storage.rules.values import RuleDefault

_SOURCE: Final = "人脸识别技术应用安全管理办法第十五条"
WARN_FROM: Final = RuleDefault("filing.warn_from", 80_000, "people", "design: privacy, a fifth below the duty")
DUTY_FROM: Final = RuleDefault("filing.duty_from", 100_000, "people", _SOURCE)
FILE_WITHIN: Final = RuleDefault("filing.working_days", 30, "working_day", _SOURCE)
DEFAULTS: Final = (WARN_FROM, DUTY_FROM, FILE_WITHIN)
"""Default rows of a rule set; the country's count, since the duty is the operator's and not an estate's."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From how many people on to warn and to file, and within how many working days."""

    warn_from: int
    duty_from: int
    working_days: int


def level(total: int, thresholds: Thresholds) -> Level:
    """What a count means."""
    if total >= thresholds.duty_from:
        return Level.DUTY
    return Level.WARNING if total >= thresholds.warn_from else Level.BELOW


def filing_due(
    history: Sequence[tuple[date, Level]],
    filings: Sequence[tuple[date, FilingKind]],
    *,
    calendar: Calendar,
    working_days: int,
) -> Due | None:
    """Until when the first filing is due; None when it is not, or was made.

    The time begins on the first day on which the number was reached since the last filing was cancelled. A number that
    falls again does not undo it. Changes and the end of recognition are the operator's to tell within the same time.
    """
    cancelled = max((day for day, kind in filings if kind is FilingKind.CANCELLATION), default=date.min)
    reached = min((day for day, found in history if found is Level.DUTY and day > cancelled), default=None)
    filed = any(kind is FilingKind.FIRST and day > cancelled for day, kind in filings)
    return None if reached is None or filed else add_working_days(reached, working_days, calendar)
