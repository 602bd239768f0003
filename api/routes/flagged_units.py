"""The list that a manager's day begins with: flats with something open, and why."""

import uuid
from datetime import datetime
from typing import Any

import msgspec
from litestar import get
from litestar.params import FromQuery

from api import flagged
from api.access import Work, requires
from api.flagged import RANK, AfterFlag, Severity
from api.paging import Cursor, Limit, Page, decode_cursor, encode_cursor
from api.views import QUEUE, Shown, shows
from inspection.leads import service as leads
from inspection.leads.schemas import LeadView
from inspection.registry.consents.models import Purpose
from inspection.users.models import UserRole
from storage.audit.service import record
from storage.clock import local_day


class LastVisit(msgspec.Struct, frozen=True, kw_only=True):
    """The visit that was last made."""

    id: uuid.UUID
    kind: str
    result: str | None
    started_at: datetime | None
    done_at: datetime | None


class FlaggedUnit(msgspec.Struct, frozen=True, kw_only=True):
    """A flat with something open. `since`: when the oldest of it was first seen. It accuses nobody."""

    unit_id: uuid.UUID
    estate_id: uuid.UUID
    estate: str
    building: str
    entrance: str
    room_no: str
    code: str
    severity: Severity
    since: datetime
    why_zh: str
    why_en: str
    discrepancies: list[dict[str, Any]]
    leads: list[LeadView]
    last_visit: LastVisit | None


@get(
    "/api/v1/flagged-units", guards=[requires(UserRole.MANAGER, UserRole.AUDITOR)], tags=["leads"],
    operation_id="listFlaggedUnits", summary="待核查房源（查看留痕） / Flats with something open; the view is logged",
    opt=shows(Shown.TRAIL),
)  # fmt: skip
async def list_flagged_units(
    work: Work,
    estate_id: FromQuery[uuid.UUID | None] = None,
    severity: FromQuery[Severity | None] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[FlaggedUnit]:
    """Flats with open discrepancies or leads, severest first, then oldest. The view is logged."""
    today = local_day(work.now)
    async with work.transaction() as session:
        rows = await flagged.page(
            session, estate_id=estate_id, severity=severity, after=decode_cursor(cursor, AfterFlag), limit=limit + 1,
            on=today,
        )  # fmt: skip
        shown = rows[:limit]
        units = [row[0] for row in shown]
        open_here = await work.context.ports.timeline.flagged(session, unit_ids=units, on=today)
        standing = await flagged.leads(session, units)
        visited = await flagged.last_visits(session, units)
        for seen in sorted({row[3] for row in shown}):  # one row for each estate: its auditors find it
            record(
                session, at=work.now, actor=work.actor, action="flagged-units.viewed", object_kind="flagged-units",
                object_id=None, estate_id=seen, purpose=Purpose.TENANCY_COMPLIANCE, reason=QUEUE,
                units=[str(row[0]) for row in shown if row[3] == seen],
            )  # fmt: skip
    items = []
    for unit, rank, since, estate, estate_name, building, entrance, room_no, code in shown:
        found, mine, visit = open_here.get(unit, []), standing.get(unit, []), visited.get(unit)
        why_zh, why_en = flagged.why(found, mine)
        items.append(
            FlaggedUnit(
                unit_id=unit, estate_id=estate, estate=estate_name, building=building, entrance=entrance,
                room_no=room_no, code=code, severity=next(key for key, value in RANK.items() if value == rank),
                since=since, why_zh=why_zh, why_en=why_en, discrepancies=found, leads=[leads.view(x) for x in mine],
                last_visit=None if visit is None else LastVisit(
                    id=visit.id, kind=visit.kind, result=visit.result, started_at=visit.started_at,
                    done_at=visit.done_at,
                ),
            )
        )  # fmt: skip
    last = shown[-1] if len(rows) > limit else None
    return Page(items=items, next_cursor=encode_cursor(AfterFlag(last[1], last[2], last[0])) if last else None)


handlers = [list_flagged_units]
