"""What people say about the entries of a terminal: confirmed, rejected, decided, undone. A machine does none of it."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices import queries as devices
from gate_integration.devices.errors import NumberTaken
from gate_integration.devices.models import GateDevice
from gate_integration.devices.schemas import DevicePersonInput
from gate_integration.devices.service import known_device, map_person, standing_device
from gate_integration.removals import service as removals
from gate_integration.removals.errors import RemovalConfirmed
from gate_integration.removals.models import What
from gate_integration.terminal_people import queries
from gate_integration.terminal_people.columns import Entry, Field, NoHeadings, read_export
from gate_integration.terminal_people.errors import (
    DecidedByPerson,
    EntryDecided,
    ExpectationDiffers,
    ListUnreadable,
    MayBeRegistered,
    NothingToUndo,
    PersonLeft,
)
from gate_integration.terminal_people.listing import UNDECIDED, device_key, propose
from gate_integration.terminal_people.models import EntryState, Level, TerminalColumns, TerminalEntry
from inspection.registry.consents.models import ConsentScope, Purpose
from inspection.registry.consents.service import require_basis, standing_scopes
from inspection.registry.imports.workbook import Unreadable
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.problems import NotFound
from storage.vault.service import Vault

NO_CONSENT = "no-consent"


class Decision(StrEnum):
    """What a person says of an entry that means nobody in the register. None of them accuses anybody."""

    GUEST = "guest"
    WORKER = "worker"
    LEFT = "left"
    OTHER = "other"


def by_person(actor: Actor) -> uuid.UUID:
    """The person who acts. Raises `DecidedByPerson` for anything that is none."""
    if actor.user_id is None:
        raise DecidedByPerson
    return actor.user_id


async def read_list(
    session: AsyncSession, *, device_id: uuid.UUID, content: bytes
) -> tuple[list[Entry], int, dict[Field, str]]:
    """An uploaded export by the columns kept for its device: entries, rows skipped, columns used.

    Raises `NotFound`, `ListUnreadable`.
    """
    await known_device(session, device_id)
    kept = await queries.columns(session, device_id)
    columns = {Field(name): heading for name, heading in kept.columns.items()} if kept is not None else None
    try:
        export = read_export(content, columns)
    except NoHeadings as error:
        raise ListUnreadable(reason=error.code, headings=[one[:64] for one in error.found[:40]]) from None
    except Unreadable as error:
        raise ListUnreadable(reason=error.code, row=error.row) from None
    return export.entries, export.skipped, export.columns


async def set_columns(
    session: AsyncSession, *, device_id: uuid.UUID, columns: dict[Field, str], actor: Actor, now: datetime
) -> TerminalColumns:
    """Keeps which headings of a device's export mean what. Raises `NotFound`, `DeviceRetired`."""
    device = await standing_device(session, device_id)
    told = {str(field): heading for field, heading in columns.items()}
    row = await queries.columns(session, device_id)
    if row is None:
        row = TerminalColumns(device_id=device_id, estate_id=device.estate_id)
        session.add(row)
    row.columns, row.set_by, row.set_at = told, actor.user_id, now
    await session.flush()
    record(session, at=now, actor=actor, action="terminal-columns.set", object_kind="device", object_id=device_id,
           estate_id=device.estate_id, columns=told)  # fmt: skip
    return row


async def get_entry(
    session: AsyncSession, *, entry_id: uuid.UUID, now: datetime, lock: bool = False
) -> tuple[TerminalEntry, GateDevice]:
    """An entry in scope and its device. Raises `NotFound`, `NoProcessingBasis`."""
    row = await queries.entry(session, entry_id, lock=lock)
    if row is None:
        raise NotFound("没有这个设备人员条目", "No such entry")
    await require_basis(session, row.estate_id, Purpose.ACCESS_CONTROL, local_day(now))
    return row, await known_device(session, row.device_id)


async def confirm(
    session: AsyncSession,
    *,
    entry_id: uuid.UUID,
    person_id: uuid.UUID,
    has_face: bool | None = None,
    actor: Actor,
    now: datetime,
) -> TerminalEntry:
    """A person says that an entry means somebody of the register; passes by it are theirs from now on.

    `has_face` says what the list does not say. A face on the terminal counts only while consent to push it there
    stands; without it the face is queued for removal, card and PIN of the same entry go on working.
    Raises `NotFound`, `NoProcessingBasis`, `DecidedByPerson`, `EntryDecided`, `PersonLeft`, `NumberTaken`,
    `DeviceRetired`.
    """
    by_person(actor)
    row, device = await get_entry(session, entry_id=entry_id, now=now, lock=True)
    await _confirm(session, row, device, person_id=person_id, has_face=has_face, actor=actor, now=now)
    return row


