"""SQL about documents. Row-level security keeps every statement within the session's estates."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, literal, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.documents.models import Document, DocumentNumber, IssuingAuthority


async def document(session: AsyncSession, document_id: uuid.UUID, *, lock: bool = False) -> Document | None:
    """A document in scope; `lock` keeps others from changing it until the transaction ends."""
    return await session.get(Document, document_id, with_for_update=lock or None, populate_existing=lock)


async def of_case(session: AsyncSession, case_id: uuid.UUID) -> Sequence[Document]:
    """All documents of a case, oldest first."""
    return (await session.scalars(select(Document).where(Document.case_id == case_id).order_by(Document.id))).all()


async def page(
    session: AsyncSession,
    *,
    case_id: uuid.UUID | None,
    estate_id: uuid.UUID | None,
    authority_id: uuid.UUID | None,
    kind: str | None,
    status: str | None,
    year: int | None,
    number: str | None,
    before: tuple[datetime, uuid.UUID] | None,
    limit: int,
) -> Sequence[Document]:
    """Up to `limit` documents, newest first. `number`: how it begins."""
    query = select(Document).order_by(Document.created_at.desc(), Document.id.desc()).limit(limit)
    for column, value in (
        (Document.case_id, case_id),
        (Document.estate_id, estate_id),
        (Document.authority_id, authority_id),
        (Document.kind, kind),
        (Document.status, status),
        (Document.year, year),
    ):
        if value is not None:
            query = query.where(column == value)
    if number is not None:
        query = query.where(Document.number.startswith(number, autoescape=True))
    if before is not None:
        query = query.where(tuple_(Document.created_at, Document.id) < before)
    return (await session.scalars(query)).all()


async def next_running(session: AsyncSession, *, authority_id: uuid.UUID, kind: str, year: int) -> int:
    """The next number; its row is locked until the transaction ends, so that none is given twice and none is lost."""
    statement = (
        insert(DocumentNumber)
        .values(authority_id=authority_id, kind=kind, year=year, last=1)
        .on_conflict_do_update(index_elements=["authority_id", "kind", "year"], set_={"last": DocumentNumber.last + 1})
        .returning(DocumentNumber.last)
    )
    return (await session.execute(statement)).scalar_one()


async def authority_for(session: AsyncSession, *, division_code: str) -> IssuingAuthority | None:
    """The authority that issues for a place: the one with the longest matching division code."""
    found: IssuingAuthority | None = await session.scalar(
        select(IssuingAuthority)
        .where(literal(division_code).startswith(IssuingAuthority.division_code))
        .order_by(func.length(IssuingAuthority.division_code).desc())
        .limit(1)
    )
    return found


async def authority_of(session: AsyncSession, *, division_code: str) -> IssuingAuthority | None:
    """The authority of exactly this division, locked."""
    found: IssuingAuthority | None = await session.scalar(
        select(IssuingAuthority).where(IssuingAuthority.division_code == division_code).with_for_update()
    )
    return found


async def designator_taken(session: AsyncSession, *, designator: str, division_code: str) -> bool:
    """Whether another authority uses these characters, or has used them."""
    return bool(
        await session.scalar(
            select(IssuingAuthority.id).where(
                IssuingAuthority.division_code != division_code,
                or_(IssuingAuthority.designator == designator, IssuingAuthority.former.contains([designator])),
            )
        )
    )


async def replaced(session: AsyncSession, document_id: uuid.UUID) -> bool:
    """Whether a document, or a draft of one, replaces this one already."""
    return bool(await session.scalar(select(Document.id).where(Document.replaces_id == document_id)))


async def authorities(session: AsyncSession, *, after: str | None, limit: int) -> Sequence[IssuingAuthority]:
    """Authorities by division code."""
    query = select(IssuingAuthority).order_by(IssuingAuthority.division_code).limit(limit)
    if after is not None:
        query = query.where(IssuingAuthority.division_code > after)
    return (await session.scalars(query)).all()
