"""How fast a snapshot becomes a decision, against the models' own inference and against the plain package.

Everything is measured in one run, interleaved round by round, in one thread, so that a busy machine slows all alike.
"""

import importlib
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from gate_integration.faces.bands import Thresholds
from gate_integration.faces.decode import decode
from gate_integration.faces.engine import SFaceEngine
from gate_integration.faces.gallery import Gallery, search_ladder
from gate_integration.faces.sample_pictures import fetch, gate_snapshot

ESTATE_TEMPLATES = 2_000
WHOLE_FACES = ("tenant_1", "tenant_2", "tenant_3", "stranger", "carer")


def estate_gallery(engine: SFaceEngine, originals: list[bytes]) -> Gallery[int]:
    """The pictured people among random templates: the size of a large estate."""
    random = np.random.default_rng(7).standard_normal((ESTATE_TEMPLATES, 128)).astype(np.float32)
    random /= np.linalg.norm(random, axis=1, keepdims=True)
    known = [engine.analyse(original)[0].embedding for original in originals]
    return Gallery(enumerate([*known, *random]))


def _milliseconds(action: Callable[[int], None], index: int) -> float:
    started = time.perf_counter()
    action(index)
    return (time.perf_counter() - started) * 1000


def run(*, cache_dir: Path = Path(".cache"), rounds: int = 15, plain_rounds: int = 3) -> dict[str, float]:
    """Medians in milliseconds over the sample pictures (fetched into `cache_dir` if missing), one thread, warmed up.

    `ms_per_snapshot`: a 480 × 640 JPEG to a decision (decode, detect, embed, quality, search in the household and
    the estate, band). `inference_ms`: the two models alone on the same pictures, decoded and aligned beforehand.
    `plain_ms` and `original_ms`: `load_image_file` + `face_encodings`, and ours to the decision, both on the
    originals. Each is the mean over the pictures of their medians. `speedup_over_plain` = plain_ms / original_ms.
    """
    face_recognition: Any = importlib.import_module("face_recognition")
    pictures = fetch(cache_dir / "pictures")
    paths = [pictures[role] for role in WHOLE_FACES]
    originals = [path.read_bytes() for path in paths]
    snapshots = [gate_snapshot(original) for original in originals]
    engine = SFaceEngine.from_cache(cache_dir / "models")
    estate = estate_gallery(engine, originals)
    household = Gallery([(0, engine.analyse(originals[0])[0].embedding)])
    thresholds = Thresholds()

    def decide_on(data: bytes) -> None:
        probe = engine.probe(data)
        if probe.face:
            search_ladder(probe.face.embedding, [household, estate], thresholds, probe.reason)

    views = [engine.view(decode(snapshot)) for snapshot in snapshots]
    aligned = [engine.align(view, engine.detect(view)[0]) for view in views]

    def infer(index: int) -> None:
        engine.detect(views[index])
        engine.embed(aligned[index])

    def plain(index: int) -> None:
        face_recognition.face_encodings(face_recognition.load_image_file(paths[index]))

    def on_snapshot(index: int) -> None:
        decide_on(snapshots[index])

    def on_original(index: int) -> None:
        decide_on(originals[index])

    rounds_of = {on_snapshot: rounds, infer: rounds, on_original: rounds, plain: plain_rounds}
    samples: dict[Callable[[int], None], list[list[float]]] = {way: [[] for _ in paths] for way in rounds_of}
    for way in rounds_of:
        way(0)
    for number in range(rounds):
        for index in range(len(paths)):
            for way, limit in rounds_of.items():
                if number < limit:
                    samples[way][index].append(_milliseconds(way, index))

    mean_ms = {way: statistics.fmean(map(statistics.median, taken)) for way, taken in samples.items()}
    ms_per_snapshot, inference_ms = mean_ms[on_snapshot], mean_ms[infer]
    original_ms, plain_ms = mean_ms[on_original], mean_ms[plain]
    return {
        "ms_per_snapshot": round(ms_per_snapshot, 2),
        "inference_ms": round(inference_ms, 2),
        "ratio_to_inference": round(ms_per_snapshot / inference_ms, 3),
        "plain_ms": round(plain_ms, 1),
        "original_ms": round(original_ms, 2),
        "speedup_over_plain": round(plain_ms / original_ms, 1),
    }
