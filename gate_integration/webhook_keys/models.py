"""Signing keys of devices, and the messages that were taken."""

import uuid
from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Bytes, Code, EstateRef, Id, Moment, Ref
from storage.database import Base


class WebhookKey(Base):
    """A key of a device's sender, good from `valid_from` until before `valid_until`.

    A shared secret cannot be kept as a hash, for each signature is computed with it: it is sealed under the estate's
    key (`sealed`, place `webhook-key/<id>`) and destroyed when the key is revoked. A public key is no secret.
    """

    __tablename__ = "webhook_key"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("gate_device.id"), index=True)
    kind: Mapped[Code]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    public_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[Moment]
    valid_from: Mapped[Moment]
    valid_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class WebhookMessage(Base):
    """A message that was taken: the same one again is acknowledged and not stored.

    `digest`: keyed hash of id and body, so that an id with another body is another message. `key_id`: what it was
    signed with.
    """

    __tablename__ = "webhook_message"
    __table_args__ = (
        Index("uq_webhook_message_digest", "device_id", "digest", unique=True),
        Index("ix_webhook_message_key", "key_id", "received_at"),
    )

    delivery_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    estate_id: Mapped[Ref]
    device_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    key_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    digest: Mapped[Bytes]
    received_at: Mapped[Moment]