async def _confirm(
    session: AsyncSession, row: TerminalEntry, device: GateDevice, *, person_id: uuid.UUID, has_face: bool | None,
    actor: Actor, now: datetime,
) -> None:  # fmt: skip
    if row.state == EntryState.CONFIRMED and row.person_id == person_id:
        return
    if row.state not in UNDECIDED:
        raise EntryDecided(state=row.state)
    here = await queries.is_here(session, person_id=person_id, estate_id=row.estate_id, on=local_day(now))
    if here is None:
        raise NotFound("没有这个人", "No such person")
    if not here:
        raise PersonLeft
    mapped = await devices.standing_number(session, device_id=row.device_id, number=row.number)
    if mapped is not None and mapped.person_id != person_id:
        if mapped.id != row.device_person_id:
            raise NumberTaken
        await queries.end_mapping(session, device_person_id=mapped.id, now=now)
    consented = ConsentScope.PUSH_TO_GATES in (await standing_scopes(session, [person_id], local_day(now)))[person_id]
    stated = has_face if row.holds_face is None else row.holds_face
    # Who has not consented is spared a face that may be there; who has is not said to be seen by a camera unless known.
    may_hold = device.camera if stated is None else stated
    view = await map_person(
        session, device_id=row.device_id, actor=actor, now=now,
        data=DevicePersonInput(
            person_id=person_id, number=row.number, has_face=bool(stated) if consented else may_hold
        ),
    )  # fmt: skip
    row.removal_id = None
    if not consented and may_hold:
        await removals.queue_faces(session, person_id=person_id, reason=NO_CONSENT, actor=actor, now=now)
        queued = await queries.pending_removals(session, device_id=row.device_id, number=row.number, what=What.FACE)
        row.removal_id = queued[0].id if queued else None
    _say(row, EntryState.CONFIRMED, "person", None, actor, now)
    row.person_id, row.device_person_id = person_id, view.id
    await session.flush()
    record(session, at=now, actor=actor, action="terminal-entry.confirmed", object_kind="terminal_entry",
           object_id=row.id, estate_id=row.estate_id, purpose=Purpose.ACCESS_CONTROL, person_id=str(person_id),
           level=row.level, face_queued=row.removal_id is not None)  # fmt: skip


def _say(row: TerminalEntry, state: EntryState, decision: str, reason: str | None, actor: Actor, now: datetime) -> None:
    row.state, row.decision, row.reason = state, decision, reason
    row.decided_by, row.decided_at = actor.user_id, now


async def confirm_exact(
    session: AsyncSession, *, device_id: uuid.UUID, expected: int, actor: Actor, now: datetime
) -> int:
    """A person confirms every entry that card and name say the same of, having seen how many there are.

    Raises `NotFound`, `NoProcessingBasis`, `DecidedByPerson`, `ExpectationDiffers`.
    """
    by_person(actor)
    device = await standing_device(session, device_id)
    await require_basis(session, device.estate_id, Purpose.ACCESS_CONTROL, local_day(now))
    rows = await queries.exact(session, device_id=device_id)
    if len(rows) != expected:
        raise ExpectationDiffers(found=len(rows))
    candidates = await queries.candidates(session, entry_ids=[row.id for row in rows])
    for row in rows:
        first = next(one for one, _ in candidates[row.id] if one.rejected_at is None)
        await _confirm(session, row, device, person_id=first.person_id, has_face=None, actor=actor, now=now)
    return len(rows)


async def reject(
    session: AsyncSession, *, entry_id: uuid.UUID, person_id: uuid.UUID | None, reason: str, vault: Vault,
    actor: Actor, now: datetime,
) -> TerminalEntry:  # fmt: skip
    """A person says that an entry does not mean somebody, or (None) any of those proposed.

    Raises `NotFound`, `NoProcessingBasis`, `DecidedByPerson`, `EntryDecided`.
    """
    by_person(actor)
    row, device = await get_entry(session, entry_id=entry_id, now=now, lock=True)
    proposed = [one for one, _ in (await queries.candidates(session, entry_ids=[row.id]))[row.id]]
    meant = [one for one in proposed if person_id in (None, one.person_id)]
    if person_id is not None and not meant:
        raise NotFound("没有这个候选人", "No such proposal")
    if row.state not in UNDECIDED:
        raise EntryDecided(state=row.state)
    for one in meant:
        one.rejected_at, one.rejected_by = now, actor.user_id
    await session.flush()
    await _propose(session, row, device, vault, now)
    record(session, at=now, actor=actor, action="terminal-entry.rejected", object_kind="terminal_entry",
           object_id=row.id, estate_id=row.estate_id, reason=reason, number=len(meant))  # fmt: skip
    return row


async def _propose(session: AsyncSession, row: TerminalEntry, device: GateDevice, vault: Vault, now: datetime) -> None:
    key = await device_key(session, device=device, vault=vault, now=now)
    await propose(session, device=device, rows=[row], key=key, vault=vault, now=now)
    await session.flush()


