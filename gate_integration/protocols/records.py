"""What every protocol adapter gives back, whatever the vendor: records and problems, as values."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class RecordKind(StrEnum):
    """What a device reported."""

    ACCESS = "access"  # somebody identified themselves, or failed to
    DOOR = "door"  # lock, magnet, exit button
    HEALTH = "health"  # heartbeat, tamper, network, power
    OTHER = "other"  # a code we do not know; kept, never rejected


class Outcome(StrEnum):
    """The device's own word on an identification."""

    PASS = "pass"  # noqa: S105
    FAIL = "fail"
    UNKNOWN = "unknown"


class CredentialKind(StrEnum):
    """By what somebody identified themselves."""

    FACE = "face"
    CARD = "card"
    PIN = "pin"
    QR = "qr"
    FINGERPRINT = "fingerprint"
    INTERCOM = "intercom"
    REMOTE = "remote"
    BUTTON = "button"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class PictureRef:
    """A picture that was cut out of the body before storing: position among the delivery's cut-outs, and keyed hash."""

    index: int
    digest: str


@dataclass(frozen=True, slots=True)
class Record:
    """One event as the device told it. Nothing is corrected here.

    `counter` is the device's own serial number of the event; `key_text` identifies the event where no counter exists.
    `device_time_text` is verbatim; `device_time` is its reading (aware) or None.
    `person_no` and `card_no` are strings: leading zeros count.
    `content` is what equality of two records with one counter means (used for duplicates), free of pictures and of
    everything a retry may change.
    """

    kind: RecordKind
    outcome: Outcome
    credential: CredentialKind
    counter: int | None
    key_text: str | None
    device_time_text: str | None
    device_time: datetime | None
    person_no: str | None
    card_no: str | None
    door_no: int | None
    reader_no: int | None
    replay: bool
    code: str  # vendor code, for example "5/75"
    pictures: tuple[PictureRef, ...] = ()
    content: str = ""  # hex SHA-256
    extra: dict[str, Any] = field(default_factory=dict)
    direction: str | None = None  # "in" or "out", where the sender says it with the event


@dataclass(frozen=True, slots=True)
class ParseProblem:
    """A part of a delivery that could not be read; the delivery is kept and can be read again by a newer parser."""

    code: str
    detail: str
    part: int | None = None


@dataclass(frozen=True, slots=True)
class DeviceProfile:
    """Facts of one device that change how its bytes are read; rows of a table, not code.

    `zone` is an IANA name used for device times without an offset. `direction` and `doors` are applied after parsing.
    `codes` overrides the meaning of vendor codes: {"5/23": {"kind": "door"}}.
    """

    vendor: str
    zone: str = "Asia/Shanghai"
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    limits: dict[str, int] = field(default_factory=dict)
