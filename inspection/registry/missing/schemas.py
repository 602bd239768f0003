"""Missing records as the API takes and shows them."""

import uuid
from datetime import date, datetime
from typing import Annotated

import msgspec

from inspection.registry.households.models import Household, Person
from inspection.registry.missing.models import MissingKind, MissingRecord, MissingStatus
from inspection.registry.places.models import HousingUnit

Why = Annotated[str, msgspec.Meta(min_length=2, max_length=1000)]
Ids = Annotated[list[uuid.UUID], msgspec.Meta(min_length=1, max_length=500)]


class EndInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The listings chosen, the last day that counts, and why."""

    missing_ids: Ids
    last_day: date
    reason: Why


class DismissInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The listings chosen, whose records stay, and why."""

    missing_ids: Ids
    reason: Why


class MissingView(msgspec.Struct, frozen=True, kw_only=True):
    """A record that a full list lacked. `label` says which: an address and code, a household number, a name."""

    id: uuid.UUID
    import_id: uuid.UUID
    kind: MissingKind
    record_id: uuid.UUID
    unit_id: uuid.UUID | None
    household_id: uuid.UUID | None
    person_id: uuid.UUID | None
    label: str
    id_number_masked: str
    listed_at: datetime
    status: MissingStatus
    decided_by: uuid.UUID | None
    decided_at: datetime | None
    reason: str | None
    last_day: date | None

    @classmethod
    def of(
        cls,
        row: MissingRecord,
        *,
        unit: HousingUnit | None = None,
        building: str | None = None,
        entrance: str | None = None,
        household: Household | None = None,
        person: Person | None = None,
    ) -> "MissingView":
        """From the row, with what it is about when that was read too."""
        label = [
            f"{building}{entrance}{unit.room_no} {unit.code}" if unit else "",
            household.number if household else "",
            person.name if person else "",
        ]
        return cls(
            id=row.id, import_id=row.import_id, kind=MissingKind(row.kind), record_id=row.record_id,
            unit_id=row.unit_id, household_id=row.household_id, person_id=row.person_id,
            label=" ".join(filter(None, label)), id_number_masked=person.id_number_masked if person else "",
            listed_at=row.listed_at, status=MissingStatus(row.status), decided_by=row.decided_by,
            decided_at=row.decided_at, reason=row.reason, last_day=row.last_day,
        )  # fmt: skip
