"""SQL for the list of problems, many cases at once."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Date, Row, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases.deadlines import DeadlineKind
from inspection.cases.models import Case, CaseEvidence, CaseStep, Deadline, Measure
from inspection.cases.schemas import MeasureKind
from inspection.cases.vocabulary import Action, EvidenceKind, State
from inspection.leads.models import Lead
from inspection.registry.households.models import HouseholdMember, Person
from inspection.registry.places.models import Building, Entrance, Estate, HousingUnit
from inspection.users.models import User
from storage.clock import SHANGHAI


@dataclass(frozen=True, slots=True)
class Substantiated:
    """A case with its place, where it came from, when it was first substantiated, and who answers for it."""

    case: Case
    building: str
    entrance: str
    room_no: str
    source: str
    found_at: datetime
    responsible: str


async def estates(session: AsyncSession, estate_ids: Sequence[uuid.UUID]) -> Sequence[Estate]:
    """Those of the estates that are in scope; all in scope when none is named."""
    query = select(Estate)
    if estate_ids:
        query = query.where(Estate.id.in_(estate_ids))
    return (await session.scalars(query)).all()


async def substantiated(
    session: AsyncSession,
    *,
    estate_ids: Sequence[uuid.UUID],
    found_from: date | None,
    found_to: date | None,
    states: Sequence[State],
    limit: int,
) -> list[Substantiated]:
    """Up to `limit` cases that a person has substantiated, by the day on which that was."""
    found = (
        select(CaseStep.case_id, func.min(CaseStep.at).label("at"))
        .where(CaseStep.action == Action.SUBSTANTIATE)
        .group_by(CaseStep.case_id)
        .subquery()
    )
    query = (
        select(Case, Building.name, Entrance.name, HousingUnit.room_no, Lead.source, found.c.at, User.name)
        .join(found, found.c.case_id == Case.id)
        .join(HousingUnit, HousingUnit.id == Case.unit_id)
        .join(Building, Building.id == HousingUnit.building_id)
        .join(Entrance, Entrance.id == HousingUnit.entrance_id)
        .join(Lead, Lead.id == Case.lead_id)
        .join(User, User.id == Case.opened_by)
        .where(Case.violation.is_not(None))
        .order_by(found.c.at, Case.id)
        .limit(limit)
    )
    if estate_ids:
        query = query.where(Case.estate_id.in_(estate_ids))
    if states:
        query = query.where(Case.state.in_(states))
    on = cast(func.timezone(SHANGHAI.key, found.c.at), Date)
    if found_from is not None:
        query = query.where(on >= found_from)
    if found_to is not None:
        query = query.where(on <= found_to)
    return [Substantiated(*row) for row in await session.execute(query)]


async def tenants(
    session: AsyncSession, household_ids: Sequence[uuid.UUID], *, on: date
) -> Sequence[Row[uuid.UUID, str]]:
    """(household, name) of the tenants and co-tenants on a day."""
    return (
        await session.execute(
            select(HouseholdMember.household_id, Person.name)
            .join(Person, Person.id == HouseholdMember.person_id)
            .where(
                HouseholdMember.household_id.in_(household_ids),
                HouseholdMember.role.in_(["tenant", "co_tenant"]),
                HouseholdMember.valid_from <= on,
                or_(HouseholdMember.valid_to.is_(None), HouseholdMember.valid_to >= on),
            )
            .order_by(HouseholdMember.role.desc(), Person.id)
        )
    ).all()


async def newest_orders(session: AsyncSession, case_ids: Sequence[uuid.UUID]) -> list[tuple[uuid.UUID, str]]:
    """(case, number) of orders, the newest of a case last."""
    rows = await session.execute(
        select(Measure.case_id, Measure.number)
        .where(Measure.case_id.in_(case_ids), Measure.kind == MeasureKind.ORDER)
        .order_by(Measure.issued_at, Measure.id)
    )
    return [(case_id, number) for case_id, number in rows]


async def statements(session: AsyncSession, case_ids: Sequence[uuid.UUID]) -> list[tuple[uuid.UUID, str]]:
    """(case, what the officers found), the newest of a case last."""
    rows = await session.execute(
        select(CaseEvidence.case_id, CaseEvidence.description)
        .where(CaseEvidence.case_id.in_(case_ids), CaseEvidence.kind == EvidenceKind.VISIT)
        .order_by(CaseEvidence.added_at, CaseEvidence.id)
    )
    return [(case_id, text) for case_id, text in rows]


async def rectification(session: AsyncSession, case_ids: Sequence[uuid.UUID]) -> Sequence[Deadline]:
    """The deadlines of rectification, the newest of a case last."""
    return (
        await session.scalars(
            select(Deadline)
            .where(Deadline.case_id.in_(case_ids), Deadline.kind == DeadlineKind.RECTIFICATION)
            .order_by(Deadline.id)
        )
    ).all()
