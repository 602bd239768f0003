"""What was acknowledged, on disk before it counts."""

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One acknowledgement. `key` names the thing among those of its `kind`; `tries`: how often it was sent; `digest`:
    of the bytes of a photo; `place`: where it is read (a visit)."""

    kind: str
    key: str
    tries: int
    digest: str = ""
    place: str = ""


def line(entry: Entry) -> bytes:
    """An entry as a line."""
    return json.dumps([entry.kind, entry.key, entry.tries, entry.digest, entry.place]).encode() + b"\n"


def parse(lines: Iterable[bytes]) -> list[Entry]:
    """The entries; a last line without its end was never finished, so nothing was acknowledged by it."""
    found = []
    for one in lines:
        if one.endswith(b"\n"):
            kind, key, tries, digest, place = json.loads(one)
            found.append(Entry(kind, key, tries, digest, place))
    return found


@dataclass(slots=True)
class Journal:
    """A file to which entries are added; `count` entries are durable."""

    path: Path
    count: int = 0
    lock: Lock = field(default_factory=Lock)
    file: Any = None

    def open(self) -> None:
        """Opens the file."""
        self.file = self.path.open("ab", buffering=0)

    def add(self, entry: Entry) -> None:
        """Writes an entry and syncs it."""
        with self.lock:
            self.file.write(line(entry))
            os.fsync(self.file.fileno())
            self.count += 1

    def read(self) -> list[Entry]:
        """Everything written so far."""
        with self.path.open("rb") as file:
            return parse(file)

    def close(self) -> None:
        """Closes the file."""
        self.file.close()
