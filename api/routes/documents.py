"""Documents of cases: drafts, their issue under a number, files; lists of problems. A file's ETag is its hash."""

import uuid
from typing import Annotated
from urllib.parse import quote

from litestar import Response, delete, get, post
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED

from api.access import Work, requires
from api.answers import answers_as
from api.paging import AfterMoment, AfterText, Cursor, Limit, Page, decode_cursor, paged
from inspection.cases import paperwork, problem_list
from inspection.cases.schemas import ProblemListInput
from inspection.documents import authorities
from inspection.documents import queries as document_queries
from inspection.documents.schemas import (
    AuthorityInput,
    AuthorityView,
    DocumentDetails,
    DocumentInput,
    DocumentView,
    VoidInput,
)
from inspection.documents.vocabulary import DocumentKind, DocumentStatus
from inspection.registry.exports.sheets import XLSX_TYPE
from inspection.users.models import UserRole

DECIDES = requires(UserRole.MANAGER)
WRITES = requires(UserRole.MANAGER, UserRole.INSPECTOR)
READS = requires(UserRole.MANAGER, UserRole.INSPECTOR, UserRole.AUDITOR)
LISTS = requires(UserRole.MANAGER, UserRole.AUDITOR)
Seen = Annotated[
    str | None,
    HeaderParameter(name="If-Match", max_length=80, description="已预览草稿的 ETag / ETag of the draft looked at"),
]
Year = Annotated[int | None, QueryParameter(ge=2000, le=2999)]
NumberBegins = Annotated[str | None, QueryParameter(min_length=1, max_length=64, pattern=r"^[^\x00]+$")]


def file(data: bytes, *, name: str, media_type: str, digest: str) -> Response[bytes]:
    """A file with its hash as ETag, never kept by a cache on the way."""
    return Response(
        data,
        media_type=media_type,
        status_code=HTTP_200_OK,
        headers={
            "ETag": f'"{digest}"',
            "Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}",
            "Cache-Control": "private, no-store",
        },
    )


@get(
    "/api/v1/issuing-authorities", guards=[requires(UserRole.ADMINISTRATOR, UserRole.MANAGER, UserRole.AUDITOR)],
    tags=["documents"], operation_id="listIssuingAuthorities", summary="发文机关 / Issuing authorities",
)  # fmt: skip
async def list_issuing_authorities(work: Work, cursor: Cursor = None, limit: Limit = 50) -> Page[AuthorityView]:
    """The authorities with their characters (机关代字), by division."""
    after = decode_cursor(cursor, AfterText)
    async with work.transaction() as session:
        rows = await document_queries.authorities(session, after=after.text if after else None, limit=limit + 1)
        views = [AuthorityView.of(row) for row in rows]
    return paged(views, limit=limit, key=lambda row: (row.division_code,))


@post(
    "/api/v1/issuing-authorities", guards=[requires(UserRole.ADMINISTRATOR)], tags=["documents"],
    operation_id="setIssuingAuthority", summary="设置发文机关 / Set an issuing authority",
)  # fmt: skip
async def set_issuing_authority(data: JSONBody[AuthorityInput], work: Work) -> AuthorityView:
    """Sets the authority of a division, or changes it; its series of numbers go on."""
    async with work.transaction() as session:
        return AuthorityView.of(await authorities.put(session, data=data, actor=work.actor, now=work.now))


@post(
    "/api/v1/cases/{case_id:uuid}/documents", guards=[WRITES], tags=["documents"], operation_id="draftDocument",
    summary="起草文书 / Draft a document",
)  # fmt: skip
async def draft_document(case_id: FromPath[uuid.UUID], data: JSONBody[DocumentInput], work: Work) -> DocumentDetails:
    """A draft without a number, and what it still lacks."""
    async with work.transaction() as session:
        return await paperwork.draft(session, case_id=case_id, data=data, actor=work.actor, now=work.now)


@get(
    "/api/v1/cases/{case_id:uuid}/documents", guards=[READS], tags=["documents"], operation_id="listCaseDocuments",
    summary="案件文书 / Documents of a case",
)  # fmt: skip
async def list_case_documents(
    case_id: FromPath[uuid.UUID], work: Work, cursor: Cursor = None, limit: Limit = 50
) -> Page[DocumentView]:
    """The documents of a case, newest first."""
    async with work.transaction() as session:
        rows = await paperwork.page(
            session, case_id=case_id, before=decode_cursor(cursor, AfterMoment), limit=limit + 1
        )
    return paged(rows, limit=limit, key=lambda row: (row.created_at, row.id))


