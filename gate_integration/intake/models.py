"""From bytes to pass events. `raw_delivery` is partitioned by arrival; nothing else is."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, LargeBinary, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Bytes, Code, EstateRef, Id, Json, JsonList, Moment, Ref
from storage.database import Base


class RawDelivery(Base):
    """One request of a device, redacted. `sealed`: the body could not be cleared and is encrypted for 72 h.

    `cutouts`: [{"kind", "length", "digest", "object_id" or null}] in the order of their placeholders in the body.
    """

    __tablename__ = "raw_delivery"
    __table_args__ = ({"postgresql_partition_by": "RANGE (received_at)"},)

    id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    received_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), primary_key=True)
    estate_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    device_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    protocol: Mapped[Code]
    content_type: Mapped[str] = mapped_column(String(300))
    body: Mapped[bytes | None] = mapped_column(LargeBinary)
    sealed: Mapped[bool]
    cutouts: Mapped[JsonList]


class RawPending(Base):
    """The queue: a delivery that has not been read yet. `live` ones go before replayed history."""

    __tablename__ = "raw_pending"
    __table_args__ = (Index("ix_raw_pending_order", "live", "delivery_id"),)

    delivery_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    received_at: Mapped[Moment]
    estate_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    device_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    live: Mapped[bool]
    attempts: Mapped[int] = mapped_column(default=0)
    not_before: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class DeliveryProblem(Base):
    """Something in a delivery that could not be read, by which version of the parser."""

    __tablename__ = "delivery_problem"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    device_id: Mapped[Ref]
    delivery_id: Mapped[Ref]
    received_at: Mapped[Moment]
    parser: Mapped[Code]
    code: Mapped[Code]
    detail: Mapped[str] = mapped_column(String(500))
    at: Mapped[Moment]
    resolved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class DeviceEpoch(Base):
    """How far a device's counter has come in each epoch; a factory reset begins a new one."""

    __tablename__ = "device_epoch"

    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("gate_device.id"), primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    estate_id: Mapped[EstateRef]
    max_counter: Mapped[int] = mapped_column(BigInteger)
    max_device_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    started: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class EventKey(Base):
    """The identity of an event, written with its pass event: the same key never makes a second event.

    `base` is the key without what an ambiguous record appends to it: all events of one number have one base.
    """

    __tablename__ = "event_key"
    __table_args__ = (Index("ix_event_key_base", "device_id", "base"),)

    device_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    epoch: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    base: Mapped[str] = mapped_column(String(80))
    estate_id: Mapped[EstateRef]
    content: Mapped[Bytes]
    device_time_text: Mapped[str | None] = mapped_column(String(64))
    device_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    pass_event_id: Mapped[Ref]
    copies: Mapped[int] = mapped_column(default=0)


class PassEvent(Base):
    """An event at a gate, once. Two clocks: the device's word verbatim, and our arrival time.

    `effective_at` is what rules use, with the reason it was chosen.
    """

    __tablename__ = "pass_event"
    __table_args__ = (Index("ix_pass_event_estate_effective", "estate_id", "effective_at"),)

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("gate_device.id"), index=True)
    delivery_id: Mapped[Ref]
    kind: Mapped[Code]
    outcome: Mapped[Code]
    credential_kind: Mapped[Code]
    credential_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, index=True)
    device_person_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    device_person_no: Mapped[str | None] = mapped_column(String(64))
    direction: Mapped[Code]
    door_no: Mapped[int | None]
    code: Mapped[Code]
    counter: Mapped[int | None] = mapped_column(BigInteger)
    device_time_text: Mapped[str | None] = mapped_column(String(64))
    device_time: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    received_at: Mapped[Moment]
    effective_at: Mapped[Moment]
    effective_reason: Mapped[Code]
    replay: Mapped[bool]
    marked: Mapped[str | None] = mapped_column(String(64))
    pictures: Mapped[JsonList]
    extra: Mapped[Json]
