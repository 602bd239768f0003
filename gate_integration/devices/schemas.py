"""Devices as they travel."""

import uuid
from datetime import date, datetime
from typing import Annotated, Literal

import msgspec

from gate_integration.devices.models import CaptureMode, Credential, Direction, GateDevice, GateLevel
from gate_integration.intake.models import DeliveryProblem
from storage.fields import Title

Short = Annotated[str, msgspec.Meta(max_length=64)]
Number = Annotated[str, msgspec.Meta(min_length=1, max_length=64, pattern=r"^\S+$")]


class ProfileInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a device's events are read.

    `zone`: for device times without an offset. `codes`: meanings of vendor codes that differ on this firmware,
    {"5/23": {"kind": "door"}}. `readers`: the direction of each reader. `silence_minutes`: how long a healthy device
    may say nothing. `live_hours`: how late a live event may come before its arrival counts.
    """

    zone: Annotated[str, msgspec.Meta(max_length=64)] = "Asia/Shanghai"
    codes: dict[str, dict[str, str]] = {}
    limits: dict[str, int] = {}
    readers: dict[str, Literal["in", "out"]] = {}
    silence_minutes: Annotated[int, msgspec.Meta(ge=1, le=60 * 24 * 30)] = 60
    live_hours: Annotated[int, msgspec.Meta(ge=1, le=24 * 30)] = 24


class DeviceInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new gate device. The place is the building, entrance or unit that `level` names; none for an estate gate."""

    estate_id: uuid.UUID
    name: Title
    vendor: Literal["hikvision", "webhook"] = "hikvision"
    serial: Number
    model: Short = ""
    firmware: Short = ""
    capture_mode: Literal["identity", "snapshot"] = "identity"
    level: GateLevel
    building_id: uuid.UUID | None = None
    entrance_id: uuid.UUID | None = None
    unit_id: uuid.UUID | None = None
    direction: Direction = Direction.UNKNOWN
    camera: bool = True
    exit_recorded: bool = True
    reports_strangers: bool = True
    profile: ProfileInput = msgspec.field(default_factory=ProfileInput)


class DeviceView(msgspec.Struct, frozen=True, kw_only=True):
    """A gate device."""

    id: uuid.UUID
    estate_id: uuid.UUID
    name: str
    vendor: str
    serial: str
    model: str
    firmware: str
    capture_mode: CaptureMode
    level: GateLevel
    building_id: uuid.UUID | None
    entrance_id: uuid.UUID | None
    unit_id: uuid.UUID | None
    direction: Direction
    created_at: datetime
    retired_at: datetime | None

    @classmethod
    def of(cls, device: GateDevice) -> "DeviceView":
        """From the row."""
        return cls(
            id=device.id, estate_id=device.estate_id, name=device.name, vendor=device.vendor, serial=device.serial,
            model=device.model, firmware=device.firmware, capture_mode=CaptureMode(device.capture_mode),
            level=GateLevel(device.level), building_id=device.building_id, entrance_id=device.entrance_id,
            unit_id=device.unit_id, direction=Direction(device.direction), created_at=device.created_at,
            retired_at=device.retired_at,
        )  # fmt: skip


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """A token, shown this once: it is stored as a keyed hash. `path` is what goes into the device.

    Of a webhook device: the secret to sign with, and the path to send to.
    """

    device: DeviceView
    token: str
    path: str


class TokensRevoked(msgspec.Struct, frozen=True, kw_only=True):
    """How many tokens were revoked."""

    revoked: int


class DeviceHealth(msgspec.Struct, frozen=True, kw_only=True):
    """A device and how it is. `outage_since`: it has been silent since then. `pending`: deliveries not read yet."""

    device: DeviceView
    last_contact_at: datetime | None
    last_event_at: datetime | None
    last_heartbeat_at: datetime | None
    outage_since: datetime | None
    outages_30_days: int
    pending: int
    problems: int


class CredentialInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A card, PIN or QR; only a keyed hash of its number is stored."""

    kind: Literal["card", "pin", "qr"] = "card"
    number: Number
    household_id: uuid.UUID | None = None
    unit_id: uuid.UUID | None = None
    person_id: uuid.UUID | None = None
    valid_from: date


class CredentialView(msgspec.Struct, frozen=True, kw_only=True):
    """A registered credential, without its number."""

    id: uuid.UUID
    estate_id: uuid.UUID
    kind: str
    household_id: uuid.UUID | None
    unit_id: uuid.UUID | None
    person_id: uuid.UUID | None
    valid_from: date
    withdrawn_at: datetime | None

    @classmethod
    def of(cls, row: Credential) -> "CredentialView":
        """From the row."""
        return cls(
            id=row.id, estate_id=row.estate_id, kind=row.kind, household_id=row.household_id, unit_id=row.unit_id,
            person_id=row.person_id, valid_from=row.valid_from, withdrawn_at=row.withdrawn_at,
        )  # fmt: skip


class DevicePersonInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The number a device knows a person by. `has_face`: the device can recognise the face itself."""

    person_id: uuid.UUID
    number: Number
    has_face: bool = False


class DevicePersonView(msgspec.Struct, frozen=True, kw_only=True):
    """A number on a device and the person it means."""

    id: uuid.UUID
    device_id: uuid.UUID
    person_id: uuid.UUID
    number: str
    has_face: bool
    since: datetime
    removed_at: datetime | None


class DeliveryView(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery without its body: when it came, how long it is, whether it waits."""

    id: uuid.UUID
    received_at: datetime
    content_type: str
    bytes: int
    sealed: bool
    cutouts: int
    pending: bool


class ProblemView(msgspec.Struct, frozen=True, kw_only=True):
    """Something in a delivery that could not be read."""

    id: uuid.UUID
    delivery_id: uuid.UUID
    received_at: datetime
    parser: str
    code: str
    detail: str
    at: datetime
    resolved_at: datetime | None

    @classmethod
    def of(cls, row: DeliveryProblem) -> "ProblemView":
        """From the row."""
        return cls(
            id=row.id, delivery_id=row.delivery_id, received_at=row.received_at, parser=row.parser, code=row.code,
            detail=row.detail, at=row.at, resolved_at=row.resolved_at,
        )  # fmt: skip
