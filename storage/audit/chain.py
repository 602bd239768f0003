"""The chain as values: how an entry, its payload, a link and a head become bytes and digests.

Every digest is SHA-256 over fields in a fixed order. A field is a byte 0 for None, or a byte 1, its length in four
bytes and its bytes: no two different rows have one encoding. Times are microseconds since 1970-01-01 UTC.
"""

import hashlib
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

GENESIS = bytes(32)
"""What the first link and the first head name as their predecessor."""

ENTRY, PAYLOAD, LINK, HEAD = b"ruhu-audit-entry-1", b"ruhu-audit-payload-1", b"ruhu-audit-link-1", b"ruhu-audit-head-1"
ZERO = datetime(1970, 1, 1, tzinfo=UTC)

Field = bytes | str | int | uuid.UUID | datetime | None


class BadCopy(ValueError):
    """Bytes that are no copy of a head."""


@dataclass(frozen=True, slots=True)
class Entry:
    """All columns of an audit entry, in the order in which they are hashed."""

    id: uuid.UUID
    at: datetime
    actor_user_id: uuid.UUID | None
    actor_kind: str
    action: str
    object_kind: str
    object_id: uuid.UUID | None
    estate_id: uuid.UUID | None
    purpose: str | None
    payload_digest: bytes | None
    xid: int


@dataclass(frozen=True, slots=True)
class Payload:
    """The erasable side of an entry."""

    subject_id: uuid.UUID | None
    salt: bytes
    body: str


@dataclass(frozen=True, slots=True)
class Link:
    """A place in the chain."""

    sequence: int
    entry_id: uuid.UUID
    previous: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain as it was when signed; `count`: links since the head before; `previous`: its digest."""

    epoch: int
    sequence: int
    digest: bytes
    count: int
    at: datetime
    previous: bytes
    mark_xid: int | None
    mark_id: uuid.UUID | None
    key_id: str
    signature: bytes = b""


COLUMNS = tuple(field.name for field in fields(Entry))
HEAD_COLUMNS = tuple(field.name for field in fields(Head))


def encode(*values: Field) -> bytes:
    """The fields, one after the other, so that they can be told apart."""
    parts = []
    for value in values:
        match value:
            case None:
                parts.append(b"\x00")
                continue
            case bytes():
                data = value
            case str():
                data = value.encode()
            case int():
                data = value.to_bytes(8, "big", signed=True)
            case uuid.UUID():
                data = value.bytes
            case _:
                data = ((value - ZERO) // timedelta(microseconds=1)).to_bytes(8, "big", signed=True)
        parts.append(b"\x01" + len(data).to_bytes(4, "big") + data)
    return b"".join(parts)


def body(payload: Mapping[str, Any], reason: str | None) -> str:
    """The canonical JSON of what an entry says beside its columns."""
    return json.dumps(
        {"payload": payload, "reason": reason},
        ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False,
    )  # fmt: skip


def payload_digest(payload: Payload) -> bytes:
    """The salted hash of a payload: once the salt is gone, nobody can try what it was."""
    return hashlib.sha256(encode(PAYLOAD, payload.salt, payload.subject_id, payload.body)).digest()


def link_digest(sequence: int, previous: bytes, entry: Entry) -> bytes:
    """The digest of a link: over its place, its predecessor and every column of its entry."""
    return hashlib.sha256(
        encode(LINK, sequence, previous, ENTRY, *(getattr(entry, column) for column in COLUMNS))
    ).digest()


def head_bytes(head: Head) -> bytes:
    """What is signed."""
    return encode(HEAD, *(getattr(head, column) for column in HEAD_COLUMNS[:-1]))


def head_digest(head: Head) -> bytes:
    """What the next head names as its predecessor: covers the signature too."""
    return hashlib.sha256(encode(head_bytes(head), head.signature)).digest()


def copy_name(epoch: int, sequence: int) -> str:
    """The name of a head's copy; names sort as heads follow each other."""
    return f"{epoch:06}-{sequence:016}"


def place_of(name: str) -> tuple[int, int] | None:
    """Epoch and sequence of a copy's name, or None for a name that is none."""
    epoch, _, sequence = name.partition("-")
    if not (epoch.isdecimal() and sequence.isdecimal() and name.isascii()):
        return None
    place = int(epoch), int(sequence)
    return place if copy_name(*place) == name else None


def to_copy(head: Head) -> bytes:
    """A head as it lies outside the database: JSON that a person can read."""
    return (
        json.dumps(
            {column: _plain(getattr(head, column)) for column in HEAD_COLUMNS}, indent=1, separators=(",", ": ")
        ).encode()
        + b"\n"
    )


def _plain(value: Field) -> str | int | None:
    match value:
        case bytes():
            return value.hex()
        case datetime():
            return value.astimezone(UTC).isoformat()
        case uuid.UUID():
            return str(value)
        case _:
            return value


def from_copy(data: bytes) -> Head:
    """Reads a copy back. Raises `BadCopy` for anything that `to_copy` does not write byte for byte."""
    try:
        raw = json.loads(data)
        mark = raw["mark_id"]
        head = Head(
            epoch=int(raw["epoch"]), sequence=int(raw["sequence"]), digest=bytes.fromhex(raw["digest"]),
            count=int(raw["count"]), at=datetime.fromisoformat(raw["at"]), previous=bytes.fromhex(raw["previous"]),
            mark_xid=raw["mark_xid"], mark_id=None if mark is None else uuid.UUID(mark), key_id=str(raw["key_id"]),
            signature=bytes.fromhex(raw["signature"]),
        )  # fmt: skip
        same = to_copy(head) == data
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise BadCopy("not the copy of a head") from None
    if not same:
        raise BadCopy("not the copy of a head")
    return head
