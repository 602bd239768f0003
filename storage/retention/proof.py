"""Digests by which a deletion is proven: whoever has the ids computes the same."""

import hashlib
import uuid
from collections.abc import Iterable


def batch_digest(ids: Iterable[uuid.UUID]) -> bytes:
    """SHA-256 over the ids, sorted, 16 bytes each."""
    return hashlib.sha256(b"".join(sorted(one.bytes for one in ids))).digest()


def run_digest(batches: Iterable[bytes]) -> bytes:
    """SHA-256 over the digests of a run's batches, in their order; of no batch: SHA-256 of nothing."""
    return hashlib.sha256(b"".join(batches)).digest()
