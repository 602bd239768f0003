"""Who arrives together with whom more often than chance would have it. Pure.

Chance is taken simply: somebody's passes at a gate fall among the household's passes there as if all were spread evenly
over the busy hours, made `rush_factor` times as likely since people pass at the same hours. Company counts when it
exceeds that by a number of standard deviations (of a Poisson count) and is not too rare to say anything.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from math import sqrt

from gate_integration.occupancy.parameters import EvidenceParameters
from gate_integration.occupancy.rows import Together

Pair = tuple[uuid.UUID, uuid.UUID]


@dataclass(slots=True)
class Company:
    """For (pseudonym, household): passes together by day, and whether they exceed chance."""

    by_day: Mapping[Pair, Mapping[date, int]] = field(default_factory=dict)
    beyond_chance: frozenset[Pair] = frozenset()


def exceeds_chance(
    *, observed: int, unknown_passes: Iterable[tuple[int, int]], days: int, parameters: EvidenceParameters
) -> bool:
    """Whether `observed` passes together are more than chance explains.

    `unknown_passes`: for each gate, how often the unregistered person and how often the household passed in `days`.
    """
    if observed < parameters.together_min_passes:
        return False
    busy_seconds = max(days, 1) * parameters.together_busy_hours * 3600
    near = 2 * parameters.together_seconds / busy_seconds * parameters.together_rush_factor
    expected = sum(theirs * ours * near for theirs, ours in unknown_passes)
    return observed > expected + parameters.together_deviations * sqrt(expected)


def keep_company(
    together: Iterable[Together],
    *,
    households_of: Mapping[uuid.UUID, set[uuid.UUID]],
    unknown_passes: Mapping[tuple[uuid.UUID, uuid.UUID], int],
    household_passes: Mapping[tuple[uuid.UUID, uuid.UUID], int],
    days: int,
    parameters: EvidenceParameters,
) -> Company:
    """Company of every pair that met at all. Passes are keyed by (who, gate); of several members at once one counts."""
    met: dict[Pair, dict[tuple[uuid.UUID, date], int]] = defaultdict(dict)
    for one in together:
        for household in households_of.get(one.person_id, ()):
            place = (one.device_id, one.day)
            passes = met[one.pseudonym_id, household]
            passes[place] = max(passes.get(place, 0), one.passes)
    gates = {device for _, device in unknown_passes}
    by_day: dict[Pair, dict[date, int]] = {}
    beyond = set()
    for pair, passes in met.items():
        days_met = by_day[pair] = defaultdict(int)
        for (_, day), count in passes.items():
            days_met[day] += count
        if exceeds_chance(
            observed=sum(passes.values()),
            unknown_passes=(
                (unknown_passes.get((pair[0], gate), 0), household_passes.get((pair[1], gate), 0)) for gate in gates
            ),
            days=days,
            parameters=parameters,
        ):
            beyond.add(pair)
    return Company(by_day, frozenset(beyond))
