"""Every SQL statement about the register's history."""

import uuid
from collections.abc import Sequence

from sqlalchemy import ColumnElement, Row, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.history.models import Kind, RegisterChange
from inspection.registry.households.models import GuestStay, HouseholdMember, Person
from inspection.registry.imports.models import RegistryImport

Changed = Row[RegisterChange, Person, str]


async def of_household(
    session: AsyncSession, *, household_id: uuid.UUID, after: uuid.UUID | None, limit: int
) -> Sequence[Changed]:
    """Changes of a household, its people, leases and guests, newest first."""
    people = (
        select(HouseholdMember.person_id)
        .where(HouseholdMember.household_id == household_id)
        .union(select(GuestStay.person_id).where(GuestStay.household_id == household_id))
    )
    own = RegisterChange.household_id == household_id
    details = (RegisterChange.kind == Kind.PERSON) & RegisterChange.person_id.in_(people)
    return await changes(session, or_(own, details), after=after, limit=limit)


async def of_unit(
    session: AsyncSession, *, unit_id: uuid.UUID, after: uuid.UUID | None, limit: int
) -> Sequence[Changed]:
    """Changes of a unit and of its leases, newest first."""
    return await changes(session, RegisterChange.unit_id == unit_id, after=after, limit=limit)


async def changes(
    session: AsyncSession, which: ColumnElement[bool], *, after: uuid.UUID | None, limit: int
) -> Sequence[Changed]:
    """Changes with the people and the files they are about."""
    query = (
        select(RegisterChange, Person, RegistryImport.name)
        .outerjoin(Person, Person.id == RegisterChange.person_id)
        .outerjoin(RegistryImport, RegistryImport.id == RegisterChange.import_id)
        .where(which)
        .order_by(RegisterChange.id.desc())
        .limit(limit)
    )
    if after is not None:
        query = query.where(RegisterChange.id < after)
    return (await session.execute(query)).all()
