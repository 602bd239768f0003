"""How long cases are kept with all that belongs to them: steps, papers, evidence, visits, photographs, the lead."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, exists, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases.models import Case, Measure, Service
from inspection.documents.models import Document
from inspection.leads.models import Lead
from inspection.leads.retention import pictures_of, shows_held
from inspection.visits.models import OccupantMet, Photo, Visit
from storage.holds.models import HoldScope
from storage.holds.reach import Cover, Locate
from storage.objects.models import StoredObject
from storage.retention.classes import Described, Removed, RowRetention, Tools
from storage.retention.ground import destroy_objects
from storage.rules.values import RuleDefault

LIMITATION = 731  # the longest two years
LIMITATION_LAW = "行政处罚法 36：追责时效二年"
CASES = RuleDefault(
    "retention.case_days", LIMITATION, "calendar_day", LIMITATION_LAW + "，自结案起；须由法律顾问确认",
    LIMITATION, LIMITATION_LAW,
)  # fmt: skip
BANNED = RuleDefault(
    "retention.substantiated_case_days", 1827 + LIMITATION, "calendar_day",
    "公共租赁住房管理办法 35、36：五年内不得再次申请，加行政处罚法 36 的二年；须由法律顾问确认",
    LIMITATION, LIMITATION_LAW,
)  # fmt: skip
RULES = (CASES, BANNED)


async def objects_of(session: AsyncSession, case_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Photographs of visits, pictures that the frozen evidence keeps, proofs of service, documents."""
    found = await _own_objects(session, case_ids)
    leads = select(Case.lead_id).where(Case.id.in_(case_ids))
    for evidence in await session.scalars(select(Lead.evidence).where(Lead.id.in_(leads))):
        found.update(uuid.UUID(one) for one in (evidence or {}).get("pictures_kept", ()))
    return await _there(session, found)


async def _own_objects(session: AsyncSession, case_ids: Sequence[uuid.UUID]) -> set[uuid.UUID]:
    leads = select(Case.lead_id).where(Case.id.in_(case_ids))
    found = set(
        await session.scalars(
            select(Photo.object_id)
            .join(Visit, Visit.id == Photo.visit_id)
            .where(or_(Visit.case_id.in_(case_ids), Visit.lead_id.in_(leads)))
        )
    )
    proofs = select(Service.photo_object_id).join(Measure).where(Measure.case_id.in_(case_ids))
    found.update(one for one in await session.scalars(proofs) if one is not None)
    papers = select(Document.object_id).where(Document.case_id.in_(case_ids))
    found.update(one for one in await session.scalars(papers) if one is not None)
    return found


async def _there(session: AsyncSession, found: set[uuid.UUID]) -> list[uuid.UUID]:
    there = select(StoredObject.id).where(StoredObject.id.in_(found), StoredObject.destroyed_at.is_(None))
    return list(await session.scalars(there.order_by(StoredObject.id)))


async def destroy_cases(session: AsyncSession, ids: Sequence[uuid.UUID], tools: Tools, now: datetime) -> Removed:
    """The case as a whole; the audit log keeps that it was there and what was done.

    A picture that another lead keeps too stays with that one.
    """
    leads = (await session.scalars(select(Case.lead_id).where(Case.id.in_(ids)))).all()
    going = await _own_objects(session, ids) | set(await pictures_of(session, leads))
    count, size = await destroy_objects(session, await _there(session, going), tools, now)
    rows = await session.scalar(select(func.ruhu_destroy_cases(list(ids))))
    return Removed(ids=ids, rows=int(rows or 0), objects=count, bytes=size)


async def widen(session: AsyncSession, cover: Cover) -> Cover:
    """A held case holds its household and flat; a held household or flat holds its cases; all hold their papers."""
    if cover.cases:
        rows = (await session.execute(select(Case.household_id, Case.unit_id).where(cover.any_of(cases=Case.id)))).all()
        cover = cover.widened(households=[row[0] for row in rows], units=[row[1] for row in rows])
    if not (cover.cases or cover.households or cover.units):
        return cover
    cases = list(
        await session.scalars(
            select(Case.id).where(cover.any_of(cases=Case.id, households=Case.household_id, units=Case.unit_id))
        )
    )
    return cover.widened(cases=cases, objects=await objects_of(session, cases))


async def locate(session: AsyncSession, case_id: uuid.UUID) -> uuid.UUID | None:
    """The estate of a case in scope."""
    found: uuid.UUID | None = await session.scalar(select(Case.estate_id).where(Case.id == case_id))
    return found


LOCATE: dict[HoldScope, Locate] = {HoldScope.CASE: locate}


def held(cover: Cover) -> ColumnElement[bool]:
    """Of a held flat or household; with a visit at which somebody held was met; or that shows a held picture."""
    direct = cover.any_of(estates=Case.estate_id, cases=Case.id, households=Case.household_id, units=Case.unit_id)
    met = exists().where(
        OccupantMet.visit_id == Visit.id, cover.any_of(people=OccupantMet.person_id),
        or_(Visit.case_id == Case.id, Visit.lead_id == Case.lead_id),
    )  # fmt: skip
    shown = exists().where(Lead.id == Case.lead_id, shows_held(cover))
    return or_(direct, *([met] if cover.people else []), *([shown] if cover.objects else []))


def _class(code: str, zh: str, en: str, rule: RuleDefault, *, substantiated: bool) -> RowRetention:
    return RowRetention(
        described=Described(code, zh, en, "结案之时", "when it was closed", rule),
        key=Case.id, clock=Case.closed_at, estate=Case.estate_id,
        where=lambda _: Case.violation.is_not(None) if substantiated else Case.violation.is_(None),
        held=held,
        act=destroy_cases, locks=False,
    )  # fmt: skip


CLASSES: tuple[RowRetention, ...] = (
    _class("cases", "未认定违规的案件", "cases without a violation found", CASES, substantiated=False),
    _class("cases.substantiated", "认定违规的案件", "cases with a violation found", BANNED, substantiated=True),
)
