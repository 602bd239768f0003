"""Evidence of every household of an estate, from a fixed number of statements."""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.occupancy import queries, register_queries
from gate_integration.occupancy.cards import card_users
from gate_integration.occupancy.company import Company, keep_company
from gate_integration.occupancy.gates import Gate, GateMap, UnitPlace
from gate_integration.occupancy.parameters import EvidenceParameters
from gate_integration.occupancy.rows import Span, UnknownDay
from gate_integration.occupancy.rules.evidence import (
    Absence,
    CardUser,
    CareTag,
    Guest,
    HouseholdEvidence,
    Link,
    LinkKind,
    Member,
    Unknown,
    Visits,
    Worker,
    WorkerKind,
)
from gate_integration.occupancy.rules.neighbours import with_neighbours
from storage.clock import SHANGHAI

_DAY = timedelta(days=1)
_Days = dict[date, int]


@dataclass(slots=True)
class _Rows:
    """What the statements told, grouped by whom it concerns."""

    span: Span
    gates: GateMap
    members: Mapping[uuid.UUID, list[Any]]
    guests: Mapping[uuid.UUID, list[Any]]
    workers: Mapping[uuid.UUID, list[Any]]
    care: Mapping[uuid.UUID, list[Any]]
    absences: Mapping[uuid.UUID, list[Any]]
    seen: Mapping[uuid.UUID, _Days]
    seen_for_unit: Mapping[tuple[uuid.UUID, uuid.UUID], _Days]
    credential_use: Mapping[uuid.UUID, set[date]]
    card_users: Mapping[uuid.UUID, tuple[CardUser, ...]]
    unknown: Mapping[uuid.UUID, list[UnknownDay]]
    links: Mapping[uuid.UUID, Mapping[uuid.UUID, Mapping[LinkKind, _Days]]]
    company: Company
    worker_households: Mapping[uuid.UUID, set[uuid.UUID]]
    linked_to: Mapping[uuid.UUID, set[uuid.UUID]] = field(default_factory=dict)


async def evidence_for_estate(
    session: AsyncSession, *, estate_id: uuid.UUID, today: date, rules: EvidenceParameters, now: datetime
) -> list[HouseholdEvidence]:
    """One value for each household that leases a unit on `today`, in the order of their numbers.

    Only full days before `today` are looked at, and only what had been told by `now`.
    """
    first = today - timedelta(days=rules.window_days)
    span = Span(_midnight(first), _midnight(today), first, today)
    leases = {row[0]: row for row in reversed(await register_queries.leases(session, estate_id=estate_id, on=today))}
    rows = await _read(session, estate_id=estate_id, span=span, rules=rules, now=now, leases=leases)
    found = [_household(row, rows) for row in reversed(leases.values())]
    link_days: dict[str, dict[str, int]] = defaultdict(dict)
    for unit, by_pseudonym in rows.links.items():
        for pseudonym, kinds in by_pseudonym.items():
            link_days[str(pseudonym)][str(unit)] = len({day for days in kinds.values() for day in days})
    return with_neighbours(found, link_days, today)


