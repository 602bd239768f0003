"""Every SQL statement about places. What is out of scope is not there: row-level security decides."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Row, Select, func, literal, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.places.models import Building, Entrance, Estate, HousingUnit
from inspection.users.models import ScopeLevel, UserGrant, UserRole

BY_DIVISION = (ScopeLevel.DISTRICT, ScopeLevel.STREET, ScopeLevel.COMMUNITY)


@dataclass(frozen=True, slots=True)
class UnitRow:
    """A unit with the names of its building and entrance."""

    unit: HousingUnit
    building: str
    entrance: str


async def estate_ids(session: AsyncSession) -> Sequence[uuid.UUID]:
    """Every estate in scope."""
    return (await session.scalars(select(Estate.id).order_by(Estate.id))).all()


async def administers(session: AsyncSession, *, user_id: uuid.UUID, division_code: str) -> bool:
    """Whether a user administers the division: a new estate has no id yet by which the scope could tell."""
    covering = or_(
        UserGrant.level == ScopeLevel.ALL,
        UserGrant.level.in_(BY_DIVISION) & (UserGrant.code != "") & literal(division_code).startswith(UserGrant.code),
    )
    found = await session.scalar(
        select(func.count())
        .select_from(UserGrant)
        .where(
            UserGrant.user_id == user_id,
            UserGrant.role == UserRole.ADMINISTRATOR,
            UserGrant.revoked_at.is_(None),
            covering,
        )
    )
    return bool(found)


async def widen_scope(session: AsyncSession, *, estate_id: uuid.UUID) -> None:
    """Adds an estate to this transaction's scope: the one that is about to be made."""
    await session.execute(
        text("SELECT set_config('ruhu.estates', array_append(ruhu_estates(), CAST(:id AS uuid))::text, true)"),
        {"id": estate_id},
    )


async def estate(session: AsyncSession, *, estate_id: uuid.UUID) -> Estate | None:
    """An estate."""
    return await session.get(Estate, estate_id)


async def estates(
    session: AsyncSession, *, text_filter: str | None, after: uuid.UUID | None, limit: int
) -> Sequence[Estate]:
    """Estates in scope in order of creation, from after a given one."""
    query = select(Estate).order_by(Estate.id).limit(limit)
    if text_filter:
        query = query.where(
            Estate.name.icontains(text_filter, autoescape=True)
            | Estate.division_code.startswith(text_filter, autoescape=True)
        )
    if after is not None:
        query = query.where(Estate.id > after)
    return (await session.scalars(query)).all()


def units_with_names() -> Select[HousingUnit, str, str]:
    """Units joined with their building's and entrance's names."""
    return (
        select(HousingUnit, Building.name, Entrance.name)
        .join(Building, Building.id == HousingUnit.building_id)
        .join(Entrance, Entrance.id == HousingUnit.entrance_id)
    )


async def unit(session: AsyncSession, *, unit_id: uuid.UUID) -> UnitRow | None:
    """A unit."""
    row = (await session.execute(units_with_names().where(HousingUnit.id == unit_id))).one_or_none()
    return None if row is None else unit_row(row)


async def units(
    session: AsyncSession,
    *,
    estate_id: uuid.UUID,
    building: str | None,
    text_filter: str | None,
    after: str | None,
    limit: int,
) -> list[UnitRow]:
    """Units of an estate in order of their codes, from after a given code; `text_filter` looks at code and room."""
    query = units_with_names().where(HousingUnit.estate_id == estate_id).order_by(HousingUnit.code).limit(limit)
    if building:
        query = query.where(Building.name == building)
    if text_filter:
        query = query.where(
            HousingUnit.code.icontains(text_filter, autoescape=True)
            | HousingUnit.room_no.icontains(text_filter, autoescape=True)
        )
    if after is not None:
        query = query.where(HousingUnit.code > after)
    return [unit_row(row) for row in await session.execute(query)]


def unit_row(row: Row[HousingUnit, str, str]) -> UnitRow:
    """A row of `units_with_names`."""
    found, building, entrance = row
    return UnitRow(found, building, entrance)


async def buildings(session: AsyncSession, *, estate_id: uuid.UUID) -> dict[str, uuid.UUID]:
    """The buildings of an estate by name."""
    rows = await session.execute(select(Building.name, Building.id).where(Building.estate_id == estate_id))
    return {name: building_id for name, building_id in rows}  # noqa: C416


async def entrances(session: AsyncSession, *, estate_id: uuid.UUID) -> dict[tuple[uuid.UUID, str], uuid.UUID]:
    """The entrances of an estate by building and name."""
    rows = await session.execute(
        select(Entrance.building_id, Entrance.name, Entrance.id).where(Entrance.estate_id == estate_id)
    )
    return {(building_id, name): entrance_id for building_id, name, entrance_id in rows}
