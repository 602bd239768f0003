"""Every SQL statement about people on terminals."""

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.bulk_enrolment.queries import people_here
from gate_integration.devices.models import Credential, DevicePerson, GateDevice
from gate_integration.removals.models import DeviceRemoval, RemovalState, What
from gate_integration.terminal_people.matching import Register, Registered
from gate_integration.terminal_people.models import (
    EntryState,
    Level,
    TerminalCandidate,
    TerminalColumns,
    TerminalEntry,
    TerminalList,
)
from inspection.registry.households.models import GuestStay, HouseholdMember, Lease, Person
from inspection.registry.places.models import Building, Entrance, HousingUnit

PIECE = 1000


async def locked_device(session: AsyncSession, device_id: uuid.UUID) -> GateDevice | None:
    """A device, locked, so that two lists of it come one after the other."""
    return await session.get(GateDevice, device_id, with_for_update=True, populate_existing=True)


async def columns(session: AsyncSession, device_id: uuid.UUID) -> TerminalColumns | None:
    """The columns kept for a device."""
    return await session.get(TerminalColumns, device_id)


async def lists(
    session: AsyncSession, *, device_id: uuid.UUID, after: uuid.UUID | None, limit: int
) -> Sequence[TerminalList]:
    """Lists of a device, newest first, from after a given one."""
    query = select(TerminalList).where(TerminalList.device_id == device_id)
    if after is not None:
        query = query.where(TerminalList.id < after)
    return (await session.scalars(query.order_by(TerminalList.id.desc()).limit(limit))).all()


async def standing(session: AsyncSession, *, device_id: uuid.UUID) -> dict[str, TerminalEntry]:
    """Entries of a device that are not closed, by number, locked."""
    rows = await session.scalars(
        select(TerminalEntry)
        .where(TerminalEntry.device_id == device_id, TerminalEntry.closed_at.is_(None))
        .with_for_update()
    )
    return {row.number: row for row in rows}


async def entry(session: AsyncSession, entry_id: uuid.UUID, *, lock: bool = False) -> TerminalEntry | None:
    """An entry in scope."""
    return await session.get(TerminalEntry, entry_id, with_for_update=lock or None, populate_existing=lock)


async def page(
    session: AsyncSession, *, device_id: uuid.UUID, state: EntryState | None, level: Level | None,
    missing: bool | None, after: uuid.UUID | None, limit: int,
) -> Sequence[TerminalEntry]:  # fmt: skip
    """Entries of a device in order of their first listing."""
    query = select(TerminalEntry).where(TerminalEntry.device_id == device_id)
    if state is not None:
        query = query.where(TerminalEntry.state == state)
    if level is not None:
        query = query.where(TerminalEntry.level == level)
    if missing is not None:
        gone = TerminalEntry.missing_since.is_not(None)
        query = query.where(gone if missing else ~gone)
    if after is not None:
        query = query.where(TerminalEntry.id > after)
    return (await session.scalars(query.order_by(TerminalEntry.id).limit(limit))).all()


async def exact(session: AsyncSession, *, device_id: uuid.UUID) -> Sequence[TerminalEntry]:
    """Open entries that card and name say the same of, locked."""
    return (
        await session.scalars(
            select(TerminalEntry)
            .where(
                TerminalEntry.device_id == device_id,
                TerminalEntry.state == EntryState.OPEN,
                TerminalEntry.level == Level.EXACT,
                TerminalEntry.missing_since.is_(None),
            )
            .order_by(TerminalEntry.id)
            .with_for_update()
        )
    ).all()


async def missing(session: AsyncSession, *, device_id: uuid.UUID) -> Sequence[TerminalEntry]:
    """Entries that the last list no longer had, locked."""
    return (
        await session.scalars(
            select(TerminalEntry)
            .where(
                TerminalEntry.device_id == device_id,
                TerminalEntry.missing_since.is_not(None),
                TerminalEntry.closed_at.is_(None),
            )
            .order_by(TerminalEntry.id)
            .with_for_update()
        )
    ).all()


