"""Where a check-in was made: position fixes against an estate's geofence, graded with reasons.

A grade never decides anything: it tells a person how far the place of a visit is proven. Pure.

Accuracy. Phones report the radius that holds the true place with 68 % probability; `accuracy_factor` widens it to 95 %
of a round normal distribution.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from statistics import median
from typing import Any, Final, NamedTuple

from inspection.visits.coordinates import Crs, Point, is_on_earth, metres_outside, to_wgs84


class Provider(StrEnum):
    """Who worked the fix out."""

    GNSS = "gnss"
    FUSED = "fused"
    NETWORK = "network"
    MANUAL = "manual"  # put on a map by hand
    UNKNOWN = "unknown"


class Witness(StrEnum):
    """What else speaks for the place, seen by the server."""

    DOOR_QR = "door_qr"  # the code at the door was scanned during the visit
    GATE_EVENT = "gate_event"  # the inspector's own passage at a gate of the estate


class GradeLetter(StrEnum):
    """How far the place is proven."""

    A = "A"  # enough fixes lie within the fence with their whole accuracy circle
    B = "B"  # the fixes lie within the fence, their circles or their number leave a rest of doubt
    C = "C"  # cannot be told: circles cross the fence, fixes disagree, or the circumstances are doubtful
    D = "D"  # the fixes speak against it, or the phone says that the place was simulated
    NOT_ASSESSED = "not_assessed"  # no fence recorded or no usable fix


@dataclass(frozen=True, slots=True)
class Geofence:
    """A simple polygon (corners in order, closing is implied). Raises `ValueError` without three sound corners."""

    crs: Crs
    corners: tuple[Point, ...]

    def __post_init__(self) -> None:
        if not all(is_on_earth(corner) for corner in self.corners):
            raise ValueError("a corner of the geofence is not a place on Earth")
        if len(set(self.corners)) < 3:
            raise ValueError("a geofence has at least three different corners")

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> "Geofence":
        """Reads `{"crs": …, "polygon": [[lon, lat], …]}` as an estate stores it. Raises `ValueError`."""
        try:
            corners = tuple(Point(float(lat), float(lon)) for lon, lat in record["polygon"])
            return cls(Crs(record["crs"]), corners)
        except (KeyError, TypeError) as error:
            raise ValueError('a geofence is {"crs": …, "polygon": [[lon, lat], …]}') from error


@dataclass(frozen=True, slots=True)
class Fix:
    """One raw fix as the phone gave it. Nothing is corrected here: an impossible one is told in the grade.

    `accuracy_m`: 68 % radius, None or ≤ 0 when the phone gave none. `fixed_at`: aware. `speed_mps`: None if not given.
    """

    lat: float
    lon: float
    crs: Crs
    accuracy_m: float | None
    provider: Provider
    fixed_at: datetime
    speed_mps: float | None = None
    mocked: bool = False


class Reason(NamedTuple):
    """One reason of a grade, in words."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Grade:
    """The grade, why, and the median distance of the counted fixes to the fence (0 within; None if not assessed)."""

    grade: GradeLetter
    reasons: tuple[Reason, ...]
    distance_m: float | None


_OURS: Final = "工程参数，须结合本地实测校准"

DEFAULTS: Final[tuple[tuple[str, float, str, str], ...]] = (
    ("visits.geofence.min_fixes", 3, "fix", _OURS),
    ("visits.geofence.agree_share", 0.6, "share", _OURS),
    (
        "visits.geofence.accuracy_factor",
        1.62,
        "ratio",
        "二维正态分布95%与68%半径之比；Android Location.getAccuracy为68%",
    ),
    ("visits.geofence.max_accuracy_m", 200, "m", _OURS),
    ("visits.geofence.margin_m", 20, "m", "围栏由人工勾画，边界误差；" + _OURS),
    ("visits.geofence.crs_error_m", 3, "m", "GCJ-02、BD-09公开近似公式的误差"),
    ("visits.geofence.max_speed_mps", 8, "m/s", "快于步行与骑行者不在入户现场；" + _OURS),
    ("visits.geofence.max_fix_age_s", 180, "s", _OURS),
    ("visits.geofence.max_clock_difference_s", 300, "s", _OURS),
)
"""Default rows of a rule set: key, value, unit, source."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The parameters of grading; one field for each row of `DEFAULTS`."""

    min_fixes: int
    agree_share: float
    accuracy_factor: float
    max_accuracy_m: float
    margin_m: float
    crs_error_m: float
    max_speed_mps: float
    max_fix_age_s: float
    max_clock_difference_s: float

    @classmethod
    def from_rules(cls, values: Mapping[str, float]) -> "Thresholds":
        """From the values of a rule set by full key; further keys are ignored. Raises `KeyError` for a missing one."""
        numbers = {key.rsplit(".", 1)[1]: float(values[key]) for key, *_ in DEFAULTS}
        return cls(min_fixes=int(numbers.pop("min_fixes")), **numbers)


