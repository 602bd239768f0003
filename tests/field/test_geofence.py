"""Check-in places: coordinate systems against published points, and every grade with its reasons."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from inspection.visits.coordinates import (
    Crs,
    Point,
    bd09_to_gcj02,
    gcj02_to_bd09,
    gcj02_to_wgs84,
    metres_outside,
    to_wgs84,
    wgs84_to_gcj02,
)
from inspection.visits.geofence import (
    DEFAULT_THRESHOLDS,
    DEFAULTS,
    Fix,
    Geofence,
    Grade,
    GradeLetter,
    Provider,
    Thresholds,
    Witness,
    grade,
)

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
CENTRE = Point(26.357, 117.202)
DEGREE = 111_195.0
A, B, C, D, NONE = GradeLetter


def moved(point: Point, east: float = 0.0, north: float = 0.0) -> Point:
    return Point(point.lat + north / DEGREE, point.lon + east / DEGREE / math.cos(math.radians(point.lat)))


def apart(one: Point, other: Point) -> float:
    return metres_outside(one, (other,))


def square(half: float, crs: Crs = Crs.WGS84) -> Geofence:
    corners = [moved(CENTRE, x * half, y * half) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    return Geofence(crs, tuple(in_crs(corner, crs) for corner in corners))


def in_crs(point: Point, crs: Crs) -> Point:
    if crs is Crs.WGS84:
        return point
    shifted = wgs84_to_gcj02(point)
    return shifted if crs is Crs.GCJ02 else gcj02_to_bd09(shifted)


def fixes(
    n: int = 3, *, east: float = 0.0, accuracy: float | None = 10.0, crs: Crs = Crs.WGS84, **more: Any
) -> list[Fix]:
    place = in_crs(moved(CENTRE, east), crs)
    return [
        Fix(place.lat, place.lon, crs, accuracy, Provider.GNSS, NOW + timedelta(seconds=i), **more) for i in range(n)
    ]


FENCE = square(100.0)


def graded(given_fixes: list[Fix], fence: Geofence | None = FENCE, **more: Any) -> Grade:
    given_more: dict[str, Any] = {"checked_in_at": NOW, "clock_difference_s": 1.0} | more
    return grade(given_fixes, fence, **given_more)


def codes(result: Grade) -> list[str]:
    return [reason.code for reason in result.reasons]


# --- coordinates


@pytest.mark.parametrize(
    ("wgs", "gcj"),
    [
        (Point(31.1774276, 121.5272106), Point(31.17530398364597, 121.531541859215)),
        (Point(22.543847, 113.912316), Point(22.540796131694766, 113.9171764808363)),
        (Point(39.911954, 116.377817), Point(39.91334545536069, 116.38404722455657)),
    ],
)
def test_gcj02_agrees_with_published_points(wgs: Point, gcj: Point) -> None:
    assert wgs84_to_gcj02(wgs) == pytest.approx(gcj, abs=1e-9)
    assert apart(gcj02_to_wgs84(gcj), wgs) < 0.001


def test_both_systems_follow_the_map_provider_within_two_metres() -> None:
    """What Baidu's conversion service answered for the example in its documentation."""
    place = Point(29.575429778924, 114.21892734521)
    gcj, bd = Point(29.57284912109375, 114.22430528428819), Point(29.57908428837437, 114.2307519546763)
    assert apart(wgs84_to_gcj02(place), gcj) < 2.0
    assert apart(gcj02_to_bd09(wgs84_to_gcj02(place)), bd) < 1.0
    assert apart(to_wgs84(bd, Crs.BD09), place) < 1.0


def test_bd09_agrees_with_published_points() -> None:
    point = Point(39.915, 116.404)
    assert gcj02_to_bd09(point) == pytest.approx(Point(39.92133699351021, 116.41036949371029), abs=1e-9)
    assert apart(bd09_to_gcj02(point), Point(39.90865673957631, 116.39762729119315)) < 1.0  # that inverse is one step