@get(
    "/api/v1/documents", guards=[READS], tags=["documents"], operation_id="listDocuments",
    summary="文书登记簿 / Register of documents",
)  # fmt: skip
async def list_documents(
    work: Work,
    estate_id: FromQuery[uuid.UUID | None] = None,
    authority_id: FromQuery[uuid.UUID | None] = None,
    kind: FromQuery[DocumentKind | None] = None,
    document_status: Annotated[DocumentStatus | None, QueryParameter(name="status")] = None,
    year: Year = None,
    number: NumberBegins = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[DocumentView]:
    """Documents in scope, newest first; by authority, year, kind, status, or how the number begins."""
    async with work.transaction() as session:
        rows = await paperwork.page(
            session, estate_id=estate_id, authority_id=authority_id, kind=kind, status=document_status, year=year,
            number=number, before=decode_cursor(cursor, AfterMoment), limit=limit + 1,
        )  # fmt: skip
    return paged(rows, limit=limit, key=lambda row: (row.created_at, row.id))


@get(
    "/api/v1/documents/{document_id:uuid}", guards=[READS], tags=["documents"], operation_id="getDocument",
    summary="文书 / A document",
)  # fmt: skip
async def get_document(document_id: FromPath[uuid.UUID], work: Work) -> DocumentDetails:
    """A document, what a draft still lacks, and the text of an issued one."""
    async with work.transaction() as session:
        return await paperwork.details(session, document_id=document_id, actor=work.actor, now=work.now)


@get(
    "/api/v1/documents/{document_id:uuid}/file", guards=[READS], tags=["documents"], operation_id="getDocumentFile",
    summary="文书文件，草稿为预览 / The file; of a draft, a preview", media_type="application/pdf",
)  # fmt: skip
async def get_document_file(document_id: FromPath[uuid.UUID], work: Work) -> Response[bytes]:
    """The PDF: of a draft as it would be now, marked 草稿; of an issued one always the same bytes."""
    async with work.transaction() as session:
        row, sheet = await paperwork.read(
            session, document_id=document_id, objects=work.context.objects, actor=work.actor, now=work.now
        )
        name = f"{row.number or '草稿'}.pdf"
    return file(sheet.data, name=name, media_type="application/pdf", digest=sheet.digest.hex())


@post(
    "/api/v1/documents/{document_id:uuid}/issue", guards=[DECIDES], tags=["documents"], operation_id="issueDocument",
    summary="签发文书 / Issue a document",
)  # fmt: skip
async def issue_document(document_id: FromPath[uuid.UUID], work: Work, if_match: Seen = None) -> DocumentDetails:
    """Gives a draft the next number and freezes it. With If-Match only what was looked at is issued (412)."""
    seen = None if if_match in {None, "*"} else str(if_match).removeprefix("W/").strip('"')
    async with work.transaction() as session:
        return await paperwork.issue(
            session, document_id=document_id, objects=work.context.objects, seen=seen, actor=work.actor, now=work.now
        )


@post(
    "/api/v1/documents/{document_id:uuid}/void", guards=[DECIDES], tags=["documents"], operation_id="voidDocument",
    summary="作废文书 / Make a document void",
)  # fmt: skip
async def void_document(document_id: FromPath[uuid.UUID], data: JSONBody[VoidInput], work: Work) -> DocumentDetails:
    """Makes an issued document void; its number is never given again. One that was served stays."""
    async with work.transaction() as session:
        return await paperwork.void(
            session, document_id=document_id, reason=data.reason, actor=work.actor, now=work.now
        )


@delete(
    "/api/v1/documents/{document_id:uuid}", guards=[WRITES], tags=["documents"], operation_id="discardDocument",
    summary="删除草稿 / Throw a draft away",
)  # fmt: skip
async def discard_document(document_id: FromPath[uuid.UUID], work: Work) -> None:
    """Throws a draft away; a numbered document stays."""
    async with work.transaction() as session:
        await paperwork.discard(session, document_id=document_id, actor=work.actor, now=work.now)


@post(
    "/api/v1/problem-lists", guards=[LISTS], tags=["documents"], operation_id="exportProblemList",
    summary="导出问题（整改）清单 / Export the list of problems", media_type=XLSX_TYPE,
    status_code=HTTP_201_CREATED, opt=answers_as(XLSX_TYPE, "application/pdf"),
)  # fmt: skip
async def export_problem_list(data: JSONBody[ProblemListInput], work: Work) -> Response[bytes]:
    """The list as Excel or PDF. The reason, the filters and the hash of the file go to the audit log."""
    async with work.transaction() as session:
        made = await problem_list.export(session, data=data, actor=work.actor, now=work.now)
    answer = file(made.data, name=made.name, media_type=made.media_type, digest=made.digest)
    answer.status_code = HTTP_201_CREATED
    return answer


handlers = [
    list_issuing_authorities, set_issuing_authority, draft_document, list_case_documents, list_documents,
    get_document, get_document_file, issue_document, void_document, discard_document, export_problem_list,
]  # fmt: skip
