"""Tombstones of erased people, and which epochs had the ledger replayed."""

import uuid

from sqlalchemy import Integer, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import EstateRef, JsonList, Moment
from storage.database import Base


class Tombstone(Base):
    """What remains of an erased person: ids and a moment. `kept`: parts that law still makes us keep."""

    __tablename__ = "tombstone"

    subject_id: Mapped[uuid.UUID] = mapped_column(Uuid, primary_key=True)
    estate_id: Mapped[EstateRef]
    request_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    erased_at: Mapped[Moment]
    kept: Mapped[JsonList]


class ErasureReplay(Base):
    """The ledger was replayed in this restore epoch: until then nobody may be served."""

    __tablename__ = "erasure_replay"

    epoch: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[Moment]
    entries: Mapped[int] = mapped_column(Integer)
    erased: Mapped[int] = mapped_column(Integer)
