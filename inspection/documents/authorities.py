"""Issuing authorities (发文机关) and their characters (机关代字), set by an administrator."""

import uuid
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.documents import queries
from inspection.documents.errors import DesignatorTaken
from inspection.documents.models import IssuingAuthority
from inspection.documents.schemas import AuthorityInput
from inspection.users.models import DIVISIONS, ScopeLevel, UserGrant, UserRole
from storage.audit.service import Actor, record
from storage.ids import new_id
from storage.problems import Forbidden


async def put(session: AsyncSession, *, data: AuthorityInput, actor: Actor, now: datetime) -> IssuingAuthority:
    """Sets the authority of a division, or changes it; the series of numbers goes on.

    Raises `Forbidden` for an administrator of another place, `DesignatorTaken`.
    """
    if actor.user_id is not None and not await _administers(session, actor.user_id, data.division_code):
        raise Forbidden("该区划不在您的管辖范围内", "The division lies outside your scope")
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended("ruhu-issuing-authority", 0))))
    if await queries.designator_taken(session, designator=data.designator, division_code=data.division_code):
        raise DesignatorTaken
    row = await queries.authority_of(session, division_code=data.division_code)
    before = None if row is None else row.designator
    if row is None:
        row = IssuingAuthority(id=new_id(), division_code=data.division_code, former=[])
        session.add(row)
    if before is not None and before not in {data.designator, *row.former}:
        row.former = [*row.former, before]
    row.name, row.designator, row.address, row.phone = data.name, data.designator, data.address, data.phone
    row.review_body, row.court, row.updated_at, row.updated_by = data.review_body, data.court, now, actor.user_id
    record(
        session, at=now, actor=actor, action="issuing-authority.set", object_kind="issuing_authority",
        object_id=row.id, division_code=data.division_code, name=data.name, before=before, after=data.designator,
    )  # fmt: skip
    await session.flush()
    return row


async def _administers(session: AsyncSession, user_id: uuid.UUID, division_code: str) -> bool:
    grant = await session.scalar(
        select(UserGrant.id)
        .where(
            UserGrant.user_id == user_id,
            UserGrant.role == UserRole.ADMINISTRATOR,
            UserGrant.revoked_at.is_(None),
            or_(
                UserGrant.level == ScopeLevel.ALL,
                UserGrant.level.in_(DIVISIONS)
                & (UserGrant.code != "")
                & (func.starts_with(division_code, UserGrant.code)),
            ),
        )
        .limit(1)
    )
    return grant is not None
