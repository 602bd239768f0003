"""People: found by the blind index of their ID number, made when new, unmasked only before witnesses."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.ages import ADULT_FROM, GUARDIAN_CONSENTS_UNDER
from inspection.registry.consents.basis import require_basis
from inspection.registry.consents.models import Purpose
from inspection.registry.constraints import flush
from inspection.registry.errors import BadPeriod
from inspection.registry.households import papers, queries
from inspection.registry.households.errors import (
    BadPerson,
    ChildWithoutGuardian,
    NothingRecorded,
    PersonDiffers,
    PersonErased,
)
from inspection.registry.households.models import Person
from inspection.registry.id_number import age_on
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.problems import Invalid, NotFound
from storage.vault.service import KeyDestroyed, Vault


class Secret(StrEnum):
    """What can be unmasked."""

    ID_NUMBER = "id_number"
    PHONE = "phone"


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonDetails:
    """A person as somebody tells of them; whoever has an ID number is recognised by it."""

    name: str
    id_number: str | None = None
    phone: str | None = None
    birth_date: date | None = None
    guardian_id: uuid.UUID | None = None


async def get_person(session: AsyncSession, *, person_id: uuid.UUID) -> Person:
    """A person in scope who was not erased, locked. Raises `NotFound`."""
    found = await queries.locked(session, Person, person_id)
    if found is None or found.erased_at is not None:
        raise NotFound("没有这个人", "No such person")
    return found


async def resolve(
    session: AsyncSession,
    *,
    vault: Vault,
    estate_id: uuid.UUID,
    person: PersonDetails | uuid.UUID,
    actor: Actor,
    now: datetime,
) -> Person:
    """The person meant: by id, by ID number, or a new one. Locked.

    Somebody known keeps what is recorded; a missing telephone or guardian is filled in. Raises `NotFound`,
    `BadIdNumber`, `BadPhone`, `BadPerson`, `PersonDiffers`, `ChildWithoutGuardian`.
    """
    if isinstance(person, uuid.UUID):
        found = await get_person(session, person_id=person)
        if found.estate_id != estate_id:
            raise NotFound("没有这个人", "No such person")
        return found
    today = local_day(now)
    name = person.name.strip()
    if not name:
        raise BadPerson("姓名不能为空", "The name must not be empty")
    number = papers.read_id_number(person.id_number, today=today) if person.id_number else None
    phone = papers.read_phone(person.phone) if person.phone else None
    birth = checked_birth(person.birth_date, number.birth_date if number else None, today)
    if number is not None:
        index = vault.index(papers.ID_NUMBER, number.number)
        known = await queries.person_by_index(session, estate_id=estate_id, index=index)
        if known is not None:
            if known.name != name or known.erased_at is not None:
                raise PersonDiffers
            await fill_in(session, vault=vault, person=known, phone=phone, guardian_id=person.guardian_id, now=now)
            return known
    await check_guardian(session, estate_id=estate_id, birth=birth, guardian_id=person.guardian_id, today=today)
    made_id = new_id()
    key = await vault.new_subject_key(session, estate_id=estate_id, subject_id=made_id, now=now)
    sealed = papers.seal(
        vault, key, estate_id=estate_id, person_id=made_id, number=number.number if number else None, phone=phone
    )
    made = Person(
        id=made_id, estate_id=estate_id, name=name, birth_date=birth, guardian_id=person.guardian_id, created_at=now,
        id_number_sealed=sealed.id_number_sealed, id_number_index=sealed.id_number_index,
        id_number_masked=sealed.id_number_masked, phone_sealed=sealed.phone_sealed, phone_index=sealed.phone_index,
    )  # fmt: skip
    session.add(made)
    await flush(session, {"uq_person_estate_id_id_number_index": PersonDiffers("刚刚由他人登记", "Just registered")})
    record(session, at=now, actor=actor, action="person.create", object_kind="person", object_id=made_id,
           estate_id=estate_id, with_id_number=number is not None)  # fmt: skip
    return made


def checked_birth(told: date | None, numbered: date | None, today: date) -> date | None:
    """The birth date; the ID number's counts. Raises `PersonDiffers`, `BadPerson`."""
    if told is not None and told > today:
        raise BadPerson("出生日期晚于今天", "The birth date lies in the future")
    if told is not None and numbered is not None and told != numbered:
        raise PersonDiffers("出生日期与身份证号码不一致", "The birth date differs from the one in the ID number")
    return numbered or told


