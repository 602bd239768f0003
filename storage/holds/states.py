"""What a hold is at a moment."""

from datetime import datetime
from enum import StrEnum


class HoldState(StrEnum):
    """Asked for; lapsed without an approval; in force; over by its date; released, or taken back before approval."""

    REQUESTED = "requested"
    LAPSED = "lapsed"
    IN_FORCE = "in_force"
    ENDED = "ended"
    RELEASED = "released"


def state_of(
    *,
    approve_before: datetime,
    until: datetime,
    approved_at: datetime | None,
    released_at: datetime | None,
    now: datetime,
) -> HoldState:
    """The state at `now`; a hold works up to, and not at, the moment `until`."""
    if released_at is not None:
        return HoldState.RELEASED
    if approved_at is None:
        return HoldState.REQUESTED if now < min(approve_before, until) else HoldState.LAPSED
    return HoldState.IN_FORCE if now < until else HoldState.ENDED
