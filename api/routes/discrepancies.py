"""What the rules found, why they were silent, and the movements behind it: leads only, nothing is decided here."""

import uuid
from datetime import datetime, timedelta
from typing import Annotated

from litestar import get
from litestar.params import Parameter

from api.access import Work, requires
from api.paging import Page
from api.places import cursor_of, place_of
from api.problems import InvalidRequest
from gate_integration.occupancy import reading
from gate_integration.occupancy.schemas import DiscrepancyView, NotRaisedView
from gate_integration.sightings.trail import SightingView, TrailPurpose, trail
from inspection.users.models import UserRole

READS = requires(UserRole.MANAGER, UserRole.AUDITOR)
Cursor = Annotated[str | None, Parameter(max_length=500)]
Limit = Annotated[int, Parameter(ge=1, le=200)]
Why = Annotated[str, Parameter(min_length=4, max_length=1000, description="查看理由 / why it is looked at")]
TRAIL_DAYS = 30


@get(
    "/api/v1/discrepancies", guards=[READS], tags=["discrepancies"], operation_id="listDiscrepancies",
    summary="疑点列表 / List discrepancies",
)  # fmt: skip
async def list_discrepancies(
    work: Work,
    unit_id: uuid.UUID | None = None,
    household_id: uuid.UUID | None = None,
    standing: bool = True,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[DiscrepancyView]:
    """Suspicions with their explanation and what would clear them, newest first; cleared ones with `standing=false`."""
    async with work.transaction() as session:
        shown = await reading.page(
            session, unit_id=unit_id, household_id=household_id, standing_only=standing, after=place_of(cursor),
            limit=limit + 1,
        )  # fmt: skip
    last = shown[limit - 1] if len(shown) > limit else None
    return Page(items=shown[:limit], next_cursor=cursor_of(last.first_flagged_at, last.id) if last else None)


@get(
    "/api/v1/discrepancies/{discrepancy_id:uuid}", guards=[READS], tags=["discrepancies"],
    operation_id="getDiscrepancy", summary="疑点详情 / One discrepancy",
)  # fmt: skip
async def get_discrepancy(discrepancy_id: uuid.UUID, work: Work) -> DiscrepancyView:
    """One suspicion: terms, counts, days, rule version, plain explanation."""
    async with work.transaction() as session:
        return await reading.one(session, discrepancy_id=discrepancy_id)


@get(
    "/api/v1/households/{household_id:uuid}/not-raised", guards=[READS], tags=["discrepancies"],
    operation_id="listNotRaised", summary="未提示原因 / Why rules were silent",
)  # fmt: skip
async def list_not_raised(household_id: uuid.UUID, work: Work) -> list[NotRaisedView]:
    """Why each rule that looked at a household did not raise anything."""
    async with work.transaction() as session:
        return await reading.not_raised(session, household_id=household_id)


@get(
    "/api/v1/units/{unit_id:uuid}/sightings", guards=[requires(UserRole.MANAGER)], tags=["discrepancies"],
    operation_id="listSightings", summary="通行轨迹（查看留痕） / The movement trail of a unit; the view is logged",
)  # fmt: skip
async def list_sightings(
    unit_id: uuid.UUID,
    work: Work,
    purpose: TrailPurpose,
    reason: Why,
    since: datetime | None = None,
    until: datetime | None = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> Page[SightingView]:
    """Who came to a unit, newest first, of the last 30 days unless said otherwise. Purpose and reason are logged."""
    if any(moment is not None and moment.tzinfo is None for moment in (since, until)):
        raise InvalidRequest("时间须带时区", "A moment needs its offset")
    end = until or work.now
    async with work.transaction() as session:
        shown = await trail(
            session, unit_id=unit_id, purpose=purpose, reason=reason, since=since or end - timedelta(days=TRAIL_DAYS),
            until=end, after=place_of(cursor), limit=limit + 1, actor=work.actor, now=work.now,
        )  # fmt: skip
    last = shown[limit - 1] if len(shown) > limit else None
    return Page(items=shown[:limit], next_cursor=cursor_of(last.seen_at, last.id) if last else None)


handlers = [list_discrepancies, get_discrepancy, list_not_raised, list_sightings]
