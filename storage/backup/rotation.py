"""Which backups are let go. Values in, values out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """A complete backup on disk; `verified` means its own verification passed after it was made."""

    name: str
    taken_at: datetime
    verified: bool


def to_delete(backups: Sequence[Kept], *, keep: int) -> list[str]:
    """The names of all but the newest `keep` backups; the newest verified one stays whatever its age."""
    newest_first = sorted(backups, key=lambda b: (b.taken_at, b.name), reverse=True)
    proven = next((b.name for b in newest_first if b.verified), None)
    return [b.name for b in newest_first[max(keep, 1) :] if b.name != proven]
