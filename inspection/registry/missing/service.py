"""What full lists lack: listed by an import, ended or dismissed by a person, gone when a file names it again."""

import uuid
from collections.abc import Collection
from collections.abc import Set as AbstractSet
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.history.models import Change, Kind
from inspection.registry.history.service import note
from inspection.registry.households.errors import RecordEnded
from inspection.registry.households.models import HouseholdMember, Lease
from inspection.registry.households.queries import locked
from inspection.registry.households.service import end_lease, end_member
from inspection.registry.imports.absent import Absent
from inspection.registry.missing import queries
from inspection.registry.missing.errors import AlreadyDecided, UnitStillLet
from inspection.registry.missing.models import MissingKind, MissingRecord, MissingStatus
from inspection.registry.places.models import HousingUnit, UnitStatus
from inspection.registry.places.service import get_estate
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.problems import NotFound


async def list_missing(
    session: AsyncSession,
    *,
    estate_id: uuid.UUID,
    import_id: uuid.UUID,
    absent: Collection[Absent] | None,
    named: AbstractSet[uuid.UUID],
    now: datetime,
) -> None:
    """Brings the listings up to a file: `named` are the records it has, `absent` what it lacks (None: a part only).

    What is listed already stays as it is, dismissed ones too: a file that says the same changes nothing.
    """
    standing = await queries.standing(session, estate_id=estate_id)
    back = [listing for record_id, listing in standing.items() if record_id in named]
    await queries.close(session, back, MissingStatus.RETURNED, now)
    if absent is None:
        return
    lacking = {a.record_id for a in absent}
    over = [listing for record_id, listing in standing.items() if record_id not in named and record_id not in lacking]
    await queries.close(session, over, MissingStatus.SETTLED, now)
    await queries.add(
        session,
        [
            {
                "id": new_id(), "estate_id": estate_id, "import_id": import_id, "kind": a.kind,
                "record_id": a.record_id, "unit_id": a.unit_id, "household_id": a.household_id,
                "person_id": a.person_id, "listed_at": now, "status": MissingStatus.OPEN,
            }
            for a in absent
            if a.record_id not in standing
        ],
    )  # fmt: skip


async def open_listings(
    session: AsyncSession, *, estate_id: uuid.UUID, ids: Collection[uuid.UUID]
) -> list[MissingRecord]:
    """The listings chosen, all of them open, locked. Raises `NotFound`, `AlreadyDecided`."""
    await get_estate(session, estate_id=estate_id)
    found = await queries.locked(session, estate_id=estate_id, ids=set(ids))
    if len(found) != len(set(ids)):
        raise NotFound("所选记录不存在", "A record chosen does not exist")
    decided = [str(row.id) for row in found if row.status != MissingStatus.OPEN]
    if decided:
        raise AlreadyDecided(ids=decided)
    return found


async def end_records(
    session: AsyncSession,
    *,
    estate_id: uuid.UUID,
    ids: Collection[uuid.UUID],
    last_day: date,
    reason: str,
    actor: Actor,
    now: datetime,
) -> list[MissingRecord]:
    """Ends the records chosen, all or none, with the day and the reason that somebody gives.

    A membership ends; a household's leases and memberships end; a unit leaves the stock. Nobody's access hangs on the
    end of a lease. Raises `NotFound`, `AlreadyDecided`, `BadPeriod`, `UnitStillLet`.
    """
    found = await open_listings(session, estate_id=estate_id, ids=ids)
    today = local_day(now)
    order = [MissingKind.MEMBER, MissingKind.HOUSEHOLD, MissingKind.UNIT]  # a unit is free when its household has left
    for row in sorted(found, key=lambda r: order.index(MissingKind(r.kind))):
        row.status = MissingStatus.ENDED
        if row.kind == MissingKind.MEMBER:
            try:
                member = await locked(session, HouseholdMember, row.record_id)
                await end_member(
                    session, member_id=row.record_id, valid_to=sooner(member, last_day), reason=reason, actor=actor,
                    now=now,
                )  # fmt: skip
            except RecordEnded:
                row.status = MissingStatus.SETTLED
        elif row.kind == MissingKind.HOUSEHOLD:
            for lease in await queries.running_leases(session, household_id=row.record_id, on=today):
                until = sooner(lease, last_day)
                await end_lease(session, lease_id=lease.id, valid_to=until, reason=reason, actor=actor, now=now)
            for member in await queries.running_members(session, household_id=row.record_id, on=today):
                until = sooner(member, last_day)
                await end_member(session, member_id=member.id, valid_to=until, reason=reason, actor=actor, now=now)
        else:
            await withdraw_unit(session, unit_id=row.record_id, last_day=last_day, reason=reason, actor=actor, now=now)
        row.decided_by, row.decided_at, row.reason, row.last_day = actor.user_id, now, reason, last_day
        record(session, at=now, actor=actor, action="registry.end-missing", object_kind=row.kind,
               object_id=row.record_id, estate_id=estate_id, subject_id=row.person_id, reason=reason,
               last_day=last_day.isoformat(), import_id=str(row.import_id))  # fmt: skip
    await session.flush()
    return found


def sooner(record: HouseholdMember | Lease | None, last_day: date) -> date:
    """The day on which a record ends: ending never prolongs what was to end before."""
    return min(last_day, record.valid_to) if record is not None and record.valid_to is not None else last_day


async def withdraw_unit(
    session: AsyncSession, *, unit_id: uuid.UUID, last_day: date, reason: str, actor: Actor, now: datetime
) -> None:
    """Takes a unit out of the stock. Raises `NotFound`, `UnitStillLet`."""
    unit = await locked(session, HousingUnit, unit_id)
    if unit is None:
        raise NotFound("没有这套房源", "No such housing unit")
    if await queries.is_let_after(session, unit_id=unit_id, day=last_day):
        raise UnitStillLet(unit_id=str(unit_id))
    before, unit.status = unit.status, UnitStatus.WITHDRAWN
    note(
        session, estate_id=unit.estate_id, kind=Kind.UNIT, change=Change.ENDED, record_id=unit_id, unit_id=unit_id,
        before={"status": before}, after={"status": unit.status, "valid_to": last_day.isoformat()}, reason=reason,
        actor=actor, now=now,
    )  # fmt: skip


async def dismiss_records(
    session: AsyncSession,
    *,
    estate_id: uuid.UUID,
    ids: Collection[uuid.UUID],
    reason: str,
    actor: Actor,
    now: datetime,
) -> list[MissingRecord]:
    """The records chosen stay as they are, for the reason given. Raises `NotFound`, `AlreadyDecided`."""
    found = await open_listings(session, estate_id=estate_id, ids=ids)
    for row in found:
        row.status, row.decided_by, row.decided_at, row.reason = (
            MissingStatus.DISMISSED, actor.user_id, now, reason,
        )  # fmt: skip
        record(session, at=now, actor=actor, action="registry.dismiss-missing", object_kind=row.kind,
               object_id=row.record_id, estate_id=estate_id, subject_id=row.person_id, reason=reason)  # fmt: skip
    await session.flush()
    return found
