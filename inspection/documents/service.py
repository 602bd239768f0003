"""The life of a document: drafted, issued once under the next number, perhaps void; its bytes never change."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.documents import queries
from inspection.documents.content import compose
from inspection.documents.errors import DocumentIncomplete, DraftChanged, WrongStatus
from inspection.documents.material import Material, missing
from inspection.documents.models import Document, IssuingAuthority
from inspection.documents.rendering import Sheet, render
from inspection.documents.vocabulary import LABELS, SERIES, DocumentKind, DocumentStatus, Need
from inspection.documents.wording import number
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.objects.service import Objects

PDF = "application/pdf"


def draft(
    session: AsyncSession,
    *,
    estate_id: uuid.UUID,
    case_id: uuid.UUID,
    kind: DocumentKind,
    given: dict[str, Any],
    replaces_id: uuid.UUID | None,
    user_id: uuid.UUID,
    actor: Actor,
    now: datetime,
) -> Document:
    """A new draft: no number, no file."""
    row = Document(
        id=new_id(), estate_id=estate_id, case_id=case_id, kind=kind, status=DocumentStatus.DRAFT, given=given,
        replaces_id=replaces_id, created_by=user_id, created_at=now,
    )  # fmt: skip
    session.add(row)
    record(
        session, at=now, actor=actor, action="document.drafted", object_kind="document", object_id=row.id,
        estate_id=estate_id, case_id=str(case_id), kind=kind.value,
    )  # fmt: skip
    return row


async def preview(material: Material) -> Sheet:
    """The draft as a PDF, marked as one. Raises `DocumentIncomplete`, `CharacterMissing`."""
    demand_complete(material)
    content = compose(material, number=None)
    return await render(content["template"], content)


def demand_complete(material: Material) -> None:
    """Raises `DocumentIncomplete` with everything that is missing: a document never has a blank."""
    lacking = missing(material)
    if lacking:
        raise DocumentIncomplete(
            "；".join(LABELS[need][0] for need in lacking),
            "; ".join(LABELS[need][1] for need in lacking),
            missing=[labelled(need) for need in lacking],
        )


def labelled(need: Need) -> dict[str, str]:
    """Something missing, as a problem tells it."""
    return {"code": need.value, "zh": LABELS[need][0], "en": LABELS[need][1]}


async def issue(
    session: AsyncSession,
    *,
    row: Document,
    material: Material,
    authority: IssuingAuthority | None,
    objects: Objects,
    user_id: uuid.UUID,
    seen: str | None,
    actor: Actor,
    now: datetime,
) -> Document:
    """Gives the next number, sets the document and stores it for good. `row` is locked by the caller.

    `seen`: the digest of the draft that was looked at. The counter's row stays locked until the transaction ends: if
    that fails, the number was never given. Raises `WrongStatus`, `DocumentIncomplete`, `DraftChanged`.
    """
    expect(row, DocumentStatus.DRAFT)
    demand_complete(material)
    if authority is None:
        raise DocumentIncomplete(*LABELS[Need.AUTHORITY], missing=[labelled(Need.AUTHORITY)])
    if seen is not None and (await preview(material)).digest.hex() != seen:
        raise DraftChanged
    year = local_day(now).year
    running = await queries.next_running(session, authority_id=authority.id, kind=row.kind, year=year)
    told = number(authority.designator, SERIES[DocumentKind(row.kind)], year, running)
    content = compose(material, number=told)
    sheet = await render(content["template"], content)
    stored = await objects.put(
        session, data=sheet.data, kind="document", content_type=PDF, estate_id=row.estate_id, now=now
    )
    await session.flush()
    row.authority_id, row.year, row.running, row.number = authority.id, year, running, told
    row.status, row.title, row.content = DocumentStatus.ISSUED, content["title"], content
    row.object_id, row.digest, row.size = stored.id, sheet.digest, len(sheet.data)
    row.issued_by, row.issued_at = user_id, now
    record(
        session, at=now, actor=actor, action="document.issued", object_kind="document", object_id=row.id,
        estate_id=row.estate_id, case_id=str(row.case_id), kind=row.kind, number=told, sha256=sheet.digest.hex(),
        size=len(sheet.data), replaces_id=None if row.replaces_id is None else str(row.replaces_id),
    )  # fmt: skip
    await session.flush()
    return row


async def void(
    session: AsyncSession, *, row: Document, reason: str, user_id: uuid.UUID, actor: Actor, now: datetime
) -> Document:
    """Makes an issued document void (作废); its number and its bytes stay. Raises `WrongStatus`."""
    expect(row, DocumentStatus.ISSUED)
    row.status, row.void_reason, row.voided_by, row.voided_at = DocumentStatus.VOID, reason, user_id, now
    record(
        session, at=now, actor=actor, action="document.voided", object_kind="document", object_id=row.id,
        estate_id=row.estate_id, reason=reason, number=row.number, sha256=(row.digest or b"").hex(),
    )  # fmt: skip
    await session.flush()
    return row


async def discard(session: AsyncSession, *, row: Document, actor: Actor, now: datetime) -> None:
    """Throws a draft away. Raises `WrongStatus` for anything that has a number."""
    expect(row, DocumentStatus.DRAFT)
    await session.delete(row)
    record(
        session, at=now, actor=actor, action="document.discarded", object_kind="document", object_id=row.id,
        estate_id=row.estate_id, case_id=str(row.case_id), kind=row.kind,
    )  # fmt: skip
    await session.flush()


def expect(row: Document, status: DocumentStatus) -> None:
    """Raises `WrongStatus` unless the document has this status."""
    if row.status != status:
        raise WrongStatus(status=row.status)
