"""From scores to one of four bands: match, review, no match, unusable. Pure."""

import math
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, Self, TypeVar

from gate_integration.faces.reasons import Reason

S = TypeVar("S", bound=Hashable)

FLOOR_NO_MATCH_BELOW = 0.36
FLOOR_MATCH_FROM = 0.45
FLOOR_MARGIN = 0.05
"""SFace cosine. On the pooled public sets 0.35 admits one impostor pair in 1,000 and 0.45 one in 100,000; those sets
are small, so an estate's own scores may raise these values and nothing may lower them."""


class Band(StrEnum):
    """What a comparison amounts to. Only `MATCH` names somebody without a person looking."""

    MATCH = "match"
    REVIEW = "review"
    NO_MATCH = "no_match"
    UNUSABLE = "unusable"


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Cosine similarities that separate the bands, and the lead the best person needs over the second.

    Raises `ValueError` for values below the floor, out of order, or above 1.
    """

    no_match_below: float = FLOOR_NO_MATCH_BELOW
    match_from: float = FLOOR_MATCH_FROM
    margin: float = FLOOR_MARGIN

    def __post_init__(self) -> None:
        floors = (FLOOR_NO_MATCH_BELOW, FLOOR_MATCH_FROM, FLOOR_MARGIN)
        values = (self.no_match_below, self.match_from, self.margin)
        if not all(floor <= value <= 1 for floor, value in zip(floors, values, strict=True)):
            raise ValueError(f"thresholds {values} must lie between the shipped floor {floors} and 1")
        if self.no_match_below > self.match_from:
            raise ValueError(f"no_match_below {self.no_match_below} lies above match_from {self.match_from}")

    @classmethod
    def at_least(cls, *, no_match_below: float, match_from: float, margin: float = FLOOR_MARGIN) -> Self:
        """Calibrated values, raised to the floor where they lie below it."""
        return cls(
            no_match_below=max(no_match_below, FLOOR_NO_MATCH_BELOW),
            match_from=max(match_from, FLOOR_MATCH_FROM),
            margin=max(margin, FLOOR_MARGIN),
        )


@dataclass(frozen=True, slots=True)
class Decision(Generic[S]):
    """The outcome for one face.

    `subject` is set for `MATCH` and `REVIEW` (the nearest person). `score` is the best cosine, None where nothing was
    compared; `margin` its lead over the second person, None where there is no second. `reason` is a code: `match`,
    `small-margin`, `between-thresholds`, `below-threshold`, `nobody-enrolled`, or that of the picture's `Reason`.
    """

    band: Band
    subject: S | None
    score: float | None
    margin: float | None
    reason: str


def decide(scores_by_subject: Mapping[S, float], thresholds: Thresholds, quality: Reason | None = None) -> Decision[S]:
    """Put the best of `scores_by_subject` (cosine, best template of each person) into a band.

    A refusing `quality` makes the face unusable whatever it resembles. With a warning, a resemblance counts and its
    absence does not: what would be `NO_MATCH` becomes `UNUSABLE`, so that a poor picture never makes a stranger.
    Raises `ValueError` for a score that is not a number.
    """
    if quality is not None and quality.refuses:
        return Decision(Band.UNUSABLE, None, None, None, quality.code)
    if not all(math.isfinite(score) for score in scores_by_subject.values()):
        raise ValueError("a score is not a finite number")
    subject: S | None = None
    score = margin = None
    reason = "nobody-enrolled"
    if scores_by_subject:
        subject = max(scores_by_subject, key=scores_by_subject.__getitem__)
        score = scores_by_subject[subject]
        others = [other for who, other in scores_by_subject.items() if who != subject]
        margin = score - max(others) if others else None
        reason = _reason(score, margin, thresholds)
    if reason == "match":
        return Decision(Band.MATCH, subject, score, margin, reason)
    if reason in {"small-margin", "between-thresholds"}:
        return Decision(Band.REVIEW, subject, score, margin, reason)
    if quality is not None:
        return Decision(Band.UNUSABLE, None, score, margin, quality.code)
    return Decision(Band.NO_MATCH, None, score, margin, reason)


def _reason(score: float, margin: float | None, thresholds: Thresholds) -> str:
    if score < thresholds.no_match_below:
        return "below-threshold"
    if score < thresholds.match_from:
        return "between-thresholds"
    if margin is not None and margin < thresholds.margin:
        return "small-margin"
    return "match"