DEFAULT_THRESHOLDS: Final = Thresholds.from_rules({key: value for key, value, *_ in DEFAULTS})


_WORDS: Final[dict[str, tuple[str, str]]] = {
    "no-geofence": ("该小区未录入电子围栏，未作评定", "No geofence is recorded for the estate: not assessed"),
    "no-usable-fix": ("没有可用的定位，未作评定", "No usable fix: not assessed"),
    "within": (
        "{k}/{n} 个定位的精度圈完全在围栏内",
        "{k} of {n} fixes lie within the fence with their accuracy circle",
    ),
    "probably-within": (
        "{k}/{n} 个定位在围栏内，精度圈越过边界",
        "{k} of {n} fixes lie within, their circles cross the edge",
    ),
    "outside": ("{k}/{n} 个定位在围栏外，距离约 {m} 米", "{k} of {n} fixes lie outside, about {m} m away"),
    "undecided": ("定位结果不足以判断是否在围栏内", "The fixes do not tell whether the place lies within the fence"),
    "few-fixes": ("可用定位仅 {n} 个，少于 {need} 个", "Only {n} usable fixes, fewer than {need}"),
    "coordinates-invalid": ("{k} 个定位坐标无效，未计入", "{k} fixes have impossible coordinates and do not count"),
    "fix-out-of-time": (
        "{k} 个定位的时间与签到时间相差过大，未计入",
        "{k} fixes are too far in time from the check-in",
    ),
    "too-inaccurate": ("{k} 个定位精度过差，未计入", "{k} fixes are too inaccurate to count"),
    "accuracy-unknown": (
        "{k} 个定位未给出精度，按最差可用精度计",
        "{k} fixes gave no accuracy: taken as the worst that counts",
    ),
    "mocked": ("手机报告定位为模拟位置", "The phone reports a simulated position"),
    "manual": ("位置为人工标注", "The position was put on a map by hand"),
    "moving": ("定位时速度过快，不似在现场", "Moving too fast to be on the spot"),
    "jump": ("相邻定位之间的移动速度不可能", "Impossible speed between neighbouring fixes"),
    "clock": ("手机时钟与服务器相差过大", "The phone's clock differs too much from the server's"),
    "clock-unknown": ("手机时钟未与服务器比对", "The phone's clock was not compared with the server's"),
    "door_qr": ("签到时扫描了门牌二维码", "The code at the door was scanned at check-in"),
    "gate_event": ("小区门禁有检查人员本人的通行记录", "A gate of the estate recorded the inspector's own passage"),
}


class _Placed(NamedTuple):
    """A usable fix with its WGS-84 place and the radius that holds the true place."""

    fix: Fix
    point: Point
    radius: float


def grade(
    fixes: Sequence[Fix],
    fence: Geofence | None,
    *,
    checked_in_at: datetime,
    clock_difference_s: float | None = None,
    witnesses: frozenset[Witness] = frozenset(),
    thresholds: Thresholds = DEFAULT_THRESHOLDS,
) -> Grade:
    """Grades the place of a check-in.

    `checked_in_at`: aware, by the same clock as the fixes. `clock_difference_s`: the phone's clock minus the server's,
    in seconds, None when they were never compared. A witness lifts "cannot be told" (C) to B and nothing else: a code
    can be photographed, and what speaks against a place stays visible.
    """
    usable, reasons = _usable(fixes, checked_in_at, thresholds)
    cap, doubts = _doubts(fixes, usable, clock_difference_s, thresholds)
    seen = tuple(_reason(witness.value) for witness in sorted(witnesses))
    if fence is None or not usable:
        why = _reason("no-geofence" if fence is None else "no-usable-fix")
        return Grade(GradeLetter.NOT_ASSESSED, (why, *reasons, *doubts, *seen), None)
    letter, place, distance = _by_place(usable, fence, thresholds)
    letter = max(letter, cap)
    if witnesses and letter is GradeLetter.C:
        letter = GradeLetter.B
    return Grade(letter, (*place, *reasons, *doubts, *seen), distance)


