"""People already on a terminal: lists handed in, proposals read, what people say about them."""

import uuid
from typing import Annotated, Any

from litestar import Request, get, post, put
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import UnitOfWork, Work, requires
from api.paging import AfterId, Cursor, Limit, Page, decode_cursor, paged
from api.raw_bodies import sheet_body
from api.routes.registry_imports import uploaded
from gate_integration.devices.models import GateDevice
from gate_integration.devices.service import known_device
from gate_integration.terminal_people import listing, queries, service
from gate_integration.terminal_people.models import EntryState, Level, TerminalEntry
from gate_integration.terminal_people.schemas import (
    ColumnsInput,
    ColumnsView,
    ConfirmEntry,
    DecideEntry,
    Done,
    Expected,
    ListReceived,
    ListTally,
    RejectEntry,
    TerminalEntryView,
    TerminalListView,
    UndoEntry,
)
from inspection.registry.consents.models import Purpose
from inspection.registry.consents.service import require_basis
from inspection.users.models import UserRole
from storage.clock import local_day

PREPARE = requires(UserRole.MANAGER, UserRole.OPERATOR_STAFF)
DECIDE = requires(UserRole.MANAGER)
READ = requires(UserRole.MANAGER, UserRole.OPERATOR_STAFF, UserRole.AUDITOR)
LIST_LIMIT = 16 * 1024 * 1024


async def views(
    session: AsyncSession, work: UnitOfWork, device: GateDevice, rows: list[TerminalEntry]
) -> list[TerminalEntryView]:
    """Entries of one device as they are shown."""
    if not rows:
        return []
    key = await listing.device_key(session, device=device, vault=work.context.vault, now=work.now)
    candidates = await queries.candidates(session, entry_ids=[row.id for row in rows])
    return [TerminalEntryView.of(row, listing.opened(key, row), candidates.get(row.id, [])) for row in rows]


async def view(session: AsyncSession, work: UnitOfWork, row: TerminalEntry) -> TerminalEntryView:
    """One entry as it is shown."""
    (shown,) = await views(session, work, await known_device(session, row.device_id), [row])
    return shown


@get(
    "/api/v1/devices/{device_id:uuid}/terminal-columns", guards=[READ], tags=["gates"],
    operation_id="getTerminalColumns", summary="设备名单列对应 / The columns of a device's export",
)  # fmt: skip
async def get_columns(device_id: FromPath[uuid.UUID], work: Work) -> ColumnsView:
    """The headings kept for a device; none while those that vendors use are recognised."""
    async with work.transaction() as session:
        await known_device(session, device_id)
        return ColumnsView.of(await queries.columns(session, device_id))


@put(
    "/api/v1/devices/{device_id:uuid}/terminal-columns", guards=[PREPARE], tags=["gates"],
    operation_id="setTerminalColumns", summary="设置设备名单列对应 / Say which columns a device's export has",
)  # fmt: skip
async def set_columns(device_id: FromPath[uuid.UUID], data: JSONBody[ColumnsInput], work: Work) -> ColumnsView:
    """Kept for the device: the next list is read by them."""
    async with work.transaction() as session:
        return ColumnsView.of(
            await service.set_columns(
                session, device_id=device_id, columns=data.columns(), actor=work.actor, now=work.now
            )
        )


