"""Entries to be taken off devices."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, ForeignKey, Index, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, EstateRef, Id, Moment
from storage.database import Base


class What(StrEnum):
    """What has to go from the device."""

    FACE = "face"  # the face alone: card and PIN of the same entry go on working
    PERSON = "person"  # the whole entry


class RemovalState(StrEnum):
    """A removal waits until the device, or a person who was there, says that it is done."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"  # whoever asked for it took it back before anything was done


class DeviceRemoval(Base):
    """One thing to be taken off one device. `device_person_no` is emptied when it is confirmed or withdrawn.

    `person_id` is None for an entry that means nobody in the register.
    `other_way_in`: whether another credential of the person or the household stood when it was queued.
    """

    __tablename__ = "device_removal"
    __table_args__ = (
        Index(
            "uq_device_removal_pending",
            "device_id", "device_person_no", "what",
            unique=True, postgresql_where=text("state = 'pending'"),
        ),
    )  # fmt: skip

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("gate_device.id"))
    person_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, index=True)
    device_person_no: Mapped[str | None] = mapped_column(String(64))
    what: Mapped[Code]
    reason: Mapped[Code]
    state: Mapped[Code]
    other_way_in: Mapped[bool]
    created_at: Mapped[Moment]
    confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    confirmed_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    note: Mapped[str | None] = mapped_column(String(1000))
