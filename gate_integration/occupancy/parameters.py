"""Parameters of gathering evidence, and the rule set of an estate as the pure rules read it."""

from dataclasses import dataclass

from gate_integration.occupancy.rules.parameters import DEFAULTS as RULE_DEFAULTS
from gate_integration.occupancy.rules.parameters import Parameters
from storage.rules.values import RuleDefault, Rules

_CHOSEN = "engineering choice, to be calibrated on reviewed cases"

DEFAULTS: tuple[RuleDefault, ...] = (
    *(RuleDefault(row.key, row.value, row.unit, row.source) for row in RULE_DEFAULTS),
    RuleDefault("occupancy.window_slack_days", 10, "days", "beyond the highest rung of the vacancy ladder; " + _CHOSEN),
    RuleDefault("occupancy.together.seconds", 60, "seconds", "two passes at one gate; " + _CHOSEN),
    RuleDefault("occupancy.together.min_passes", 3, "passes", _CHOSEN),
    RuleDefault("occupancy.together.rush_factor", 4.0, "factor", "people pass at the same hours; " + _CHOSEN),
    RuleDefault("occupancy.together.deviations", 3.0, "standard deviations", "beyond chance, design §7; " + _CHOSEN),
    RuleDefault("occupancy.together.busy_hours", 16.0, "hours per day", "hours in which people pass; " + _CHOSEN),
)


@dataclass(frozen=True, slots=True)
class EvidenceParameters:
    """How evidence is gathered. `window_days`: how far back; `together_*`: see `queries.together`."""

    window_days: int
    together_seconds: int
    together_min_passes: int
    together_rush_factor: float
    together_deviations: float
    together_busy_hours: float


@dataclass(frozen=True, slots=True)
class OccupancyRules:
    """Both halves of a rule set, read together."""

    rules: Parameters
    evidence: EvidenceParameters


def read(found: Rules) -> OccupancyRules:
    """A rule set, with the shipped value for every key that it leaves out. Raises `ParameterError`."""
    values = {default.key: default.value for default in DEFAULTS} | dict(found.values)
    rules = Parameters.from_rules(values, version=found.version or "shipped")
    return OccupancyRules(
        rules,
        EvidenceParameters(
            window_days=max(rules.rungs) + int(values["occupancy.window_slack_days"]),
            together_seconds=int(values["occupancy.together.seconds"]),
            together_min_passes=int(values["occupancy.together.min_passes"]),
            together_rush_factor=float(values["occupancy.together.rush_factor"]),
            together_deviations=float(values["occupancy.together.deviations"]),
            together_busy_hours=float(values["occupancy.together.busy_hours"]),
        ),
    )