async def decide(
    session: AsyncSession, *, entry_id: uuid.UUID, decision: Decision, remove: bool, reason: str, actor: Actor,
    now: datetime,
) -> TerminalEntry:  # fmt: skip
    """A person says what an entry is that means nobody in the register; with `remove` it is to go from the terminal.

    Somebody who may be registered here is not removed: the proposals have to be rejected first, or, of somebody who
    has left, none but theirs stands. Raises `NotFound`, `NoProcessingBasis`, `DecidedByPerson`, `EntryDecided`,
    `MayBeRegistered`.
    """
    by_person(actor)
    row, _ = await get_entry(session, entry_id=entry_id, now=now, lock=True)
    if row.state not in UNDECIDED:
        raise EntryDecided(state=row.state)
    if remove:
        proposed = (await queries.candidates(session, entry_ids=[row.id]))[row.id]
        if any(one.here and one.rejected_at is None for one, _ in proposed):
            raise MayBeRegistered
        mapped = await devices.standing_number(session, device_id=row.device_id, number=row.number)
        if mapped is not None and mapped.id != row.device_person_id:
            raise NumberTaken
        await queries.end_mapping(session, device_person_id=row.device_person_id, now=now)
        row.removal_id = await removals.queue_entry(
            session, estate_id=row.estate_id, device_id=row.device_id, number=row.number, reason=f"entry-{decision}",
            actor=actor, now=now,
        )  # fmt: skip
    _say(row, EntryState.REMOVING if remove else EntryState.NOTED, decision, reason, actor, now)
    await session.flush()
    record(session, at=now, actor=actor, action="terminal-entry.decided", object_kind="terminal_entry",
           object_id=row.id, estate_id=row.estate_id, reason=reason, decision=decision, remove=remove)  # fmt: skip
    return row


async def undo(
    session: AsyncSession, *, entry_id: uuid.UUID, reason: str, vault: Vault, actor: Actor, now: datetime
) -> TerminalEntry:
    """Takes back what was said about an entry: the mapping ends, a removal nobody carried out is withdrawn.

    Raises `NotFound`, `NoProcessingBasis`, `DecidedByPerson`, `NothingToUndo`, `RemovalConfirmed`.
    """
    by_person(actor)
    row, device = await get_entry(session, entry_id=entry_id, now=now, lock=True)
    said = row.decision
    rejected = [one for one, _ in (await queries.candidates(session, entry_ids=[row.id]))[row.id] if one.rejected_at]
    if row.state == EntryState.CLOSED or (row.state == EntryState.OPEN and not rejected):
        raise NothingToUndo
    if row.removal_id is not None:
        try:
            await removals.withdraw(session, removal_id=row.removal_id, reason=reason, actor=actor, now=now)
        except RemovalConfirmed:
            if row.state == EntryState.REMOVING:
                raise  # it is gone from the terminal; the next list will say so
    await queries.end_mapping(session, device_person_id=row.device_person_id, now=now)
    _say(row, EntryState.OPEN, "", None, actor, now)
    row.person_id = row.device_person_id = row.removal_id = None
    await queries.forget_candidates(session, entry_ids=[row.id])
    await _propose(session, row, device, vault, now)
    record(session, at=now, actor=actor, action="terminal-entry.undone", object_kind="terminal_entry",
           object_id=row.id, estate_id=row.estate_id, reason=reason, decision=said)  # fmt: skip
    return row


async def close_missing(
    session: AsyncSession, *, device_id: uuid.UUID, expected: int, actor: Actor, now: datetime
) -> int:
    """A person confirms that what the last list lacked is gone: mappings end, removals of it are confirmed.

    Raises `NotFound`, `DecidedByPerson`, `ExpectationDiffers`.
    """
    by_person(actor)
    device = await known_device(session, device_id)
    rows = await queries.missing(session, device_id=device_id)
    if len(rows) != expected:
        raise ExpectationDiffers(found=len(rows))
    for row in rows:
        for removal in await queries.pending_removals(session, device_id=device_id, number=row.number):
            await removals.confirm(
                session, removal_id=removal.id, note="设备人员名单中已无此条目", actor=actor, now=now
            )
        mapped = await devices.standing_number(session, device_id=device_id, number=row.number)
        if mapped is not None:
            mapped.removed_at = now
        row.state, row.level, row.closed_at = EntryState.CLOSED, Level.NONE, now
        row.sealed = row.card_index = None
        row.decided_by, row.decided_at = actor.user_id, now
    await session.flush()
    await queries.forget_candidates(session, entry_ids=[row.id for row in rows])
    record(session, at=now, actor=actor, action="terminal-list.closed-missing", object_kind="device",
           object_id=device_id, estate_id=device.estate_id, entries=len(rows))  # fmt: skip
    return len(rows)


__all__ = [
    "Decision", "close_missing", "confirm", "confirm_exact", "decide", "get_entry", "read_list", "reject",
    "set_columns", "undo",
]  # fmt: skip
