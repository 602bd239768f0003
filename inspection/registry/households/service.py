"""Households, their members and leases."""

import uuid
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.constraints import flush
from inspection.registry.history.models import Change, Kind
from inspection.registry.history.service import days, note, note_lease, note_member
from inspection.registry.households import queries
from inspection.registry.households.errors import AlreadyMember, HouseholdNumberTaken, RecordEnded, UnitAlreadyLet
from inspection.registry.households.models import Household, HouseholdKind, HouseholdMember, Lease, MemberRole
from inspection.registry.households.people import PersonDetails, check_guardian, check_period, resolve
from inspection.registry.places.models import HousingUnit, UnitStatus
from inspection.registry.places.service import get_estate
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.problems import NotFound
from storage.vault.service import Vault


async def create_household(
    session: AsyncSession, *, estate_id: uuid.UUID, number: str, kind: HouseholdKind, actor: Actor, now: datetime
) -> Household:
    """Registers a household. Raises `NotFound`, `HouseholdNumberTaken`."""
    await get_estate(session, estate_id=estate_id)
    row = Household(id=new_id(), estate_id=estate_id, number=number, kind=kind, created_at=now)
    session.add(row)
    await flush(session, {"uq_household_estate_id_number": HouseholdNumberTaken()})
    note(session, estate_id=estate_id, kind=Kind.HOUSEHOLD, change=Change.ADDED, record_id=row.id,
         household_id=row.id, after={"kind": kind}, actor=actor, now=now)  # fmt: skip
    record(session, at=now, actor=actor, action="household.create", object_kind="household", object_id=row.id,
           estate_id=estate_id)  # fmt: skip
    return row


async def get_household(session: AsyncSession, *, household_id: uuid.UUID) -> Household:
    """A household in scope. Raises `NotFound`."""
    found = await session.get(Household, household_id)
    if found is None:
        raise NotFound("没有这户", "No such household")
    return found


async def leasing_estate(
    session: AsyncSession, *, household_id: uuid.UUID, unit_id: uuid.UUID, now: datetime
) -> uuid.UUID:
    """The estate in which the household leases the unit today. Raises `NotFound`."""
    found = await queries.leasing_estate(session, household_id=household_id, unit_id=unit_id, on=local_day(now))
    if found is None:
        raise NotFound("该户今日未承租该房源", "The household does not lease this unit today")
    return found


async def add_member(
    session: AsyncSession,
    *,
    vault: Vault,
    household_id: uuid.UUID,
    person: PersonDetails | uuid.UUID,
    role: MemberRole,
    valid_from: date,
    valid_to: date | None = None,
    actor: Actor,
    now: datetime,
) -> HouseholdMember:
    """Registers somebody as living with a household; the person is made when new.

    Raises what `people.resolve` raises, `BadPeriod`, `AlreadyMember`.
    """
    household = await get_household(session, household_id=household_id)
    check_period(valid_from, valid_to)
    found = await resolve(session, vault=vault, estate_id=household.estate_id, person=person, actor=actor, now=now)
    await check_guardian(
        session, estate_id=household.estate_id, birth=found.birth_date, guardian_id=found.guardian_id,
        today=local_day(now),
    )  # fmt: skip
    if await queries.is_member(session, person_id=found.id, valid_from=valid_from, valid_to=valid_to):
        raise AlreadyMember
    row = HouseholdMember(
        id=new_id(), estate_id=household.estate_id, household_id=household_id, person_id=found.id, role=role,
        valid_from=valid_from, valid_to=valid_to,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    note_member(session, row, change=Change.ADDED, actor=actor, now=now)
    record(session, at=now, actor=actor, action="member.add", object_kind="household_member", object_id=row.id,
           estate_id=row.estate_id, household_id=str(household_id), person_id=str(found.id), role=role)  # fmt: skip
    return row


async def end_member(
    session: AsyncSession, *, member_id: uuid.UUID, valid_to: date, actor: Actor, now: datetime,
    reason: str | None = None,
) -> HouseholdMember:  # fmt: skip
    """Sets a membership's last day. Raises `NotFound`, `RecordEnded`, `BadPeriod`."""
    row = await queries.locked(session, HouseholdMember, member_id)
    if row is None:
        raise NotFound("没有这条成员记录", "No such membership")
    if row.valid_to is not None and row.valid_to < local_day(now):
        raise RecordEnded
    check_period(row.valid_from, valid_to)
    before = days(row.valid_from, row.valid_to)
    row.valid_to = valid_to
    await session.flush()
    note_member(session, row, change=Change.ENDED, before=before, reason=reason, actor=actor, now=now)
    record(session, at=now, actor=actor, action="member.end", object_kind="household_member", object_id=row.id,
           estate_id=row.estate_id, subject_id=row.person_id, reason=reason, valid_to=valid_to.isoformat())  # fmt: skip
    return row


async def add_lease(
    session: AsyncSession,
    *,
    household_id: uuid.UUID,
    unit_id: uuid.UUID,
    number: str,
    valid_from: date,
    valid_to: date | None,
    actor: Actor,
    now: datetime,
) -> Lease:
    """Lets a unit to a household. Raises `NotFound`, `BadPeriod`, `UnitAlreadyLet`."""
    household = await get_household(session, household_id=household_id)
    unit = await queries.locked(session, HousingUnit, unit_id)
    if unit is None or unit.estate_id != household.estate_id:
        raise NotFound("没有这套房源", "No such housing unit")
    check_period(valid_from, valid_to)
    row = Lease(
        id=new_id(), estate_id=household.estate_id, household_id=household_id, unit_id=unit_id, number=number,
        valid_from=valid_from, valid_to=valid_to,
    )  # fmt: skip
    session.add(row)
    if valid_to is None or valid_to >= local_day(now):
        unit.status = UnitStatus.ALLOCATED
    await flush(session, {"ex_lease_unit_period": UnitAlreadyLet()})
    note_lease(session, row, change=Change.ADDED, actor=actor, now=now)
    record(session, at=now, actor=actor, action="lease.add", object_kind="lease", object_id=row.id,
           estate_id=row.estate_id, household_id=str(household_id), unit_id=str(unit_id))  # fmt: skip
    return row


async def end_lease(
    session: AsyncSession, *, lease_id: uuid.UUID, valid_to: date, actor: Actor, now: datetime,
    reason: str | None = None,
) -> Lease:  # fmt: skip
    """Sets a lease's last day; nobody's access and no unit's status hang on it (a return is inspected first).

    Raises `NotFound`, `BadPeriod`, and `UnitAlreadyLet` when a later day runs into the next lease.
    """
    row = await queries.locked(session, Lease, lease_id)
    if row is None:
        raise NotFound("没有这份合同", "No such lease")
    check_period(row.valid_from, valid_to)
    before = days(row.valid_from, row.valid_to)
    row.valid_to = valid_to
    await flush(session, {"ex_lease_unit_period": UnitAlreadyLet()})
    note_lease(session, row, change=Change.ENDED, before=before, reason=reason, actor=actor, now=now)
    record(session, at=now, actor=actor, action="lease.end", object_kind="lease", object_id=row.id,
           estate_id=row.estate_id, valid_to=valid_to.isoformat())  # fmt: skip
    return row