@post(
    "/api/v1/devices/{device_id:uuid}/terminal-lists", guards=[PREPARE], status_code=HTTP_200_OK, tags=["gates"],
    operation_id="handInTerminalList", operation_class=sheet_body(), request_max_body_size=LIST_LIMIT,
    summary="上传设备人员名单 / Hand in the list of people on a terminal",
)  # fmt: skip
async def hand_in_list(device_id: FromPath[uuid.UUID], request: Request[Any, Any, Any], work: Work) -> ListReceived:
    """Takes a whole list (CSV or XLSX, the body or the field `file` of a form) and proposes whom its entries mean.

    The file is not kept. The same list again changes nothing; entries it lacks are listed as missing.
    422 `terminal-list-unreadable` names the headings found, so that the columns can be set.
    """
    content, _ = await uploaded(request)
    async with work.transaction() as session:
        entries, skipped, columns = await service.read_list(session, device_id=device_id, content=content)
        row = await listing.receive(
            session, device_id=device_id, entries=entries, skipped=skipped, vault=work.context.vault,
            actor=work.actor, now=work.now,
        )  # fmt: skip
        tally = await queries.tally(session, device_id=device_id)
    return ListReceived(
        received=TerminalListView.of(row), columns=columns,
        tally=[
            ListTally(state=EntryState(state), level=Level(level), missing=missing, number=number)
            for state, level, missing, number in tally
        ],
    )  # fmt: skip


@get(
    "/api/v1/devices/{device_id:uuid}/terminal-lists", guards=[READ], tags=["gates"],
    operation_id="listTerminalLists", summary="设备名单接收记录 / Lists received of a device",
)  # fmt: skip
async def list_lists(
    device_id: FromPath[uuid.UUID], work: Work, cursor: Cursor = None, limit: Limit = 50
) -> Page[TerminalListView]:
    """Counts of each list, newest first."""
    after = decode_cursor(cursor, AfterId)
    async with work.transaction() as session:
        await known_device(session, device_id)
        rows = await queries.lists(session, device_id=device_id, after=after.id if after else None, limit=limit + 1)
    return paged([TerminalListView.of(row) for row in rows], limit=limit, key=lambda row: (row.id,))


