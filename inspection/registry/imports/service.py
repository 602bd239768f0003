"""Import of a register: all of a file or nothing, in one transaction; by default only a rehearsal."""

import hashlib
import uuid
from datetime import date, datetime

import msgspec
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.constraints import translated
from inspection.registry.households import papers
from inspection.registry.households.errors import PersonDiffers, UnitAlreadyLet
from inspection.registry.households.models import Household, HouseholdMember, Lease, Person
from inspection.registry.imports import queries
from inspection.registry.imports.checker import check
from inspection.registry.imports.errors import ImportRefused
from inspection.registry.imports.known import KnownLease, KnownMember, KnownPerson
from inspection.registry.imports.plan import FOREVER, Indexes, Plan, plan
from inspection.registry.imports.reader import read
from inspection.registry.imports.report import Report
from inspection.registry.places.service import NewUnit, add_units, get_estate
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.vault.service import Vault


async def import_register(
    session: AsyncSession,
    *,
    vault: Vault,
    estate_id: uuid.UUID,
    content: bytes,
    apply: bool = False,
    create_units: bool = False,
    actor: Actor,
    now: datetime,
) -> Report:
    """Compares a CSV file with an estate's register and, with `apply`, brings the register up to it.

    A file with errors changes nothing: a rehearsal reports them, `apply` raises `ImportRefused` with the report in
    `extra`. Raises `NotFound`.
    """
    await get_estate(session, estate_id=estate_id)
    if apply:
        await queries.one_import_at_a_time(session, estate_id=estate_id)
    today = local_day(now)
    table = read(content)
    indexes = Indexes(
        id_number=lambda number: vault.index(papers.ID_NUMBER, number),
        phone=lambda number: vault.index(papers.PHONE, number),
        new_id=new_id,
    )
    known = await queries.register_of(session, estate_id=estate_id)
    found = plan(check(table, today=today), known, indexes=indexes, create_units=create_units, today=today)
    report = Report(encoding=table.encoding, rows=len(table.rows), counts=found.counts)
    report.add(found.issues)
    if not apply:
        return report
    if not report.acceptable:
        raise ImportRefused(report=msgspec.to_builtins(report))
    try:
        await carry_out(session, vault=vault, estate_id=estate_id, found=found, actor=actor, now=now, today=today)
    except IntegrityError as error:  # somebody registered at the same moment by another way
        raise translated(
            error,
            {"ex_lease_unit_period": UnitAlreadyLet(), "uq_person_estate_id_id_number_index": PersonDiffers()},
        ) from error
    record(session, at=now, actor=actor, action="registry.import", object_kind="estate", object_id=estate_id,
           estate_id=estate_id, sha256=hashlib.sha256(content).hexdigest(), rows=report.rows,
           counts=msgspec.to_builtins(report.counts))  # fmt: skip
    report.applied = True
    return report


async def carry_out(
    session: AsyncSession, *, vault: Vault, estate_id: uuid.UUID, found: Plan, actor: Actor, now: datetime, today: date
) -> None:
    """Writes a plan."""
    if found.new_units:
        units = [
            NewUnit(id=u.id, building=u.building, entrance=u.entrance, code=u.code, room_no=u.room, floor=u.floor,
                    max_people=u.max_people)
            for u in found.new_units
        ]  # fmt: skip
        await add_units(session, estate_id=estate_id, units=units, actor=actor, now=now)
    await queries.write_units(session, found.changed_units)
    await queries.add_rows(
        session,
        Household,
        [
            {"id": h.id, "estate_id": estate_id, "number": h.number, "kind": h.kind, "created_at": now}
            for h in found.new_households
        ],
    )
    await queries.change_rows(session, Household, [{"id": h.id, "kind": h.kind} for h in found.changed_households])
    await write_people(session, vault=vault, estate_id=estate_id, found=found, now=now)
    await queries.change_rows(session, HouseholdMember, [member_values(m) for m in found.changed_members])
    await queries.add_rows(
        session, HouseholdMember, [{"estate_id": estate_id, **member_values(m)} for m in found.new_members]
    )
    # Leases that end sooner make room for those that follow: the exclusion constraint looks after every row.
    sooner_first = sorted(found.changed_leases, key=lambda lease: lease.valid_to or FOREVER)
    await queries.change_rows(session, Lease, [lease_values(lease) for lease in sooner_first])
    await queries.add_rows(session, Lease, [{"estate_id": estate_id, **lease_values(n)} for n in found.new_leases])
    current = {n.unit_id for n in found.new_leases if n.valid_to is None or n.valid_to >= today}
    await queries.mark_allocated(session, unit_ids=current)


async def write_people(
    session: AsyncSession, *, vault: Vault, estate_id: uuid.UUID, found: Plan, now: datetime
) -> None:
    """Seals and writes people; guardians last, when all of them are there."""
    added: list[dict[str, object]] = []
    for person in found.new_people:
        key = await vault.new_subject_key(session, estate_id=estate_id, subject_id=person.id, now=now)
        number, phone = found.papers[person.id]
        sealed = papers.seal(vault, key, estate_id=estate_id, person_id=person.id, number=number, phone=phone)
        added.append(
            {
                "id": person.id, "estate_id": estate_id, "name": person.name, "birth_date": person.birth_date,
                "created_at": now, "id_number_sealed": sealed.id_number_sealed,
                "id_number_index": sealed.id_number_index, "id_number_masked": sealed.id_number_masked,
                "phone_sealed": sealed.phone_sealed, "phone_index": sealed.phone_index,
            }
        )  # fmt: skip
    await session.flush()
    await queries.add_rows(session, Person, added)
    await queries.change_rows(
        session,
        Person,
        [{"id": p.id, "guardian_id": p.guardian_id} for p in found.new_people if p.guardian_id is not None],
    )
    await queries.change_rows(
        session,
        Person,
        [
            {"id": p.id, "name": p.name, "birth_date": p.birth_date, "guardian_id": p.guardian_id}
            for p in found.changed_people
        ],
    )
    await write_phones(
        session, vault=vault, estate_id=estate_id, found=found, now=now,
        people=[p for p in found.changed_people if p.id in found.papers],
    )  # fmt: skip


async def write_phones(
    session: AsyncSession, *, vault: Vault, estate_id: uuid.UUID, found: Plan, people: list[KnownPerson], now: datetime
) -> None:
    """Seals changed telephones under the keys of their people."""
    if not people:
        return
    keys = await vault.subject_keys(session, estate_id=estate_id, subject_ids=[p.id for p in people], now=now)
    rows: list[dict[str, object]] = []
    for person in people:
        where = papers.place(estate_id, person.id, papers.PHONE)
        sealed = papers.sealed(keys[person.id], found.papers[person.id][1], where)
        rows.append({"id": person.id, "phone_sealed": sealed, "phone_index": person.phone_index})
    await queries.change_rows(session, Person, rows)


def member_values(member: KnownMember) -> dict[str, object]:
    """A membership's columns."""
    return {
        "id": member.id, "household_id": member.household_id, "person_id": member.person_id, "role": member.role,
        "valid_from": member.valid_from, "valid_to": member.valid_to,
    }  # fmt: skip


def lease_values(lease: KnownLease) -> dict[str, object]:
    """A lease's columns."""
    return {
        "id": lease.id, "household_id": lease.household_id, "unit_id": lease.unit_id, "number": lease.number,
        "valid_from": lease.valid_from, "valid_to": lease.valid_to,
    }  # fmt: skip
