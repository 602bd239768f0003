"""dlib, through the face-recognition package, as a second opinion on the same pictures; and the bench's figures."""

import importlib
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bench.faces import run
from gate_integration.faces.engine import SFaceEngine
from gate_integration.faces.records import Vector
from gate_integration.faces.sample_pictures import fetch
from tests.faces.conftest import CACHE

pytestmark = pytest.mark.faces

WHOLE = ("tenant_1", "tenant_2", "tenant_3", "stranger", "carer")
SAME_BELOW = 0.6
"""The package's own threshold; on these few pictures it separates, on a housing estate it would not."""


def second_opinion(path: Path, nose: Vector) -> Any:
    """dlib's embedding of the one face it sees around the nose we found (it takes a badge for another face)."""
    face_recognition: Any = importlib.import_module("face_recognition")
    pixels = face_recognition.load_image_file(path)
    (box,) = (
        (top, right, bottom, left)
        for top, right, bottom, left in face_recognition.face_locations(pixels)
        if left < nose[0] < right and top < nose[1] < bottom
    )
    return face_recognition.face_encodings(pixels, [box])[0]


def test_both_see_the_same_faces_and_tell_the_same_people_apart(
    engine: SFaceEngine, pictures: dict[str, bytes]
) -> None:
    paths = fetch(CACHE / "pictures")
    faces = {role: engine.analyse(pictures[role])[0] for role in WHOLE}
    opinions = {role: second_opinion(paths[role], face.landmarks[2]) for role, face in faces.items()}
    for one, other in combinations(WHOLE, 2):
        ours_same = float(faces[one].embedding @ faces[other].embedding) >= 0.45
        distance = float(np.linalg.norm(opinions[one] - opinions[other]))
        assert ours_same == (distance < SAME_BELOW), (one, other, distance)
        assert ours_same == (one.startswith("tenant") and other.startswith("tenant"))


def test_bench_gives_its_figures() -> None:
    """One round: the shape of the answer, and bounds loose enough for a busy machine."""
    figures = run(cache_dir=CACHE, rounds=2, plain_rounds=1)
    assert figures.keys() == {
        "ms_per_snapshot",
        "inference_ms",
        "ratio_to_inference",
        "plain_ms",
        "original_ms",
        "speedup_over_plain",
    }
    assert 0 < figures["inference_ms"] < figures["plain_ms"]
    assert figures["speedup_over_plain"] > 3