@get(
    "/api/v1/devices/{device_id:uuid}/terminal-people", guards=[READ], tags=["gates"],
    operation_id="listTerminalPeople", summary="设备上的人员与对应建议 / People on a terminal, with proposals",
)  # fmt: skip
async def list_people(
    device_id: FromPath[uuid.UUID],
    work: Work,
    entry_state: FromQuery[EntryState | None] = None,
    level: FromQuery[Level | None] = None,
    missing: Annotated[bool | None, QueryParameter(description="最近名单中已无 / the last list lacked them")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[TerminalEntryView]:
    """Entries with what speaks for whom. A proposal decides nothing; long numbers are masked."""
    after = decode_cursor(cursor, AfterId)
    async with work.transaction() as session:
        device = await known_device(session, device_id)
        await require_basis(session, device.estate_id, Purpose.ACCESS_CONTROL, local_day(work.now))
        rows = await queries.page(
            session, device_id=device_id, state=entry_state, level=level, missing=missing,
            after=after.id if after else None, limit=limit + 1,
        )  # fmt: skip
        return paged(await views(session, work, device, list(rows)), limit=limit, key=lambda row: (row.id,))


@get(
    "/api/v1/terminal-people/{entry_id:uuid}", guards=[READ], tags=["gates"], operation_id="getTerminalPerson",
    summary="设备人员条目 / One entry of a terminal",
)  # fmt: skip
async def get_person(entry_id: FromPath[uuid.UUID], work: Work) -> TerminalEntryView:
    """What stands beside the number, the proposals, what was said about it."""
    async with work.transaction() as session:
        row, _ = await service.get_entry(session, entry_id=entry_id, now=work.now)
        return await view(session, work, row)


@post(
    "/api/v1/terminal-people/{entry_id:uuid}/confirm", guards=[DECIDE], status_code=HTTP_200_OK, tags=["gates"],
    operation_id="confirmTerminalPerson", summary="确认条目对应的人员 / Confirm whom an entry means",
)  # fmt: skip
async def confirm_person(entry_id: FromPath[uuid.UUID], data: JSONBody[ConfirmEntry], work: Work) -> TerminalEntryView:
    """From now on passes by this number are theirs. A face without consent to it is queued to be taken off."""
    async with work.transaction() as session:
        row = await service.confirm(
            session, entry_id=entry_id, person_id=data.person_id, has_face=data.has_face, actor=work.actor,
            now=work.now,
        )  # fmt: skip
        return await view(session, work, row)


@post(
    "/api/v1/terminal-people/{entry_id:uuid}/reject", guards=[DECIDE], status_code=HTTP_200_OK, tags=["gates"],
    operation_id="rejectTerminalPerson", summary="排除建议 / Say whom an entry does not mean",
)  # fmt: skip
async def reject_person(entry_id: FromPath[uuid.UUID], data: JSONBody[RejectEntry], work: Work) -> TerminalEntryView:
    """One proposal, or all of them; they are not made again."""
    async with work.transaction() as session:
        row = await service.reject(
            session, entry_id=entry_id, person_id=data.person_id, reason=data.reason, vault=work.context.vault,
            actor=work.actor, now=work.now,
        )  # fmt: skip
        return await view(session, work, row)


@post(
    "/api/v1/terminal-people/{entry_id:uuid}/decide", guards=[DECIDE], status_code=HTTP_200_OK, tags=["gates"],
    operation_id="decideTerminalPerson", summary="处理未登记条目 / Decide on an entry that means nobody registered",
)  # fmt: skip
async def decide_person(entry_id: FromPath[uuid.UUID], data: JSONBody[DecideEntry], work: Work) -> TerminalEntryView:
    """A guest, a worker, somebody who left; with `remove` it is queued to be taken off the terminal."""
    async with work.transaction() as session:
        row = await service.decide(
            session, entry_id=entry_id, decision=data.decision, remove=data.remove, reason=data.reason,
            actor=work.actor, now=work.now,
        )  # fmt: skip
        return await view(session, work, row)


@post(
    "/api/v1/terminal-people/{entry_id:uuid}/undo", guards=[DECIDE], status_code=HTTP_200_OK, tags=["gates"],
    operation_id="undoTerminalPerson", summary="撤销处理 / Take back what was said about an entry",
)  # fmt: skip
async def undo_person(entry_id: FromPath[uuid.UUID], data: JSONBody[UndoEntry], work: Work) -> TerminalEntryView:
    """The mapping ends, a removal that nobody carried out is withdrawn, proposals are made anew."""
    async with work.transaction() as session:
        row = await service.undo(
            session, entry_id=entry_id, reason=data.reason, vault=work.context.vault, actor=work.actor, now=work.now
        )
        return await view(session, work, row)


@post(
    "/api/v1/devices/{device_id:uuid}/terminal-people/confirm-exact", guards=[DECIDE], status_code=HTTP_200_OK,
    tags=["gates"], operation_id="confirmExactTerminalPeople",
    summary="批量确认卡号与姓名均相符的条目 / Confirm all that card and name agree on",
)  # fmt: skip
async def confirm_exact(device_id: FromPath[uuid.UUID], data: JSONBody[Expected], work: Work) -> Done:
    """`expected` is how many the person has seen (level `exact`, state `open`); another number now is a 409."""
    async with work.transaction() as session:
        return Done(
            number=await service.confirm_exact(
                session, device_id=device_id, expected=data.expected, actor=work.actor, now=work.now
            )
        )


@post(
    "/api/v1/devices/{device_id:uuid}/terminal-people/close-missing", guards=[DECIDE], status_code=HTTP_200_OK,
    tags=["gates"], operation_id="closeMissingTerminalPeople",
    summary="确认名单中已无的条目 / Confirm that what the list lacks is gone",
)  # fmt: skip
async def close_missing(device_id: FromPath[uuid.UUID], data: JSONBody[Expected], work: Work) -> Done:
    """Their mappings end and their removals are confirmed. `expected` is how many the person has seen."""
    async with work.transaction() as session:
        return Done(
            number=await service.close_missing(
                session, device_id=device_id, expected=data.expected, actor=work.actor, now=work.now
            )
        )


handlers = [
    get_columns, set_columns, hand_in_list, list_lists, list_people, get_person, confirm_person, reject_person,
    decide_person, undo_person, confirm_exact, close_missing,
]  # fmt: skip
