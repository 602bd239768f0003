"""Which flats have something open, from the gate side and from the office: the one list that joins both."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, NamedTuple

import msgspec
from sqlalchemy import Row, and_, case, func, literal, or_, select, tuple_, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.occupancy.models import Discrepancy
from gate_integration.occupancy.store import may_be_read
from inspection.leads.models import Lead
from inspection.leads.queries import STANDING
from inspection.registry.places.models import Building, Entrance, Estate, HousingUnit
from inspection.visits.models import Visit, VisitStatus
from storage.fields import Aware


class Severity(StrEnum):
    """A prompt asks somebody to register or explain, a lead for a visit. Neither decides anything."""

    PROMPT = "prompt"
    LEAD = "lead"


RANK = {Severity.LEAD: 2, Severity.PROMPT: 1}
Flag = Row[uuid.UUID, int, datetime, uuid.UUID, str, str, str, str, str]


class AfterFlag(NamedTuple):
    """The sort key of the list."""

    rank: Annotated[int, msgspec.Meta(ge=1, le=2)]
    since: Aware
    unit_id: uuid.UUID


async def page(
    session: AsyncSession,
    *,
    estate_id: uuid.UUID | None,
    severity: Severity | None,
    after: AfterFlag | None,
    limit: int,
    on: date,
) -> Sequence[Flag]:
    """(unit, rank, since, estate id, estate, building, entrance, room, code): severest first, then oldest."""
    flags = union_all(
        select(
            Discrepancy.unit_id.label("unit_id"),
            case((Discrepancy.severity == Severity.LEAD, RANK[Severity.LEAD]), else_=RANK[Severity.PROMPT]).label(
                "rank"
            ),
            Discrepancy.first_flagged_at.label("since"),
        ).where(Discrepancy.cleared_at.is_(None), may_be_read(on)),
        select(Lead.unit_id, literal(RANK[Severity.LEAD]), Lead.created_at).where(Lead.status.in_(STANDING)),
    ).subquery()
    rank, since = func.max(flags.c.rank), func.min(flags.c.since)
    query = (
        select(
            HousingUnit.id, rank, since, HousingUnit.estate_id, Estate.name, Building.name, Entrance.name,
            HousingUnit.room_no, HousingUnit.code,
        )
        .select_from(flags)
        .join(HousingUnit, HousingUnit.id == flags.c.unit_id)
        .join(Estate, Estate.id == HousingUnit.estate_id)
        .join(Building, Building.id == HousingUnit.building_id)
        .join(Entrance, Entrance.id == HousingUnit.entrance_id)
        .group_by(HousingUnit.id, Estate.name, Building.name, Entrance.name)
        .order_by(rank.desc(), since, HousingUnit.id)
        .limit(limit)
    )  # fmt: skip
    if estate_id is not None:
        query = query.where(HousingUnit.estate_id == estate_id)
    if severity is not None:
        query = query.having(rank == RANK[severity])
    if after is not None:
        query = query.having(
            or_(
                rank < after.rank,
                and_(rank == after.rank, tuple_(since, HousingUnit.id) > (after.since, after.unit_id)),
            )
        )
    rows: Sequence[Flag] = (await session.execute(query)).all()
    return rows


async def leads(session: AsyncSession, unit_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[Lead]]:
    """The leads of some flats that wait or are being worked on, newest first."""
    found: dict[uuid.UUID, list[Lead]] = {}
    rows = await session.scalars(
        select(Lead).where(Lead.unit_id.in_(unit_ids), Lead.status.in_(STANDING)).order_by(Lead.created_at.desc())
    )
    for row in rows:
        found.setdefault(row.unit_id, []).append(row)
    return found


async def last_visits(session: AsyncSession, unit_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, Visit]:
    """The visit that was last made to each of some flats."""
    rows = await session.scalars(
        select(Visit)
        .where(Visit.unit_id.in_(unit_ids), Visit.status == VisitStatus.DONE)
        .ext(distinct_on(Visit.unit_id))
        .order_by(Visit.unit_id, Visit.done_at.desc())
    )
    return {row.unit_id: row for row in rows}


def why(discrepancies: Sequence[dict[str, Any]], standing: Sequence[Lead]) -> tuple[str, str]:
    """In one paragraph, in Chinese and English: the severest newest discrepancy, else the newest lead."""
    ranked = sorted(discrepancies, key=lambda found: found["severity"] != Severity.LEAD)
    if ranked:
        return ranked[0]["explanation_zh"], ranked[0]["explanation_en"]
    return (standing[0].summary_zh, standing[0].summary_en) if standing else ("", "")
