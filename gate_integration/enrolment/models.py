"""Face templates, sealed."""

import uuid
from datetime import datetime

from sqlalchemy import DateTime, ForeignKey, LargeBinary, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, EstateRef, Id, Json, Moment
from storage.database import Base


class FaceTemplate(Base):
    """A person's template, sealed under the person's key and bound to estate, person, engine and its own id.

    `photo_digest`: of the photograph it was made of, keyed, so that the same one is not taken in twice.
    """

    __tablename__ = "face_template"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), index=True)
    engine: Mapped[Code]
    model_hash: Mapped[Code]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    quality: Mapped[Json]
    photo_object_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    photo_digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[Moment]
    destroyed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class GalleryGeneration(Base):
    """A number that changes whenever templates of an estate do; a cached matrix carries the one it was made from."""

    __tablename__ = "gallery_generation"

    estate_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("estate.id"), primary_key=True)
    generation: Mapped[int]
