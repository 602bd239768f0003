"""Estates and their housing units."""

import uuid
from typing import Annotated

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody

from api.access import Work, requires
from api.paging import AfterId, AfterText, Cursor, Limit, Page, decode_cursor, paged
from api.parameters import Text
from inspection.registry.places import queries, service
from inspection.registry.places.schemas import EstateInput, EstateView, UnitInput, UnitView
from inspection.users.models import UserRole

READERS = requires(UserRole.INSPECTOR, UserRole.MANAGER, UserRole.AUDITOR, UserRole.ADMINISTRATOR)
ADMINISTRATORS = requires(UserRole.ADMINISTRATOR)


class UnitsInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units to be added together: all or none."""

    units: Annotated[list[UnitInput], msgspec.Meta(min_length=1, max_length=2000)]


class UnitsView(msgspec.Struct, frozen=True, kw_only=True):
    """The units added."""

    units: list[UnitView]


@get(
    "/api/v1/estates", guards=[READERS], tags=["estates"], operation_id="listEstates",
    summary="小区列表 / List estates",
)  # fmt: skip
async def list_estates(work: Work, text: Text = None, cursor: Cursor = None, limit: Limit = 50) -> Page[EstateView]:
    """Estates in the caller's scope; `text` looks at the name and the beginning of the division code."""
    after = decode_cursor(cursor, AfterId)
    async with work.transaction() as session:
        found = await queries.estates(session, text_filter=text, after=after.id if after else None, limit=limit + 1)
    return paged([EstateView.of(row) for row in found], limit=limit, key=lambda row: (row.id,))


@post(
    "/api/v1/estates", guards=[ADMINISTRATORS], tags=["estates"], operation_id="createEstate",
    summary="新建小区 / Create an estate",
)  # fmt: skip
async def create_estate(data: JSONBody[EstateInput], work: Work) -> EstateView:
    """Makes an estate in a division that the caller administers. No purpose is on until a basis is recorded."""
    geofence = data.geofence.stored() if data.geofence else None
    async with work.transaction() as session:
        estate = await service.create_estate(
            session, vault=work.context.vault, name=data.name, division_code=data.division_code,
            funding_type=data.funding_type, geofence=geofence, actor=work.actor, now=work.now,
        )  # fmt: skip
    return EstateView.of(estate)


@get(
    "/api/v1/estates/{estate_id:uuid}", guards=[READERS], tags=["estates"], operation_id="getEstate",
    summary="小区详情 / An estate",
)  # fmt: skip
async def get_estate(estate_id: FromPath[uuid.UUID], work: Work) -> EstateView:
    """One estate."""
    async with work.transaction() as session:
        return EstateView.of(await service.get_estate(session, estate_id=estate_id))


@get(
    "/api/v1/estates/{estate_id:uuid}/units", guards=[READERS], tags=["estates"], operation_id="listUnits",
    summary="房源列表 / List units",
)  # fmt: skip
async def list_units(
    estate_id: FromPath[uuid.UUID],
    work: Work,
    building: Text = None,
    text: Text = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[UnitView]:
    """Units of an estate by code; `building` is a building's name, `text` looks at code and room."""
    after = decode_cursor(cursor, AfterText)
    async with work.transaction() as session:
        await service.get_estate(session, estate_id=estate_id)
        found = await queries.units(
            session, estate_id=estate_id, building=building, text_filter=text,
            after=after.text if after else None, limit=limit + 1,
        )  # fmt: skip
    return paged([UnitView.of(row) for row in found], limit=limit, key=lambda row: (row.code,))


@post(
    "/api/v1/estates/{estate_id:uuid}/units", guards=[ADMINISTRATORS], tags=["estates"], operation_id="addUnits",
    summary="新增房源 / Add units",
)  # fmt: skip
async def add_units(estate_id: FromPath[uuid.UUID], data: JSONBody[UnitsInput], work: Work) -> UnitsView:
    """Adds units; buildings and entrances are made when they are new. All or none."""
    async with work.transaction() as session:
        added = await service.add_units(
            session, estate_id=estate_id, units=[unit.unit() for unit in data.units], actor=work.actor, now=work.now
        )
    return UnitsView(units=[UnitView.of(row) for row in added])


@get(
    "/api/v1/units/{unit_id:uuid}", guards=[READERS], tags=["estates"], operation_id="getUnit",
    summary="房源详情 / A unit",
)  # fmt: skip
async def get_unit(unit_id: FromPath[uuid.UUID], work: Work) -> UnitView:
    """One unit."""
    async with work.transaction() as session:
        return UnitView.of(await service.get_unit(session, unit_id=unit_id))


handlers = [list_estates, create_estate, get_estate, list_units, add_units, get_unit]
