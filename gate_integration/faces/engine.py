"""The default engine: YuNet finds faces, SFace describes them, both through OpenCV.

Pure of time, storage and network; safe to call from several threads, each of which gets nets of its own (an OpenCV
net must not be shared). A call takes the GIL only between OpenCV's steps, so a thread pool scales.
"""

import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gate_integration.faces.decode import DecodeLimits, Picture, Pixels, decode
from gate_integration.faces.model_files import Models, load_models
from gate_integration.faces.opencv import cv2
from gate_integration.faces.quality import MANY_FACES, NO_FACE, ProbeLimits, usable
from gate_integration.faces.reasons import UnusablePicture
from gate_integration.faces.records import Analysis, Box, Face, PictureStats, Probe, Quality, Vector, dominant

DETECTION_SIDE = 640
"""Longer side of what the detector sees: at 320 px, one genuine pair in 30 more is missed on the hardest public set."""
DETECTION_SCORE = 0.7
ALIGNED_EYES = 35.0
"""Distance of the eyes in SFace's 112-pixel frame. From this on the detector's own, smaller view holds all the detail
an aligned face can show, and shrinking by area keeps it cleaner than sampling the large picture."""

_OVERLAP = 0.3
_CANDIDATES = 500
_BUFFER_KIND = "onnx"


@dataclass(frozen=True, slots=True)
class Detection:
    """One face as detected: OpenCV's row, float32 (15,): box, five landmarks, score, in pixels of `View.pixels`."""

    row: Vector

    @property
    def landmarks(self) -> Vector:
        """Float32 (5, 2)."""
        landmarks: Vector = self.row[4:14].reshape(5, 2)
        return landmarks

    @property
    def eye_distance(self) -> float:
        """In pixels of the view."""
        return float(np.linalg.norm(self.landmarks[1] - self.landmarks[0]))

    def box(self, scale: float) -> Box:
        """The rectangle, enlarged by `scale`."""
        x, y, width, height = (float(value) * scale for value in self.row[:4])
        return Box(x, y, width, height)


@dataclass(frozen=True, slots=True)
class View:
    """What the detector sees: the decoded picture and its copy of at most `DETECTION_SIDE`; `scale` leads back."""

    picture: Picture
    pixels: Pixels
    scale: float


class _Nets:
    """One thread's nets."""

    def __init__(self, models: Models) -> None:
        nothing = np.empty(0, np.uint8)
        self.detector: Any = cv2.FaceDetectorYN.create(
            _BUFFER_KIND,
            np.frombuffer(models.detector, np.uint8),
            nothing,
            (DETECTION_SIDE, DETECTION_SIDE),
            DETECTION_SCORE,
            _OVERLAP,
            _CANDIDATES,
        )
        self.recogniser: Any = cv2.FaceRecognizerSF.create(
            _BUFFER_KIND, np.frombuffer(models.recogniser, np.uint8), nothing
        )


