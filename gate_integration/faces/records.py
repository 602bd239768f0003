"""What an engine gives back: faces with their measurements, as values. No picture leaves with them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import numpy.typing as npt

from gate_integration.faces.reasons import Reason

Vector = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels of the upright original; it may reach beyond the picture's edges."""

    x: float
    y: float
    width: float
    height: float

    @property
    def area(self) -> float:
        """In square pixels."""
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Quality:
    """Measurements of one face.

    `eye_distance`: pixels of the decoded picture between the eyes: what detail recognition had to work with.
    `yaw`: how far the nose lies off the middle between the eyes, along the line of the eyes, in eye distances;
    0 is frontal, positive towards the right edge of the picture.
    `brightness`, `contrast`: mean and standard deviation of grey (0 to 255) over the aligned face.
    `sharpness`: variance of the Laplacian over the aligned face; reported, never judged: it was not seen to help.
    """

    eye_distance: float
    yaw: float
    brightness: float
    contrast: float
    sharpness: float


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """One face: `landmarks` is float32 (5, 2) (eyes, nose, mouth corners) in pixels of the upright original, `score`
    the detector's confidence (0 to 1), `embedding` float32 (128,) of length 1, `norm` its length before that, which
    falls with the quality of the face.
    """

    box: Box
    landmarks: Vector = field(repr=False)
    score: float
    embedding: Vector = field(repr=False)
    norm: float
    quality: Quality


@dataclass(frozen=True, slots=True)
class PictureStats:
    """Size of the upright original in pixels and mean grey (0 to 255) of the whole."""

    width: int
    height: int
    brightness: float


@dataclass(frozen=True, slots=True)
class Analysis:
    """All faces of a picture, largest first (at most the engine's `max_faces`); `detected` counts them before that."""

    faces: tuple[Face, ...]
    detected: int
    picture: PictureStats


@dataclass(frozen=True, slots=True)
class Probe:
    """The one face of a gate's snapshot that may be compared. Bystanders are counted and never embedded.

    `face` is None exactly when `reason` refuses; a warning comes together with the face.
    """

    face: Face | None
    reason: Reason | None
    faces_seen: int


class Engine(Protocol):
    """A recognition engine. Templates carry `engine_id` and `model_hash`; different ones are never compared."""

    @property
    def engine_id(self) -> str:
        """Short name of the method."""
        ...

    @property
    def model_hash(self) -> str:
        """Short hash over the model files."""
        ...

    def analyse(self, data: bytes) -> list[Face]:
        """All faces, largest first. Raises `UnusablePicture`."""
        ...

    def inspect(self, data: bytes) -> Analysis:
        """All faces with facts of the picture, for enrolment. Raises `UnusablePicture`."""
        ...

    def probe(self, data: bytes) -> Probe:
        """The face a gate saw; what cannot be used is a reason, never an exception."""
        ...


def dominant(boxes: Sequence[Box], *, ratio: float) -> int | None:
    """Which box belongs to whoever stands at the gate: the largest, if `ratio` times the area of every other."""
    if not boxes:
        return None
    order = sorted(range(len(boxes)), key=lambda index: boxes[index].area, reverse=True)
    if len(order) > 1 and boxes[order[0]].area < ratio * boxes[order[1]].area:
        return None
    return order[0]
