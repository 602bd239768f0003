"""Documents of a case: drafted, looked at, issued, read, made void; and taken up by the steps that need them."""

import uuid
from datetime import datetime

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases import access, queries
from inspection.cases.documents import ISSUED_IN, REPLACED_IN
from inspection.cases.errors import CaseNotFound
from inspection.cases.models import Case, Measure
from inspection.cases.paper_material import gather
from inspection.cases.schemas import MeasureKind
from inspection.cases.vocabulary import State
from inspection.documents import queries as document_queries
from inspection.documents import service
from inspection.documents.content import plain
from inspection.documents.errors import AlreadyReplaced, DocumentInUse, DocumentNotFound, NotInThisState
from inspection.documents.material import Material, missing
from inspection.documents.models import Document, IssuingAuthority
from inspection.documents.rendering import Sheet
from inspection.documents.schemas import DocumentDetails, DocumentInput, DocumentView, MissingView
from inspection.documents.vocabulary import DocumentKind, DocumentStatus
from inspection.users.authority import Officer, require
from inspection.users.models import UserRole
from storage.audit.service import Actor, record
from storage.ids import new_id
from storage.objects.service import Objects
from storage.problems import Invalid

READERS = access.OFFICERS | {UserRole.AUDITOR}
STEPPED = {DocumentKind.NOTICE: MeasureKind.NOTICE, DocumentKind.ORDER: MeasureKind.ORDER}
"""Documents that a step takes up."""


async def draft(
    session: AsyncSession, *, case_id: uuid.UUID, data: DocumentInput, actor: Actor, now: datetime
) -> DocumentDetails:
    """A draft of a document of a case. Raises `CaseNotFound`, `NotInThisState`, `AlreadyReplaced`, `Invalid`."""
    opened = await access.locked(session, case_id=case_id, actor=actor, any_of=access.OFFICERS, version=None)
    case = opened.case
    if (data.kind is DocumentKind.VISIT_RECORD) != (data.visit_id is not None):
        raise Invalid("走访记录须指明走访，其他文书不指明", "A record of a visit names the visit, no other does")
    if (data.kind is DocumentKind.RECEIPT) != (data.service_id is not None):
        raise Invalid("送达回证须指明送达记录，其他文书不指明", "A record of service names the service, no other does")
    if data.hearing and data.kind is not DocumentKind.NOTICE:
        raise Invalid("只有告知书告知听证权利", "Only a notice tells of the right to a hearing")
    if data.replaces_id is not None:
        void = await document_queries.document(session, data.replaces_id)
        if void is None or (void.case_id, void.kind, void.status) != (case.id, data.kind, DocumentStatus.VOID):
            raise Invalid(
                "只能替代本案已作废的同类文书", "Only a void document of the same kind in this case is replaced"
            )
        if await document_queries.replaced(session, data.replaces_id):
            raise AlreadyReplaced
    _demand_state(case, data.kind, data.replaces_id)
    given = msgspec.to_builtins(data)
    row = service.draft(
        session, estate_id=case.estate_id, case_id=case.id, kind=data.kind,
        given={name: value for name, value in given.items() if value and name not in {"kind", "replaces_id"}},
        replaces_id=data.replaces_id, user_id=opened.officer.user_id, actor=actor, now=now,
    )  # fmt: skip
    await session.flush()
    return await _details(session, case, row, opened.officer, now)


async def details(session: AsyncSession, *, document_id: uuid.UUID, actor: Actor, now: datetime) -> DocumentDetails:
    """A document, what a draft still lacks, and the text of an issued one."""
    case, row, officer = await _open(session, document_id, actor=actor, any_of=READERS)
    return await _details(session, case, row, officer, now)


async def read(
    session: AsyncSession, *, document_id: uuid.UUID, objects: Objects, actor: Actor, now: datetime
) -> tuple[Document, Sheet]:
    """The PDF: of a draft as it would be now, marked as a draft; of an issued one the bytes that were issued."""
    case, row, officer = await _open(session, document_id, actor=actor, any_of=READERS)
    if row.object_id is None:
        material, _ = await _material(session, case, row, officer, now)
        sheet = await service.preview(material)
    else:
        sheet = Sheet(await objects.get(session, object_id=row.object_id, now=now))
        if sheet.digest != row.digest:
            raise RuntimeError("the stored bytes of a document are not those that were issued")
    record(
        session, at=now, actor=actor, action="document.read", object_kind="document", object_id=row.id,
        estate_id=row.estate_id, status=row.status, number=row.number, sha256=sheet.digest.hex(),
    )  # fmt: skip
    return row, sheet