class SFaceEngine:
    """Detect, align, embed, measure. Implements `records.Engine`."""

    def __init__(
        self,
        models: Models,
        *,
        decode_limits: DecodeLimits | None = None,
        probe_limits: ProbeLimits | None = None,
        max_faces: int = 4,
    ) -> None:
        self._models = models
        self._decode_limits = decode_limits or DecodeLimits()
        self._probe_limits = probe_limits or ProbeLimits()
        self._max_faces = max_faces
        self._local = threading.local()

    @classmethod
    def from_cache(cls, cache_dir: Path) -> "SFaceEngine":
        """With the models of the installed wheel. Raises `ModelFileError`."""
        return cls(load_models(cache_dir))

    @property
    def engine_id(self) -> str:
        """Short name of the method: `sface`."""
        return self._models.engine_id

    @property
    def model_hash(self) -> str:
        """Short hash over both model files."""
        return self._models.model_hash

    def analyse(self, data: bytes) -> list[Face]:
        """All faces, largest first, at most `max_faces`. Raises `UnusablePicture`."""
        return list(self.inspect(data).faces)

    def inspect(self, data: bytes) -> Analysis:
        """All faces, largest first, at most `max_faces`, with facts of the picture. Raises `UnusablePicture`."""
        picture = decode(data, self._decode_limits)
        view = self.view(picture)
        detections = self.detect(view)
        faces = tuple(self.describe(view, detection) for detection in detections[: self._max_faces])
        height, width = picture.pixels.shape[:2]
        stats = PictureStats(
            width * picture.reduction,
            height * picture.reduction,
            float(cv2.mean(cv2.cvtColor(view.pixels, cv2.COLOR_BGR2GRAY))[0]),
        )
        return Analysis(faces, len(detections), stats)

    def probe(self, data: bytes) -> Probe:
        """The face of whoever stands at the gate; bystanders are counted and never embedded."""
        try:
            view = self.view(decode(data, self._decode_limits))
        except UnusablePicture as unusable_picture:
            return Probe(None, unusable_picture.reason, 0)
        detections = self.detect(view)
        if not detections:
            return Probe(None, NO_FACE, 0)
        chosen = dominant([detection.box(1.0) for detection in detections], ratio=self._probe_limits.dominance)
        if chosen is None:
            return Probe(None, MANY_FACES, len(detections))
        face = self.describe(view, detections[chosen])
        reason = usable(face, self._probe_limits)
        return Probe(None if reason and reason.refuses else face, reason, len(detections))

    def view(self, picture: Picture) -> View:
        """Shrink to what the detector looks at; smaller pictures stay as they are."""
        height, width = picture.pixels.shape[:2]
        scale = max(height, width) / DETECTION_SIDE
        if scale <= 1:
            return View(picture, picture.pixels, 1.0)
        size = (max(1, round(width / scale)), max(1, round(height / scale)))
        return View(picture, cv2.resize(picture.pixels, size, interpolation=cv2.INTER_AREA), scale)

    def detect(self, view: View) -> list[Detection]:
        """Faces in the view, largest first."""
        detector = self._nets().detector
        height, width = view.pixels.shape[:2]
        detector.setInputSize((width, height))
        rows = detector.detect(view.pixels)[1]
        if rows is None:
            return []
        usable_rows = (row for row in rows if np.isfinite(row).all())
        return sorted(map(Detection, usable_rows), key=lambda found: found.box(1.0).area, reverse=True)

    def align(self, view: View, detection: Detection) -> Pixels:
        """The face turned upright and scaled to SFace's frame: BGR (112, 112, 3)."""
        pixels, row = view.pixels, detection.row
        if view.scale > 1 and detection.eye_distance < ALIGNED_EYES:
            pixels, row = view.picture.pixels, detection.row.copy()
            row[:14] *= view.scale
        aligned: Pixels = self._nets().recogniser.alignCrop(pixels, row)
        return aligned

    def embed(self, aligned: Pixels) -> tuple[Vector, float]:
        """The embedding, float32 (128,) of length 1, and its length before that."""
        feature = self._nets().recogniser.feature(aligned).ravel().astype(np.float32)
        norm = float(np.linalg.norm(feature))
        embedding: Vector = feature / max(norm, 1e-12)
        return embedding, norm

    def describe(self, view: View, detection: Detection) -> Face:
        """Align, embed and measure one detected face."""
        aligned = self.align(view, detection)
        embedding, norm = self.embed(aligned)
        to_original = view.scale * view.picture.reduction
        return Face(
            box=detection.box(to_original),
            landmarks=detection.landmarks * np.float32(to_original),
            score=float(detection.row[14]),
            embedding=embedding,
            norm=norm,
            quality=_measure(aligned, detection, view.scale),
        )

    def _nets(self) -> _Nets:
        nets: _Nets | None = getattr(self._local, "nets", None)
        if nets is None:
            nets = self._local.nets = _Nets(self._models)
        return nets


def _measure(aligned: Pixels, detection: Detection, scale: float) -> Quality:
    right_eye, left_eye, nose = detection.landmarks[:3]
    eye_distance = detection.eye_distance
    along_eyes = (left_eye - right_eye) / max(eye_distance, 1e-6)
    grey = cv2.cvtColor(aligned, cv2.COLOR_BGR2GRAY)
    mean, deviation = cv2.meanStdDev(grey)
    laplacian_deviation = cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_32F))[1]
    return Quality(
        eye_distance=eye_distance * scale,
        yaw=float((nose - (right_eye + left_eye) / 2) @ along_eyes) / max(eye_distance, 1e-6),
        brightness=float(mean.item()),
        contrast=float(deviation.item()),
        sharpness=float(laplacian_deviation.item()) ** 2,
    )
