"""What a terminal says whom it knows, and what people have said about that."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, ForeignKey, Index, LargeBinary, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Bytes, Code, EstateRef, Id, Json, JsonList, Moment
from storage.database import Base


class EntryState(StrEnum):
    """What a person has said about an entry."""

    OPEN = "open"
    CONFIRMED = "confirmed"  # means a registered person
    NOTED = "noted"  # known to the estate, to be registered: stays on the terminal
    REMOVING = "removing"  # is to go from the terminal
    CLOSED = "closed"  # is no longer on the terminal


class Level(StrEnum):
    """How sure a proposal is; none of them is a decision."""

    EXACT = "exact"  # card and name say the same one person, and nothing contradicts
    LIKELY = "likely"
    AMBIGUOUS = "ambiguous"
    NONE = "none"


class TerminalColumns(Base):
    """Which headings of a device's export mean what: fields of `columns.Field` to headings."""

    __tablename__ = "terminal_columns"

    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("gate_device.id"), primary_key=True)
    estate_id: Mapped[EstateRef]
    columns: Mapped[Json]
    set_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    set_at: Mapped[Moment]


class TerminalList(Base):
    """One list of a terminal's people, without its contents. `digest`: of the entries, keyed."""

    __tablename__ = "terminal_list"

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("gate_device.id"), index=True)
    digest: Mapped[Bytes]
    source: Mapped[Code]
    entries: Mapped[int]
    added: Mapped[int]
    changed: Mapped[int]
    unchanged: Mapped[int]
    missing: Mapped[int]
    skipped: Mapped[int]
    created_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    created_at: Mapped[Moment]


class TerminalEntry(Base):
    """A number on a terminal and what stands beside it there.

    `sealed`: name, card, department, room and telephone-like texts, under the estate's key, bound to the row: who is
    listed may be nobody we know and has no key of their own. `missing_since`: the last list no longer had it.
    `holds_face`: as the list says, None where it says nothing. `removal_id`: what was queued for this entry.
    """

    __tablename__ = "terminal_entry"
    __table_args__ = (
        Index("ix_terminal_entry_device_state", "device_id", "state", "id"),
        Index(
            "uq_terminal_entry_standing", "device_id", "number", unique=True, postgresql_where=text("closed_at IS NULL")
        ),
    )

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    device_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("gate_device.id"))
    number: Mapped[Code]
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    content_digest: Mapped[Bytes]
    card_index: Mapped[bytes | None] = mapped_column(LargeBinary)
    holds_face: Mapped[bool | None]
    state: Mapped[Code]
    level: Mapped[Code]
    first_listed_at: Mapped[Moment]
    last_listed_at: Mapped[Moment]
    missing_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    person_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("person.id"), index=True)
    device_person_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    removal_id: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    decision: Mapped[Code]
    reason: Mapped[str | None] = mapped_column(String(1000))
    decided_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class TerminalCandidate(Base):
    """A registered person whom an entry may mean. `rejected_at`: somebody said that it does not."""

    __tablename__ = "terminal_candidate"

    entry_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("terminal_entry.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("person.id"), primary_key=True, index=True)
    estate_id: Mapped[EstateRef]
    score: Mapped[int]
    reasons: Mapped[JsonList]
    here: Mapped[bool]
    rejected_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    rejected_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
