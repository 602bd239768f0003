"""Is this face good enough: to be enrolled, to be compared? With reasons that a person can act on.

The limits come from measurements on public sets: the feature norm told good pairs from bad ones best, then the
detector's score, the distance of the eyes and the turn of the head. They are values, for an estate's rules to move.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gate_integration.faces.reasons import Reason
from gate_integration.faces.records import Face, PictureStats

NO_FACE = Reason("no-face", "照片中未检测到人脸", "No face was found in the picture")
TWO_FACES = Reason(
    "two-faces", "照片中有多张人脸，请使用本人单人照片", "More than one face; use a picture of this person alone"
)
MANY_FACES = Reason("many-faces", "画面中有多人，无法确定通行人", "Several people; it is not clear who passed")
TOO_SMALL = Reason("too-small", "人脸太小，请靠近拍摄", "The face is too small; move closer")
SMALL = Reason(
    "small",
    "人脸偏小，建议靠近重拍以提高识别率",
    "The face is rather small; a closer picture works better",
    refuses=False,
)
TURNED_AWAY = Reason("turned-away", "人脸偏转过大，请正对镜头", "The face is turned away; look straight at the camera")
TOO_DARK = Reason("too-dark", "照片太暗，请在光线充足处拍摄", "The picture is too dark; find more light")
TOO_BRIGHT = Reason("too-bright", "照片过曝，请避开强光", "The picture is too bright; avoid strong light")
UNCLEAR = Reason(
    "unclear",
    "人脸不清晰或被遮挡，请摘下口罩、墨镜后重拍",
    "The face is unclear or covered; take off mask and sunglasses and try again",
)
DOUBTFUL = Reason(
    "doubtful-face", "未能确认是清晰的人脸，请重拍", "This could not be confirmed as a clear face; please try again"
)


@dataclass(frozen=True, slots=True)
class EnrolmentLimits:
    """What a picture must reach to become a template. Units as in `Quality`; `norm` and `score` as in `Face`."""

    eyes_refuse: float = 24.0
    eyes_warn: float = 40.0
    yaw: float = 0.2
    dark: float = 40.0
    bright: float = 220.0
    norm: float = 10.7
    score: float = 0.85


@dataclass(frozen=True, slots=True)
class ProbeLimits:
    """What a gate's snapshot must reach to be compared (`_refuse`), and for "nobody we know" to follow (`_warn`)."""

    eyes_refuse: float = 16.0
    eyes_warn: float = 24.0
    yaw_refuse: float = 0.45
    yaw_warn: float = 0.3
    dark: float = 40.0
    bright: float = 220.0
    norm: float = 10.7
    score: float = 0.8
    dominance: float = 2.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a picture may become a template; `face` is set exactly when `ok`. An accepted one can carry warnings."""

    ok: bool
    reasons: tuple[Reason, ...]
    face: Face | None


def verdict(faces: Sequence[Face], picture: PictureStats, limits: EnrolmentLimits | None = None) -> Verdict:
    """Judge a picture for enrolment: every reason at once, so that one retake is enough."""
    limits = limits or EnrolmentLimits()
    if len(faces) != 1:
        reasons = [TWO_FACES] if faces else [NO_FACE, *_light(picture.brightness, limits.dark, limits.bright)]
        return Verdict(False, tuple(reasons), None)
    face = faces[0]
    reasons = _light(face.quality.brightness, limits.dark, limits.bright)
    if face.quality.eye_distance < limits.eyes_refuse:
        reasons.append(TOO_SMALL)
    elif face.quality.eye_distance < limits.eyes_warn:
        reasons.append(SMALL)
    if abs(face.quality.yaw) > limits.yaw:
        reasons.append(TURNED_AWAY)
    if face.norm < limits.norm:
        reasons.append(UNCLEAR)
    if face.score < limits.score:
        reasons.append(DOUBTFUL)
    ok = not any(reason.refuses for reason in reasons)
    return Verdict(ok, tuple(reasons), face if ok else None)


def usable(face: Face, limits: ProbeLimits | None = None) -> Reason | None:
    """Whether a gate's face may be compared: None, a refusing reason, or a warning (see `Reason.refuses`)."""
    limits = limits or ProbeLimits()
    quality = face.quality
    if quality.eye_distance < limits.eyes_refuse:
        return TOO_SMALL
    if abs(quality.yaw) > limits.yaw_refuse:
        return TURNED_AWAY
    doubts = _light(quality.brightness, limits.dark, limits.bright)
    if quality.eye_distance < limits.eyes_warn:
        doubts.append(SMALL)
    if abs(quality.yaw) > limits.yaw_warn:
        doubts.append(TURNED_AWAY)
    if face.norm < limits.norm:
        doubts.append(UNCLEAR)
    if face.score < limits.score:
        doubts.append(DOUBTFUL)
    if not doubts:
        return None
    return Reason(doubts[0].code, doubts[0].zh, doubts[0].en, refuses=False)


def _light(brightness: float, dark: float, bright: float) -> list[Reason]:
    if brightness < dark:
        return [TOO_DARK]
    return [TOO_BRIGHT] if brightness > bright else []
