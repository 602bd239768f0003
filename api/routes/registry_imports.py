"""Files of the register: handed in, checked in the background, confirmed by a person, applied as a whole."""

import asyncio
import uuid
from typing import Annotated, Any, NamedTuple

from litestar import Request, Response, get, post
from litestar.datastructures import UploadFile
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_202_ACCEPTED

from api.access import Work, requires
from api.answers import also, answers_as
from api.paging import AfterId, Cursor, Limit, Page, decode_cursor, paged
from api.problems import InvalidRequest
from api.raw_bodies import sheet_body
from inspection.registry.exports.findings import findings_sheet
from inspection.registry.exports.sheets import CSV_TYPE, XLSX_TYPE, SheetForm, media_type
from inspection.registry.exports.template import VERSION, template
from inspection.registry.imports import queries, service
from inspection.registry.imports.report import Issue, Severity
from inspection.registry.imports.schemas import ImportView, IssueView
from inspection.registry.places.service import get_estate
from inspection.users.models import UserRole
from storage.audit.service import record

READERS = requires(UserRole.MANAGER, UserRole.AUDITOR, UserRole.ADMINISTRATOR)
ADMINISTRATORS = requires(UserRole.ADMINISTRATOR)
OFFICE = requires(UserRole.MANAGER, UserRole.ADMINISTRATOR)
FILE_LIMIT = 64 * 1024 * 1024
SheetName = Annotated[str, QueryParameter(max_length=100, description="工作表名 / the sheet, else the first that fits")]
FileName = Annotated[str, QueryParameter(max_length=200, description="文件名，仅用于显示 / shown with the import")]


class AfterPosition(NamedTuple):
    """The sort key of a list by position."""

    position: int


SHEET_TYPES = (XLSX_TYPE, CSV_TYPE)


def file_spec(description: str) -> ResponseSpec:
    """A file, for the interface document."""
    return ResponseSpec(bytes, description=description, media_type=XLSX_TYPE, generate_examples=False)


