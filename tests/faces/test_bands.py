import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_integration.faces.bands import (
    FLOOR_MARGIN,
    FLOOR_MATCH_FROM,
    FLOOR_NO_MATCH_BELOW,
    Band,
    Thresholds,
    decide,
)
from gate_integration.faces.quality import SMALL, TOO_SMALL

SCORES = st.dictionaries(st.sampled_from("abcdef"), st.floats(-1, 1), max_size=6)
THRESHOLDS = st.builds(
    Thresholds.at_least,
    no_match_below=st.floats(-1, 0.4),
    match_from=st.floats(0.4, 1),
    margin=st.floats(0, 0.5),
)


@pytest.mark.parametrize(
    ("scores", "band", "subject", "reason"),
    [
        ({}, Band.NO_MATCH, None, "nobody-enrolled"),
        ({"a": 0.2}, Band.NO_MATCH, None, "below-threshold"),
        ({"a": 0.36}, Band.REVIEW, "a", "between-thresholds"),
        ({"a": 0.449}, Band.REVIEW, "a", "between-thresholds"),
        ({"a": 0.45}, Band.MATCH, "a", "match"),
        ({"a": 0.7, "b": 0.66}, Band.REVIEW, "a", "small-margin"),
        ({"b": 0.5, "a": 0.7}, Band.MATCH, "a", "match"),
    ],
)
def test_each_band(scores: dict[str, float], band: Band, subject: str | None, reason: str) -> None:
    decision = decide(scores, Thresholds())
    assert (decision.band, decision.subject, decision.reason) == (band, subject, reason)


@given(SCORES, THRESHOLDS)
def test_a_match_is_near_enough_and_well_ahead(scores: dict[str, float], thresholds: Thresholds) -> None:
    decision = decide(scores, thresholds)
    ranked = sorted(scores.values(), reverse=True)
    if decision.band is Band.MATCH:
        assert decision.subject is not None
        assert scores[decision.subject] == ranked[0] >= thresholds.match_from
        assert len(ranked) == 1 or ranked[0] - ranked[1] >= thresholds.margin
    if decision.band is Band.NO_MATCH:
        assert decision.subject is None
        assert all(score < thresholds.no_match_below for score in ranked)
    assert decision.band is not Band.UNUSABLE


@given(SCORES, THRESHOLDS)
def test_a_poor_picture_never_makes_a_stranger(scores: dict[str, float], thresholds: Thresholds) -> None:
    good, poor = decide(scores, thresholds), decide(scores, thresholds, SMALL)
    assert poor.band is not Band.NO_MATCH
    if good.band is Band.NO_MATCH:
        assert (poor.band, poor.subject, poor.reason) == (Band.UNUSABLE, None, "small")
    else:
        assert poor == good
    assert decide(scores, thresholds, TOO_SMALL).band is Band.UNUSABLE


@given(SCORES, THRESHOLDS, st.floats(0, 0.5))
def test_stricter_thresholds_never_create_a_match(
    scores: dict[str, float], thresholds: Thresholds, extra: float
) -> None:
    stricter = Thresholds.at_least(
        no_match_below=thresholds.no_match_below,
        match_from=min(1.0, thresholds.match_from + extra),
        margin=min(1.0, thresholds.margin + extra),
    )
    if decide(scores, thresholds).band is not Band.MATCH:
        assert decide(scores, stricter).band is not Band.MATCH


@given(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1))
def test_never_below_the_floor(no_match_below: float, match_from: float, margin: float) -> None:
    try:
        thresholds = Thresholds(no_match_below, match_from, margin)
    except ValueError:
        return
    assert thresholds.no_match_below >= FLOOR_NO_MATCH_BELOW
    assert thresholds.match_from >= max(FLOOR_MATCH_FROM, thresholds.no_match_below)
    assert thresholds.margin >= FLOOR_MARGIN


def test_thresholds_out_of_order_are_refused() -> None:
    with pytest.raises(ValueError, match="above match_from"):
        Thresholds(no_match_below=0.6, match_from=0.5)
    with pytest.raises(ValueError, match="floor"):
        Thresholds(match_from=math.nan)


def test_a_score_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ValueError, match="finite"):
        decide({"a": math.nan}, Thresholds())
