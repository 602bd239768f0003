"""Exact search among enrolled people: one float32 matrix for each scope.

A public-housing district has fewer than 100,000 templates: a matrix product answers in a few milliseconds, exactly,
and needs no approximate index. The caller says who belongs to a scope and which generation of it is current.
"""

import threading
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import numpy as np
import numpy.typing as npt

from gate_integration.faces.bands import Band, Decision, Thresholds, decide
from gate_integration.faces.reasons import Reason
from gate_integration.faces.records import Vector

S = TypeVar("S", bound=Hashable)

DIMENSION = 128

_BLOCK = 64
_OFFSETS = np.arange(_BLOCK)


class StaleGallery(LookupError):
    """The matrix is not of the generation the caller asked for: rebuild it, since somebody may have left it."""


@dataclass(frozen=True, slots=True)
class Hit(Generic[S]):
    """One person and the cosine of their best template."""

    subject: S
    score: float


@dataclass(frozen=True, slots=True, eq=False)
class Snapshot(Generic[S]):
    """One immutable state. `matrix` is float32 (templates, 128), contiguous and read-only; `subjects` says for each
    row whose it is, `most` how many rows the best-documented subject has.
    """

    matrix: Vector = field(repr=False)
    subjects: tuple[S, ...] = field(repr=False)
    most: int
    generation: int


class Gallery(Generic[S]):
    """The people of one scope. Searching and replacing may happen in different threads at once: a search sees one
    whole state, the old or the new.
    """

    def __init__(self, templates: Iterable[tuple[S, Vector]] = (), *, generation: int = 0) -> None:
        self._lock = threading.Lock()
        self._snapshot = _build(templates, generation)

    @property
    def generation(self) -> int:
        """Of the state in use."""
        return self._snapshot.generation

    @property
    def snapshot(self) -> Snapshot[S]:
        """The state in use."""
        return self._snapshot

    def __len__(self) -> int:
        """How many templates."""
        return len(self._snapshot.matrix)

    def replace(self, templates: Iterable[tuple[S, Vector]], *, generation: int) -> bool:
        """Swap in a new state; False, and nothing happens, if a newer one is already there.

        Vectors have length 1 and 128 numbers, several for one subject are fine. Raises `ValueError` otherwise.
        """
        fresh = _build(templates, generation)
        with self._lock:
            if generation < self._snapshot.generation:
                return False
            self._snapshot = fresh
        return True

    def search(self, embedding: Vector, *, top: int = 5, generation: int | None = None) -> list[Hit[S]]:
        """The `top` nearest people for one embedding (128,), best first.

        With `generation`, raises `StaleGallery` unless the state is of that generation.
        """
        snapshot = self._current(generation)
        return _best(snapshot, snapshot.matrix @ embedding, top)

    def _current(self, generation: int | None) -> Snapshot[S]:
        snapshot = self._snapshot
        if generation is not None and snapshot.generation != generation:
            raise StaleGallery(f"gallery holds generation {snapshot.generation}, asked for {generation}")
        return snapshot


@dataclass(frozen=True, slots=True)
class LadderDecision(Generic[S]):
    """A decision over several scopes: `rung` is the index of the scope that settled it (the widest one, unless a
    match came earlier; None where the face was unusable and nothing was searched), `hits` everybody considered.
    """

    decision: Decision[S]
    rung: int | None
    hits: tuple[Hit[S], ...]


def search_ladder(
    embedding: Vector, scopes: Sequence[Gallery[S]], thresholds: Thresholds, quality: Reason | None = None
) -> LadderDecision[S]:
    """Search the scopes from the narrowest (the household) to the widest; the first one that gives a match wins.

    Each rung decides over everybody seen so far, so that a near miss in the household still counts against the lead
    of a stranger found further out. "No match" is said only after the widest.
    """
    seen: dict[S, float] = {}
    decision = decide(seen, thresholds, quality)
    if quality is not None and quality.refuses:
        return LadderDecision(decision, None, ())
    rung: int | None = None
    for rung, scope in enumerate(scopes):  # noqa: B007 - the last rung searched is part of the answer
        for hit in scope.search(embedding):
            seen[hit.subject] = max(hit.score, seen.get(hit.subject, hit.score))
        decision = decide(seen, thresholds, quality)
        if decision.band is Band.MATCH:
            break
    ranked = sorted(seen.items(), key=lambda item: item[1], reverse=True)
    return LadderDecision(decision, rung, tuple(Hit(subject, score) for subject, score in ranked))


def _build(templates: Iterable[tuple[S, Vector]], generation: int) -> Snapshot[S]:
    pairs = list(templates)
    for _, vector in pairs:
        if vector.shape != (DIMENSION,):
            raise ValueError(f"a template has shape {vector.shape}, expected ({DIMENSION},)")
    subjects = tuple(subject for subject, _ in pairs)
    matrix = np.empty((len(pairs), DIMENSION), np.float32)
    for row, (_, vector) in enumerate(pairs):
        matrix[row] = vector
    if not np.allclose(np.linalg.norm(matrix, axis=1), 1, atol=1e-3):
        raise ValueError("a template is not of length 1")
    matrix.flags.writeable = False
    return Snapshot(matrix, subjects, max(Counter(subjects).values(), default=0), generation)


def _best(snapshot: Snapshot[S], scores: Vector, top: int) -> list[Hit[S]]:
    """Ahead of the best row of the person ranked `top` lie at most `top - 1` people's rows: enough rows to look at."""
    enough = (top - 1) * snapshot.most + 1
    rows = _largest(scores, enough)
    hits: dict[S, float] = {}
    for row in rows.tolist():
        subject = snapshot.subjects[row]
        if subject not in hits:
            hits[subject] = float(scores[row])
            if len(hits) == top:
                break
    return [Hit(subject, score) for subject, score in hits.items()]


def _largest(scores: Vector, count: int) -> npt.NDArray[np.intp]:
    """Indices of the `count` largest scores, largest first.

    The n largest values lie within the n blocks of largest maxima: on a large matrix this leaves the slow partition
    a few hundred values instead of all of them, and keeps a search close to its matrix product.
    """
    whole = len(scores) // _BLOCK
    if whole > 4 * count:
        maxima = scores[: whole * _BLOCK].reshape(whole, _BLOCK).max(axis=1)
        blocks = maxima.argpartition(-count)[-count:]
        inside = (blocks[:, None] * _BLOCK + _OFFSETS).ravel()
        candidates = np.concatenate((inside, np.arange(whole * _BLOCK, len(scores))))
        return candidates[_largest_of_few(scores[candidates], count)]
    return _largest_of_few(scores, count)


def _largest_of_few(scores: Vector, count: int) -> npt.NDArray[np.intp]:
    if count < len(scores):
        found = scores.argpartition(-count)[-count:]
        return found[scores[found].argsort()[::-1]]
    return scores.argsort()[::-1]
