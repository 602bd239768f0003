"""Parameters of recognition, read from the rule set in force in an estate's division."""

import uuid
from dataclasses import dataclass
from datetime import date

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.faces.bands import FLOOR_MARGIN, FLOOR_MATCH_FROM, FLOOR_NO_MATCH_BELOW, Thresholds
from inspection.registry.places.models import Estate
from storage.rules.service import in_force
from storage.rules.values import RuleDefault, Rules

_MEASURED = "measured on public sets; an estate's own impostor scores may raise it, nothing lowers it"

DEFAULTS: tuple[RuleDefault, ...] = (
    RuleDefault("recognition.no_match_below", FLOOR_NO_MATCH_BELOW, "cosine", _MEASURED),
    RuleDefault("recognition.match_from", FLOOR_MATCH_FROM, "cosine", _MEASURED),
    RuleDefault("recognition.margin", FLOOR_MARGIN, "cosine", _MEASURED),
    # Two strangers taken for one would make a person who recurs; one taken for two only delays a rule.
    RuleDefault("recognition.pseudonym_from", FLOOR_MATCH_FROM, "cosine", _MEASURED),
    RuleDefault("recognition.pseudonym_faces", 50, "faces", "engineering choice: a centroid keeps following a face"),
    RuleDefault("recognition.max_templates", 5, "templates per person", "engineering choice"),
    # Of an unregistered person who leads to a unit; long enough for the rules to look and a person to decide.
    RuleDefault("retention.linked_snapshot_days", 60, "days", "design: privacy, to be confirmed by counsel"),
    RuleDefault("retention.pseudonym_unseen_days", 30, "days", "design: privacy, to be confirmed by counsel"),
)


@dataclass(frozen=True, slots=True)
class RecognitionParameters:
    """What recognition in one estate goes by. Cosines, counts and days; see `DEFAULTS` for the sources."""

    thresholds: Thresholds
    pseudonym_from: float
    pseudonym_faces: int
    max_templates: int
    linked_snapshot_days: int


def read(rules: Rules) -> RecognitionParameters:
    """The parameters of a rule set, with the shipped value where it has none; never below the shipped floor."""
    values = {default.key: default.value for default in DEFAULTS} | dict(rules.values)
    return RecognitionParameters(
        thresholds=Thresholds.at_least(
            no_match_below=float(values["recognition.no_match_below"]),
            match_from=float(values["recognition.match_from"]),
            margin=float(values["recognition.margin"]),
        ),
        pseudonym_from=max(float(values["recognition.pseudonym_from"]), FLOOR_MATCH_FROM),
        pseudonym_faces=int(values["recognition.pseudonym_faces"]),
        max_templates=int(values["recognition.max_templates"]),
        linked_snapshot_days=int(values["retention.linked_snapshot_days"]),
    )


async def rules_of(session: AsyncSession, *, estate_id: uuid.UUID, on: date) -> Rules:
    """The rule values in force in an estate's division."""
    estate = await session.get(Estate, estate_id)
    return await in_force(session, division_code=estate.division_code if estate else "", on=on)


async def recognition_parameters(session: AsyncSession, *, estate_id: uuid.UUID, on: date) -> RecognitionParameters:
    """The parameters of recognition in force in an estate."""
    return read(await rules_of(session, estate_id=estate_id, on=on))