async def _read(
    session: AsyncSession,
    *,
    estate_id: uuid.UUID,
    span: Span,
    rules: EvidenceParameters,
    now: datetime,
    leases: Mapping[uuid.UUID, Any],
) -> _Rows:
    members = _grouped(await register_queries.members(session, estate_id=estate_id, span=span))
    guests = _grouped(await register_queries.guests(session, estate_id=estate_id, span=span, known=now))
    workers = _grouped(await register_queries.workers(session, estate_id=estate_id, span=span, known=now))
    households_of = _inverted(members)
    unknown: dict[uuid.UUID, list[UnknownDay]] = defaultdict(list)
    unknown_passes: dict[tuple[uuid.UUID, uuid.UUID], int] = defaultdict(int)
    for one in await queries.unknown_days(session, estate_id=estate_id, span=span):
        unknown[one.pseudonym_id].append(one)
        unknown_passes[one.pseudonym_id, one.device_id] += one.count
    household_passes: dict[tuple[uuid.UUID, uuid.UUID], int] = defaultdict(int)
    company = Company()
    if unknown:
        for person, device, count in await queries.passes_by_gate(session, estate_id=estate_id, span=span):
            for household in households_of.get(person, ()):
                household_passes[household, device] += count
        met = await queries.together(session, estate_id=estate_id, span=span, seconds=rules.together_seconds)
        company = keep_company(
            met, households_of=households_of, unknown_passes=unknown_passes, household_passes=household_passes,
            days=len({one.day for days in unknown.values() for one in days}), parameters=rules,
        )  # fmt: skip
    links = await _links(session, estate_id=estate_id, span=span, company=company, leases=leases)
    seen: dict[uuid.UUID, _Days] = defaultdict(lambda: defaultdict(int))
    seen_for_unit: dict[tuple[uuid.UUID, uuid.UUID], _Days] = defaultdict(lambda: defaultdict(int))
    for person, unit, day, count in await queries.seen_people(session, estate_id=estate_id, span=span):
        seen[person][day] += count
        if unit is not None:
            seen_for_unit[person, unit][day] += count
    credential_use: dict[uuid.UUID, set[date]] = defaultdict(set)
    for unit, day in await queries.credential_days(session, estate_id=estate_id, span=span):
        credential_use[unit].add(day)
    linked_to: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for unit, by_pseudonym in links.items():
        for pseudonym in by_pseudonym:
            linked_to[pseudonym].add(unit)
    return _Rows(
        span=span,
        gates=await _gates(session, estate_id=estate_id, span=span),
        members=members,
        guests=guests,
        workers=workers,
        care=_grouped(await register_queries.care_tags(session, estate_id=estate_id, span=span)),
        absences=_grouped(await register_queries.absences(session, estate_id=estate_id, span=span, known=now)),
        seen=seen,
        seen_for_unit=seen_for_unit,
        credential_use=credential_use,
        card_users=card_users(
            await queries.card_uses(session, estate_id=estate_id, span=span),
            households_of=households_of,
            guests_of=_inverted(guests),
            linked_to=linked_to,
            unit_of={household: lease[1] for household, lease in leases.items()},
        ),
        unknown=unknown,
        links=links,
        company=company,
        worker_households=_inverted(workers),
        linked_to=linked_to,
    )


async def _gates(session: AsyncSession, *, estate_id: uuid.UUID, span: Span) -> GateMap:
    outages: dict[uuid.UUID, list[tuple[datetime, datetime | None]]] = defaultdict(list)
    for device, began, ended in await queries.outages(session, estate_id=estate_id, span=span):
        outages[device].append((began, ended))
    found = [
        Gate(
            id=device.id, level=device.level, building_id=device.building_id, entrance_id=device.entrance_id,
            unit_id=device.unit_id, capture_mode=device.capture_mode, camera=device.camera,
            direction=device.direction, exit_recorded=device.exit_recorded, created_at=device.created_at,
            last_contact=contact, outages=tuple(outages[device.id]),
        )
        for device, contact in await queries.gates(session, estate_id=estate_id)
    ]  # fmt: skip
    enrolled = await queries.enrolled_since(session, estate_id=estate_id, on=span.today)
    on_devices = await queries.on_devices_since(session, estate_id=estate_id, on=span.today)
    pictures_since = await queries.pictures_since(session, estate_id=estate_id, on=span.today)
    return GateMap(found, enrolled, on_devices, pictures_since)


async def _links(
    session: AsyncSession, *, estate_id: uuid.UUID, span: Span, company: Company, leases: Mapping[uuid.UUID, Any]
) -> Mapping[uuid.UUID, Mapping[uuid.UUID, Mapping[LinkKind, _Days]]]:
    """By unit, pseudonym and kind: on which days."""
    found: dict[uuid.UUID, dict[uuid.UUID, dict[LinkKind, _Days]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(dict))
    )
    for pseudonym, unit, kind, day, count in await queries.unknown_links(session, estate_id=estate_id, span=span):
        found[unit][pseudonym][LinkKind(kind)][day] = count
    for pseudonym, household in company.beyond_chance:
        if household in leases:
            days = dict(company.by_day[pseudonym, household])
            found[leases[household][1]][pseudonym][LinkKind.ARRIVES_WITH_RESIDENT] = days
    return found


