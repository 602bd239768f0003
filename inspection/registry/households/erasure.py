"""Erasing a person from the register: what is sealed becomes unreadable, what is written is emptied, a row remains."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import delete, select, union, update
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.households import papers, queries
from inspection.registry.households.models import (
    Absence,
    GuestStay,
    Household,
    HouseholdMember,
    Person,
    ServiceWorker,
    WorkerHousehold,
)
from storage.clock import local_day
from storage.erasure.keys import destroy_objects_of, renew_subject_key
from storage.erasure.parts import Part
from storage.erasure.service import Proof, Subject, Tools
from storage.vault.service import KeyDestroyed

ERASED_NAME: Final = "（已删除）"


async def erase(session: AsyncSession, subject: Subject, tools: Tools, now: datetime) -> list[Proof]:
    """Destroys the person's key and objects, and empties their row; a register row that has to stay gets a new key.

    Runs after every eraser that has to know the name or the households.
    """
    person = await queries.locked(session, Person, subject.subject_id)
    if person is None:
        return []
    objects = await destroy_objects_of(session, objects=tools.objects, subject_id=person.id, now=now)
    proofs = [Proof(noun="object", done="destroyed", count=objects)]
    if not subject.keeps(Part.TRAIL):
        await _begin_anew(session, person, now)
    if subject.keeps(Part.REGISTER):
        await _seal_again(session, person, tools, now)
        return [
            *proofs,
            Proof(noun="subject-key", done="renewed", count=1),
            Proof(noun="register", done="kept", count=1, kept_why=str(Part.REGISTER)),
        ]
    await tools.vault.destroy_subject_key(session, subject_id=person.id, now=now)
    person.name, person.birth_date, person.guardian_id = ERASED_NAME, None, None
    person.id_number_sealed = person.id_number_index = person.phone_sealed = person.phone_index = None
    person.id_number_masked = ""
    person.erased_at = person.erased_at or now
    wards = await session.execute(update(Person).where(Person.guardian_id == person.id).values(guardian_id=None))
    proofs += [
        Proof(noun="subject-key", done="destroyed", count=1),
        Proof(noun="person", done="emptied", count=1),
        Proof(noun="ward", done="unlinked", count=_count(wards)),
    ]
    works = select(ServiceWorker.id).where(ServiceWorker.person_id == person.id)
    await session.execute(delete(WorkerHousehold).where(WorkerHousehold.worker_id.in_(works)))
    for table in (HouseholdMember, GuestStay, ServiceWorker, Absence):
        gone = await session.execute(delete(table).where(table.person_id == person.id))
        proofs.append(Proof(noun=table.__tablename__, done="deleted", count=_count(gone)))
    return proofs


async def _begin_anew(session: AsyncSession, person: Person, now: datetime) -> None:
    """What gates told of the person's households counts no more: nobody knows now whose passages those were.

    An unknown face that was a member's, or a flat that only a guest was in, would speak against those who remain.
    """
    homes = union(
        select(HouseholdMember.household_id).where(HouseholdMember.person_id == person.id),
        select(GuestStay.household_id).where(GuestStay.person_id == person.id),
        select(WorkerHousehold.household_id)
        .join(ServiceWorker, ServiceWorker.id == WorkerHousehold.worker_id)
        .where(ServiceWorker.person_id == person.id),
    )
    await session.execute(
        update(Household)
        .where(Household.id.in_(homes))
        .values(evidence_from=local_day(now) + timedelta(days=1))
        .execution_options(synchronize_session=False)
    )


async def _seal_again(session: AsyncSession, person: Person, tools: Tools, now: datetime) -> None:
    try:
        old = await tools.vault.subject_key(session, estate_id=person.estate_id, subject_id=person.id, now=now)
    except KeyDestroyed:
        return
    new = await renew_subject_key(session, vault=tools.vault, estate_id=person.estate_id, subject_id=person.id, now=now)
    for kind, column in ((papers.ID_NUMBER, "id_number_sealed"), (papers.PHONE, "phone_sealed")):
        value: bytes | None = getattr(person, column)
        if value is not None:
            where = papers.place(person.estate_id, person.id, kind)
            setattr(person, column, papers.sealed(new, papers.opened(old, value, where), where))


def _count(result: object) -> int:
    return int(getattr(result, "rowcount", 0))
