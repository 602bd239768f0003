"""What still has to be taken off gates, and that it was."""

import uuid
from typing import Annotated

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from api.access import Work, requires
from api.paging import AfterId, Cursor, Limit, Page, decode_cursor, paged
from gate_integration.removals import service
from gate_integration.removals.models import RemovalState
from gate_integration.removals.schemas import ConfirmInput, RemovalView
from inspection.users.models import UserRole


@get(
    "/api/v1/device-removals", guards=[requires(UserRole.MANAGER, UserRole.ADMINISTRATOR, UserRole.AUDITOR)],
    tags=["gates"], operation_id="listDeviceRemovals", summary="待从设备删除的条目 / List what has to go from devices",
)  # fmt: skip
async def list_removals(
    work: Work,
    removal_state: Annotated[RemovalState | None, QueryParameter(name="state")] = RemovalState.PENDING,
    device_id: FromQuery[uuid.UUID | None] = None,
    person_id: FromQuery[uuid.UUID | None] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[RemovalView]:
    """Removals in order of queueing, pending ones unless asked otherwise.

    `alarm`: nothing but the face opened the doors for this person when it was queued; the estate owes them a card.
    """
    after = decode_cursor(cursor, AfterId)
    async with work.transaction() as session:
        rows = await service.page(
            session, state=removal_state, device_id=device_id, person_id=person_id, after=after.id if after else None,
            limit=limit + 1,
        )  # fmt: skip
    return paged([RemovalView.of(row) for row in rows], limit=limit, key=lambda row: (row.id,))


@post(
    "/api/v1/device-removals/{removal_id:uuid}/confirm",
    guards=[requires(UserRole.MANAGER, UserRole.ADMINISTRATOR)], status_code=HTTP_200_OK, tags=["gates"],
    operation_id="confirmDeviceRemoval", summary="确认已从设备删除 / Confirm that it is gone from the device",
)  # fmt: skip
async def confirm_removal(removal_id: FromPath[uuid.UUID], data: JSONBody[ConfirmInput], work: Work) -> RemovalView:
    """Somebody saw that the device no longer holds it; the number it was known by is forgotten."""
    async with work.transaction() as session:
        row = await service.confirm(session, removal_id=removal_id, note=data.note, actor=work.actor, now=work.now)
    return RemovalView.of(row)


handlers = [list_removals, confirm_removal]
