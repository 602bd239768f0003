"""Who uses a household's card or fingerprint and is none of its people. Values in, values out."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Set
from datetime import date

from gate_integration.occupancy.rows import CardUse
from gate_integration.occupancy.rules.evidence import CardUser

_Households = Mapping[uuid.UUID, Set[uuid.UUID]]


def card_users(
    uses: Iterable[CardUse],
    *,
    households_of: _Households,
    guests_of: _Households,
    unit_of: Mapping[uuid.UUID, uuid.UUID],
    linked_to: _Households,
) -> dict[uuid.UUID, tuple[CardUser, ...]]:
    """By household that leases a unit: everybody else who used what is the household's own.

    A recognised person counts only where they are a member or guest of another household: service workers known to the
    estate are let in by residents every day. Whoever was registered with the household in the span is
    one of its people.
    """
    found: dict[tuple[uuid.UUID, uuid.UUID], list[CardUse]] = defaultdict(list)
    for use in uses:
        household = use.household_id if use.household_id is not None else _sole(households_of, use.holder_id)
        user = use.pseudonym_id
        if user is None and use.person_id is not None:
            registered = {*households_of.get(use.person_id, ()), *guests_of.get(use.person_id, ())}
            user = use.person_id if registered and household not in registered else None
        if household is not None and household in unit_of and user is not None:
            found[household, user].append(use)
    users: dict[uuid.UUID, list[CardUser]] = defaultdict(list)
    for (household, user), theirs in found.items():
        days: dict[date, list[CardUse]] = defaultdict(list)
        for use in theirs:
            days[use.day].append(use)
        users[household].append(
            CardUser(
                user_id=str(user),
                pseudonym=theirs[0].pseudonym_id is not None,
                on={day: sum(use.count for use in of_day) for day, of_day in days.items()},
                event_ids={day: tuple(e for use in of_day for e in use.event_ids) for day, of_day in days.items()},
                other_units=len(set(linked_to.get(user, ())) - {unit_of[household]}),
            )
        )
    return {household: tuple(theirs) for household, theirs in users.items()}


def _sole(households_of: _Households, person_id: uuid.UUID | None) -> uuid.UUID | None:
    households = households_of.get(person_id, set()) if person_id is not None else set()
    return next(iter(households)) if len(households) == 1 else None
