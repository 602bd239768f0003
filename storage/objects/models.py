"""The row of each stored object: what it is, whose it is, its wrapped key, until when it is kept."""

import uuid
from datetime import datetime

from sqlalchemy import DateTime, Index, LargeBinary, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Big, Bytes, Code, EstateRef, Id, Moment
from storage.database import Base


class StoredObject(Base):
    """One encrypted object. `wrapped_key` is emptied when the object is destroyed, which makes its bytes unreadable.

    The bytes go after that transaction has committed; `bytes_deleted_at` says when the store confirmed it.

    `digest` is the SHA-256 of the plain bytes, keyed (HMAC), so that a row tells nothing about a picture.
    `subject_id` names the person whose key wraps this object's key, or is None for the estate's.
    """

    __tablename__ = "stored_object"
    __table_args__ = (
        Index(
            "ix_stored_object_bytes_waiting",
            "destroyed_at",
            postgresql_where=text("destroyed_at IS NOT NULL AND bytes_deleted_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    subject_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, index=True)
    kind: Mapped[Code]
    content_type: Mapped[Code]
    size: Mapped[Big]
    digest: Mapped[Bytes]
    wrapped_key: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[Moment]
    expires_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True), index=True)
    destroyed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    bytes_deleted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
