"""Keeping the history, a row with each change."""

import uuid
from datetime import date, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.history.models import Change, Kind, RegisterChange
from inspection.registry.households.models import GuestStay, HouseholdMember, Lease
from storage.audit.service import Actor
from storage.ids import new_id


def days(valid_from: date, valid_to: date | None) -> dict[str, str | None]:
    """A period as history keeps it."""
    return {"valid_from": valid_from.isoformat(), "valid_to": valid_to.isoformat() if valid_to else None}


def note(
    session: AsyncSession,
    *,
    estate_id: uuid.UUID,
    kind: Kind,
    change: Change,
    record_id: uuid.UUID,
    actor: Actor,
    now: datetime,
    household_id: uuid.UUID | None = None,
    unit_id: uuid.UUID | None = None,
    person_id: uuid.UUID | None = None,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """Adds a change to the transaction."""
    session.add(
        RegisterChange(
            id=new_id(), estate_id=estate_id, at=now, kind=kind, change=change, record_id=record_id,
            household_id=household_id, unit_id=unit_id, person_id=person_id, before=before, after=after,
            actor_kind=actor.kind, actor_user_id=actor.user_id, import_id=None, reason=reason,
        )
    )  # fmt: skip


def note_member(
    session: AsyncSession,
    row: HouseholdMember,
    *,
    change: Change,
    actor: Actor,
    now: datetime,
    before: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """A membership's change, the row being as it is after it."""
    note(
        session, estate_id=row.estate_id, kind=Kind.MEMBER, change=change, record_id=row.id, actor=actor, now=now,
        household_id=row.household_id, person_id=row.person_id, before=before,
        after={"role": row.role} | days(row.valid_from, row.valid_to), reason=reason,
    )  # fmt: skip


def note_lease(
    session: AsyncSession,
    row: Lease,
    *,
    change: Change,
    actor: Actor,
    now: datetime,
    before: dict[str, Any] | None = None,
    reason: str | None = None,
) -> None:
    """A lease's change, the row being as it is after it."""
    note(
        session, estate_id=row.estate_id, kind=Kind.LEASE, change=change, record_id=row.id, actor=actor, now=now,
        household_id=row.household_id, unit_id=row.unit_id, before=before,
        after={"number": row.number} | days(row.valid_from, row.valid_to), reason=reason,
    )  # fmt: skip


def note_guest(
    session: AsyncSession,
    row: GuestStay,
    *,
    change: Change,
    actor: Actor,
    now: datetime,
    before: dict[str, Any] | None = None,
) -> None:
    """A guest stay's change, the row being as it is after it."""
    note(
        session, estate_id=row.estate_id, kind=Kind.GUEST, change=change, record_id=row.id, actor=actor, now=now,
        household_id=row.household_id, person_id=row.person_id, before=before,
        after={"cancelled": row.cancelled_at is not None} | days(row.valid_from, row.valid_to),
    )  # fmt: skip
