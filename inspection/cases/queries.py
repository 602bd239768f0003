"""SQL about cases. Row-level security keeps every statement within the session's estates."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Row, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases.models import (
    Case,
    CaseEvidence,
    CaseNumber,
    CaseStep,
    Deadline,
    EvidenceReview,
    Measure,
    Representation,
    Service,
)
from inspection.registry.households.models import HouseholdMember, Person
from inspection.registry.places.models import Building, Entrance, Estate, HousingUnit
from inspection.visits.models import Photo, Visit


async def case(session: AsyncSession, case_id: uuid.UUID, *, lock: bool = False) -> Case | None:
    """A case in scope; `lock` keeps others from changing it until the transaction ends."""
    return await session.get(Case, case_id, with_for_update=lock or None, populate_existing=lock)


async def next_number(session: AsyncSession, *, district: str, year: int) -> int:
    """The next running number of a district and year; the row is locked until the transaction ends: no gap, no twin."""
    statement = (
        insert(CaseNumber)
        .values(district=district, year=year, last=1)
        .on_conflict_do_update(index_elements=["district", "year"], set_={"last": CaseNumber.last + 1})
        .returning(CaseNumber.last)
    )
    return (await session.execute(statement)).scalar_one()


async def steps(session: AsyncSession, case_id: uuid.UUID) -> Sequence[CaseStep]:
    """The steps of a case in order."""
    return (
        await session.scalars(select(CaseStep).where(CaseStep.case_id == case_id).order_by(CaseStep.position))
    ).all()


async def evidence(session: AsyncSession, case_id: uuid.UUID) -> list[tuple[CaseEvidence, bool | None]]:
    """The evidence of a case in order, each with what its newest review says."""
    items = (
        await session.scalars(
            select(CaseEvidence).where(CaseEvidence.case_id == case_id).order_by(CaseEvidence.added_at, CaseEvidence.id)
        )
    ).all()
    reviews = await session.execute(
        select(EvidenceReview.evidence_id, EvidenceReview.admissible)
        .where(EvidenceReview.evidence_id.in_([item.id for item in items]))
        .order_by(EvidenceReview.reviewed_at, EvidenceReview.id)
    )
    newest: dict[uuid.UUID, bool] = {evidence_id: admissible for evidence_id, admissible in reviews}  # noqa: C416
    return [(item, newest.get(item.id)) for item in items]


async def measures(session: AsyncSession, case_id: uuid.UUID) -> Sequence[Measure]:
    """The documents of a case, oldest first."""
    return (
        await session.scalars(select(Measure).where(Measure.case_id == case_id).order_by(Measure.issued_at, Measure.id))
    ).all()


async def services(session: AsyncSession, measure_ids: Sequence[uuid.UUID]) -> Sequence[Service]:
    """The services of some documents, oldest first."""
    return (
        await session.scalars(
            select(Service).where(Service.measure_id.in_(measure_ids)).order_by(Service.effective_at, Service.id)
        )
    ).all()


async def representations(session: AsyncSession, case_id: uuid.UUID) -> Sequence[Representation]:
    """What was said in a case, oldest first."""
    return (
        await session.scalars(
            select(Representation)
            .where(Representation.case_id == case_id)
            .order_by(Representation.recorded_at, Representation.id)
        )
    ).all()


async def deadlines(session: AsyncSession, case_id: uuid.UUID) -> Sequence[Deadline]:
    """The deadlines of a case in the order in which they were set."""
    return (await session.scalars(select(Deadline).where(Deadline.case_id == case_id).order_by(Deadline.id))).all()


async def provisional_deadlines(session: AsyncSession) -> Sequence[Row[Deadline, str]]:
    """(deadline, division code) of all that wait for a calendar."""
    return (
        await session.execute(
            select(Deadline, Estate.division_code)
            .join(Estate, Estate.id == Deadline.estate_id)
            .where(Deadline.provisional, Deadline.met_at.is_(None))
            .order_by(Deadline.id)
            .with_for_update(of=Deadline)
        )
    ).all()


async def overdue(session: AsyncSession, *, kinds: Sequence[str], now: datetime) -> Sequence[Deadline]:
    """Deadlines of some kinds that have certainly passed, are not met, and nobody was warned of."""
    return (
        await session.scalars(
            select(Deadline)
            .where(
                Deadline.kind.in_(kinds),
                Deadline.due_at <= now,
                Deadline.met_at.is_(None),
                Deadline.warned_at.is_(None),
                Deadline.provisional.is_(False),
            )
            .order_by(Deadline.due_at, Deadline.id)
            .with_for_update(skip_locked=True)
        )
    ).all()


async def address(session: AsyncSession, unit_id: uuid.UUID) -> str:
    """The address of a flat as it is written."""
    row = (
        await session.execute(
            select(Estate.name, Building.name, Entrance.name, HousingUnit.room_no)
            .select_from(HousingUnit)
            .join(Estate, Estate.id == HousingUnit.estate_id)
            .join(Building, Building.id == HousingUnit.building_id)
            .join(Entrance, Entrance.id == HousingUnit.entrance_id)
            .where(HousingUnit.id == unit_id)
        )
    ).one()
    return f"{row[0]}{row[1]}{row[2]}{row[3]}室"


async def tenants(session: AsyncSession, *, household_id: uuid.UUID, on: date) -> list[str]:
    """The names of the tenant and co-tenants on a day."""
    return list(
        await session.scalars(
            select(Person.name)
            .join(HouseholdMember, HouseholdMember.person_id == Person.id)
            .where(
                HouseholdMember.household_id == household_id,
                HouseholdMember.role.in_(["tenant", "co_tenant"]),
                HouseholdMember.valid_from <= on,
                or_(HouseholdMember.valid_to.is_(None), HouseholdMember.valid_to >= on),
            )
            .order_by(HouseholdMember.role.desc(), Person.id)
        )
    )


async def page(
    session: AsyncSession,
    *,
    state: str | None,
    estate_id: uuid.UUID | None,
    household_id: uuid.UUID | None,
    before: tuple[datetime, uuid.UUID] | None,
    limit: int,
) -> Sequence[Case]:
    """Up to `limit` cases, newest first."""
    query = select(Case).order_by(Case.opened_at.desc(), Case.id.desc()).limit(limit)
    if state is not None:
        query = query.where(Case.state == state)
    if estate_id is not None:
        query = query.where(Case.estate_id == estate_id)
    if household_id is not None:
        query = query.where(Case.household_id == household_id)
    if before is not None:
        query = query.where(tuple_(Case.opened_at, Case.id) < before)
    return (await session.scalars(query)).all()


async def count_measures(session: AsyncSession, *, case_id: uuid.UUID, kind: str) -> int:
    """How many documents of a kind a case has."""
    return (
        await session.scalar(
            select(func.count()).select_from(Measure).where(Measure.case_id == case_id, Measure.kind == kind)
        )
    ) or 0


async def newest_reviews(session: AsyncSession, evidence_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, EvidenceReview]:
    """The newest review of each piece of evidence that has one."""
    rows = await session.scalars(
        select(EvidenceReview)
        .where(EvidenceReview.evidence_id.in_(evidence_ids))
        .order_by(EvidenceReview.reviewed_at, EvidenceReview.id)
    )
    return {row.evidence_id: row for row in rows}


async def measures_of(session: AsyncSession, document_id: uuid.UUID) -> Sequence[Measure]:
    """What rests on a document."""
    return (await session.scalars(select(Measure).where(Measure.document_id == document_id))).all()


async def names(session: AsyncSession, person_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, str]:
    """The names of people in scope."""
    rows = await session.execute(select(Person.id, Person.name).where(Person.id.in_(person_ids)))
    return {person_id: name for person_id, name in rows}  # noqa: C416


async def photo_digest(session: AsyncSession, *, object_id: uuid.UUID) -> str | None:
    """SHA-256 of the photograph that is stored as an object."""
    found: bytes | None = await session.scalar(select(Photo.body_digest).where(Photo.object_id == object_id))
    return None if found is None else found.hex()


async def photo_object(session: AsyncSession, *, photo_id: uuid.UUID, household_id: uuid.UUID) -> uuid.UUID | None:
    """The stored object of a photo that was taken at a visit to a household."""
    found: uuid.UUID | None = await session.scalar(
        select(Photo.object_id)
        .join(Visit, Visit.id == Photo.visit_id)
        .where(Photo.id == photo_id, Visit.household_id == household_id)
    )
    return found
