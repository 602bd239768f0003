"""Templates at rest: sealed under their subject's key and bound to estate, subject, engine and their own id."""

import uuid

import numpy as np

from gate_integration.faces.records import Vector
from storage.vault import crypto

_STORED = np.dtype("<f4")


def template_place(*, estate_id: uuid.UUID, person_id: uuid.UUID, engine: str, template_id: uuid.UUID) -> str:
    """Where a person's template belongs; moved anywhere else it does not open."""
    return f"template/{estate_id}/{person_id}/{engine}/{template_id}"


def seal_vector(key: bytes, vector: Vector, *, place: str) -> bytes:
    """A vector, sealed for its place."""
    return crypto.seal(key, vector.astype(_STORED).tobytes(), place=place)


def open_vector(key: bytes, sealed: bytes, *, place: str) -> Vector:
    """The vector sealed for this place, float32 (128,). Raises `SealBroken`."""
    return np.frombuffer(crypto.unseal(key, sealed, place=place), _STORED).astype(np.float32)
