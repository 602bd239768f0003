"""Gate devices and what belongs to them."""

import uuid
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, DateTime, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Bytes, Code, EstateRef, Id, Json, Moment, Name
from storage.database import Base


class CaptureMode(StrEnum):
    """What may leave a gate (design: privacy)."""

    IDENTITY = "identity"
    SNAPSHOT = "snapshot"
    EDGE = "edge"


class GateLevel(StrEnum):
    """What a gate covers."""

    ESTATE = "estate"
    BUILDING = "building"
    ENTRANCE = "entrance"
    UNIT = "unit"


class Direction(StrEnum):
    """Which way a device looks; an event has `in`, `out` or `unknown`."""

    IN = "in"
    OUT = "out"
    BOTH = "both"
    UNKNOWN = "unknown"


class GateDevice(Base):
    """A terminal. `profile` holds what the parser needs (zone, codes, limits); `direction`: in, out, both, unknown."""

    __tablename__ = "gate_device"
    __table_args__ = (UniqueConstraint("vendor", "serial"),)

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    name: Mapped[Name]
    vendor: Mapped[Code]
    serial: Mapped[Code]
    model: Mapped[Code]
    firmware: Mapped[Code]
    capture_mode: Mapped[Code]
    level: Mapped[Code]
    building_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("building.id"))
    entrance_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("entrance.id"))
    unit_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("housing_unit.id"))
    direction: Mapped[Code]
    camera: Mapped[bool] = mapped_column(default=True)
    exit_recorded: Mapped[bool] = mapped_column(default=True)
    reports_strangers: Mapped[bool] = mapped_column(default=True)
    profile: Mapped[Json]
    created_at: Mapped[Moment]
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class DeviceToken(Base):
    """A token in a device's path, as a keyed hash; two stand at once while one is rotated."""

    __tablename__ = "device_token"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("gate_device.id"), index=True)
    token_hash: Mapped[Bytes] = mapped_column(unique=True)
    created_at: Mapped[Moment]
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class DeviceContact(Base):
    """When a device was last heard of; one row a device, kept apart since it changes all the time."""

    __tablename__ = "device_contact"

    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("gate_device.id"), primary_key=True)
    estate_id: Mapped[EstateRef]
    last_contact_at: Mapped[Moment]
    last_event_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_heartbeat_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


SILENCE = "silence"  # the reason of an outage: nothing was heard for longer than the device's rhythm


class DeviceOutage(Base):
    """A time in which a device recorded nothing, or cannot be trusted to have; `ended_at` None = still."""

    __tablename__ = "device_outage"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("gate_device.id"), index=True)
    reason: Mapped[Code]
    began_at: Mapped[Moment]
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class DevicePerson(Base):
    """The number a device knows a person by. `has_face`: the device can recognise the person's face itself."""

    __tablename__ = "device_person"
    __table_args__ = (
        Index(
            "uq_device_person_standing", "device_id", "number", unique=True, postgresql_where=text("removed_at IS NULL")
        ),
    )

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("gate_device.id"), index=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), index=True)
    number: Mapped[Code]
    has_face: Mapped[bool] = mapped_column(default=False)
    since: Mapped[Moment]
    removed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Credential(Base):
    """A card, PIN or QR of a household; `person_id` names its holder where there is one."""

    __tablename__ = "credential"
    __table_args__ = (
        Index(
            "uq_credential_standing",
            "estate_id", "kind", "number_index",
            unique=True, postgresql_where=text("withdrawn_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    kind: Mapped[Code]
    number_index: Mapped[Bytes]
    household_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("household.id"), index=True)
    unit_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("housing_unit.id"), index=True)
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"), index=True)
    valid_from: Mapped[date] = mapped_column(Date)
    withdrawn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