def _usable(fixes: Sequence[Fix], at: datetime, limits: Thresholds) -> tuple[list[_Placed], tuple[Reason, ...]]:
    """The fixes that count, in order of time, one for each moment (a repeated reading is not a second witness)."""
    dropped = {"coordinates-invalid": 0, "fix-out-of-time": 0, "too-inaccurate": 0, "accuracy-unknown": 0}
    placed: dict[datetime, _Placed] = {}
    for fix in fixes:
        point = Point(fix.lat, fix.lon)
        known = fix.accuracy_m is not None and fix.accuracy_m > 0
        accuracy = fix.accuracy_m if fix.accuracy_m is not None and known else limits.max_accuracy_m
        if not is_on_earth(point):
            dropped["coordinates-invalid"] += 1
        elif abs((fix.fixed_at - at).total_seconds()) > limits.max_fix_age_s:
            dropped["fix-out-of-time"] += 1
        elif accuracy > limits.max_accuracy_m:
            dropped["too-inaccurate"] += 1
        else:
            dropped["accuracy-unknown"] += not known
            placed.setdefault(fix.fixed_at, _Placed(fix, to_wgs84(point, fix.crs), accuracy * limits.accuracy_factor))
    return [placed[moment] for moment in sorted(placed)], tuple(_reason(code, k=k) for code, k in dropped.items() if k)


def _doubts(
    fixes: Sequence[Fix], usable: Sequence[_Placed], clock_difference_s: float | None, limits: Thresholds
) -> tuple[GradeLetter, tuple[Reason, ...]]:
    """The best grade that the circumstances leave, and why."""
    found: list[tuple[GradeLetter, str]] = []
    if any(fix.mocked for fix in fixes):
        found.append((GradeLetter.D, "mocked"))
    if any(fix.provider is Provider.MANUAL for fix, *_ in usable):
        found.append((GradeLetter.C, "manual"))
    if any(fix.speed_mps is not None and fix.speed_mps > limits.max_speed_mps for fix, *_ in usable):
        found.append((GradeLetter.C, "moving"))
    if any(_speed(before, after) > limits.max_speed_mps for before, after in pairwise(usable)):
        found.append((GradeLetter.C, "jump"))
    if clock_difference_s is None:
        found.append((GradeLetter.A, "clock-unknown"))
    elif abs(clock_difference_s) > limits.max_clock_difference_s:
        found.append((GradeLetter.C, "clock"))
    return max((cap for cap, _ in found), default=GradeLetter.A), tuple(_reason(code) for _, code in found)


def _speed(before: _Placed, after: _Placed) -> float:
    """The least speed in m/s that both accuracy circles allow."""
    apart = metres_outside(before.point, (after.point,)) - before.radius - after.radius
    return apart / (after.fix.fixed_at - before.fix.fixed_at).total_seconds()


def _by_place(
    usable: Sequence[_Placed], fence: Geofence, limits: Thresholds
) -> tuple[GradeLetter, tuple[Reason, ...], float]:
    corners = [to_wgs84(corner, fence.crs) for corner in fence.corners]
    n, inside, probable, outside = len(usable), 0, 0, 0
    distances: list[float] = []
    for fix, point, radius in usable:
        circle = radius + (0.0 if fix.crs is fence.crs else limits.crs_error_m)
        distance = metres_outside(point, corners)
        distances.append(distance)
        inside += distance + circle <= limits.margin_m
        probable += distance <= limits.margin_m
        outside += distance - circle > limits.margin_m
    far = max(0.0, median(distances))
    need = math.ceil(round(limits.agree_share * n, 9))
    few = (_reason("few-fixes", n=n, need=limits.min_fixes),) if n < limits.min_fixes else ()
    if inside >= need:
        return (GradeLetter.B if few else GradeLetter.A), (_reason("within", k=inside, n=n), *few), far
    if probable >= need:
        return GradeLetter.B, (_reason("probably-within", k=probable, n=n), *few), far
    if outside >= need:
        return GradeLetter.D, (_reason("outside", k=outside, n=n, m=round(far)), *few), far
    return GradeLetter.C, (_reason("undecided"), *few), far


def _reason(code: str, **numbers: int) -> Reason:
    zh, en = _WORDS[code]
    return Reason(code.replace("_", "-"), zh.format(**numbers), en.format(**numbers))
