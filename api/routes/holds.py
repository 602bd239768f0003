"""Legal holds: asked for by one person, approved by another, lifted with a reason."""

import uuid

from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.status_codes import HTTP_200_OK

from api.access import Work, requires
from api.paging import AfterId, AfterMoment, Cursor, Limit, Page, decode_cursor, paged
from api.retention import REACH
from inspection.users.models import UserRole
from storage.holds import service
from storage.holds.schemas import HoldInput, HoldView, ProlongInput, ReleaseInput
from storage.holds.states import HoldState

READS = requires(UserRole.ADMINISTRATOR, UserRole.MANAGER, UserRole.AUDITOR)
HOLDS = requires(UserRole.ADMINISTRATOR, UserRole.MANAGER)


@get("/api/v1/holds", guards=[READS], tags=["holds"], operation_id="listHolds", summary="证据保全列表 / List holds")
async def list_holds(
    work: Work, status: FromQuery[HoldState | None] = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[HoldView]:
    """Holds in scope, newest first."""
    after = decode_cursor(cursor, AfterId)
    async with work.transaction() as session:
        rows = await service.page(
            session, state=status, after=after.id if after else None, limit=limit + 1, now=work.now
        )
    return paged([HoldView.of(row, now=work.now) for row in rows], limit=limit, key=lambda row: (row.id,))


@get(
    "/api/v1/holds/expiring", guards=[READS], tags=["holds"], operation_id="listExpiringHolds",
    summary="即将到期的保全 / Holds that end soon",
)  # fmt: skip
async def list_expiring(work: Work, cursor: Cursor = None, limit: Limit = 50) -> Page[HoldView]:
    """Holds in force that end within the days of warning and that nothing approved follows, the next one first."""
    after = decode_cursor(cursor, AfterMoment)
    async with work.transaction() as session:
        rows = await service.expiring(session, after=after, limit=limit + 1, now=work.now)
    return paged([HoldView.of(row, now=work.now) for row in rows], limit=limit, key=lambda row: (row.until, row.id))


@post(
    "/api/v1/holds", guards=[HOLDS], tags=["holds"], operation_id="requestHold",
    summary="申请证据保全 / Ask for a hold",
)  # fmt: skip
async def request_hold(data: JSONBody[HoldInput], work: Work) -> HoldView:
    """Asks for a hold on an estate, flat, household, person, case or device; somebody else has to approve it."""
    async with work.transaction() as session:
        row = await service.request(session, data=data, reach=REACH, actor=work.actor, now=work.now)
        return HoldView.of(row, now=work.now)


@get(
    "/api/v1/holds/{hold_id:uuid}", guards=[READS], tags=["holds"], operation_id="getHold", summary="证据保全 / A hold",
)  # fmt: skip
async def get_hold(hold_id: FromPath[uuid.UUID], work: Work) -> HoldView:
    """One hold."""
    async with work.transaction() as session:
        return HoldView.of(await service.hold(session, hold_id), now=work.now)


@post(
    "/api/v1/holds/{hold_id:uuid}/approval", guards=[HOLDS], status_code=HTTP_200_OK, tags=["holds"],
    operation_id="approveHold", summary="批准证据保全 / Approve a hold",
)  # fmt: skip
async def approve_hold(hold_id: FromPath[uuid.UUID], work: Work) -> HoldView:
    """Brings a hold into force: from then on nothing that it reaches is deleted."""
    async with work.transaction() as session:
        return HoldView.of(
            await service.approve(session, hold_id=hold_id, actor=work.actor, now=work.now), now=work.now
        )


@post(
    "/api/v1/holds/{hold_id:uuid}/release", guards=[HOLDS], status_code=HTTP_200_OK, tags=["holds"],
    operation_id="releaseHold", summary="解除证据保全 / Lift a hold",
)  # fmt: skip
async def release_hold(hold_id: FromPath[uuid.UUID], data: JSONBody[ReleaseInput], work: Work) -> HoldView:
    """Lifts a hold, or takes a request back; what it kept goes with the next run of the deleting job."""
    async with work.transaction() as session:
        row = await service.release(session, hold_id=hold_id, reason=data.reason, actor=work.actor, now=work.now)
        return HoldView.of(row, now=work.now)


@post(
    "/api/v1/holds/{hold_id:uuid}/prolongation", guards=[HOLDS], tags=["holds"], operation_id="prolongHold",
    summary="申请延长证据保全 / Ask to prolong a hold",
)  # fmt: skip
async def prolong_hold(hold_id: FromPath[uuid.UUID], data: JSONBody[ProlongInput], work: Work) -> HoldView:
    """Asks for the same hold with a later end; it needs an approval like the first, which works on until its own."""
    async with work.transaction() as session:
        row = await service.prolong(
            session, hold_id=hold_id, reason=data.reason, until=data.until, reach=REACH, actor=work.actor, now=work.now
        )
        return HoldView.of(row, now=work.now)


handlers = [list_holds, list_expiring, request_hold, get_hold, approve_hold, release_hold, prolong_hold]
