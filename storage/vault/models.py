"""Wrapped keys. A destroyed key makes everything sealed with it unreadable, in every copy of the database."""

import uuid
from datetime import datetime

from sqlalchemy import DateTime, LargeBinary, String, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Bytes, Moment
from storage.database import Base


class EstateKey(Base):
    """An estate's key, wrapped by the master key."""

    __tablename__ = "estate_key"

    estate_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    wrapped: Mapped[Bytes]
    created_at: Mapped[Moment]


class RetiredEstateKey(Base):
    """An earlier key of an estate, wrapped by the master key: it opens what was not yet wrapped anew, and is deleted
    when nothing needs it."""

    __tablename__ = "retired_estate_key"

    estate_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    key_id: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    wrapped: Mapped[Bytes]
    retired_at: Mapped[Moment]


class DerivedKey(Base):
    """A key of the whole installation, for one purpose, wrapped by the master key.

    `retired_at`: a newer version is used since; what the older one signed counts until it has expired.
    """

    __tablename__ = "derived_key"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    wrapped: Mapped[Bytes]
    created_at: Mapped[Moment]
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SubjectKey(Base):
    """The key of one person or pseudonym, wrapped by the estate's key; `wrapped` is emptied when it is destroyed."""

    __tablename__ = "subject_key"

    subject_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    estate_id: Mapped[uuid.UUID] = mapped_column(Uuid, index=True)
    wrapped: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[Moment]
    destroyed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