def as_file(content: bytes, *, name: str, form: SheetForm) -> Response[bytes]:
    """A file to be saved; its name is ASCII."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{form}"', "Cache-Control": "no-store"}
    return Response(content, media_type=media_type(form), headers=headers)


@get(
    "/api/v1/estates/{estate_id:uuid}/registry-template", guards=[OFFICE], tags=["registry"],
    operation_id="registryTemplate", summary="下载名册模板 / The template of the register's file",
    responses={200: file_spec("模板 / Template")}, opt=answers_as(*SHEET_TYPES),
)  # fmt: skip
async def registry_template(
    estate_id: FromPath[uuid.UUID], work: Work, form: FromQuery[SheetForm] = SheetForm.XLSX
) -> Response[bytes]:
    """Headings, an example that imports ignore, lists to choose from and explanations; its version is in its name."""
    async with work.transaction() as session:
        await get_estate(session, estate_id=estate_id)
    return as_file(template(form), name=f"ruhu-register-{VERSION}", form=form)


@post(
    "/api/v1/estates/{estate_id:uuid}/registry-imports", guards=[ADMINISTRATORS], status_code=HTTP_202_ACCEPTED,
    tags=["registry"], operation_id="handInRegistry", operation_class=sheet_body(), request_max_body_size=FILE_LIMIT,
    summary="上传住户名册 / Hand in the register",
)  # fmt: skip
async def hand_in_registry(
    estate_id: FromPath[uuid.UUID],
    request: Request[Any, Any, Any],
    work: Work,
    full_list: FromQuery[bool] = False,
    create_units: FromQuery[bool] = False,
    sheet: SheetName = "",
    name: FileName = "",
) -> ImportView:
    """Takes a CSV or XLSX file to be checked; nothing changes until somebody confirms the report.

    `full_list=true`: the file names everything the estate has; what it lacks is listed, never ended by itself.
    The body is the file, or the field `file` of a form. 409 `import-running` while another import is not finished.
    """
    content, told = await uploaded(request)
    if "\x00" in sheet + name + told:
        raise InvalidRequest("名称中有无效字符", "A name holds an invalid character")
    async with work.transaction() as session:
        row = await service.hand_in(
            session, vault=work.context.vault, objects=work.context.objects, estate_id=estate_id, content=content,
            name=name or told, sheet=sheet, full_list=full_list, create_units=create_units, actor=work.actor,
            now=work.now,
        )  # fmt: skip
        return ImportView.of(row)


async def uploaded(request: Request[Any, Any, Any]) -> tuple[bytes, str]:
    """The bytes of the file, sent as the body or in a form, and its name."""
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        return await request.body(), ""
    file = (await request.form()).get("file")
    if not isinstance(file, UploadFile):
        raise InvalidRequest("表单缺少文件字段 file", "The form has no file field named file")
    return await file.read(), file.filename or ""


@get(
    "/api/v1/estates/{estate_id:uuid}/registry-imports", guards=[READERS], tags=["registry"],
    operation_id="listRegistryImports", summary="导入记录 / Imports of an estate",
)  # fmt: skip
async def list_imports(
    estate_id: FromPath[uuid.UUID], work: Work, cursor: Cursor = None, limit: Limit = 50
) -> Page[ImportView]:
    """Imports, newest first."""
    after = decode_cursor(cursor, AfterId)
    async with work.transaction() as session:
        await get_estate(session, estate_id=estate_id)
        found = await queries.of_estate(
            session, estate_id=estate_id, after=after.id if after else None, limit=limit + 1
        )
        return paged([ImportView.of(row) for row in found], limit=limit, key=lambda row: (row.id,))


@get(
    "/api/v1/registry-imports/{import_id:uuid}", guards=[READERS], tags=["registry"],
    operation_id="getRegistryImport", summary="导入进度与报告 / An import's progress and report",
)  # fmt: skip
async def get_import(import_id: FromPath[uuid.UUID], work: Work) -> ImportView:
    """Status, progress and report."""
    async with work.transaction() as session:
        return ImportView.of(await service.get_import(session, import_id=import_id))


@get(
    "/api/v1/registry-imports/{import_id:uuid}/problems", guards=[READERS], tags=["registry"],
    operation_id="listRegistryImportProblems", summary="导入问题清单 / What was found in a file",
)  # fmt: skip
async def list_problems(
    import_id: FromPath[uuid.UUID], work: Work, cursor: Cursor = None, limit: Limit = 50
) -> Page[IssueView]:
    """Errors and warnings by row and column, values masked; kept for a week."""
    after = decode_cursor(cursor, AfterPosition)
    if after is not None and not 0 <= after.position < 2**31:
        raise InvalidRequest("分页游标无效", "The cursor is not valid")
    async with work.transaction() as session:
        await service.get_import(session, import_id=import_id)
        found = await queries.issues(
            session, import_id=import_id, after=after.position if after else None, limit=limit + 1
        )
        return paged([IssueView.of(row) for row in found], limit=limit, key=lambda row: (row.position,))


@get(
    "/api/v1/registry-imports/{import_id:uuid}/problem-sheet", guards=[OFFICE], tags=["registry"],
    operation_id="registryImportProblemSheet", summary="下载问题对照表 / What was found, beside the rows",
    responses={200: file_spec("问题对照表 / Findings")}, opt=also(410) | answers_as(*SHEET_TYPES),
)  # fmt: skip
async def problem_sheet(import_id: FromPath[uuid.UUID], work: Work) -> Response[bytes]:
    """The file's rows with what was found beside them. Whoever handed it in sees it as it was, others masked."""
    async with work.transaction() as session:
        row = await service.get_import(session, import_id=import_id)
        content = await service.file_of(session, row, objects=work.context.objects, now=work.now)
        issues = [
            Issue(i.code, Severity(i.severity), i.row, i.column, i.value, i.zh, i.en)
            for i in await queries.issues(session, import_id=import_id, after=None, limit=None)
        ]
        in_clear = row.created_by == work.caller.user_id
        record(session, at=work.now, actor=work.actor, action="registry.problem-sheet", object_kind="registry_import",
               object_id=row.id, estate_id=row.estate_id, in_clear=in_clear)  # fmt: skip
        sheet = row.sheet
    made = await asyncio.to_thread(findings_sheet, content, issues, sheet=sheet, in_clear=in_clear)
    return as_file(made, name="ruhu-problems", form=SheetForm.XLSX)


@post(
    "/api/v1/registry-imports/{import_id:uuid}/confirm", guards=[ADMINISTRATORS], status_code=HTTP_202_ACCEPTED,
    tags=["registry"], operation_id="confirmRegistryImport", summary="确认导入 / Confirm an import",
)  # fmt: skip
async def confirm_import(import_id: FromPath[uuid.UUID], work: Work) -> ImportView:
    """Has a checked file applied in the background: all of it, or nothing."""
    async with work.transaction() as session:
        return ImportView.of(
            await service.confirm(session, import_id=import_id, actor=work.actor, now=work.now)
        )  # fmt: skip


@post(
    "/api/v1/registry-imports/{import_id:uuid}/cancel", guards=[ADMINISTRATORS], status_code=HTTP_200_OK,
    tags=["registry"], operation_id="cancelRegistryImport", summary="取消导入 / Cancel an import",
)  # fmt: skip
async def cancel_import(import_id: FromPath[uuid.UUID], work: Work) -> ImportView:
    """Gives up an import that is not being applied."""
    async with work.transaction() as session:
        return ImportView.of(await service.cancel(session, import_id=import_id, actor=work.actor, now=work.now))


handlers = [
    registry_template, hand_in_registry, list_imports, get_import, list_problems, problem_sheet, confirm_import,
    cancel_import,
]  # fmt: skip
