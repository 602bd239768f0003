"""Processing bases: each purpose is off for an estate until one is recorded, and off again when it ends."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.consents import facts, queries
from inspection.registry.consents.errors import BasisEnded, NoProcessingBasis
from inspection.registry.consents.models import ProcessingBasis, Purpose
from inspection.registry.errors import BadPeriod
from inspection.registry.places.service import get_estate
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.problems import NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class NewBasis:
    """A basis to be recorded: what the impact assessment (个人信息保护法 55, 56) and its notice say. Days inclusive."""

    purpose: Purpose
    legal_basis: str
    assessment_number: str
    assessment_date: date
    notice_version: str
    signed_by: str
    valid_from: date
    valid_to: date


async def record_basis(
    session: AsyncSession, *, estate_id: uuid.UUID, basis: NewBasis, actor: Actor, now: datetime
) -> ProcessingBasis:
    """Records a basis: from its first day the purpose is on.

    Raises `NotFound`, `BadPeriod` (also for an assessment that is not made yet: 个人信息保护法 55 wants it before).
    """
    await get_estate(session, estate_id=estate_id)
    today = local_day(now)
    if basis.valid_to < basis.valid_from or basis.valid_to < today:
        raise BadPeriod("有效期止不得早于有效期起或今天", "The last day lies before the first, or before today")
    if basis.assessment_date > min(today, basis.valid_from):
        raise BadPeriod("影响评估应在处理之前完成", "The impact assessment comes before the processing")
    row = ProcessingBasis(
        id=new_id(), estate_id=estate_id, purpose=basis.purpose, legal_basis=basis.legal_basis,
        assessment_number=basis.assessment_number, assessment_date=basis.assessment_date,
        notice_version=basis.notice_version, signed_by=basis.signed_by, valid_from=basis.valid_from,
        valid_to=basis.valid_to, created_at=now,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    record(session, at=now, actor=actor, action="basis.record", object_kind="processing_basis", object_id=row.id,
           estate_id=estate_id, purpose=basis.purpose, assessment_number=basis.assessment_number,
           valid_to=basis.valid_to.isoformat())  # fmt: skip
    return row


async def withdraw_basis(
    session: AsyncSession, *, basis_id: uuid.UUID, reason: str, actor: Actor, now: datetime
) -> ProcessingBasis:
    """Ends a basis at once. Raises `NotFound`, `BasisEnded`."""
    row = await queries.basis(session, basis_id=basis_id)
    if row is None:
        raise NotFound("没有这条处理依据", "No such basis")
    if row.withdrawn_at is not None:
        raise BasisEnded
    await end_basis(session, row=row, action="basis.withdraw", reason=reason, actor=actor, now=now)
    return row


async def end_basis(
    session: AsyncSession, *, row: ProcessingBasis, action: str, reason: str, actor: Actor, now: datetime
) -> None:
    """Marks a basis as ended and tells it."""
    row.withdrawn_at = now
    await facts.tell_basis_ended(session, estate_id=row.estate_id, basis_id=row.id, purpose=row.purpose, now=now)
    record(session, at=now, actor=actor, action=action, object_kind="processing_basis", object_id=row.id,
           estate_id=row.estate_id, purpose=row.purpose, reason=reason)  # fmt: skip
    await session.flush()


async def list_bases(session: AsyncSession, *, estate_id: uuid.UUID) -> Sequence[ProcessingBasis]:
    """All bases of an estate, newest first, ended ones too. Raises `NotFound`."""
    await get_estate(session, estate_id=estate_id)
    return await queries.bases(session, estate_id=estate_id)


async def basis_for(session: AsyncSession, estate_id: uuid.UUID, purpose: Purpose, on: date) -> ProcessingBasis | None:
    """The basis by which an estate may process for a purpose on a day (Asia/Shanghai); None: it may not."""
    query = queries.bases_in_force(estate_id=estate_id, on=on).where(ProcessingBasis.purpose == purpose).limit(1)
    return await session.scalar(query)


async def require_basis(session: AsyncSession, estate_id: uuid.UUID, purpose: Purpose, on: date) -> ProcessingBasis:
    """The basis in force. Raises `NoProcessingBasis`."""
    found = await basis_for(session, estate_id, purpose, on)
    if found is None:
        raise NoProcessingBasis(f"用途：{purpose.value}", f"Purpose: {purpose.value}", purpose=purpose.value)
    return found


async def current_notices(session: AsyncSession, *, estate_id: uuid.UUID, on: date) -> list[str]:
    """The notice versions people have to be told by: the newest basis of each purpose in force. Empty: none is."""
    newest: dict[str, str] = {}
    for row in await session.scalars(queries.bases_in_force(estate_id=estate_id, on=on)):
        newest.setdefault(row.purpose, row.notice_version)
    return sorted(set(newest.values()))
