"""Where people live: estate (小区) → building (幢) → entrance (单元) → housing unit (套)."""

import uuid
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Code, EstateRef, Id, Moment, Name
from storage.database import Base


class FundingType(StrEnum):
    """Who paid for the estate; it selects the road to court (法释〔2019〕17号, art. 2)."""

    GOVERNMENT_INVESTED = "government_invested"
    OTHER = "other"


class UnitStatus(StrEnum):
    """房态."""

    ALLOCATED = "allocated"
    VACANT = "vacant"
    REPAIR = "repair"
    WITHDRAWN = "withdrawn"  # no longer part of the stock


class Estate(Base):
    """小区/项目. `division_code`: district (6), street (9) or community (12 digits), by which scope is decided.

    `geofence`: {"crs": "wgs84|gcj02|bd09", "polygon": [[lon, lat], …]} or None.
    """

    __tablename__ = "estate"

    id: Mapped[Id]
    name: Mapped[Name]
    division_code: Mapped[str] = mapped_column(String(12), index=True)
    funding_type: Mapped[Code]
    geofence: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    created_at: Mapped[Moment]


class Building(Base):
    """幢."""

    __tablename__ = "building"
    __table_args__ = (UniqueConstraint("estate_id", "name"),)

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    name: Mapped[Name]


class Entrance(Base):
    """单元: a stair or lobby of a building."""

    __tablename__ = "entrance"
    __table_args__ = (UniqueConstraint("building_id", "name"),)

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    building_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("building.id"), index=True)
    name: Mapped[Name]


class HousingUnit(Base):
    """套. `code` is the authority's own number of the unit (房源编号), unique within the estate."""

    __tablename__ = "housing_unit"
    __table_args__ = (UniqueConstraint("estate_id", "code"), UniqueConstraint("entrance_id", "room_no"))

    id: Mapped[Id]
    estate_id: Mapped[EstateRef]
    building_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("building.id"), index=True)
    entrance_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("entrance.id"), index=True)
    code: Mapped[Code]
    room_no: Mapped[Code]
    floor: Mapped[int]
    max_people: Mapped[int]
    status: Mapped[Code] = mapped_column(default=UnitStatus.VACANT)
