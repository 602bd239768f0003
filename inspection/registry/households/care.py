"""Care tags and told absences: what makes compliance rules wait."""

import uuid
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.households import queries
from inspection.registry.households.errors import RecordEnded
from inspection.registry.households.models import Absence, AbsenceReason, CareKind, CareLevel, CareTag
from inspection.registry.households.people import check_period, get_person
from inspection.registry.households.service import get_household
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.problems import NotFound


async def add_care_tag(
    session: AsyncSession,
    *,
    household_id: uuid.UUID,
    level: CareLevel,
    kind: CareKind,
    valid_from: date,
    valid_to: date | None,
    actor: Actor,
    now: datetime,
) -> CareTag:
    """Puts a household under care. Raises `NotFound`, `BadPeriod`."""
    household = await get_household(session, household_id=household_id)
    check_period(valid_from, valid_to, not_before=local_day(now))
    row = CareTag(
        id=new_id(), estate_id=household.estate_id, household_id=household_id, level=level, kind=kind,
        valid_from=valid_from, valid_to=valid_to,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    record(session, at=now, actor=actor, action="care.add", object_kind="care_tag", object_id=row.id,
           estate_id=row.estate_id, household_id=str(household_id), level=level)  # fmt: skip
    return row


async def end_care_tag(
    session: AsyncSession, *, tag_id: uuid.UUID, valid_to: date, actor: Actor, now: datetime
) -> CareTag:
    """Sets the last day of care. Raises `NotFound`, `RecordEnded`, `BadPeriod`."""
    row = await queries.locked(session, CareTag, tag_id)
    if row is None:
        raise NotFound("没有这条关爱标记", "No such care tag")
    if row.valid_to is not None and row.valid_to < local_day(now):
        raise RecordEnded
    check_period(row.valid_from, valid_to)
    row.valid_to = valid_to
    await session.flush()
    record(session, at=now, actor=actor, action="care.end", object_kind="care_tag", object_id=row.id,
           estate_id=row.estate_id, valid_to=valid_to.isoformat())  # fmt: skip
    return row


async def tell_absence(
    session: AsyncSession,
    *,
    person_id: uuid.UUID,
    valid_from: date,
    valid_to: date,
    reason: AbsenceReason,
    actor: Actor,
    now: datetime,
) -> Absence:
    """Records an absence; it may be told afterwards too (`told_at` says when). Raises `NotFound`, `BadPeriod`."""
    person = await get_person(session, person_id=person_id)
    check_period(valid_from, valid_to)
    row = Absence(
        id=new_id(), estate_id=person.estate_id, person_id=person_id, valid_from=valid_from, valid_to=valid_to,
        reason=reason, told_at=now,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    record(session, at=now, actor=actor, action="absence.tell", object_kind="absence", object_id=row.id,
           estate_id=row.estate_id, person_id=str(person_id))  # fmt: skip
    return row


async def cancel_absence(session: AsyncSession, *, absence_id: uuid.UUID, actor: Actor, now: datetime) -> Absence:
    """Takes an absence back. Raises `NotFound`, `RecordEnded`."""
    row = await queries.locked(session, Absence, absence_id)
    if row is None:
        raise NotFound("没有这条外出报备", "No such absence")
    if row.cancelled_at is not None:
        raise RecordEnded
    row.cancelled_at = now
    await session.flush()
    record(session, at=now, actor=actor, action="absence.cancel", object_kind="absence", object_id=row.id,
           estate_id=row.estate_id, subject_id=row.person_id)  # fmt: skip
    return row
