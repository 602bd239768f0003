"""Queueing what has to go from devices, and confirming that it went.

Whoever withdraws consent to be known by the gates goes on passing them by card, PIN or QR code. The law lets nobody
wait for that (个人信息保护法 15, 16): the withdrawal is carried out at once, and an alarm asks the estate for a card.
"""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.removals import queries
from gate_integration.removals.errors import RemovalConfirmed
from gate_integration.removals.models import DeviceRemoval, RemovalState, What
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.problems import NotFound


async def queue_faces(session: AsyncSession, *, person_id: uuid.UUID, reason: str, actor: Actor, now: datetime) -> int:
    """The person's face is to go from every device that knows it; from now on its word counts for nothing."""
    entries = await queries.entries_of(session, person_id=person_id, faces_only=True)
    for entry in entries:
        entry.has_face = False
    await _queue(session, [(e.estate_id, e.device_id, e.number) for e in entries], person_id=person_id, what=What.FACE,
                 reason=reason, actor=actor, now=now)  # fmt: skip
    return len(entries)


async def queue_person(session: AsyncSession, *, person_id: uuid.UUID, reason: str, actor: Actor, now: datetime) -> int:
    """The person's whole entry is to go from every device; our own record of it is deleted at once."""
    entries = await queries.entries_of(session, person_id=person_id, faces_only=False)
    await _queue(session, [(e.estate_id, e.device_id, e.number) for e in entries], person_id=person_id,
                 what=What.PERSON, reason=reason, actor=actor, now=now)  # fmt: skip
    for entry in entries:
        await session.delete(entry)
    await session.flush()
    return len(entries)


async def queue_entry(
    session: AsyncSession, *, estate_id: uuid.UUID, device_id: uuid.UUID, number: str, reason: str, actor: Actor,
    now: datetime,
) -> uuid.UUID:  # fmt: skip
    """An entry that means nobody in the register is to go from one device, by a person's decision."""
    removal_id = new_id()
    await queries.add(
        session,
        [
            {
                "id": removal_id, "estate_id": estate_id, "device_id": device_id, "person_id": None,
                "device_person_no": number, "what": What.PERSON, "reason": reason, "state": RemovalState.PENDING,
                "other_way_in": True, "created_at": now,
            }
        ],
    )  # fmt: skip
    record(session, at=now, actor=actor, action="device-removal.queued", object_kind="device", object_id=device_id,
           estate_id=estate_id, reason=reason, what=What.PERSON, entries=1)  # fmt: skip
    return removal_id


async def withdraw(
    session: AsyncSession, *, removal_id: uuid.UUID, reason: str, actor: Actor, now: datetime
) -> DeviceRemoval:
    """Takes a removal back that nobody has carried out. Raises `NotFound`, `RemovalConfirmed`."""
    row = await queries.locked(session, removal_id)
    if row is None:
        raise NotFound("没有这条删除任务", "No such removal")
    if row.state != RemovalState.PENDING:
        raise RemovalConfirmed
    row.state, row.confirmed_at, row.confirmed_by, row.note = RemovalState.WITHDRAWN, now, actor.user_id, reason
    row.device_person_no = None
    await session.flush()
    record(session, at=now, actor=actor, action="device-removal.withdrawn", object_kind="device_removal",
           object_id=row.id, estate_id=row.estate_id, device_id=str(row.device_id), reason=reason)  # fmt: skip
    return row


async def _queue(
    session: AsyncSession,
    entries: Sequence[tuple[uuid.UUID, uuid.UUID, str]],
    *,
    person_id: uuid.UUID,
    what: What,
    reason: str,
    actor: Actor,
    now: datetime,
) -> None:
    if not entries:
        return
    other = await queries.other_way_in(session, person_id=person_id, on=local_day(now))
    added = await queries.add(
        session,
        [
            {
                "id": new_id(), "estate_id": estate_id, "device_id": device_id, "person_id": person_id,
                "device_person_no": number, "what": what, "reason": reason, "state": RemovalState.PENDING,
                "other_way_in": other, "created_at": now,
            }
            for estate_id, device_id, number in entries
        ],
    )  # fmt: skip
    record(session, at=now, actor=actor, action="device-removal.queued", object_kind="person", object_id=person_id,
           estate_id=entries[0][0], reason=reason, what=what, entries=added)  # fmt: skip
    if what is What.FACE and not other:
        record(session, at=now, actor=actor, action="device-removal.no-other-way-in", object_kind="person",
               object_id=person_id, estate_id=entries[0][0], reason=reason)  # fmt: skip


async def confirm(
    session: AsyncSession, *, removal_id: uuid.UUID, note: str | None, actor: Actor, now: datetime
) -> DeviceRemoval:
    """Says that the device no longer holds it. Raises `NotFound`, `RemovalConfirmed`."""
    row = await queries.locked(session, removal_id)
    if row is None:
        raise NotFound("没有这条删除任务", "No such removal")
    if row.state != RemovalState.PENDING:
        raise RemovalConfirmed
    row.state, row.confirmed_at, row.confirmed_by, row.note = RemovalState.CONFIRMED, now, actor.user_id, note
    row.device_person_no = None
    await session.flush()
    record(session, at=now, actor=actor, action="device-removal.confirmed", object_kind="device_removal",
           object_id=row.id, estate_id=row.estate_id, device_id=str(row.device_id))  # fmt: skip
    return row


page = queries.page
