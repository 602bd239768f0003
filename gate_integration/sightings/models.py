"""Sightings and pseudonyms."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, Float, ForeignKey, Index, LargeBinary, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, EstateRef, Id, Moment
from storage.database import Base


class Band(StrEnum):
    """What recognition could say of a face."""

    MATCH = "match"
    REVIEW = "review"
    NO_MATCH = "no_match"
    UNUSABLE = "unusable"


class Source(StrEnum):
    """By whose word a sighting says what it says."""

    FACE = "face"  # our recognition of a picture
    DEVICE = "device"  # the terminal's own recognition
    CREDENTIAL = "credential"  # what was shown opened the door; it names nobody


class LinkKind(StrEnum):
    """By what a sighting leads to a unit (design §7)."""

    UNIT_CREDENTIAL = "unit_credential"
    UNIT_DOOR = "unit_door"
    INTERCOM = "intercom"


class Pseudonym(Base):
    """An unregistered person of one estate: a number and a sealed centroid. Forgotten after 30 days unseen."""

    __tablename__ = "pseudonym"
    __table_args__ = (UniqueConstraint("estate_id", "number"),)

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    number: Mapped[int]
    engine: Mapped[Code]
    model_hash: Mapped[Code]
    centroid_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    faces: Mapped[int]
    first_seen_at: Mapped[Moment]
    last_seen_at: Mapped[Moment]
    forgotten_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Sighting(Base):
    """Who was seen in a pass event. `source`: `face` (our recognition), `device` (the terminal's own), `credential`.

    A sighting names a registered person, or a pseudonym, or nobody; `reason` says why nobody. `quality` is the
    detector's confidence (0 to 1), `searched` the scope that settled it.
    """

    __tablename__ = "sighting"
    __table_args__ = (
        UniqueConstraint("pass_event_id"),
        Index("ix_sighting_estate_seen", "estate_id", "seen_at"),
        Index("ix_sighting_person_seen", "person_id", "seen_at"),
        Index("ix_sighting_pseudonym_seen", "pseudonym_id", "seen_at"),
    )

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    pass_event_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("pass_event.id"))
    device_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    seen_at: Mapped[Moment]
    band: Mapped[Code]
    source: Mapped[Code]
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"))
    pseudonym_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("pseudonym.id"))
    reason: Mapped[str | None] = mapped_column(String(64))
    score: Mapped[float | None] = mapped_column(Float)
    margin: Mapped[float | None] = mapped_column(Float)
    quality: Mapped[float | None] = mapped_column(Float)
    searched: Mapped[str | None] = mapped_column(String(32))
    engine: Mapped[str | None] = mapped_column(String(64))
    credential_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    unit_id: Mapped[uuid.UUID | None] = mapped_column(Uuid, index=True)
    link_kind: Mapped[str | None] = mapped_column(String(32))
