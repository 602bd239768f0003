"""Unknown faces that may be somebody registered in another flat who cannot be recognised.

Refusing weighs zero for others too: a grandmother who has no template and comes to her daughter's flat every day would
else be a stranger there, while with a template she would be known as registered next door.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from gate_integration.occupancy.rules.evidence import CardUser, HouseholdEvidence, Unknown
from gate_integration.occupancy.rules.presence import hidden_people

LinkDays = Mapping[str, Mapping[str, int]]
"""By pseudonym and unit: on how many days the one is linked to the other."""


def with_neighbours(found: Sequence[HouseholdEvidence], link_days: LinkDays, today: date) -> list[HouseholdEvidence]:
    """The same evidence with every such unknown person marked.

    One is meant who is linked to another leased unit on at least as many days as to this one, where somebody registered
    could not be recognised at some time since this person was first seen here.
    """
    by_unit = {evidence.unit_id: evidence for evidence in found}

    def is_one(person: str, first: date, unit_id: str) -> bool:
        days = link_days.get(person, {})
        return any(
            count >= days.get(unit_id, 0) and hidden_people(by_unit[other], first, today) > 0
            for other, count in days.items()
            if other != unit_id and other in by_unit
        )

    def unknown(one: Unknown, unit_id: str) -> Unknown:
        marked = bool(one.days) and is_one(one.pseudonym_id, min(one.days), unit_id)
        return replace(one, neighbour=True) if marked else one

    def user(one: CardUser, unit_id: str) -> CardUser:
        marked = one.pseudonym and bool(one.on) and is_one(one.user_id, min(one.on), unit_id)
        return replace(one, neighbour=True) if marked else one

    return [
        replace(
            evidence,
            unknowns=tuple(unknown(one, evidence.unit_id) for one in evidence.unknowns),
            card_users=tuple(user(one, evidence.unit_id) for one in evidence.card_users),
        )
        for evidence in found
    ]
