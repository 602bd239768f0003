"""Places as the API takes and shows them."""

import uuid
from typing import Any

import msgspec

from inspection.registry.places.boundaries import checked_geofence
from inspection.registry.places.models import Estate, FundingType, UnitStatus
from inspection.registry.places.queries import UnitRow
from inspection.registry.places.service import NewUnit
from storage.fields import ShortCode, Title


class GeofenceInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A polygon of [longitude, latitude] in degrees of `crs` (wgs84, gcj02 or bd09)."""

    crs: str
    polygon: list[tuple[float, float]]

    def stored(self) -> dict[str, Any]:
        """As the table holds it. Raises `BadGeofence`."""
        return checked_geofence(self.crs, self.polygon)


class EstateInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new estate."""

    name: Title
    division_code: ShortCode
    funding_type: FundingType
    geofence: GeofenceInput | None = None


class EstateView(msgspec.Struct, frozen=True, kw_only=True):
    """An estate."""

    id: uuid.UUID
    name: str
    division_code: str
    funding_type: FundingType
    geofence: dict[str, Any] | None

    @classmethod
    def of(cls, estate: Estate) -> "EstateView":
        """From the row."""
        return cls(
            id=estate.id, name=estate.name, division_code=estate.division_code,
            funding_type=FundingType(estate.funding_type), geofence=estate.geofence,
        )  # fmt: skip


class UnitInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new housing unit; building and entrance are made when they are new."""

    building: Title
    entrance: Title
    code: ShortCode
    room_no: ShortCode
    floor: int
    max_people: int
    status: UnitStatus = UnitStatus.VACANT

    def unit(self) -> NewUnit:
        """As the service takes it."""
        return NewUnit(
            building=self.building, entrance=self.entrance, code=self.code, room_no=self.room_no, floor=self.floor,
            max_people=self.max_people, status=self.status,
        )  # fmt: skip


class UnitView(msgspec.Struct, frozen=True, kw_only=True):
    """A housing unit."""

    id: uuid.UUID
    estate_id: uuid.UUID
    building_id: uuid.UUID
    building: str
    entrance_id: uuid.UUID
    entrance: str
    code: str
    room_no: str
    floor: int
    max_people: int
    status: UnitStatus

    @classmethod
    def of(cls, row: UnitRow) -> "UnitView":
        """From the row with its names."""
        unit = row.unit
        return cls(
            id=unit.id, estate_id=unit.estate_id, building_id=unit.building_id, building=row.building,
            entrance_id=unit.entrance_id, entrance=row.entrance, code=unit.code, room_no=unit.room_no,
            floor=unit.floor, max_people=unit.max_people, status=UnitStatus(unit.status),
        )  # fmt: skip
