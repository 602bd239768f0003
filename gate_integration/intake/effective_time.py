"""Which moment an event is taken to have happened at. Both clocks are kept beside it. Pure.

Device time has been seen months off, twelve hours back between two neighbouring numbers, and with a wrong zone.
"""

from datetime import datetime, timedelta
from enum import StrEnum

AHEAD = timedelta(minutes=5)
LIVE_HOURS = 24  # a device that was cut off for a day may send what it kept as if it were live


class TimeReason(StrEnum):
    """Why a moment was chosen."""

    DEVICE = "device"
    REPLAY = "replay"  # history as the device tells it
    MISSING = "device_time_missing"
    AHEAD = "device_time_ahead"
    FAR_BACK = "device_time_far_back"


def effective_time(
    *, device_time: datetime | None, received_at: datetime, replay: bool, live_hours: int = LIVE_HOURS
) -> tuple[datetime, TimeReason]:
    """The device's time while that is plausible, else the arrival.

    Nothing happens after it arrived: more than five minutes ahead is a wrong clock. A live event more than
    `live_hours` back is one too; history may be as old as it says.
    """
    if device_time is None:
        return received_at, TimeReason.MISSING
    if device_time - received_at > AHEAD:
        return received_at, TimeReason.AHEAD
    if replay:
        return device_time, TimeReason.REPLAY
    if received_at - device_time > timedelta(hours=live_hours):
        return received_at, TimeReason.FAR_BACK
    return device_time, TimeReason.DEVICE
