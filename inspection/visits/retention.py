"""How long visits that belong to no case are kept, with their photographs; those of a case go with the case."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.leads.models import Lead, LeadStatus
from inspection.visits.models import OccupantMet, Photo, Visit, VisitStatus
from storage.holds.reach import Cover
from storage.retention.classes import Described, Removed, RowRetention, Tools
from storage.retention.ground import destroy_objects
from storage.rules.values import RuleDefault

VISITS = RuleDefault(
    "retention.visit_days", 731, "calendar_day",
    "行政处罚法 36：二年内未被发现的不再处罚，期间走访记录可能成为证据；须由法律顾问确认",
)  # fmt: skip
RULES = (VISITS,)


async def destroy_visits(session: AsyncSession, ids: Sequence[uuid.UUID], tools: Tools, now: datetime) -> Removed:
    """The visit and all that was brought back from it."""
    pictures = list(await session.scalars(select(Photo.object_id).where(Photo.visit_id.in_(ids))))
    count, size = await destroy_objects(session, pictures, tools, now)
    rows = await session.scalar(select(func.ruhu_destroy_visits(list(ids))))
    return Removed(ids=ids, rows=int(rows or 0), objects=count, bytes=size)


async def widen(session: AsyncSession, cover: Cover) -> Cover:
    """Adds the photographs of visits to what is held."""
    if not (cover.units or cover.households or cover.cases):
        return cover
    of = cover.any_of(units=Visit.unit_id, households=Visit.household_id, cases=Visit.case_id)
    return cover.widened(
        objects=list(await session.scalars(select(Photo.object_id).join(Visit, Visit.id == Photo.visit_id).where(of)))
    )


def held(cover: Cover) -> ColumnElement[bool]:
    """Of a held flat or household, or one at which somebody held was met."""
    direct = cover.any_of(
        estates=Visit.estate_id, units=Visit.unit_id, households=Visit.household_id, cases=Visit.case_id
    )
    met = exists().where(OccupantMet.visit_id == Visit.id, cover.any_of(people=OccupantMet.person_id))
    return or_(direct, met) if cover.people else direct


CLASSES: tuple[RowRetention, ...] = (
    RowRetention(
        described=Described(
            "visits", "未涉案的走访及照片", "visits without a case, with their photographs",
            "完成或取消之时；关联线索未办结的除外", "when done or cancelled, unless its lead is open", VISITS,
        ),
        key=Visit.id, clock=func.coalesce(Visit.done_at, Visit.created_at), estate=Visit.estate_id,
        where=lambda _: and_(
            Visit.status.in_((VisitStatus.DONE, VisitStatus.CANCELLED)),
            Visit.case_id.is_(None),
            ~exists().where(
                Lead.id == Visit.lead_id,
                Lead.status.in_((LeadStatus.NEW, LeadStatus.ACCEPTED, LeadStatus.SETTLED)),
            ),
        ),
        held=held, act=destroy_visits, locks=False,
    ),
)  # fmt: skip
