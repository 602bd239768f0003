"""The register's history as the API shows it."""

import uuid
from datetime import datetime
from typing import Any

import msgspec

from inspection.registry.history.models import Change, Kind, RegisterChange
from inspection.registry.households.models import Person


class ChangeView(msgspec.Struct, frozen=True, kw_only=True):
    """One change: of what, from what to what, by whom, from which file. Names are those of today, numbers masked."""

    id: uuid.UUID
    at: datetime
    kind: Kind
    change: Change
    record_id: uuid.UUID
    household_id: uuid.UUID | None
    unit_id: uuid.UUID | None
    person_id: uuid.UUID | None
    person_name: str
    id_number_masked: str
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    actor_kind: str
    actor_user_id: uuid.UUID | None
    import_id: uuid.UUID | None
    import_name: str | None
    reason: str | None

    @classmethod
    def of(cls, row: RegisterChange, person: Person | None, import_name: str | None) -> "ChangeView":
        """From the row and what it is about."""
        return cls(
            id=row.id, at=row.at, kind=Kind(row.kind), change=Change(row.change), record_id=row.record_id,
            household_id=row.household_id, unit_id=row.unit_id, person_id=row.person_id,
            person_name=person.name if person else "", id_number_masked=person.id_number_masked if person else "",
            before=row.before, after=row.after, actor_kind=row.actor_kind, actor_user_id=row.actor_user_id,
            import_id=row.import_id, import_name=import_name, reason=row.reason,
        )  # fmt: skip