mainland = st.builds(Point, st.floats(18.0, 53.0), st.floats(74.0, 134.0))


@given(mainland)
@settings(max_examples=300)
def test_inverses_undo_within_a_millimetre(point: Point) -> None:
    assert apart(gcj02_to_wgs84(wgs84_to_gcj02(point)), point) < 0.001
    assert apart(bd09_to_gcj02(gcj02_to_bd09(point)), point) < 0.001
    for crs in Crs:
        assert apart(to_wgs84(in_crs(point, crs), crs), point) < 0.001


@given(mainland)
def test_the_shift_is_some_hundred_metres(point: Point) -> None:
    assert 10 < apart(point, wgs84_to_gcj02(point)) < 1500
    assert 300 < apart(point, gcj02_to_bd09(point)) < 1500


@pytest.mark.parametrize("abroad", [Point(48.2, 16.4), Point(35.0, 139.7), Point(-33.9, 100.0), Point(60.0, 100.0)])
def test_nothing_is_shifted_abroad(abroad: Point) -> None:
    assert wgs84_to_gcj02(abroad) == abroad
    assert apart(gcj02_to_wgs84(abroad), abroad) == 0


# --- geometry


@pytest.mark.parametrize(
    ("east", "north", "outside"), [(0, 0, -100), (60, 0, -40), (150, 0, 50), (130, 140, 50), (0, -101, 1)]
)
def test_distance_to_a_square(east: float, north: float, outside: float) -> None:
    assert metres_outside(moved(CENTRE, east, north), FENCE.corners) == pytest.approx(outside, abs=0.05)


def test_a_notch_is_outside_and_a_doubled_corner_changes_nothing() -> None:
    shape = [(-100, -100), (100, -100), (100, 100), (0, 0), (0, 0), (-100, 100)]
    corners = [moved(CENTRE, x, y) for x, y in shape]
    assert metres_outside(moved(CENTRE, 0, 60), corners) == pytest.approx(60 / math.sqrt(2), abs=0.1)
    assert metres_outside(moved(CENTRE, 0, -60), corners) == pytest.approx(-40, abs=0.1)


@given(mainland, st.floats(0, 2 * math.pi), st.floats(1, 2000))
def test_distances_agree_with_the_sphere(point: Point, bearing: float, metres: float) -> None:
    other = moved(point, metres * math.sin(bearing), metres * math.cos(bearing))
    lat1, lat2, turn = math.radians(point.lat), math.radians(other.lat), math.radians(other.lon - point.lon)
    chord = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin(turn / 2) ** 2
    assert apart(point, other) == pytest.approx(2 * 6_371_000 * math.asin(math.sqrt(chord)), rel=2e-3, abs=0.01)


def test_a_geofence_is_read_from_its_record() -> None:
    record = {"crs": "wgs84", "polygon": [[corner.lon, corner.lat] for corner in FENCE.corners]}
    assert Geofence.from_record(record) == FENCE


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"crs": "wgs84"},
        {"crs": "mars", "polygon": [[1, 1], [2, 1], [2, 2]]},
        {"crs": "wgs84", "polygon": 7},
        {"crs": "wgs84", "polygon": [[1, 1, 1]]},
        {"crs": "wgs84", "polygon": [["x", 1]]},
        {"crs": "wgs84", "polygon": [[1, 1], [2, 1], [1, 1]]},
        {"crs": "wgs84", "polygon": [[26, 117], [26, 118], [27, 118]]},
        {"crs": "wgs84", "polygon": [[1, 1], [2, 1], [2, math.nan]]},
    ],
)
def test_a_bad_geofence_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - from several layers
        Geofence.from_record(record)


# --- grades by place


