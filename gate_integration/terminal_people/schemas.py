"""Lists of terminals and their entries as the API takes and shows them. Long numbers and cards are masked."""

import uuid
from datetime import datetime
from typing import Annotated

import msgspec

from gate_integration.terminal_people.columns import Field
from gate_integration.terminal_people.listing import Beside
from gate_integration.terminal_people.matching import WORDS, Why
from gate_integration.terminal_people.models import (
    EntryState,
    Level,
    TerminalCandidate,
    TerminalColumns,
    TerminalEntry,
    TerminalList,
)
from gate_integration.terminal_people.service import Decision
from inspection.registry.imports.report import shown

Heading = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
Explained = Annotated[str, msgspec.Meta(min_length=2, max_length=1000)]
Seen = Annotated[int, msgspec.Meta(ge=0, le=100_000)]


class ColumnsInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The headings of a device's export, as they stand there."""

    number: Heading
    name: Heading | None = None
    card: Heading | None = None
    department: Heading | None = None
    room: Heading | None = None
    face: Heading | None = None

    def columns(self) -> dict[Field, str]:
        """Those that are named."""
        told = {field: getattr(self, field.value) for field in Field}
        return {field: heading for field, heading in told.items() if heading is not None}


class ColumnsView(msgspec.Struct, frozen=True, kw_only=True):
    """The columns kept for a device; all None while headings are recognised by the names vendors use."""

    number: str | None = None
    name: str | None = None
    card: str | None = None
    department: str | None = None
    room: str | None = None
    face: str | None = None
    set_at: datetime | None = None

    @classmethod
    def of(cls, row: TerminalColumns | None) -> "ColumnsView":
        """From the row."""
        return cls() if row is None else cls(**row.columns, set_at=row.set_at)


class ListTally(msgspec.Struct, frozen=True, kw_only=True):
    """How many standing entries are in a state, how sure their proposals are, and whether the last list lacked them."""

    state: EntryState
    level: Level
    missing: bool
    number: int


class TerminalListView(msgspec.Struct, frozen=True, kw_only=True):
    """A list that was received. `skipped`: rows without a usable number."""

    id: uuid.UUID
    device_id: uuid.UUID
    source: str
    entries: int
    added: int
    changed: int
    unchanged: int
    missing: int
    skipped: int
    created_by: uuid.UUID | None
    created_at: datetime

    @classmethod
    def of(cls, row: TerminalList) -> "TerminalListView":
        """From the row."""
        return cls(
            id=row.id, device_id=row.device_id, source=row.source, entries=row.entries, added=row.added,
            changed=row.changed, unchanged=row.unchanged, missing=row.missing, skipped=row.skipped,
            created_by=row.created_by, created_at=row.created_at,
        )  # fmt: skip


class ListReceived(msgspec.Struct, frozen=True, kw_only=True):
    """A list, the columns by which it was read, and how the device's entries stand now."""

    received: TerminalListView
    columns: dict[Field, str]
    tally: list[ListTally]


class WhyView(msgspec.Struct, frozen=True, kw_only=True):
    """What speaks for a proposal, or against."""

    code: Why
    zh: str
    en: str


class CandidateView(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody an entry may mean. `here`: lives, stays or works in the estate."""

    person_id: uuid.UUID
    name: str
    score: int
    reasons: list[WhyView]
    here: bool
    rejected: bool

    @classmethod
    def of(cls, row: TerminalCandidate, name: str) -> "CandidateView":
        """From the row and the person's name."""
        reasons = [WhyView(code=why, zh=WORDS[why][0], en=WORDS[why][1]) for why in map(Why, row.reasons)]
        return cls(
            person_id=row.person_id, name=name, score=row.score, reasons=reasons, here=row.here,
            rejected=row.rejected_at is not None,
        )  # fmt: skip


class TerminalEntryView(msgspec.Struct, frozen=True, kw_only=True):
    """An entry of a terminal. Numbers and cards long enough to identify somebody are masked.

    `removal_id`: what is queued to be taken off the terminal. `face_on_device`: as the list says, None = not said.
    """

    id: uuid.UUID
    device_id: uuid.UUID
    number: str
    name: str
    card: str
    department: str
    room: str
    face_on_device: bool | None
    state: EntryState
    level: Level
    candidates: list[CandidateView]
    person_id: uuid.UUID | None
    removal_id: uuid.UUID | None
    decision: str
    reason: str | None
    decided_by: uuid.UUID | None
    decided_at: datetime | None
    first_listed_at: datetime
    last_listed_at: datetime
    missing_since: datetime | None
    closed_at: datetime | None

    @classmethod
    def of(
        cls, row: TerminalEntry, beside: Beside, candidates: "list[tuple[TerminalCandidate, str]]"
    ) -> "TerminalEntryView":
        """From the row, what stands beside the number, and the proposals."""
        return cls(
            id=row.id, device_id=row.device_id, number=shown("", row.number), name=shown("", beside.name),
            card=f"…{beside.card[-4:]}" if len(beside.card) > 4 else beside.card,
            department=shown("", beside.department), room=shown("", beside.room), face_on_device=row.holds_face,
            state=EntryState(row.state), level=Level(row.level),
            candidates=[CandidateView.of(one, name) for one, name in candidates], person_id=row.person_id,
            removal_id=row.removal_id, decision=row.decision, reason=row.reason, decided_by=row.decided_by,
            decided_at=row.decided_at, first_listed_at=row.first_listed_at, last_listed_at=row.last_listed_at,
            missing_since=row.missing_since, closed_at=row.closed_at,
        )  # fmt: skip


class ConfirmEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom an entry means. `has_face`: whether the terminal holds their face, where the list does not say."""

    person_id: uuid.UUID
    has_face: bool | None = None


class RejectEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whom an entry does not mean; None: any of those proposed."""

    person_id: uuid.UUID | None = None
    reason: Explained


class DecideEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an entry is that means nobody in the register, and whether it is to go from the terminal."""

    decision: Decision
    remove: bool
    reason: Explained


class UndoEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why what was said is taken back."""

    reason: Explained


class Expected(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many the person has seen."""

    expected: Seen


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """How many it was done for."""

    number: int
