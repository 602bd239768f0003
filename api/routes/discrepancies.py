"""What the rules found, why they were silent, and the movements behind it: leads only, nothing is decided here."""

import uuid
from datetime import datetime, timedelta

from litestar import get
from litestar.params import FromPath, FromQuery

from api.access import Work, requires
from api.paging import AfterMoment, Cursor, Limit, Page, decode_cursor, paged
from api.parameters import Why
from api.problems import InvalidRequest
from api.views import QUEUE, Shown, shows
from gate_integration.occupancy import reading
from gate_integration.occupancy.schemas import DiscrepancyView, NotRaisedView
from gate_integration.sightings.trail import SightingView, TrailPurpose, trail
from inspection.users.models import UserRole
from storage.clock import local_day

READS = requires(UserRole.MANAGER, UserRole.AUDITOR)
TRAIL_DAYS = 30


@get(
    "/api/v1/discrepancies", guards=[READS], tags=["discrepancies"], operation_id="listDiscrepancies",
    summary="疑点列表（查看留痕） / List discrepancies; the view is logged", opt=shows(Shown.TRAIL),
)  # fmt: skip
async def list_discrepancies(
    work: Work,
    unit_id: FromQuery[uuid.UUID | None] = None,
    household_id: FromQuery[uuid.UUID | None] = None,
    standing: FromQuery[bool] = True,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[DiscrepancyView]:
    """Suspicions with their explanation and what would clear them, newest first; cleared ones with `standing=false`."""
    async with work.transaction() as session:
        rows = await reading.page(
            session, unit_id=unit_id, household_id=household_id, standing_only=standing,
            after=decode_cursor(cursor, AfterMoment), limit=limit + 1, on=local_day(work.now),
        )  # fmt: skip
        reading.log_views(session, rows[:limit], reason=QUEUE, actor=work.actor, now=work.now)
    return paged(rows, limit=limit, key=lambda row: (row.first_flagged_at, row.id))


@get(
    "/api/v1/discrepancies/{discrepancy_id:uuid}", guards=[READS], tags=["discrepancies"],
    operation_id="getDiscrepancy", summary="疑点详情（查看留痕） / One discrepancy; the view is logged",
    opt=shows(Shown.TRAIL),
)  # fmt: skip
async def get_discrepancy(discrepancy_id: FromPath[uuid.UUID], work: Work) -> DiscrepancyView:
    """One suspicion: terms, counts, days, rule version, plain explanation."""
    async with work.transaction() as session:
        row = await reading.one(session, discrepancy_id=discrepancy_id, on=local_day(work.now))
        reading.log_views(session, [row], reason=QUEUE, actor=work.actor, now=work.now)
        return row


@get(
    "/api/v1/households/{household_id:uuid}/not-raised", guards=[READS], tags=["discrepancies"],
    operation_id="listNotRaised", summary="未提示原因 / Why rules were silent",
)  # fmt: skip
async def list_not_raised(household_id: FromPath[uuid.UUID], work: Work) -> list[NotRaisedView]:
    """Why each rule that looked at a household did not raise anything."""
    async with work.transaction() as session:
        return await reading.not_raised(session, household_id=household_id, on=local_day(work.now))


@get(
    "/api/v1/units/{unit_id:uuid}/sightings", guards=[requires(UserRole.MANAGER)], tags=["discrepancies"],
    operation_id="listSightings", summary="通行轨迹（查看留痕） / The movement trail of a unit; the view is logged",
    opt=shows(Shown.TRAIL),
)  # fmt: skip
async def list_sightings(
    unit_id: FromPath[uuid.UUID],
    work: Work,
    purpose: FromQuery[TrailPurpose],
    reason: Why,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[SightingView]:
    """Who came to a unit, newest first, of the last 30 days unless said otherwise. Purpose and reason are logged."""
    if any(moment is not None and moment.tzinfo is None for moment in (since, until)):
        raise InvalidRequest("时间须带时区", "A moment needs its offset")
    end = until or work.now
    try:
        begin = since or end - timedelta(days=TRAIL_DAYS)
    except OverflowError:
        raise InvalidRequest("时间超出范围", "The moment is out of range") from None
    async with work.transaction() as session:
        rows = await trail(
            session, unit_id=unit_id, purpose=purpose, reason=reason, since=begin,
            until=end, after=decode_cursor(cursor, AfterMoment), limit=limit + 1, actor=work.actor, now=work.now,
        )  # fmt: skip
    return paged(rows, limit=limit, key=lambda row: (row.seen_at, row.id))


handlers = [list_discrepancies, get_discrepancy, list_not_raised, list_sightings]
