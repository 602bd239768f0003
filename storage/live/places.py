"""Places in the stream of changes, and the bytes in which they are sent (HTML Living Standard, server-sent events)."""

import json
import re
from dataclasses import dataclass

LAST_ID = 2**63 - 1
_FORM = re.compile(r"([1-9]\d{0,9})\.(\d{1,19})\.(\d{1,19})")


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Everything up to (xid, event_id) in an epoch has been told. Transactions are numbered by the database; an epoch
    ends with a restore, and a place of another epoch means nothing."""

    epoch: int
    xid: int
    event_id: int

    def __str__(self) -> str:
        return f"{self.epoch}.{self.xid}.{self.event_id}"


@dataclass(frozen=True, slots=True)
class Horizon:
    """How far can be told now. `xmin`: the oldest transaction that still runs: whatever is numbered below can no
    longer change, whatever is above may yet be preceded. `xmax`: the next number to be given. `floor`: what was
    forgotten, in this epoch."""

    epoch: int
    xmin: int
    xmax: int
    floor: tuple[int, int]

    @property
    def end(self) -> Place:
        """The place behind everything that is final."""
        return Place(self.epoch, self.xmin - 1, LAST_ID)


def parse(text: str) -> Place | None:
    """A place as `str` made it; None for anything else."""
    match = _FORM.fullmatch(text)
    if match is None:
        return None
    place = Place(int(match[1]), int(match[2]), int(match[3]))
    return place if place.xid <= LAST_ID and place.event_id <= LAST_ID else None


def resume(given: str | None, horizon: Horizon) -> tuple[Place, str | None]:
    """Where to go on for somebody who stopped at `given`; with the reason if they must load everything anew.

    `restored`: the history they know is of another epoch. `too-old`: what they missed was forgotten. `unknown`: no
    place of ours, or one that this database has not reached.
    """
    if not given:
        return horizon.end, None
    place = parse(given)
    if place is None:
        return horizon.end, "unknown"
    if place.epoch != horizon.epoch:
        return horizon.end, "restored"
    if place.xid >= horizon.xmax:
        return horizon.end, "unknown"
    if (place.xid, place.event_id) < horizon.floor:
        return horizon.end, "too-old"
    return place, None


def frame(event: str, data: dict[str, object], *, place: Place | None = None, retry_ms: int | None = None) -> bytes:
    """One event."""
    lines = [f"event: {event}", f"data: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}"]
    if place is not None:
        lines.insert(0, f"id: {place}")
    if retry_ms is not None:
        lines.insert(0, f"retry: {retry_ms}")
    return ("\n".join(lines) + "\n\n").encode()


def heartbeat(place: Place) -> bytes:
    """A comment that keeps the connection open, with the place reached: it needs not be looked through again."""
    return f": \nid: {place}\n\n".encode()
