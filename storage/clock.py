"""The one source of time.

`SystemClock` serves real data. `SimulatedClock` belongs to tests and to a demo data directory: it is a file that
several processes read, so that a demo can let months elapse for the server and the worker at once.
"""

import json
import os
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def local_day(moment: datetime) -> date:
    """The day of an aware moment in Asia/Shanghai. Raises `ValueError` for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("only an aware moment has a day")
    return moment.astimezone(SHANGHAI).date()


class Clock(Protocol):
    """Tells the time; injected wherever code needs one."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""
        return datetime.now(UTC)


class SimulatedClock:
    """A clock that stands still until it is set, kept in a file shared by processes.

    The file holds `{"now": iso}`; a reader looks at its modification time before it reads it again.
    """

    def __init__(self, path: Path, *, start: datetime | None = None) -> None:
        self.path = path
        self.seen: tuple[int, int] = (-1, -1)
        self.cached = start or datetime(2026, 1, 1, tzinfo=UTC)
        if not path.exists():
            self.set(self.cached)

    def now(self) -> datetime:
        """The simulated moment, aware, in UTC."""
        stat = self.path.stat()
        stamp = (stat.st_mtime_ns, stat.st_ino)
        if stamp != self.seen:
            self.cached = datetime.fromisoformat(json.loads(self.path.read_text())["now"])
            self.seen = stamp
        return self.cached

    def set(self, moment: datetime) -> None:
        """Moves the clock to `moment`, for all processes that share the file."""
        if moment.tzinfo is None:
            raise ValueError("a clock is set to an aware moment")
        scratch = self.path.with_name(f"{self.path.name}.{os.getpid()}")
        scratch.write_text(json.dumps({"now": moment.astimezone(UTC).isoformat()}))
        scratch.replace(self.path)

    def advance(self, by: timedelta) -> datetime:
        """Moves the clock forward and tells the new moment."""
        moment = self.now() + by
        self.set(moment)
        return moment
