"""Changes of the register, appended with the change itself and never altered."""

import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy import Index, String, Uuid
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, EstateRef, Id, Moment
from storage.database import Base


class Kind(StrEnum):
    """What was changed."""

    UNIT = "unit"
    HOUSEHOLD = "household"
    PERSON = "person"
    MEMBER = "member"
    LEASE = "lease"
    GUEST = "guest"


class Change(StrEnum):
    """What became of it."""

    ADDED = "added"
    CHANGED = "changed"
    ENDED = "ended"
    EXTENDED = "extended"
    CANCELLED = "cancelled"


class RegisterChange(Base):
    """One change. `before` and `after` hold days, roles and counts, never a name or a number.

    Of a person's own details only the names of the fields that changed are kept (`after.fields`), so that nothing of
    somebody who is erased stays behind here.
    """

    __tablename__ = "register_change"
    __table_args__ = (
        Index("ix_register_change_household", "household_id", "id"),
        Index("ix_register_change_unit", "unit_id", "id"),
        Index("ix_register_change_person", "person_id", "id"),
    )

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    at: Mapped[Moment]
    kind: Mapped[Code]
    change: Mapped[Code]
    record_id: Mapped[uuid.UUID] = mapped_column(Uuid)
    household_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    unit_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    person_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    actor_kind: Mapped[Code]
    actor_user_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    import_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    reason: Mapped[str | None] = mapped_column(String(1000))
