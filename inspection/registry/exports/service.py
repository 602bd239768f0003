"""The register as a file in the form it is imported in. Numbers stand in it masked, unless somebody says why not."""

import asyncio
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.consents.basis import require_basis
from inspection.registry.consents.models import Purpose
from inspection.registry.exports.rows import HEADINGS, Numbers, exported, lines
from inspection.registry.exports.sheets import SheetForm, csv_file, xlsx_file
from inspection.registry.households import papers
from inspection.registry.households.models import Person
from inspection.registry.id_number import FULL_MASK
from inspection.registry.imports import register
from inspection.registry.places.service import get_estate
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.problems import Invalid
from storage.vault.service import Vault

PIECE: Final = 1000


@dataclass(frozen=True, slots=True)
class ExportFile:
    """An export: the file, how many rows it has, how many memberships have none for want of an ID number."""

    content: bytes
    rows: int
    left_off: int


async def export_register(
    session: AsyncSession,
    *,
    vault: Vault,
    estate_id: uuid.UUID,
    form: SheetForm,
    unmask: bool,
    purpose: Purpose,
    reason: str,
    actor: Actor,
    now: datetime,
) -> ExportFile:
    """Everything that runs today or later; imported again, an unmasked export changes nothing.

    The export goes to the audit log with its purpose and reason. Raises `NotFound`, `NoProcessingBasis`, `Invalid`.
    """
    if not reason.strip():
        raise Invalid("须说明导出理由", "A reason is needed")
    await get_estate(session, estate_id=estate_id)
    today = local_day(now)
    await require_basis(session, estate_id, purpose, today)
    known = await register.register_of(session, estate_id=estate_id)
    numbers: dict[uuid.UUID, Numbers] = {}
    ids = [person.id for person in known.people]
    for start in range(0, len(ids), PIECE):
        numbers |= await numbers_of(
            session, vault=vault, estate_id=estate_id, ids=ids[start : start + PIECE], unmask=unmask, now=now
        )

    def make() -> ExportFile:
        found = exported(known, numbers, today=today)
        made = (
            csv_file(lines(found.rows))
            if form is SheetForm.CSV
            else xlsx_file("名册", lines(found.rows), widths=[14] * len(HEADINGS))
        )
        return ExportFile(made, len(found.rows), found.left_off)

    file = await asyncio.to_thread(make)
    record(session, at=now, actor=actor, action="registry.export", object_kind="estate", object_id=estate_id,
           estate_id=estate_id, purpose=purpose, reason=reason.strip(), unmasked=unmask, form=form, rows=file.rows,
           people=len(ids))  # fmt: skip
    return file


async def numbers_of(
    session: AsyncSession, *, vault: Vault, estate_id: uuid.UUID, ids: list[uuid.UUID], unmask: bool, now: datetime
) -> dict[uuid.UUID, Numbers]:
    """The numbers of some people, in clear or masked; of somebody whose key is destroyed they stay masked."""
    query = select(Person.id, Person.id_number_masked, Person.id_number_sealed, Person.phone_sealed)
    rows = (await session.execute(query.where(Person.id.in_(ids)))).all()
    keys = await vault.subject_keys(session, estate_id=estate_id, subject_ids=ids, now=now) if unmask else {}

    def clear(person_id: uuid.UUID, kind: str, sealed: bytes | None, masked: str) -> str:
        if sealed is None or person_id not in keys:
            return masked
        return papers.opened(keys[person_id], sealed, papers.place(estate_id, person_id, kind))

    return {
        person_id: Numbers(
            clear(person_id, papers.ID_NUMBER, number, masked),
            clear(person_id, papers.PHONE, phone, FULL_MASK if phone is not None else ""),
        )
        for person_id, masked, number, phone in rows
    }