async def check_guardian(
    session: AsyncSession, *, estate_id: uuid.UUID, birth: date | None, guardian_id: uuid.UUID | None, today: date
) -> None:
    """A child under 14 has a guardian, and a guardian is an adult known to the estate."""
    if guardian_id is not None:
        guardian = await session.get(Person, guardian_id)
        if guardian is None or guardian.estate_id != estate_id or guardian.erased_at is not None:
            raise BadPerson("监护人未在本小区登记", "The guardian is not registered in this estate")
        if guardian.birth_date is None or age_on(guardian.birth_date, today) < ADULT_FROM:
            raise BadPerson("监护人须为成年人", "A guardian is an adult")
    elif birth is not None and age_on(birth, today) < GUARDIAN_CONSENTS_UNDER:
        raise ChildWithoutGuardian


async def fill_in(
    session: AsyncSession,
    *,
    vault: Vault,
    person: Person,
    phone: str | None,
    guardian_id: uuid.UUID | None,
    now: datetime,
) -> None:
    """Adds what is not recorded yet of somebody known; what is recorded stays."""
    if phone is not None and person.phone_sealed is None:
        key = await subject_key(session, vault=vault, person=person, now=now)
        person.phone_sealed = papers.sealed(key, phone, papers.place(person.estate_id, person.id, papers.PHONE))
        person.phone_index = vault.index(papers.PHONE, phone)
    if guardian_id is not None and person.guardian_id is None:
        today = local_day(now)
        await check_guardian(
            session, estate_id=person.estate_id, birth=person.birth_date, guardian_id=guardian_id, today=today
        )
        person.guardian_id = guardian_id


async def subject_key(session: AsyncSession, *, vault: Vault, person: Person, now: datetime) -> bytes:
    """The person's key. Raises `PersonErased`."""
    try:
        return await vault.subject_key(session, estate_id=person.estate_id, subject_id=person.id, now=now)
    except KeyDestroyed:
        raise PersonErased from None


async def unmask(
    session: AsyncSession,
    *,
    vault: Vault,
    person_id: uuid.UUID,
    secret: Secret,
    purpose: Purpose,
    reason: str,
    actor: Actor,
    now: datetime,
) -> str:
    """A person's ID number or telephone in clear: for a purpose with a basis, with a reason, with an audit row.

    Raises `NotFound`, `NoProcessingBasis`, `NothingRecorded`, `PersonErased`.
    """
    if not reason.strip():
        raise Invalid("须说明查看理由", "A reason is needed")
    person = await get_person(session, person_id=person_id)
    await require_basis(session, person.estate_id, purpose, local_day(now))
    kind, sealed = (
        (papers.ID_NUMBER, person.id_number_sealed)
        if secret is Secret.ID_NUMBER
        else (papers.PHONE, person.phone_sealed)
    )
    if sealed is None:
        raise NothingRecorded
    key = await subject_key(session, vault=vault, person=person, now=now)
    clear = papers.opened(key, sealed, papers.place(person.estate_id, person.id, kind))
    record(session, at=now, actor=actor, action="person.unmask", object_kind="person", object_id=person.id,
           estate_id=person.estate_id, purpose=purpose, reason=reason.strip(), secret=secret)  # fmt: skip
    return clear


def check_period(valid_from: date, valid_to: date | None, *, not_before: date | None = None) -> None:
    """Raises `BadPeriod` for a period that ends before it begins, or before `not_before`."""
    if valid_to is not None and valid_to < valid_from:
        raise BadPeriod("结束日期早于开始日期", "The last day lies before the first")
    if not_before is not None and valid_to is not None and valid_to < not_before:
        raise BadPeriod("该期间已经过去", "The period is over already")
