"""Legal holds as they travel."""

import uuid
from datetime import datetime
from typing import Annotated

import msgspec

from storage.fields import Aware
from storage.holds.models import HoldScope, LegalHold
from storage.holds.states import HoldState, state_of

Basis = Annotated[
    str, msgspec.Meta(min_length=2, max_length=500, description="法律依据 / legal basis", examples=["行政处罚法 46"])
]
Why = Annotated[str, msgspec.Meta(min_length=4, max_length=2000, description="理由 / why", examples=["法院调取证据"])]


class HoldInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be held, why, and until when."""

    scope_kind: HoldScope
    scope_id: uuid.UUID
    legal_basis: Basis
    reason: Why
    until: Aware


class ProlongInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Until when a hold is to last instead; it needs an approval like the first."""

    reason: Why
    until: Aware


class ReleaseInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why a hold is no longer needed."""

    reason: Why


class HoldView(msgspec.Struct, frozen=True, kw_only=True):
    """A hold as shown. `approve_before`: a request lapses then; `prolongs_id`: the hold that this one follows."""

    id: uuid.UUID
    estate_id: uuid.UUID
    scope_kind: HoldScope
    scope_id: uuid.UUID
    state: HoldState
    legal_basis: str
    reason: str
    requested_by: uuid.UUID
    requested_at: datetime
    approve_before: datetime
    until: datetime
    prolongs_id: uuid.UUID | None
    approved_by: uuid.UUID | None
    approved_at: datetime | None
    released_by: uuid.UUID | None
    released_at: datetime | None
    release_reason: str | None

    @classmethod
    def of(cls, row: LegalHold, *, now: datetime) -> "HoldView":
        """The view of a row at a moment."""
        return cls(
            id=row.id, estate_id=row.estate_id, scope_kind=HoldScope(row.scope_kind), scope_id=row.scope_id,
            state=hold_state(row, now), legal_basis=row.legal_basis, reason=row.reason, requested_by=row.requested_by,
            requested_at=row.requested_at, approve_before=row.approve_before, until=row.until,
            prolongs_id=row.prolongs_id, approved_by=row.approved_by, approved_at=row.approved_at,
            released_by=row.released_by, released_at=row.released_at, release_reason=row.release_reason,
        )  # fmt: skip


def hold_state(row: LegalHold, now: datetime) -> HoldState:
    """The state of a row at a moment."""
    return state_of(
        approve_before=row.approve_before, until=row.until, approved_at=row.approved_at, released_at=row.released_at,
        now=now,
    )  # fmt: skip
