"""What the rules answer: suspicions to be checked by a person, and the reasons why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum


class Rule(StrEnum):
    """Rule codes (design §7)."""

    SUBLET = "SUBLET"
    LONG_STAY = "LONG_STAY"
    CREDENTIAL_LENT = "CREDENTIAL_LENT"
    VACANT = "VACANT"


class Severity(StrEnum):
    """A prompt asks somebody to register or explain; a lead asks for a visit. Neither decides anything."""

    PROMPT = "prompt"
    LEAD = "lead"


@dataclass(frozen=True, slots=True, kw_only=True)
class Texts:
    """Plain paragraphs for people: what was seen, and what would clear it."""

    explanation_zh: str
    explanation_en: str
    clears_zh: str
    clears_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Discrepancy:
    """One suspicion of one rule about one household.

    `score` is the sum of `terms` (log-likelihood units). `first_day` and `last_day` bound what was seen, or the days of
    silence. `pseudonym_ids` are the unregistered people meant, strongest first; with people in the household who cannot
    be recognised nobody can say which of the unknown faces is a stranger, so they never stand for a finding.
    """

    rule: Rule
    severity: Severity
    score: float
    terms: Mapping[str, float]
    counts: Mapping[str, int]
    first_day: date
    last_day: date
    texts: Texts
    event_ids: tuple[str, ...] = ()
    pseudonym_ids: tuple[str, ...] = ()

    @property
    def pseudonym_id(self) -> str | None:
        """The unregistered person whose terms are given; None where the rule is about absence."""
        return self.pseudonym_ids[0] if self.pseudonym_ids else None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotRaised:
    """Why a rule did not speak: shown to the office, so that nobody has to guess why a household was not accused."""

    rule: Rule
    why_code: str
    why_zh: str
    why_en: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Both lists, each in the order of the rules; a rule stands in exactly one of them."""

    discrepancies: tuple[Discrepancy, ...]
    not_raised: tuple[NotRaised, ...]
