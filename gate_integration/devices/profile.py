"""What a device's profile row says: to the parser, about directions, about its rhythm. Pure.

Profile keys: `zone` (IANA name), `codes` (meaning of vendor codes), `limits` (numbers for the parser), `readers`
({"1": "in", "2": "out"}: the direction of a reader, or of a door where the event names no reader), `silence_minutes`
(how long a healthy device may say nothing), `live_hours` (how late a live event may come).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from gate_integration.devices.models import Direction
from gate_integration.protocols.records import DeviceProfile

SILENCE_MINUTES = 60


def parser_profile(vendor: str, profile: Mapping[str, Any]) -> DeviceProfile:
    """What the parser needs."""
    return DeviceProfile(
        vendor=vendor,
        zone=profile.get("zone", "Asia/Shanghai"),
        codes=dict(profile.get("codes", {})),
        limits=dict(profile.get("limits", {})),
    )


def direction_of(
    direction: str, profile: Mapping[str, Any], *, reader_no: int | None, door_no: int | None, told: str | None = None
) -> str:
    """The direction of one event: the device's own where it is one-way, else the one told with the event, else that
    of its reader or door."""
    if direction in (Direction.IN, Direction.OUT):
        return direction
    if told in (Direction.IN, Direction.OUT):
        return told
    readers = profile.get("readers", {})
    named = readers.get(str(reader_no)) if reader_no is not None else readers.get(str(door_no))
    return named if named in (Direction.IN, Direction.OUT) else Direction.UNKNOWN


def rhythm(profile: Mapping[str, Any]) -> timedelta:
    """How long the device may say nothing before that is an outage."""
    return timedelta(minutes=profile.get("silence_minutes", SILENCE_MINUTES))


def silences(last: datetime | None, heard: Sequence[datetime], longest: timedelta) -> list[tuple[datetime, datetime]]:
    """The times without contact that were too long, between `last` and the contacts in `heard` (any order)."""
    found: list[tuple[datetime, datetime]] = []
    for moment in sorted(heard):
        if last is not None and moment - last > longest:
            found.append((last, moment))
        last = moment if last is None else max(last, moment)
    return found