async def candidates(
    session: AsyncSession, *, entry_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, list[tuple[TerminalCandidate, str]]]:
    """Candidates of entries with their names, best first."""
    rows = await session.execute(
        select(TerminalCandidate, Person.name)
        .join(Person, Person.id == TerminalCandidate.person_id)
        .where(TerminalCandidate.entry_id.in_(entry_ids))
        .order_by(TerminalCandidate.score.desc(), TerminalCandidate.person_id)
    )
    found: dict[uuid.UUID, list[tuple[TerminalCandidate, str]]] = defaultdict(list)
    for row, name in rows:
        found[row.entry_id].append((row, name))
    return found


async def rejected(session: AsyncSession, *, device_id: uuid.UUID) -> dict[uuid.UUID, set[uuid.UUID]]:
    """By entry, of whom somebody said that it does not mean them."""
    rows = await session.execute(
        select(TerminalCandidate.entry_id, TerminalCandidate.person_id)
        .join(TerminalEntry, TerminalEntry.id == TerminalCandidate.entry_id)
        .where(TerminalEntry.device_id == device_id, TerminalCandidate.rejected_at.is_not(None))
    )
    found: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for entry_id, person_id in rows:
        found[entry_id].add(person_id)
    return found


async def replace_candidates(
    session: AsyncSession, *, entry_ids: Collection[uuid.UUID], rows: Sequence[dict[str, object]]
) -> None:
    """Puts new proposals in place of those nobody has rejected."""
    await session.execute(
        delete(TerminalCandidate).where(
            TerminalCandidate.entry_id.in_(entry_ids), TerminalCandidate.rejected_at.is_(None)
        )
    )
    for start in range(0, len(rows), PIECE):
        await session.execute(insert(TerminalCandidate), list(rows[start : start + PIECE]))


async def forget_candidates(session: AsyncSession, *, entry_ids: Collection[uuid.UUID]) -> None:
    """Deletes all proposals of entries, rejected ones too."""
    await session.execute(delete(TerminalCandidate).where(TerminalCandidate.entry_id.in_(entry_ids)))


async def pending_removals(
    session: AsyncSession, *, device_id: uuid.UUID, number: str | None = None, what: What | None = None
) -> Sequence[DeviceRemoval]:
    """What is still to be taken off a device."""
    query = select(DeviceRemoval).where(
        DeviceRemoval.device_id == device_id, DeviceRemoval.state == RemovalState.PENDING
    )
    if number is not None:
        query = query.where(DeviceRemoval.device_person_no == number)
    if what is not None:
        query = query.where(DeviceRemoval.what == what)
    return (await session.scalars(query.order_by(DeviceRemoval.id).with_for_update())).all()


async def is_here(session: AsyncSession, *, person_id: uuid.UUID, estate_id: uuid.UUID, on: date) -> bool | None:
    """Whether a person of the estate lives, stays or works there; None for nobody of the estate."""
    return await session.scalar(
        select(Person.id.in_(people_here(estate_id, on))).where(
            Person.id == person_id, Person.estate_id == estate_id, Person.erased_at.is_(None)
        )
    )


async def end_mapping(session: AsyncSession, *, device_person_id: uuid.UUID | None, now: object) -> None:
    """A number means nobody any more."""
    await session.execute(
        update(DevicePerson)
        .where(DevicePerson.id == device_person_id, DevicePerson.removed_at.is_(None))
        .values(removed_at=now)
    )


async def mappings(session: AsyncSession, *, device_id: uuid.UUID) -> dict[str, DevicePerson]:
    """Whom the numbers of a device mean."""
    rows = await session.scalars(
        select(DevicePerson).where(DevicePerson.device_id == device_id, DevicePerson.removed_at.is_(None))
    )
    return {row.number: row for row in rows}


