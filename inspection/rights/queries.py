"""Every statement about requests, and about what is so with the person who asks."""

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases.models import Case
from inspection.registry.households.models import GuestStay, HouseholdMember, Lease, Person, ServiceWorker
from inspection.rights.grounds import Situation
from inspection.rights.models import Kind, RightsRequest, State

UNFINISHED = (State.APPROVED, State.PARTLY_DONE)


async def locked(session: AsyncSession, request_id: uuid.UUID) -> RightsRequest | None:
    """A request, locked."""
    return await session.get(RightsRequest, request_id, with_for_update=True, populate_existing=True)


async def page(
    session: AsyncSession,
    *,
    kind: Kind | None,
    state: State | None,
    person_id: uuid.UUID | None,
    lead_id: uuid.UUID | None,
    after: uuid.UUID | None,
    limit: int,
) -> Sequence[RightsRequest]:
    """Requests in scope, newest first."""
    query = select(RightsRequest).order_by(RightsRequest.id.desc()).limit(limit)
    for column, value in (
        (RightsRequest.kind, kind), (RightsRequest.state, state), (RightsRequest.person_id, person_id),
        (RightsRequest.lead_id, lead_id),
    ):  # fmt: skip
        if value is not None:
            query = query.where(column == value)
    if after is not None:
        query = query.where(RightsRequest.id < after)
    return (await session.scalars(query)).all()


async def others_open(session: AsyncSession, *, person_id: uuid.UUID) -> bool:
    """Whether a correction or an objection of the person waits."""
    return bool(
        await session.scalar(
            select(
                exists().where(
                    RightsRequest.person_id == person_id,
                    RightsRequest.kind != Kind.ERASURE,
                    RightsRequest.state == State.OPEN,
                )
            )
        )
    )


async def to_carry_out(session: AsyncSession) -> Sequence[uuid.UUID]:
    """Erasures that a person approved and that are not wholly done, oldest first."""
    return (
        await session.scalars(
            select(RightsRequest.id)
            .where(RightsRequest.kind == Kind.ERASURE, RightsRequest.state.in_(UNFINISHED))
            .order_by(RightsRequest.id)
        )
    ).all()


async def of_person(session: AsyncSession, *, person_id: uuid.UUID) -> Sequence[RightsRequest]:
    """All requests of a person, oldest first."""
    return (
        await session.scalars(
            select(RightsRequest).where(RightsRequest.person_id == person_id).order_by(RightsRequest.id)
        )
    ).all()


async def person(session: AsyncSession, *, person_id: uuid.UUID) -> Person | None:
    """A person in scope, erased or not, locked."""
    return await session.get(Person, person_id, with_for_update=True)


async def situation(session: AsyncSession, *, person_id: uuid.UUID, on: date, held: bool) -> Situation:
    """What is so with a person on a day (Asia/Shanghai)."""
    homes = select(HouseholdMember.household_id).where(HouseholdMember.person_id == person_id)
    current = select(HouseholdMember.household_id).where(
        HouseholdMember.person_id == person_id, _runs(HouseholdMember.valid_to.expression, on)
    )
    checks: dict[str, ColumnElement[bool]] = {
        "lease_runs": exists().where(Lease.household_id.in_(current), _runs(Lease.valid_to.expression, on)),
        "stay_runs": exists().where(
            GuestStay.person_id == person_id, GuestStay.cancelled_at.is_(None), GuestStay.valid_to >= on
        ),
        "work_runs": exists().where(ServiceWorker.person_id == person_id, _runs(ServiceWorker.valid_to.expression, on)),
        "case_open": exists().where(Case.household_id.in_(homes), Case.closed_at.is_(None)),
    }
    row = (await session.execute(select(*(check.label(name) for name, check in checks.items())))).one()
    return Situation(**dict(zip(checks, row, strict=True)), held=held)


def _runs(last: ColumnElement[date | None], on: date) -> ColumnElement[bool]:
    return or_(last.is_(None), last >= on)
