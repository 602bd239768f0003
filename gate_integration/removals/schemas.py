"""Removals as they travel."""

import uuid
from datetime import datetime
from typing import Annotated

import msgspec

from gate_integration.removals.models import DeviceRemoval, RemovalState, What


class ConfirmInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it was seen that the device no longer holds it."""

    note: Annotated[str, msgspec.Meta(min_length=2, max_length=1000)]


class RemovalView(msgspec.Struct, frozen=True, kw_only=True):
    """Something to be taken off a device. `alarm`: nothing else opened the doors for this person when it was queued."""

    id: uuid.UUID
    estate_id: uuid.UUID
    device_id: uuid.UUID
    person_id: uuid.UUID | None
    device_person_no: str | None
    what: What
    reason: str
    state: RemovalState
    alarm: bool
    created_at: datetime
    confirmed_at: datetime | None
    note: str | None

    @classmethod
    def of(cls, row: DeviceRemoval) -> "RemovalView":
        """From the row."""
        return cls(
            id=row.id, estate_id=row.estate_id, device_id=row.device_id, person_id=row.person_id,
            device_person_no=row.device_person_no, what=What(row.what), reason=row.reason,
            state=RemovalState(row.state), alarm=row.what == What.FACE and not row.other_way_in,
            created_at=row.created_at, confirmed_at=row.confirmed_at, note=row.note,
        )  # fmt: skip
