"""The keys of the installation, each for one purpose, each with versions of its own.

In the first releases they were derived from the master key. Now they are rows wrapped by it: the master key can be
replaced while they stay, and any of them can be replaced while it stays. A database of the first releases keeps the
values it has; a new one gets random ones, of which no file tells anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from storage.vault import crypto

TOKENS = "access-tokens"

ATTRIBUTES = {
    "blind-index": "index_key",
    "refresh-tokens": "refresh_key",
    "device-tokens": "device_token_key",
    "redaction-hash": "redaction_key",
    "second-factors": "second_factor_key",
    "answered-requests": "answer_key",
}
"""Name of each key that has one value at a time → the vault's attribute."""

FIRST_PURPOSES = {name: name for name in (*ATTRIBUTES, TOKENS)} | {"refresh-tokens": TOKENS}
"""Name → the purpose for which the first releases derived it. Refresh tokens were hashed with the signing key."""


@dataclass(frozen=True, slots=True)
class Derived:
    """One version of a key."""

    name: str
    version: int
    key: bytes
    retired_at: datetime | None = None


def place(name: str, version: int) -> str:
    """Where a key belongs."""
    return f"derived-key/{name}/{version}"


def of_first_releases(master: bytes) -> list[Derived]:
    """The keys as the first releases derived them."""
    return [Derived(name, 1, crypto.derive(master, purpose)) for name, purpose in FIRST_PURPOSES.items()]


def random() -> list[Derived]:
    """Keys for a new installation."""
    return [Derived(name, 1, crypto.new_key()) for name in FIRST_PURPOSES]


def stored(connection: "psycopg.Connection[tuple[object, ...]]") -> Sequence[tuple[str, int, bytes, datetime | None]]:
    """The rows of a database; none where it has no such table yet."""
    exists = connection.execute("SELECT to_regclass('public.derived_key') IS NOT NULL").fetchone()
    if not exists or not exists[0]:
        return []
    rows = connection.execute("SELECT name, version, wrapped, retired_at FROM derived_key").fetchall()
    return [(str(name), int(str(version)), bytes(wrapped), at) for name, version, wrapped, at in rows]  # type: ignore[call-overload, misc]  # psycopg knows no columns
