"""What a full list lacks of the register. Values in, values out: whether anything is ended is for a person to say."""

import uuid
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import date

from inspection.registry.imports.known import Known, KnownLease, KnownMember
from inspection.registry.missing.models import MissingKind


@dataclass(frozen=True, slots=True)
class Absent:
    """A record that the list does not name."""

    kind: MissingKind
    record_id: uuid.UUID
    unit_id: uuid.UUID | None = None
    household_id: uuid.UUID | None = None
    person_id: uuid.UUID | None = None


def absent_from(known: Known, named: AbstractSet[uuid.UUID], *, today: date) -> list[Absent]:
    """Units, households and memberships of today that are not among the `named` ids.

    A household is one of today while a lease or a membership of its runs. Whoever has no ID number cannot be named by
    a file and is never absent; neither are the people of a household that is absent as a whole.
    """
    nameable = {person.id for person in known.people}
    members = [member for member in known.members if runs(member, today)]
    current = {lease.household_id for lease in known.leases if runs(lease, today)} | {m.household_id for m in members}
    found = [
        Absent(MissingKind.UNIT, unit.id, unit_id=unit.id)
        for unit in known.units
        if unit.id not in named and not unit.withdrawn
    ]
    found += [
        Absent(MissingKind.HOUSEHOLD, household.id, household_id=household.id)
        for household in known.households
        if household.id not in named and household.id in current
    ]
    found += [
        Absent(MissingKind.MEMBER, member.id, household_id=member.household_id, person_id=member.person_id)
        for member in members
        if member.id not in named and member.household_id in named and member.person_id in nameable
    ]
    return found


def runs(record: KnownLease | KnownMember, today: date) -> bool:
    """Whether a period has not ended yet."""
    return record.valid_to is None or record.valid_to >= today
