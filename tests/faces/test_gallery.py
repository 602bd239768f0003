import threading
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_integration.faces.bands import Band, Thresholds
from gate_integration.faces.gallery import Gallery, StaleGallery, search_ladder
from gate_integration.faces.quality import SMALL, TOO_SMALL
from gate_integration.faces.records import Vector
from tests.faces.builders import unit_vectors


def plain_search(templates: list[tuple[int, Vector]], probe: Vector, top: int) -> list[float]:
    best: dict[int, float] = defaultdict(lambda: -2.0)
    for subject, vector in templates:
        best[subject] = max(best[subject], float(np.dot(vector.astype(np.float64), probe.astype(np.float64))))
    return sorted(best.values(), reverse=True)[:top]


@settings(max_examples=40)
@given(
    rows=st.sampled_from([1, 2, 5, 63, 64, 65, 700, 3000]),
    people=st.integers(1, 900),
    top=st.integers(1, 7),
    seed=st.integers(0, 2**16),
)
def test_search_is_exact(rows: int, people: int, top: int, seed: int) -> None:
    owners = np.random.default_rng(seed).integers(0, people, rows).tolist()
    templates = list(zip(owners, unit_vectors(rows, seed), strict=True))
    gallery = Gallery(templates)
    probes = unit_vectors(3, seed + 1)
    for probe in probes:
        hits = gallery.search(probe, top=top)
        expected = plain_search(templates, probe, top)
        assert [hit.score for hit in hits] == pytest.approx(expected, abs=1e-5)
        assert len({hit.subject for hit in hits}) == len(hits)
        for hit in hits:
            own = max(float(vector @ probe) for owner, vector in templates if owner == hit.subject)
            assert hit.score == pytest.approx(own, abs=1e-5)


def test_the_matrix_is_one_read_only_block() -> None:
    gallery = Gallery(enumerate(unit_vectors(10)))
    matrix = gallery.snapshot.matrix
    assert matrix.shape == (10, 128)
    assert matrix.dtype == np.float32
    assert len(gallery) == 10
    assert matrix.flags.c_contiguous
    with pytest.raises(ValueError, match="read-only"):
        matrix[0, 0] = 1


def test_an_empty_gallery_finds_nobody() -> None:
    empty: Gallery[int] = Gallery()
    assert empty.search(unit_vectors(1)[0]) == []


def test_vectors_of_other_shape_or_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        Gallery([(1, np.ones(64, np.float32))])
    with pytest.raises(ValueError, match="length 1"):
        Gallery([(1, np.ones(128, np.float32))])
    with pytest.raises(ValueError, match="length 1"):
        Gallery([(1, np.full(128, np.nan, np.float32))])


def test_an_older_generation_never_replaces_a_newer_one() -> None:
    old, new = unit_vectors(2)
    gallery = Gallery([("old", old)], generation=1)
    assert gallery.replace([("new", new)], generation=3)
    assert not gallery.replace([("old", old)], generation=2)
    assert [hit.subject for hit in gallery.search(new, generation=3)] == ["new"]
    assert gallery.generation == 3
    with pytest.raises(StaleGallery):
        gallery.search(new, generation=4)


def test_a_search_during_replacement_sees_one_whole_state() -> None:
    vectors = unit_vectors(400)
    gallery = Gallery(((0, row), vector) for row, vector in enumerate(vectors))
    stop = threading.Event()
    seen: set[frozenset[int]] = set()

    def search() -> None:
        while not stop.is_set():
            seen.add(frozenset(hit.subject[0] for hit in gallery.search(vectors[0])))

    thread = threading.Thread(target=search)
    thread.start()
    for generation in range(1, 60):
        gallery.replace((((generation, row), v) for row, v in enumerate(vectors)), generation=generation)
    stop.set()
    thread.join()
    assert seen
    assert all(len(generations) == 1 for generations in seen)


def towards(target: Vector, cosine: float, seed: int) -> Vector:
    """A vector of length 1 with the given cosine to `target`."""
    other = unit_vectors(1, seed)[0]
    other -= (other @ target) * target
    other /= np.linalg.norm(other)
    mixed: Vector = (cosine * target + np.sqrt(1 - cosine**2) * other).astype(np.float32)
    return mixed


@pytest.mark.parametrize(
    ("household", "estate", "band", "subject", "rung"),
    [
        ({"a": 0.6}, {"a": 0.6, "z": 0.9}, Band.MATCH, "a", 0),
        ({"a": 0.1}, {"a": 0.1, "z": 0.9}, Band.MATCH, "z", 1),
        ({"a": 0.40}, {"a": 0.40}, Band.REVIEW, "a", 1),
        ({"a": 0.40}, {"a": 0.40, "z": 0.43}, Band.REVIEW, "z", 1),
        ({"a": 0.60, "b": 0.57}, {"a": 0.60, "b": 0.57}, Band.REVIEW, "a", 1),
        ({"a": 0.44}, {"z": 0.47}, Band.REVIEW, "z", 1),
        ({"a": 0.1}, {"a": 0.1, "z": 0.2}, Band.NO_MATCH, None, 1),
        ({}, {}, Band.NO_MATCH, None, 1),
    ],
)
def test_ladder(
    household: dict[str, float], estate: dict[str, float], band: Band, subject: str | None, rung: int
) -> None:
    probe = unit_vectors(1, 99)[0]
    scopes = [
        Gallery((who, towards(probe, cosine, ord(who))) for who, cosine in scope.items())
        for scope in (household, estate)
    ]
    found = search_ladder(probe, scopes, Thresholds())
    assert (found.decision.band, found.decision.subject, found.rung) == (band, subject, rung)
    if rung == 1:
        assert {hit.subject for hit in found.hits} == household.keys() | estate.keys()


def test_ladder_heeds_the_quality_of_the_face() -> None:
    probe = unit_vectors(1, 99)[0]
    stranger = [Gallery([("a", towards(probe, 0.1, 1))])]
    resident = [Gallery([("a", towards(probe, 0.8, 1))])]
    assert search_ladder(probe, stranger, Thresholds(), SMALL).decision.band is Band.UNUSABLE
    assert search_ladder(probe, resident, Thresholds(), SMALL).decision.band is Band.MATCH
    refused = search_ladder(probe, resident, Thresholds(), TOO_SMALL)
    assert (refused.decision.band, refused.rung, refused.hits) == (Band.UNUSABLE, None, ())


def test_ladder_without_scopes_knows_nobody() -> None:
    none: list[Gallery[str]] = []
    found = search_ladder(unit_vectors(1)[0], none, Thresholds())
    assert (found.decision.reason, found.rung) == ("nobody-enrolled", None)
