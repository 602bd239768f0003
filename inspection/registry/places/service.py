"""Estates and their units: made, looked up. A change has its audit row in the same transaction."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.constraints import flush
from inspection.registry.history.models import Change, Kind
from inspection.registry.history.service import note
from inspection.registry.places import queries
from inspection.registry.places.boundaries import checked_division
from inspection.registry.places.errors import BadUnit, OutsideGrant, RoomTaken, UnitCodeTaken
from inspection.registry.places.models import Building, Entrance, Estate, FundingType, HousingUnit, UnitStatus
from storage.audit.service import Actor, record
from storage.ids import new_id
from storage.problems import NotFound
from storage.vault.service import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class NewUnit:
    """A unit to be added; building and entrance are named, and made when they are new."""

    building: str
    entrance: str
    code: str
    room_no: str
    floor: int
    max_people: int
    status: UnitStatus = UnitStatus.VACANT
    id: uuid.UUID = field(default_factory=new_id)


async def create_estate(
    session: AsyncSession,
    *,
    vault: Vault,
    name: str,
    division_code: str,
    funding_type: FundingType,
    geofence: dict[str, Any] | None,
    actor: Actor,
    now: datetime,
) -> Estate:
    """Makes an estate and its vault key; the transaction's scope comes to include it.

    `geofence` comes from `boundaries.checked_geofence`. Raises `BadDivisionCode`, and `OutsideGrant` when the user
    does not administer the division.
    """
    checked_division(division_code)
    if actor.user_id is not None and not await queries.administers(
        session, user_id=actor.user_id, division_code=division_code
    ):
        raise OutsideGrant
    estate = Estate(
        id=new_id(), name=name, division_code=division_code, funding_type=funding_type, geofence=geofence,
        created_at=now,
    )  # fmt: skip
    await queries.widen_scope(session, estate_id=estate.id)
    session.add(estate)
    await session.flush()
    await vault.estate_key(session, estate_id=estate.id, now=now)
    record(session, at=now, actor=actor, action="estate.create", object_kind="estate", object_id=estate.id,
           estate_id=estate.id, division_code=division_code)  # fmt: skip
    return estate


async def get_estate(session: AsyncSession, *, estate_id: uuid.UUID) -> Estate:
    """An estate in scope. Raises `NotFound`."""
    found = await queries.estate(session, estate_id=estate_id)
    if found is None:
        raise NotFound("没有这个小区", "No such estate")
    return found


async def get_unit(session: AsyncSession, *, unit_id: uuid.UUID) -> queries.UnitRow:
    """A unit in scope. Raises `NotFound`."""
    found = await queries.unit(session, unit_id=unit_id)
    if found is None:
        raise NotFound("没有这套房源", "No such housing unit")
    return found


async def add_units(
    session: AsyncSession, *, estate_id: uuid.UUID, units: Sequence[NewUnit], actor: Actor, now: datetime
) -> list[queries.UnitRow]:
    """Adds units to an estate, with the buildings and entrances that are new. All or none.

    Raises `NotFound`, `BadUnit`, `UnitCodeTaken`, `RoomTaken`.
    """
    await get_estate(session, estate_id=estate_id)
    for unit in units:
        check_unit(unit)
    entrance_ids = await ensure_entrances(
        session, estate_id=estate_id, places=[(u.building, u.entrance) for u in units]
    )
    added = []
    for unit in units:
        building_id, entrance_id = entrance_ids[unit.building, unit.entrance]
        row = HousingUnit(
            id=unit.id, estate_id=estate_id, building_id=building_id, entrance_id=entrance_id, code=unit.code,
            room_no=unit.room_no, floor=unit.floor, max_people=unit.max_people, status=unit.status,
        )  # fmt: skip
        added.append(queries.UnitRow(row, unit.building, unit.entrance))
    session.add_all(row.unit for row in added)
    await flush(
        session,
        {
            "uq_housing_unit_estate_id_code": UnitCodeTaken(),
            "uq_housing_unit_entrance_id_room_no": RoomTaken(),
        },
    )
    for unit_row in added:
        made = unit_row.unit
        note(session, estate_id=estate_id, kind=Kind.UNIT, change=Change.ADDED, record_id=made.id, unit_id=made.id,
             after={"floor": made.floor, "max_people": made.max_people}, actor=actor, now=now)  # fmt: skip
    record(session, at=now, actor=actor, action="units.add", object_kind="estate", object_id=estate_id,
           estate_id=estate_id, count=len(added))  # fmt: skip
    return added


def check_unit(unit: NewUnit) -> None:
    """Raises `BadUnit` when a unit has no name, or a floor or capacity that no building has."""
    if not all((unit.building, unit.entrance, unit.code, unit.room_no)):
        raise BadUnit("楼栋、单元、房号、房源编号不能为空", "Building, entrance, room and code must not be empty")
    if not -10 <= unit.floor <= 200:
        raise BadUnit("楼层应在-10至200之间", "A floor lies between -10 and 200")
    if not 1 <= unit.max_people <= 50:
        raise BadUnit("最多居住人数应在1至50之间", "A unit holds 1 to 50 people")


async def ensure_entrances(
    session: AsyncSession, *, estate_id: uuid.UUID, places: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], tuple[uuid.UUID, uuid.UUID]]:
    """Building and entrance ids of the named pairs (building, entrance); what is missing is made."""
    wanted = list(dict.fromkeys(places))
    building_ids = await queries.buildings(session, estate_id=estate_id)
    for name in dict.fromkeys(building for building, _ in wanted):
        if name not in building_ids:
            building_ids[name] = new_id()
            session.add(Building(id=building_ids[name], estate_id=estate_id, name=name))
    await session.flush()
    known = await queries.entrances(session, estate_id=estate_id)
    found: dict[tuple[str, str], tuple[uuid.UUID, uuid.UUID]] = {}
    for building, entrance in wanted:
        building_id = building_ids[building]
        entrance_id = known.get((building_id, entrance))
        if entrance_id is None:
            entrance_id = new_id()
            session.add(Entrance(id=entrance_id, estate_id=estate_id, building_id=building_id, name=entrance))
        found[building, entrance] = (building_id, entrance_id)
    await session.flush()
    return found
