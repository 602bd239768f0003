"""Lines of the erasure ledger: ids only, each bound to the one before it. Pure.

A line is one JSON object; `hash` is the SHA-256 of the line's other members in canonical form, which hold the hash of
the line before. So a line that was changed, taken out or put in between is found where it stands; a tail that was cut
off is found by comparing with the copies in the object store.
"""

import hashlib
import json
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

START: Final = "0" * 64
_HEX: Final = re.compile(r"[0-9a-f]{64}")


class Stage(StrEnum):
    """`intent` is written before the database commits, `done` after."""

    INTENT = "intent"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Entry:
    """What one line says. `kept`: the parts that law makes us keep for the time being (`parts.Part`)."""

    stage: Stage
    subject_id: uuid.UUID
    estate_id: uuid.UUID
    request_id: uuid.UUID
    kept: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Line:
    """An entry in its place: `ledger` names the file, `seq` counts from 1, `previous` is the last hash."""

    ledger: str
    seq: int
    previous: str
    entry: Entry

    def text(self) -> str:
        """The line as it is written, without its end."""
        body = _body(self)
        return _canonical(body | {"hash": _hash(body)})

    @property
    def hash(self) -> str:
        """What the next line is bound to."""
        return _hash(_body(self))


@dataclass(frozen=True, slots=True)
class Damage:
    """Something wrong in a copy of a ledger. `seq` is the line's number, counted from 1."""

    copy: str
    seq: int
    code: str


@dataclass(frozen=True, slots=True)
class Reading:
    """The lines of one copy that can be read, and what is wrong with it."""

    lines: tuple[Line, ...]
    damage: tuple[Damage, ...]


def read_line(text: str) -> Line:
    """A line from its text. Raises `ValueError` when it is none or its hash does not fit."""
    try:
        told: dict[str, Any] = json.loads(text)
        line = Line(
            ledger=str(told["ledger"]),
            seq=int(told["seq"]),
            previous=str(told["previous"]),
            entry=Entry(
                stage=Stage(told["stage"]),
                subject_id=uuid.UUID(told["subject"]),
                estate_id=uuid.UUID(told["estate"]),
                request_id=uuid.UUID(told["request"]),
                kept=tuple(str(part) for part in told["kept"]),
                at=datetime.fromisoformat(told["at"]),
            ),
        )
    except (KeyError, TypeError, AttributeError, ValueError):
        raise ValueError("no line of a ledger") from None
    # The whole text: a moment, for one, can be written in several ways that read as the same.
    if text.strip() != line.text() or not _HEX.fullmatch(line.previous):
        raise ValueError("the hash does not fit the line as it is written")
    return line


def read_copy(copy: str, texts: Sequence[str]) -> Reading:
    """Reads one copy, line after line in order; a line that cannot be read is named, and those after it are read."""
    lines: list[Line] = []
    damage: list[Damage] = []
    last: Line | None = None
    for position, text in enumerate(texts, 1):
        try:
            line = read_line(text)
        except ValueError:
            damage.append(Damage(copy, last.seq + 1 if last else position, "line-changed"))
            last = None
            continue
        expected = (last.seq + 1, last.hash) if last else (line.seq, line.previous)
        if line.seq != expected[0]:
            damage.append(Damage(copy, expected[0], "line-missing"))
        elif line.previous != expected[1]:
            damage.append(Damage(copy, line.seq, "line-replaced"))
        elif position == 1 and (line.seq, line.previous) != (1, START):
            damage.append(Damage(copy, 1, "beginning-missing"))
        lines.append(line)
        last = line
    return Reading(tuple(lines), tuple(damage))


def compare(first: Reading, second: Reading, *, names: tuple[str, str]) -> tuple[Damage, ...]:
    """Lines that one copy of a ledger has and the other lacks, or that differ; each is named where it is missing."""
    damage: list[Damage] = []
    known = [{line.seq: line.hash for line in reading.lines} for reading in (first, second)]
    named = {(one.copy, one.seq) for reading in (first, second) for one in reading.damage}
    for seq in sorted(known[0].keys() | known[1].keys()):
        for mine, other, name in ((known[0], known[1], names[0]), (known[1], known[0], names[1])):
            if seq not in mine and (name, seq) not in named:
                damage.append(Damage(name, seq, "line-missing"))
            elif seq in mine and seq in other and mine[seq] != other[seq] and name == names[0]:
                damage.append(Damage(name, seq, "copies-differ"))
    return tuple(damage)


def to_replay(entries: Iterable[Entry]) -> list[Entry]:
    """For each person the one entry that says most: what was ever to be erased of them, in order of the first saying.

    An intent counts as much as a `done`: it was decided before it was written.
    """
    found: dict[uuid.UUID, Entry] = {}
    for entry in sorted(entries, key=lambda one: one.at):
        before = found.get(entry.subject_id)
        kept = set(entry.kept) if before is None else set(entry.kept) & set(before.kept)
        found[entry.subject_id] = Entry(
            entry.stage, entry.subject_id, entry.estate_id, entry.request_id, tuple(sorted(kept)), entry.at
        )
    return list(found.values())


def unconfirmed(entries: Iterable[Entry]) -> list[Entry]:
    """Intents that no `done` of the same request and parts followed."""
    entries = list(entries)
    done = {(one.request_id, one.kept) for one in entries if one.stage is Stage.DONE}
    return [one for one in entries if one.stage is Stage.INTENT and (one.request_id, one.kept) not in done]


def _body(line: Line) -> dict[str, Any]:
    entry = line.entry
    return {
        "ledger": line.ledger, "seq": line.seq, "previous": line.previous, "stage": str(entry.stage),
        "subject": str(entry.subject_id), "estate": str(entry.estate_id), "request": str(entry.request_id),
        "kept": list(entry.kept), "at": entry.at.isoformat(),
    }  # fmt: skip


def _canonical(body: dict[str, Any]) -> str:
    return json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)


def _hash(body: dict[str, Any]) -> str:
    return hashlib.sha256(_canonical(body).encode()).hexdigest()
