"""Whether the visits to a flat suffice before it may be found vacant: attempts spread over the day and the week. Pure.

One silent door at noon says nothing about who lives behind it: people work, travel and sleep.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from storage.clock import SHANGHAI
from storage.rules.values import RuleDefault


class TimeBand(StrEnum):
    """When somebody knocked, in Asia/Shanghai."""

    MORNING = "morning"  # before 12
    AFTERNOON = "afternoon"  # 12 to 18
    EVENING = "evening"  # from 18
    WEEKEND = "weekend"  # Saturday or Sunday, whatever the hour


_OURS: Final = "内部管理参数，须由主管部门确认"
DEFAULTS: Final = (
    RuleDefault("visits.coverage.min_attempts", 4, "visit", _OURS),
    RuleDefault("visits.coverage.min_bands", 3, "band", _OURS),
)
"""Default rows of a rule set."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One visit that was made, and whether a dated notice was left."""

    at: datetime
    notice_left: bool


def band(at: datetime) -> TimeBand:
    """The band of an aware moment."""
    local = at.astimezone(SHANGHAI)
    if local.weekday() >= 5:
        return TimeBand.WEEKEND
    if local.hour < 12:
        return TimeBand.MORNING
    return TimeBand.AFTERNOON if local.hour < 18 else TimeBand.EVENING


def is_met(attempts: Sequence[Attempt], values: Mapping[str, Any]) -> bool:
    """Enough attempts in enough bands, among them an evening and a weekend, and a notice left at least once."""
    attempts_needed, bands_needed = (int(values.get(row.key, row.value)) for row in DEFAULTS)
    bands = {band(attempt.at) for attempt in attempts}
    return (
        len(attempts) >= attempts_needed
        and len(bands) >= bands_needed
        and bands >= {TimeBand.EVENING, TimeBand.WEEKEND}
        and any(attempt.notice_left for attempt in attempts)
    )