@pytest.mark.parametrize(
    ("given_fixes", "letter", "reason", "distance"),
    [
        (fixes(), A, "within", 0),
        (fixes(accuracy=80), B, "probably-within", 0),
        (fixes(east=150, accuracy=60), C, "undecided", 50),
        (fixes(east=400, accuracy=60), D, "outside", 300),
        (fixes(n=1), B, "within", 0),
        (fixes(n=1, accuracy=80), B, "probably-within", 0),
        (fixes(n=1, east=400), D, "outside", 300),
    ],
)
def test_grades_by_place(given_fixes: list[Fix], letter: GradeLetter, reason: str, distance: float) -> None:
    result = graded(given_fixes)
    assert (result.grade, codes(result)[0]) == (letter, reason)
    assert result.distance_m == pytest.approx(distance, abs=0.2)
    assert ("few-fixes" in codes(result)) == (len(given_fixes) < 3)
    assert all(item.zh and item.en and "{" not in item.zh + item.en for item in result.reasons)


def test_k_of_n_fixes_decide() -> None:
    far = [replace(fix, fixed_at=fix.fixed_at + timedelta(seconds=60)) for fix in fixes(2, east=400)]
    assert graded(fixes(3) + far).grade is A
    assert graded(fixes(2) + far).grade is C


def test_one_reading_repeated_is_one_fix() -> None:
    result = graded(fixes(1) * 5)
    assert (result.grade, codes(result)) == (B, ["within", "few-fixes"])


@pytest.mark.parametrize("fix_crs", list(Crs))
@pytest.mark.parametrize("fence_crs", list(Crs))
def test_the_systems_of_fix_and_fence_may_differ(fix_crs: Crs, fence_crs: Crs) -> None:
    fence = square(100.0, fence_crs)
    assert graded(fixes(crs=fix_crs), fence).grade is A
    far = graded(fixes(east=400, crs=fix_crs), fence)
    assert far.grade is D
    assert far.distance_m == pytest.approx(300, abs=1)


def test_mistaking_the_system_would_move_the_place_by_hundreds_of_metres() -> None:
    mistaken = [replace(fix, crs=Crs.WGS84) for fix in fixes(crs=Crs.BD09)]
    assert graded(mistaken).grade is D


def test_conversion_widens_the_circle() -> None:
    edge = fixes(east=120 - 10 * 1.62 - 1, accuracy=10)
    assert graded(edge).grade is A
    shifted = fixes(east=120 - 10 * 1.62 - 1, accuracy=10, crs=Crs.GCJ02)
    assert graded(shifted).grade is B
    assert graded(shifted, square(100.0, Crs.GCJ02)).grade is A


# --- what was not assessed, and what does not count


def test_no_geofence_is_not_assessed_and_says_so() -> None:
    result = graded(fixes(mocked=True), None)
    assert (result.grade, result.distance_m, codes(result)) == (NONE, None, ["no-geofence", "mocked"])


def test_no_fix_is_not_assessed() -> None:
    result = graded([], witnesses=frozenset({Witness.DOOR_QR}))
    assert (result.grade, codes(result)) == (NONE, ["no-usable-fix", "door-qr"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"lat": 117.2, "lon": 26.3}, "coordinates-invalid"),
        ({"lat": math.nan}, "coordinates-invalid"),
        ({"lon": math.inf}, "coordinates-invalid"),
        ({"lat": 0.0, "lon": 0.0}, "coordinates-invalid"),
        ({"fixed_at": NOW - timedelta(seconds=181)}, "fix-out-of-time"),
        ({"fixed_at": NOW + timedelta(seconds=181)}, "fix-out-of-time"),
        ({"accuracy_m": 201.0}, "too-inaccurate"),
        ({"accuracy_m": math.inf}, "too-inaccurate"),
    ],
)
def test_unusable_fixes_are_told_and_not_counted(change: dict[str, Any], reason: str) -> None:
    bad = replace(fixes(1)[0], **change)
    alone = graded([bad])
    assert (alone.grade, codes(alone)) == (NONE, ["no-usable-fix", reason])
    beside = graded([replace(bad, fixed_at=bad.fixed_at - timedelta(milliseconds=1)), *fixes()])
    assert (beside.grade, codes(beside)) == (A, ["within", reason])