async def register(session: AsyncSession, *, device: GateDevice, on: date) -> Register:
    """What the entries of a device are compared with: the people of its estate, their flats, cards and numbers."""
    estate_id = device.estate_id
    here = set(await session.scalars(people_here(estate_id, on)))
    people = (
        await session.execute(
            select(Person.id, Person.name, Person.id_number_index).where(
                Person.estate_id == estate_id, Person.erased_at.is_(None)
            )
        )
    ).all()
    homes = await household_people(session, estate_id=estate_id, on=on)
    flats: dict[uuid.UUID, list[tuple[str, str, str]]] = defaultdict(list)
    for household_id, unit_id, *address in await session.execute(
        select(Lease.household_id, Lease.unit_id, Building.name, Entrance.name, HousingUnit.room_no)
        .join(HousingUnit, HousingUnit.id == Lease.unit_id)
        .join(Building, Building.id == HousingUnit.building_id)
        .join(Entrance, Entrance.id == HousingUnit.entrance_id)
        .where(Lease.estate_id == estate_id, or_(Lease.valid_to.is_(None), Lease.valid_to >= on))
    ):
        building, entrance, room = address
        flats[household_id].append((building, entrance, room))
        flats[unit_id].append((building, entrance, room))
        homes[unit_id] |= homes.get(household_id, set())
    addresses: dict[uuid.UUID, list[tuple[str, str, str]]] = defaultdict(list)
    for home, members in homes.items():
        for person_id in members:
            addresses[person_id] += flats.get(home, [])
    own: dict[bytes, uuid.UUID] = {}
    shared: dict[bytes, set[uuid.UUID]] = defaultdict(set)
    for index, holder, household, unit in await session.execute(
        select(Credential.number_index, Credential.person_id, Credential.household_id, Credential.unit_id).where(
            Credential.estate_id == estate_id, Credential.kind == "card", Credential.withdrawn_at.is_(None)
        )
    ):
        if holder is not None:
            own[index] = holder
        for let_to in (household, unit):
            if let_to is not None:
                shared[index] |= homes.get(let_to, set())
    elsewhere: dict[str, set[uuid.UUID]] = defaultdict(set)
    for number, meant in await session.execute(
        select(DevicePerson.number, DevicePerson.person_id).where(
            DevicePerson.estate_id == estate_id, DevicePerson.device_id != device.id, DevicePerson.removed_at.is_(None)
        )
    ):
        elsewhere[number].add(meant)
    return Register(
        people={
            person_id: Registered(name, person_id in here, tuple(dict.fromkeys(addresses.get(person_id, ()))))
            for person_id, name, _ in people
        },
        own_cards=own, household_cards=shared,
        id_numbers={index: person_id for person_id, _, index in people if index is not None}, elsewhere=elsewhere,
        mapped={number: row.person_id for number, row in (await mappings(session, device_id=device.id)).items()},
    )  # fmt: skip


async def household_people(
    session: AsyncSession, *, estate_id: uuid.UUID, on: date
) -> defaultdict[uuid.UUID, set[uuid.UUID]]:
    """Members and guests of each household on a day or later."""
    homes: defaultdict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for household, person in await session.execute(
        select(HouseholdMember.household_id, HouseholdMember.person_id).where(
            HouseholdMember.estate_id == estate_id,
            or_(HouseholdMember.valid_to.is_(None), HouseholdMember.valid_to >= on),
        )
    ):
        homes[household].add(person)
    for household, person in await session.execute(
        select(GuestStay.household_id, GuestStay.person_id).where(
            GuestStay.estate_id == estate_id, GuestStay.cancelled_at.is_(None), GuestStay.valid_to >= on
        )
    ):
        homes[household].add(person)
    return homes


async def tally(session: AsyncSession, *, device_id: uuid.UUID) -> list[tuple[str, str, bool, int]]:
    """How many standing entries there are by state, level and whether the last list lacked them."""
    gone = TerminalEntry.missing_since.is_not(None)
    rows = await session.execute(
        select(TerminalEntry.state, TerminalEntry.level, gone, func.count())
        .where(TerminalEntry.device_id == device_id, TerminalEntry.closed_at.is_(None))
        .group_by(TerminalEntry.state, TerminalEntry.level, gone)
        .order_by(TerminalEntry.state, TerminalEntry.level, gone)
    )
    return [(state, level, lacking, number) for state, level, lacking, number in rows]
