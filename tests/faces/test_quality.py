import pytest

from gate_integration.faces.quality import ProbeLimits, usable, verdict
from gate_integration.faces.records import Box, Face, PictureStats, dominant
from tests.faces.builders import a_face

DAYLIGHT = PictureStats(480, 640, 120.0)


def codes(face: Face) -> list[str]:
    return [reason.code for reason in verdict([face], DAYLIGHT).reasons]


def test_a_good_picture() -> None:
    face = a_face()
    found = verdict([face], DAYLIGHT)
    assert found.ok
    assert found.face is face
    assert found.reasons == ()


@pytest.mark.parametrize(
    ("face", "code"),
    [
        (a_face(eyes=23.9), "too-small"),
        (a_face(yaw=0.21), "turned-away"),
        (a_face(yaw=-0.21), "turned-away"),
        (a_face(brightness=39), "too-dark"),
        (a_face(brightness=221), "too-bright"),
        (a_face(norm=10.6), "unclear"),
        (a_face(score=0.84), "doubtful-face"),
    ],
)
def test_refused_for_enrolment(face: Face, code: str) -> None:
    found = verdict([face], DAYLIGHT)
    assert not found.ok
    assert found.face is None
    assert [reason.code for reason in found.reasons] == [code]
    assert found.reasons[0].zh
    assert found.reasons[0].en


def test_a_rather_small_face_is_accepted_with_a_word() -> None:
    face = a_face(eyes=39)
    found = verdict([face], DAYLIGHT)
    assert found.ok
    assert found.face is face
    assert [(reason.code, reason.refuses) for reason in found.reasons] == [("small", False)]


def test_all_reasons_are_told_at_once() -> None:
    assert codes(a_face(eyes=10, yaw=0.5, brightness=20, norm=5, score=0.71)) == [
        "too-dark",
        "too-small",
        "turned-away",
        "unclear",
        "doubtful-face",
    ]


@pytest.mark.parametrize(("brightness", "expected"), [(120, ["no-face"]), (10, ["no-face", "too-dark"])])
def test_no_face(brightness: float, expected: list[str]) -> None:
    found = verdict([], PictureStats(480, 640, brightness))
    assert not found.ok
    assert [reason.code for reason in found.reasons] == expected


def test_two_faces() -> None:
    found = verdict([a_face(), a_face()], DAYLIGHT)
    assert (found.ok, [reason.code for reason in found.reasons]) == (False, ["two-faces"])


@pytest.mark.parametrize(
    ("face", "code", "refuses"),
    [
        (a_face(eyes=15), "too-small", True),
        (a_face(yaw=-0.5), "turned-away", True),
        (a_face(eyes=20), "small", False),
        (a_face(yaw=0.4), "turned-away", False),
        (a_face(norm=9), "unclear", False),
        (a_face(score=0.75), "doubtful-face", False),
        (a_face(brightness=30), "too-dark", False),
        (a_face(brightness=230, norm=9), "too-bright", False),
    ],
)
def test_probe_that_is_refused_or_doubted(face: Face, code: str, refuses: bool) -> None:
    reason = usable(face)
    assert reason is not None
    assert (reason.code, reason.refuses) == (code, refuses)


def test_good_probe() -> None:
    assert usable(a_face()) is None
    assert usable(a_face(eyes=20), ProbeLimits(eyes_warn=18)) is None


@pytest.mark.parametrize(
    ("sides", "expected"), [([], None), ([10], 0), ([10, 20], 1), ([10, 14], None), ([30, 20, 10], 0), ([10, 10], None)]
)
def test_who_of_several_stands_at_the_gate(sides: list[float], expected: int | None) -> None:
    assert dominant([Box(0, 0, side, side) for side in sides], ratio=2.0) == expected