@pytest.mark.parametrize("accuracy", [None, 0.0, -1.0, math.nan])
def test_unknown_accuracy_counts_as_the_worst(accuracy: float | None) -> None:
    result = graded(fixes(accuracy=accuracy))
    assert (result.grade, codes(result)) == (B, ["probably-within", "accuracy-unknown"])


# --- doubts


@pytest.mark.parametrize(
    ("given_fixes", "more", "letter", "reason"),
    [
        (fixes(mocked=True), {}, D, "mocked"),
        ([*fixes(), replace(fixes(1)[0], accuracy_m=999, mocked=True)], {}, D, "mocked"),
        ([replace(fix, provider=Provider.MANUAL) for fix in fixes()], {}, C, "manual"),
        (fixes(speed_mps=9.0), {}, C, "moving"),
        ([*fixes(), replace(fixes(1, east=-90)[0], fixed_at=NOW + timedelta(seconds=4))], {}, C, "jump"),
        (fixes(), {"clock_difference_s": 301}, C, "clock"),
        (fixes(), {"clock_difference_s": -301}, C, "clock"),
        (fixes(), {"clock_difference_s": None}, A, "clock-unknown"),
    ],
)
def test_doubts_cap_the_grade(given_fixes: list[Fix], more: dict[str, Any], letter: GradeLetter, reason: str) -> None:
    result = graded(given_fixes, **more)
    assert (result.grade, codes(result)[-1]) == (letter, reason)


def test_a_jump_within_the_accuracy_circles_is_none() -> None:
    for accuracy, seen in ((10, True), (22, False)):  # 90 m in 4 s: 22 m/s at the centres, 5 m/s between the circles
        later = replace(fixes(1, east=-90, accuracy=accuracy)[0], fixed_at=NOW + timedelta(seconds=4))
        assert ("jump" in codes(graded([*fixes(1, accuracy=accuracy), later]))) is seen


def test_what_is_within_limits_raises_no_doubt() -> None:
    assert codes(graded(fixes(speed_mps=1.2), clock_difference_s=-300)) == ["within"]


@pytest.mark.parametrize("witness", list(Witness))
def test_a_witness_lifts_what_cannot_be_told_and_nothing_else(witness: Witness) -> None:
    seen = frozenset({witness})
    undecided, contradicted = fixes(east=150, accuracy=60), fixes(east=400)
    assert graded(undecided, witnesses=seen).grade is B
    assert graded(contradicted, witnesses=seen).grade is D
    assert graded(fixes(mocked=True), witnesses=seen).grade is D
    assert graded(fixes(1), witnesses=seen).grade is B
    assert codes(graded(undecided, witnesses=seen))[-1] == witness.value.replace("_", "-")


@given(st.floats(0, 3000), st.floats(1, 200), st.integers(1, 6))
def test_coming_nearer_never_worsens_the_grade(east: float, accuracy: float, n: int) -> None:
    far, near = graded(fixes(n, east=east, accuracy=accuracy)), graded(fixes(n, east=east / 2, accuracy=accuracy))
    assert near.grade <= far.grade
    assert near.reasons


# --- parameters


def test_every_parameter_has_a_row_and_every_row_a_use() -> None:
    assert {key for key, *_ in DEFAULTS} == {f"visits.geofence.{name}" for name in Thresholds.__dataclass_fields__}
    assert all(unit and source for *_, unit, source in DEFAULTS)
    with pytest.raises(KeyError):
        Thresholds.from_rules({})


def test_thresholds_come_from_a_rule_set() -> None:
    rows = {key: value for key, value, *_ in DEFAULTS} | {"visits.geofence.min_fixes": 1, "other.key": 9}
    lenient = Thresholds.from_rules(rows)
    assert lenient == replace(DEFAULT_THRESHOLDS, min_fixes=1)
    assert graded(fixes(1), thresholds=lenient).grade is A
