"""Discrepancies and their company as they travel."""

import uuid
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

import msgspec

from gate_integration.occupancy.models import Discrepancy, NotRaisedNote
from gate_integration.occupancy.rules.outcome import Rule

_PARTS = frozenset({Rule.LONG_STAY, Rule.CREDENTIAL_LENT})


class DiscrepancyView(msgspec.Struct, frozen=True, kw_only=True):
    """A suspicion of one rule, explained. `admissibility` is always `lead_only`: it decides nothing.

    `part_of`: the SUBLET discrepancy of the same household that a LONG_STAY or CREDENTIAL_LENT belongs to. They
    speak of the same people; the lead then comes before the prompts.
    """

    id: uuid.UUID
    estate_id: uuid.UUID
    household_id: uuid.UUID
    unit_id: uuid.UUID
    rule: str
    severity: str
    admissibility: str
    first_flagged_at: datetime
    last_confirmed_at: datetime
    cleared_at: datetime | None
    cleared_why: str | None
    score: float
    terms: dict[str, Any]
    counts: dict[str, Any]
    first_day: date
    last_day: date
    explanation_zh: str
    explanation_en: str
    clears_zh: str
    clears_en: str
    rule_version: str
    event_ids: list[str]
    part_of: uuid.UUID | None


class NotRaisedView(msgspec.Struct, frozen=True, kw_only=True):
    """Why a rule that looked at a household did not raise anything."""

    household_id: uuid.UUID
    rule: str
    code: str
    why_zh: str
    why_en: str
    at: datetime


def views(rows: Iterable[Discrepancy], company: Iterable[Discrepancy]) -> list[DiscrepancyView]:
    """Discrepancies as they travel; `company` are those standing for the same households."""
    sublets = {row.household_id: row.id for row in company if row.rule == Rule.SUBLET and row.cleared_at is None}
    return [
        DiscrepancyView(
            **{name: getattr(row, name) for name in DiscrepancyView.__struct_fields__ if name != "part_of"},
            part_of=sublets.get(row.household_id) if row.rule in _PARTS and row.cleared_at is None else None,
        )
        for row in rows
    ]


def note_view(note: NotRaisedNote) -> NotRaisedView:
    """A reason as it travels."""
    return NotRaisedView(**{name: getattr(note, name) for name in NotRaisedView.__struct_fields__})