def _household(lease: Any, rows: _Rows) -> HouseholdEvidence:  # noqa: ANN401 - a row of register_queries.leases
    household, unit_id, lease_from, building, entrance = lease
    gates = rows.gates.of(UnitPlace(unit_id, building, entrance))
    begin, coverage = rows.gates.coverage(gates, rows.span.first, rows.span.today)
    members = tuple(
        Member(
            person_id=str(person), start=start, end=end, role=role,
            visible_from=rows.gates.visible_from(person, gates), seen_on=dict(rows.seen.get(person, {})),
        )
        for _, person, role, start, end in rows.members.get(household, ())
    )  # fmt: skip
    guests = tuple(
        Guest(
            person_id=str(person), start=start, end=end if cancelled is None else min(end, cancelled),
            visible_from=rows.gates.visible_from(person, gates), seen_on=dict(rows.seen.get(person, {})),
        )
        for _, person, start, end, cancelled in rows.guests.get(household, ())
        if cancelled is None or cancelled >= start
    )  # fmt: skip
    workers = tuple(
        Worker(
            person_id=str(person), start=start, end=end, kind=WorkerKind(kind),
            visible_from=rows.gates.visible_from(person, gates), seen_on=_attributed(person, unit_id, rows),
        )
        for _, person, kind, start, end in rows.workers.get(household, ())
    )  # fmt: skip
    device_ids = {gate.id for gate in gates}
    return HouseholdEvidence(
        household_id=str(household),
        unit_id=str(unit_id),
        lease_from=lease_from,
        window_from=begin,
        window_to=rows.span.today - _DAY,
        coverage=coverage,
        members=members,
        guests=guests,
        workers=workers,
        absences=tuple(
            Absence(person_id=str(person), start=start, end=end)
            for person in dict.fromkeys(row[1] for row in rows.members.get(household, ()))
            for _, start, end in rows.absences.get(person, ())
        ),
        unknowns=tuple(
            _unknown(pseudonym, household, unit_id, device_ids, links, rows)
            for pseudonym, links in rows.links.get(unit_id, {}).items()
            if any(one.device_id in device_ids for one in rows.unknown.get(pseudonym, ()))
        ),
        card_users=rows.card_users.get(household, ()),
        credential_use=frozenset(rows.credential_use.get(unit_id, ())),
        care=tuple(
            CareTag(level=level, start=start, closed_on=end + _DAY if end is not None else None)
            for _, level, start, end in rows.care.get(household, ())
        ),
    )


def _attributed(person: uuid.UUID, unit_id: uuid.UUID, rows: _Rows) -> dict[date, int]:
    """Passes of a worker for this household: all of them if it is the only one, else those that lead to the unit."""
    if len(rows.worker_households[person]) == 1:
        return dict(rows.seen.get(person, {}))
    return dict(rows.seen_for_unit.get((person, unit_id), {}))


def _unknown(
    pseudonym: uuid.UUID,
    household: uuid.UUID,
    unit_id: uuid.UUID,
    device_ids: set[uuid.UUID],
    links: Mapping[LinkKind, _Days],
    rows: _Rows,
) -> Unknown:
    days: dict[date, list[UnknownDay]] = defaultdict(list)
    for one in rows.unknown[pseudonym]:
        if one.device_id in device_ids:
            days[one.day].append(one)
    met = rows.company.by_day.get((pseudonym, household), {})
    return Unknown(
        pseudonym_id=str(pseudonym),
        days={
            day: Visits(
                count=sum(one.count for one in found),
                first_at=min(one.first_at for one in found),
                last_at=max(one.last_at for one in found),
                with_resident=met.get(day, 0),
                event_ids=tuple(event for one in found for event in one.event_ids),
            )
            for day, found in days.items()
        },
        links=tuple(Link(kind=kind, on=dict(on)) for kind, on in sorted(links.items())),
        other_units=len(rows.linked_to[pseudonym] - {unit_id}),
    )


def _grouped(rows: Iterable[Any]) -> dict[uuid.UUID, list[Any]]:
    found: dict[uuid.UUID, list[Any]] = defaultdict(list)
    for row in rows:
        found[row[0]].append(row)
    return found


def _inverted(by_household: Mapping[uuid.UUID, Iterable[Any]]) -> dict[uuid.UUID, set[uuid.UUID]]:
    """Person to households, of rows that begin with (household, person)."""
    found: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
    for household, rows in by_household.items():
        for row in rows:
            found[row[1]].add(household)
    return found


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), SHANGHAI)
