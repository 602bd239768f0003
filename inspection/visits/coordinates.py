"""Coordinates: WGS-84, GCJ-02 and BD-09, and the distance of a place to a polygon. Pure.

WGS-84 is what satellites give; GCJ-02 is WGS-84 shifted by an official, unpublished function; BD-09 is
Baidu's shift of GCJ-02. The formulas here are the publicly known approximation: Krasovsky 1940 ellipsoid, shift by a
series of sines about 105° E 35° N. It follows the map providers to about a metre; inverses are by fixed-point iteration
and undo the forward formula to a millimetre. Outside the rectangle 0.8293–55.8271° N, 72.004–137.8347° E nothing is
shifted; within some hundred metres of that rectangle's edge an inverse is ambiguous (no estate lies there).
"""

import math
from collections.abc import Sequence
from enum import StrEnum
from itertools import pairwise
from typing import Final, NamedTuple


class Crs(StrEnum):
    """The system in which a pair of coordinates is given."""

    WGS84 = "wgs84"
    GCJ02 = "gcj02"
    BD09 = "bd09"


class Point(NamedTuple):
    """Degrees, latitude first."""

    lat: float
    lon: float


_AXIS: Final = 6378245.0  # Krasovsky 1940, metres
_ECCENTRICITY_2: Final = 0.00669342162296594323
_BD_TURNS: Final = math.pi * 3000.0 / 180.0
_METRES_PER_DEGREE: Final = 111_195.0  # mean Earth radius 6371.0 km


def wgs84_to_gcj02(point: Point) -> Point:
    """The official shift, by the public approximation; identity outside the rectangle named above."""
    if not (0.8293 <= point.lat <= 55.8271 and 72.004 <= point.lon <= 137.8347):
        return point
    x, y = point.lon - 105.0, point.lat - 35.0
    common = 20.0 * math.sin(6.0 * x * math.pi) + 20.0 * math.sin(2.0 * x * math.pi)
    north = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * math.sqrt(abs(x))
    north += (common + _waves(y, (20.0, 1.0), (40.0, 3.0), (160.0, 12.0), (320.0, 30.0))) * 2.0 / 3.0
    east = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * math.sqrt(abs(x))
    east += (common + _waves(x, (20.0, 1.0), (40.0, 3.0), (150.0, 12.0), (300.0, 30.0))) * 2.0 / 3.0
    latitude = math.radians(point.lat)
    bend = 1.0 - _ECCENTRICITY_2 * math.sin(latitude) ** 2
    meridian = _AXIS * (1.0 - _ECCENTRICITY_2) / bend**1.5
    parallel = _AXIS / math.sqrt(bend) * math.cos(latitude)
    return Point(point.lat + math.degrees(north / meridian), point.lon + math.degrees(east / parallel))


def gcj02_to_wgs84(point: Point) -> Point:
    """Undoes `wgs84_to_gcj02`."""
    guess = point
    for _ in range(5):  # the shift changes by under 2 % of the step, so that five rounds reach a micrometre
        shifted = wgs84_to_gcj02(guess)
        guess = Point(guess.lat + point.lat - shifted.lat, guess.lon + point.lon - shifted.lon)
    return guess


def gcj02_to_bd09(point: Point) -> Point:
    """Baidu's shift of GCJ-02: a small turn and stretch about the origin, then a fixed offset."""
    radius = math.hypot(point.lon, point.lat) + 0.00002 * math.sin(point.lat * _BD_TURNS)
    angle = math.atan2(point.lat, point.lon) + 0.000003 * math.cos(point.lon * _BD_TURNS)
    return Point(radius * math.sin(angle) + 0.006, radius * math.cos(angle) + 0.0065)


def bd09_to_gcj02(point: Point) -> Point:
    """Undoes `gcj02_to_bd09`."""
    guess = Point(point.lat - 0.006, point.lon - 0.0065)
    for _ in range(5):
        shifted = gcj02_to_bd09(guess)
        guess = Point(guess.lat + point.lat - shifted.lat, guess.lon + point.lon - shifted.lon)
    return guess


def to_wgs84(point: Point, crs: Crs) -> Point:
    """A point of any supported system in WGS-84."""
    if crs is Crs.WGS84:
        return point
    return gcj02_to_wgs84(bd09_to_gcj02(point) if crs is Crs.BD09 else point)


def _waves(at: float, *terms: tuple[float, float]) -> float:
    return math.fsum(height * math.sin(at / length * math.pi) for height, length in terms)


def is_on_earth(point: Point) -> bool:
    """Whether the numbers are a place at all; (0, 0) is what phones send that have no fix, and NaN is none."""
    return abs(point.lat) <= 90.0 and abs(point.lon) <= 180.0 and point != (0.0, 0.0)


def metres_outside(point: Point, corners: Sequence[Point]) -> float:
    """Distance of a WGS-84 point to a WGS-84 polygon's edge in metres, negative within (even-odd rule).

    Flat about the point, on a sphere: within half a per cent for some kilometres, some per cent at hundreds of them.
    """
    narrowing = math.cos(math.radians(point.lat))
    flat = [
        ((lon - point.lon) * narrowing * _METRES_PER_DEGREE, (lat - point.lat) * _METRES_PER_DEGREE)
        for lat, lon in corners
    ]
    within, nearest = False, math.inf
    for (x1, y1), (x2, y2) in pairwise([*flat, flat[0]]):
        if (y1 > 0) != (y2 > 0) and x1 + (x2 - x1) * y1 / (y1 - y2) > 0:
            within = not within
        dx, dy = x2 - x1, y2 - y1
        square = dx * dx + dy * dy
        along = min(1.0, max(0.0, -(x1 * dx + y1 * dy) / square)) if square else 0.0
        nearest = min(nearest, math.hypot(x1 + along * dx, y1 + along * dy))
    return -nearest if within else nearest
