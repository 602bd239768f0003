"""Correcting what is recorded of a person (个人信息保护法 46). The history names the fields, never a value."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.constraints import flush
from inspection.registry.history.models import Change, Kind
from inspection.registry.history.service import note
from inspection.registry.households import papers
from inspection.registry.households.errors import BadPerson, PersonDiffers
from inspection.registry.households.models import Person
from inspection.registry.households.people import checked_birth, get_person, subject_key
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.vault.service import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """How a person's details should read; None leaves a detail as it is."""

    name: str | None = None
    id_number: str | None = None
    phone: str | None = None
    birth_date: date | None = None


async def correct(
    session: AsyncSession,
    *,
    vault: Vault,
    person_id: uuid.UUID,
    correction: Correction,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Person:
    """Writes the corrected details.

    Raises `NotFound`, `BadIdNumber`, `BadPhone`, `BadPerson`, and `PersonDiffers` when the ID number belongs to
    somebody else or contradicts the birth date.
    """
    person = await get_person(session, person_id=person_id)
    today = local_day(now)
    number = papers.read_id_number(correction.id_number, today=today) if correction.id_number else None
    phone = papers.read_phone(correction.phone) if correction.phone else None
    fields = []
    if correction.name is not None:
        person.name = correction.name.strip()
        if not person.name:
            raise BadPerson("姓名不能为空", "The name must not be empty")
        fields.append("name")
    if number is not None or correction.birth_date is not None:
        person.birth_date = checked_birth(correction.birth_date, number.birth_date if number else None, today)
        fields.append("birth_date")
    if number is not None or phone is not None:
        key = await subject_key(session, vault=vault, person=person, now=now)
        sealed = papers.seal(
            vault, key, estate_id=person.estate_id, person_id=person.id,
            number=number.number if number else None, phone=phone,
        )  # fmt: skip
        if number is not None:
            person.id_number_sealed, person.id_number_index = sealed.id_number_sealed, sealed.id_number_index
            person.id_number_masked = sealed.id_number_masked
            fields.append("id_number")
        if phone is not None:
            person.phone_sealed, person.phone_index = sealed.phone_sealed, sealed.phone_index
            fields.append("phone")
    await flush(session, {"uq_person_estate_id_id_number_index": PersonDiffers()})
    note(
        session, estate_id=person.estate_id, kind=Kind.PERSON, change=Change.CHANGED, record_id=person.id, actor=actor,
        now=now, person_id=person.id, after={"fields": sorted(fields)}, reason="correction",
    )  # fmt: skip
    record(session, at=now, actor=actor, action="person.correct", object_kind="person", object_id=person.id,
           estate_id=person.estate_id, reason=reason, fields=sorted(fields))  # fmt: skip
    return person
