"""From rule values to moments: until when rows of which estates had to go."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.rules.values import RuleDefault, Rules

HOURS = "hour"
DAYS = frozenset({"calendar_day", "days"})


@dataclass(frozen=True, slots=True)
class Window:
    """Rows of `estates` go when their time is `cutoff` or earlier. `estates` None: all, and what has no estate."""

    cutoff: datetime
    amount: int
    rule_version: str
    estates: tuple[uuid.UUID, ...] | None


def amount_of(rule: RuleDefault, rules: Rules) -> int:
    """The period in force, in the rule's unit: the shipped one where none is published, never below the law's."""
    amount = int(rules.values.get(rule.key, rule.value))
    return amount if rule.minimum is None else max(amount, rule.minimum)


def length_of(rule: RuleDefault, amount: int) -> timedelta:
    """A period as a time; raises `ValueError` for a unit that is neither hours nor days."""
    if rule.unit == HOURS:
        return timedelta(hours=amount)
    if rule.unit in DAYS:
        return timedelta(days=amount)
    raise ValueError(f"{rule.key}: a period has hours or days, not {rule.unit}")


def windows(
    rule: RuleDefault, *, nationwide: Rules, estates: Mapping[uuid.UUID, Rules], now: datetime
) -> tuple[Window, ...]:
    """One window for each period in force; the first is the country's, the only one with rows of no estate.

    Where all estates have the country's period there is one window, over everything.
    """
    country = amount_of(rule, nationwide)
    first = Window(now - length_of(rule, country), country, nationwide.version, None)
    local: dict[int, list[uuid.UUID]] = {}
    for estate, rules in estates.items():
        local.setdefault(amount_of(rule, rules), []).append(estate)
    if set(local) <= {country}:
        return (first,)
    return (
        Window(first.cutoff, country, nationwide.version, tuple(sorted(local.pop(country, [])))),
        *(
            Window(now - length_of(rule, amount), amount, estates[found[0]].version, tuple(sorted(found)))
            for amount, found in sorted(local.items())
        ),
    )
