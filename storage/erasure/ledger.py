"""The erasure ledger: a file outside the data directory and outside backups, with a copy of each line in the store.

A restore brings back people who were erased after the backup was taken. The ledger knows them, by ids alone.
"""

import asyncio
import contextlib
import fcntl
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from storage.erasure.lines import START, Damage, Entry, Line, Reading, compare, read_copy, read_line
from storage.ids import new_id
from storage.objects.store import ObjectExists, ObjectMissing, ObjectStore, StoreFailed, sync_folder

NAMESPACE: Final = "erasure-ledger"
FILE_NAME: Final = "ledger.jsonl"


@dataclass(frozen=True, slots=True)
class Ledgers:
    """Everything that file and store hold: entries of all ledgers, and what is wrong, by copy and line."""

    entries: tuple[Entry, ...]
    damage: tuple[Damage, ...]
    lines: int


class Ledger:
    """The ledger of one installation's machine. Blocking parts run in a thread; appends are one at a time."""

    def __init__(self, folder: Path, store: ObjectStore) -> None:
        self.folder = folder
        self.store = store
        self.path = folder / FILE_NAME

    async def append(self, entry: Entry) -> Line:
        """Writes a line durably into the file, then its copy into the store. Raises `OSError`, `StoreFailed`."""
        return await asyncio.to_thread(self._append, entry)

    async def read(self) -> Ledgers:
        """File and store together; copies that the store lacks are written again. Raises `StoreFailed`."""
        return await asyncio.to_thread(self._read)

    def _append(self, entry: Entry) -> Line:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        # A damaged byte is named by whoever reads the ledger; it must not keep the next erasure from being written.
        with os.fdopen(descriptor, "r+", encoding="utf-8", errors="replace") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            texts = whole_lines(file.read())
            last = _last(texts)
            if last is None:
                line = Line(new_id().hex, len(texts) + 1, START, entry)
            else:
                line = Line(last.ledger, last.seq + 1, last.hash, entry)
            # A line that a crash cut short stays in the file, is named as damage, and ends here.
            broken = bool(texts) and not self.path.read_bytes().endswith(b"\n")
            file.write(("\n" if broken else "") + line.text() + "\n")
            file.flush()
            os.fsync(file.fileno())
        sync_folder(self.folder)
        self._copy(line)
        return line

    def _copy(self, line: Line) -> None:
        with contextlib.suppress(ObjectExists):  # the same line: its name holds the beginning of its hash
            self.store.put(_key(line), line.text().encode())

    def _read(self) -> Ledgers:
        file = self._read_file()
        store = self._read_store()
        damage = list(file.damage)
        ledger = file.lines[0].ledger if file.lines else None
        for name, reading in store.items():
            damage += reading.damage
            if name == ledger:
                damage += compare(file, reading, names=("file", f"store/{name}"))
        if ledger is not None:
            kept = {line.hash for line in store[ledger].lines} if ledger in store else set()
            taken = {line.seq for line in store[ledger].lines} if ledger in store else set()
            for line in file.lines:
                if line.hash not in kept and line.seq not in taken:
                    self._copy(line)
        entries = {line.hash: line.entry for reading in (file, *store.values()) for line in reading.lines}
        return Ledgers(tuple(entries.values()), tuple(damage), len(entries))

    def _read_file(self) -> Reading:
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return Reading((), ())
        return read_copy("file", whole_lines(text))

    def _read_store(self) -> dict[str, Reading]:
        by_ledger: dict[str, list[str]] = {}
        for key in sorted(self.store.keys(NAMESPACE)):
            name = key.rpartition("/")[2]
            try:
                text = self.store.get(key).decode(errors="replace")
            except ObjectMissing:
                continue
            by_ledger.setdefault(name.partition("-")[0], []).append(text)
        return {name: read_copy(f"store/{name}", texts) for name, texts in by_ledger.items()}


def whole_lines(text: str) -> list[str]:
    """The lines of a file; the empty ones are none."""
    return [line for line in text.split("\n") if line]


def _last(texts: list[str]) -> Line | None:
    for text in reversed(texts):
        try:
            return read_line(text)
        except ValueError:
            continue
    return None


def _key(line: Line) -> str:
    return f"{NAMESPACE}/{line.ledger}-{line.seq:012d}-{line.hash[:16]}"


__all__ = ["Ledger", "Ledgers", "StoreFailed"]