async def issue(
    session: AsyncSession, *, document_id: uuid.UUID, objects: Objects, seen: str | None, actor: Actor, now: datetime
) -> DocumentDetails:
    """Issues a draft under the next number of its authority. `seen`: digest of the draft that was looked at.

    Raises `WrongStatus`, `NotInThisState`, `DocumentIncomplete`, `DraftChanged`, `CharacterMissing`.
    """
    case, row, officer = await _open(session, document_id, actor=actor, any_of=access.MANAGERS, lock=True)
    service.expect(row, DocumentStatus.DRAFT)
    _demand_state(case, DocumentKind(row.kind), row.replaces_id)
    material, authority = await _material(session, case, row, officer, now)
    await service.issue(
        session, row=row, material=material, authority=authority, objects=objects, user_id=officer.user_id,
        seen=seen, actor=actor, now=now,
    )  # fmt: skip
    if row.replaces_id is not None and await queries.measures_of(session, row.replaces_id):
        attach(session, case=case, paper=row, officer=officer, now=now)
        case.version += 1
    await session.flush()
    return await _details(session, case, row, officer, now)


async def void(
    session: AsyncSession, *, document_id: uuid.UUID, reason: str, actor: Actor, now: datetime
) -> DocumentDetails:
    """Makes an issued document void, unless it was served (`DocumentInUse`): then the case is suspended or ended."""
    case, row, officer = await _open(session, document_id, actor=actor, any_of=access.MANAGERS, lock=True)
    service.expect(row, DocumentStatus.ISSUED)
    measures = await queries.measures_of(session, row.id)
    if measures and await queries.services(session, [measure.id for measure in measures]):
        raise DocumentInUse
    await service.void(session, row=row, reason=reason, user_id=officer.user_id, actor=actor, now=now)
    return await _details(session, case, row, officer, now)


async def discard(session: AsyncSession, *, document_id: uuid.UUID, actor: Actor, now: datetime) -> None:
    """Throws a draft away."""
    _, row, _ = await _open(session, document_id, actor=actor, any_of=access.OFFICERS, lock=True)
    await service.discard(session, row=row, actor=actor, now=now)


async def page(
    session: AsyncSession,
    *,
    case_id: uuid.UUID | None = None,
    estate_id: uuid.UUID | None = None,
    authority_id: uuid.UUID | None = None,
    kind: DocumentKind | None = None,
    status: DocumentStatus | None = None,
    year: int | None = None,
    number: str | None = None,
    before: tuple[datetime, uuid.UUID] | None = None,
    limit: int = 50,
) -> list[DocumentView]:
    """Documents in scope, newest first. `case_id`: of one case; raises `CaseNotFound` for one out of scope."""
    if case_id is not None and await queries.case(session, case_id) is None:
        raise CaseNotFound
    rows = await document_queries.page(
        session, case_id=case_id, estate_id=estate_id, authority_id=authority_id, kind=kind, status=status, year=year,
        number=number, before=before, limit=limit,
    )  # fmt: skip
    return [DocumentView.of(row) for row in rows]


def attach(session: AsyncSession, *, case: Case, paper: Document, officer: Officer, now: datetime) -> None:
    """Makes an issued document what a step rests on, so that its service can be recorded."""
    content = paper.content or {}
    session.add(
        Measure(
            id=new_id(), estate_id=case.estate_id, case_id=case.id, kind=STEPPED[DocumentKind(paper.kind)],
            number=paper.number, text=plain(content), legal_basis=content["legal_basis"], document_id=paper.id,
            issued_by=officer.user_id, issued_at=now,
        )
    )  # fmt: skip


async def _open(
    session: AsyncSession, document_id: uuid.UUID, *, actor: Actor, any_of: frozenset[UserRole], lock: bool = False
) -> tuple[Case, Document, Officer]:
    """A document with its case; `lock`: both locked, the case first, as every step does."""
    row = await document_queries.document(session, document_id)
    case = None if row is None else await queries.case(session, row.case_id, lock=lock)
    if lock and row is not None:
        row = await document_queries.document(session, document_id, lock=True)
    if row is None or case is None:
        raise DocumentNotFound
    return case, row, await require(session, actor=actor, estate_id=row.estate_id, any_of=any_of)


async def _material(
    session: AsyncSession, case: Case, row: Document, officer: Officer, now: datetime
) -> tuple[Material, IssuingAuthority | None]:
    void = None if row.replaces_id is None else await document_queries.document(session, row.replaces_id)
    return await gather(
        session, case=case, kind=DocumentKind(row.kind), given=row.given,
        replaces=None if void is None else void.number, officer=officer, now=now,
    )  # fmt: skip


async def _details(
    session: AsyncSession, case: Case, row: Document, officer: Officer, now: datetime
) -> DocumentDetails:
    lacking: list[MissingView] = []
    if row.status == DocumentStatus.DRAFT:
        material, _ = await _material(session, case, row, officer, now)
        lacking = [MissingView(**service.labelled(need)) for need in missing(material)]
    return DocumentDetails(
        document=DocumentView.of(row), missing=lacking, text=None if row.content is None else plain(row.content)
    )


def _demand_state(case: Case, kind: DocumentKind, replaces_id: uuid.UUID | None) -> None:
    """Raises `NotInThisState` where a document of this kind has no place in the road."""
    allowed = ISSUED_IN[kind] | (REPLACED_IN.get(kind, frozenset()) if replaces_id else frozenset())
    if State(case.state) not in allowed:
        raise NotInThisState(states=sorted(allowed))
