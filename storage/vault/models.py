"""Wrapped keys. A destroyed key makes everything sealed with it unreadable, in every copy of the database."""

import uuid
from datetime import datetime

from sqlalchemy import DateTime, LargeBinary, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Bytes, Moment
from storage.database import Base


class EstateKey(Base):
    """An estate's key, wrapped by the master key."""

    __tablename__ = "estate_key"

    estate_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    wrapped: Mapped[Bytes]
    created_at: Mapped[Moment]


class SubjectKey(Base):
    """The key of one person or pseudonym, wrapped by the estate's key; `wrapped` is emptied when it is destroyed."""

    __tablename__ = "subject_key"

    subject_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    estate_id: Mapped[uuid.UUID] = mapped_column(Uuid, index=True)
    wrapped: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[Moment]
    destroyed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
