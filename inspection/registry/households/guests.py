"""Guest stays (临时居住报备): told in one call, by the household or at the door; extended, cancelled."""

import uuid
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.errors import BadPeriod
from inspection.registry.history.models import Change
from inspection.registry.history.service import days, note_guest
from inspection.registry.households import queries
from inspection.registry.households.errors import AlreadyMember, RecordEnded, StayOverlaps
from inspection.registry.households.models import GuestStay
from inspection.registry.households.people import PersonDetails, check_period, resolve
from inspection.registry.households.service import get_household
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.problems import NotFound
from storage.vault.service import Vault


async def register_guest(
    session: AsyncSession,
    *,
    vault: Vault,
    household_id: uuid.UUID,
    person: PersonDetails | uuid.UUID,
    valid_from: date,
    valid_to: date,
    relation: str,
    actor: Actor,
    now: datetime,
) -> GuestStay:
    """Records that somebody stays with a household; the person is made when new. Both days count.

    A stay that has begun may be told late, one that is over may not. Raises what `people.resolve` raises, `BadPeriod`,
    `AlreadyMember`, `StayOverlaps`.
    """
    household = await get_household(session, household_id=household_id)
    check_period(valid_from, valid_to, not_before=local_day(now))
    found = await resolve(session, vault=vault, estate_id=household.estate_id, person=person, actor=actor, now=now)
    if await queries.is_member(session, person_id=found.id, valid_from=valid_from, valid_to=valid_to):
        raise AlreadyMember
    if await queries.has_stay(
        session, household_id=household_id, person_id=found.id, valid_from=valid_from, valid_to=valid_to
    ):
        raise StayOverlaps
    row = GuestStay(
        id=new_id(), estate_id=household.estate_id, household_id=household_id, person_id=found.id,
        valid_from=valid_from, valid_to=valid_to, relation=relation, recorded_by=actor.user_id, created_at=now,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    note_guest(session, row, change=Change.ADDED, actor=actor, now=now)
    record(session, at=now, actor=actor, action="guest.register", object_kind="guest_stay", object_id=row.id,
           estate_id=row.estate_id, household_id=str(household_id), person_id=str(found.id),
           valid_from=valid_from.isoformat(), valid_to=valid_to.isoformat())  # fmt: skip
    return row


async def open_stay(session: AsyncSession, *, stay_id: uuid.UUID) -> GuestStay:
    """A stay that was not cancelled, locked. Raises `NotFound`, `RecordEnded`."""
    row = await queries.locked(session, GuestStay, stay_id)
    if row is None:
        raise NotFound("没有这条报备", "No such guest stay")
    if row.cancelled_at is not None:
        raise RecordEnded
    return row


async def cancel_stay(session: AsyncSession, *, stay_id: uuid.UUID, actor: Actor, now: datetime) -> GuestStay:
    """Cancels a stay as if it had not been told. Raises `NotFound`, `RecordEnded`."""
    row = await open_stay(session, stay_id=stay_id)
    row.cancelled_at = now
    await session.flush()
    note_guest(session, row, change=Change.CANCELLED, before=days(row.valid_from, row.valid_to), actor=actor, now=now)
    record(session, at=now, actor=actor, action="guest.cancel", object_kind="guest_stay", object_id=row.id,
           estate_id=row.estate_id, subject_id=row.person_id)  # fmt: skip
    return row


async def extend_stay(
    session: AsyncSession, *, stay_id: uuid.UUID, valid_to: date, actor: Actor, now: datetime
) -> GuestStay:
    """Moves a stay's last day to a later one. Raises `NotFound`, `RecordEnded`, `BadPeriod`, `StayOverlaps`."""
    row = await open_stay(session, stay_id=stay_id)
    check_period(row.valid_from, valid_to, not_before=local_day(now))
    if valid_to <= row.valid_to:
        raise BadPeriod("新的结束日期应晚于原日期", "The new last day lies after the old one")
    if await queries.has_stay(
        session, household_id=row.household_id, person_id=row.person_id, valid_from=row.valid_from, valid_to=valid_to,
        other_than=row.id,
    ):  # fmt: skip
        raise StayOverlaps
    before, row.valid_to = row.valid_to, valid_to
    await session.flush()
    note_guest(session, row, change=Change.EXTENDED, before=days(row.valid_from, before), actor=actor, now=now)
    record(session, at=now, actor=actor, action="guest.extend", object_kind="guest_stay", object_id=row.id,
           estate_id=row.estate_id, subject_id=row.person_id, before=before.isoformat(),
           valid_to=valid_to.isoformat())  # fmt: skip
    return row
