"""Division codes and geofences: checked as values."""

import math
import re
from collections.abc import Sequence
from typing import Any, Final

from inspection.registry.places.errors import BadDivisionCode, BadGeofence

DIVISION: Final = re.compile(r"[1-9][0-9]{5}(?:[0-9]{3}){0,2}")  # GB/T 2260 and GB/T 10114: 6, 9 or 12 digits
CRS: Final = ("wgs84", "gcj02", "bd09")
MOST_CORNERS: Final = 500  # a bound on the work of each check-in
SMALLEST_AREA: Final = 1e-10  # square degrees, about one square metre in China


def checked_division(code: str) -> str:
    """The code itself. Raises `BadDivisionCode`."""
    if DIVISION.fullmatch(code) is None:
        raise BadDivisionCode
    return code


def checked_geofence(crs: str, polygon: Sequence[tuple[float, float]]) -> dict[str, Any]:
    """The geofence as it is stored: `{"crs", "polygon": [[longitude, latitude], …]}` in degrees of that CRS.

    A closing corner that repeats the first is dropped. Raises `BadGeofence`.
    """
    if crs not in CRS:
        raise BadGeofence("坐标系应为 wgs84、gcj02 或 bd09", "The CRS is one of wgs84, gcj02, bd09")
    corners = [(float(longitude), float(latitude)) for longitude, latitude in polygon]
    if len(corners) > 1 and corners[0] == corners[-1]:
        corners.pop()
    if not 3 <= len(corners) <= MOST_CORNERS:
        raise BadGeofence(f"顶点数应为3至{MOST_CORNERS}个", f"A polygon has 3 to {MOST_CORNERS} corners")
    for longitude, latitude in corners:
        if not (math.isfinite(longitude) and math.isfinite(latitude)) or abs(longitude) > 180 or abs(latitude) > 90:
            raise BadGeofence("经纬度超出范围（先经度、后纬度）", "A corner is [longitude, latitude] in degrees")
    if abs(area(corners)) < SMALLEST_AREA:
        raise BadGeofence("围栏没有面积", "The polygon encloses nothing")
    return {"crs": crs, "polygon": [list(corner) for corner in corners]}


def area(corners: Sequence[tuple[float, float]]) -> float:
    """The signed area of a polygon in square degrees (shoelace formula)."""
    following = [*corners[1:], corners[0]]
    return sum(x * v - u * y for (x, y), (u, v) in zip(corners, following, strict=True)) / 2
