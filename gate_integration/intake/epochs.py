"""Which event is this: the identity of a device's records across retries, replays, pulls and factory resets.

A device numbers its events. The number restarts after a factory reset or a wiped log, so an event's identity is
(device, epoch, counter), and an epoch ends when a small number comes with a time newer than anything seen. Device
clocks jump (a captured run goes back twelve hours between two neighbouring numbers), so time alone never decides:
whatever cannot be told apart for certain is kept beside the other, marked. Nothing is ever dropped but an equal event.

Pure: the caller reads the device's serials and what is stored under the same number, and writes what `place` says.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from gate_integration.protocols.records import Record

_QUARTER_HOUR = 900
_WIDEST_ZONE_ERROR = 26 * 3600  # from UTC-12 to UTC+14


class PlacementKind(StrEnum):
    """What a record is to the ones before it."""

    NEW = "new"
    DUPLICATE = "duplicate"  # stored already: count it, store nothing
    LATE = "late"  # fills a gap below the highest number
    NEW_EPOCH = "new_epoch"  # the device counts from the beginning again
    AMBIGUOUS = "ambiguous"  # keep both, for a person to look at


@dataclass(frozen=True, slots=True)
class DeviceSerials:
    """What is known of one device's counting in its current epoch.

    `max_device_time` is the newest device time of the epoch, `started` the time of the record that opened it (None in
    the first one). Start with `DeviceSerials(0, None, None)`; go on with `advance`.
    """

    epoch: int
    max_counter: int | None
    max_device_time: datetime | None
    started: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stored:
    """One stored event of the device with the same counter (any epoch), or with the same key where none exists."""

    epoch: int
    content: str
    device_time_text: str | None
    device_time: datetime | None


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a record belongs. `marked`: the decision rests on a clock that contradicts itself."""

    epoch: int
    kind: PlacementKind
    marked: bool = False


def place(seen: DeviceSerials, stored: Sequence[Stored], record: Record) -> Placement:
    """Decide what a record is.

    `stored` holds every stored event of this device that has the record's counter, ambiguous ones and older epochs
    included (for a record without counter: those with its key). Order of the rules: an equal event is a duplicate,
    whatever its epoch; a number above the highest is new; below it, an older time fills a gap, a newer time with a
    small number opens an epoch; the rest is ambiguous. A history replay never opens an epoch: an old record with a
    clock that ran ahead would.
    """
    for other in stored:
        if other.content == record.content and (record.counter is None or _same_time(other, record)):
            return Placement(other.epoch, PlacementKind.DUPLICATE, marked=_shifted(other, record))
    if record.counter is None and record.key_text and stored:  # one name, two events: the sender's mistake
        return Placement(seen.epoch, PlacementKind.AMBIGUOUS, marked=True)
    if record.counter is None:
        return Placement(seen.epoch, PlacementKind.NEW, marked=not record.device_time_text)
    time = record.device_time
    before_epoch = time is not None and seen.started is not None and time < seen.started
    if before_epoch:  # a straggler of an older epoch, or a clock set back
        return Placement(seen.epoch, PlacementKind.AMBIGUOUS, marked=True)
    if seen.max_counter is None or record.counter > seen.max_counter:
        return Placement(seen.epoch, PlacementKind.NEW)
    if time is None or seen.max_device_time is None:
        return Placement(seen.epoch, PlacementKind.AMBIGUOUS, marked=True)
    if time > seen.max_device_time:
        if _small(record.counter, seen.max_counter) and not record.replay:
            return Placement(seen.epoch + 1, PlacementKind.NEW_EPOCH)
        return Placement(seen.epoch, PlacementKind.AMBIGUOUS, marked=True)
    if any(other.epoch == seen.epoch for other in stored):  # the place is taken by another event
        return Placement(seen.epoch, PlacementKind.AMBIGUOUS, marked=True)
    return Placement(seen.epoch, PlacementKind.LATE)


def advance(seen: DeviceSerials, record: Record, placement: Placement) -> DeviceSerials:
    """The device's serials after a record was placed. Duplicates and ambiguous records move nothing."""
    counter, time = record.counter, record.device_time
    if counter is None or placement.kind in (PlacementKind.DUPLICATE, PlacementKind.AMBIGUOUS):
        return seen
    if placement.kind is PlacementKind.NEW_EPOCH:
        return DeviceSerials(placement.epoch, counter, time, time)
    newest = max((t for t in (seen.max_device_time, time) if t is not None), default=None)
    return replace(seen, max_counter=max(counter, seen.max_counter or 0), max_device_time=newest)


def event_key_text(record: Record, placement: Placement) -> str:
    """The text that, with device and epoch, identifies an event.

    The counter, or without one the adapter's own key; for an ambiguous record that and a hash of time and content, so
    that both events fit. With neither, the hash alone. The same record always gives the same text.
    """
    if record.counter is None and not record.key_text:
        return f"h:{_fingerprint(record)}"
    name = f"k:{record.key_text}" if record.counter is None else str(record.counter)
    return f"{name}~{_fingerprint(record)[:16]}" if placement.kind is PlacementKind.AMBIGUOUS else name


def _fingerprint(record: Record) -> str:
    return hashlib.sha256(f"{record.device_time_text or ''}\n{record.content}".encode()).hexdigest()


def _small(counter: int, highest: int) -> bool:
    """A number far enough below the highest that it cannot be a neighbour that came out of order."""
    return counter == 1 or counter <= highest // 2


def _wall_clock(text: str | None) -> str:
    return (text or "")[:19].replace(" ", "T")


def _same_time(other: Stored, record: Record) -> bool:
    """Equal instants, equal wall clocks (push tells the zone, pull of some models does not), or a shift of zone."""
    if _wall_clock(other.device_time_text) == _wall_clock(record.device_time_text):
        return True
    if other.device_time is None or record.device_time is None:
        return False
    difference = abs((other.device_time - record.device_time).total_seconds())
    return difference <= _WIDEST_ZONE_ERROR and difference % _QUARTER_HOUR == 0


def _shifted(other: Stored, record: Record) -> bool:
    return None not in (other.device_time, record.device_time) and other.device_time != record.device_time
