"""Archives of enrolment photographs: handed in, checked in the background, confirmed by a person, enrolled."""

import uuid
from typing import Any

from litestar import Request, Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.status_codes import HTTP_200_OK, HTTP_202_ACCEPTED

from api.access import Work, requires
from api.answers import answers_as
from api.paging import AfterId, Cursor, Limit, Page, decode_cursor, paged
from api.problems import InvalidRequest
from api.raw_bodies import archive_body
from api.routes.registry_imports import SHEET_TYPES, AfterPosition, FileName, as_file, file_spec
from gate_integration.bulk_enrolment import queries, service
from gate_integration.bulk_enrolment.models import LineState
from gate_integration.bulk_enrolment.schemas import PhotoImportView, PhotoLineView
from gate_integration.bulk_enrolment.sheets import VERSION, report, template
from inspection.registry.exports.sheets import SheetForm
from inspection.registry.places.service import get_estate
from inspection.users.models import UserRole
from storage.audit.service import record

PREPARE = requires(UserRole.MANAGER, UserRole.OPERATOR_STAFF)
DECIDE = requires(UserRole.MANAGER)
READ = requires(UserRole.MANAGER, UserRole.OPERATOR_STAFF, UserRole.AUDITOR)


@get(
    "/api/v1/estates/{estate_id:uuid}/photo-consent-template", guards=[PREPARE], tags=["enrolment"],
    operation_id="photoConsentTemplate", summary="下载同意登记表模板 / The template of the sheet of consents",
    responses={200: file_spec("模板 / Template")}, opt=answers_as(*SHEET_TYPES),
)  # fmt: skip
async def photo_consent_template(
    estate_id: FromPath[uuid.UUID], work: Work, form: FromQuery[SheetForm] = SheetForm.XLSX
) -> Response[bytes]:
    """Headings and an example that is ignored. It goes into the archive beside the photographs as consent.xlsx."""
    async with work.transaction() as session:
        await get_estate(session, estate_id=estate_id)
    return as_file(template(form), name=f"ruhu-consent-{VERSION}", form=form)


@post(
    "/api/v1/estates/{estate_id:uuid}/photo-imports", guards=[PREPARE], status_code=HTTP_202_ACCEPTED,
    tags=["enrolment"], operation_id="handInPhotos", operation_class=archive_body(),
    request_max_body_size=service.MOST_BYTES + 1, summary="上传建档照片压缩包 / Hand in photographs",
)  # fmt: skip
async def hand_in_photos(
    estate_id: FromPath[uuid.UUID], request: Request[Any, Any, Any], work: Work, name: FileName = ""
) -> PhotoImportView:
    """Takes a ZIP (the body, up to 512 MB) of `<number>.jpg|png` with consent.csv or consent.xlsx, to be checked.

    The number is the ID number or the register's id of the person. Nobody is enrolled until somebody confirms.
    409 `photo-import-running` while another archive of the estate is not finished.
    """
    if "\x00" in name:
        raise InvalidRequest("名称中有无效字符", "A name holds an invalid character")
    row = await service.hand_in(
        work.transaction, vault=work.context.vault, objects=work.context.objects, estate_id=estate_id,
        content=request.stream(), name=name, actor=work.actor, now=work.now,
    )  # fmt: skip
    return PhotoImportView.of(row)


@get(
    "/api/v1/estates/{estate_id:uuid}/photo-imports", guards=[READ], tags=["enrolment"],
    operation_id="listPhotoImports", summary="照片导入记录 / Archives of an estate",
)  # fmt: skip
async def list_photo_imports(
    estate_id: FromPath[uuid.UUID], work: Work, cursor: Cursor = None, limit: Limit = 50
) -> Page[PhotoImportView]:
    """Archives, newest first, without the counts by reason."""
    after = decode_cursor(cursor, AfterId)
    async with work.transaction() as session:
        await get_estate(session, estate_id=estate_id)
        found = await queries.of_estate(
            session, estate_id=estate_id, after=after.id if after else None, limit=limit + 1
        )
    return paged([PhotoImportView.of(row) for row in found], limit=limit, key=lambda row: (row.id,))


@get(
    "/api/v1/photo-imports/{photo_import_id:uuid}", guards=[READ], tags=["enrolment"],
    operation_id="getPhotoImport", summary="照片导入进度与结果 / An archive's progress and report",
)  # fmt: skip
async def get_photo_import(photo_import_id: FromPath[uuid.UUID], work: Work) -> PhotoImportView:
    """Status, progress, and how many lines are in which state for which reason."""
    async with work.transaction() as session:
        row = await service.get_import(session, import_id=photo_import_id)
        return PhotoImportView.of(row, await queries.tally(session, import_id=row.id))


@get(
    "/api/v1/photo-imports/{photo_import_id:uuid}/lines", guards=[READ], tags=["enrolment"],
    operation_id="listPhotoImportLines", summary="照片导入明细 / An archive line by line",
)  # fmt: skip
async def list_photo_lines(
    photo_import_id: FromPath[uuid.UUID],
    work: Work,
    line_state: FromQuery[LineState | None] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[PhotoLineView]:
    """Lines in the order of the sheet with state and reasons; numbers masked, no photograph."""
    after = decode_cursor(cursor, AfterPosition)
    if after is not None and not 0 <= after.position < 2**31:
        raise InvalidRequest("分页游标无效", "The cursor is not valid")
    async with work.transaction() as session:
        row = await service.get_import(session, import_id=photo_import_id)
        found = await queries.lines(
            session, import_id=row.id, state=line_state, after=after.position if after else None, limit=limit + 1
        )
    views = [PhotoLineView.of(line, name) for line, name in found]
    return paged(views, limit=limit, key=lambda line: (line.position,))


@get(
    "/api/v1/photo-imports/{photo_import_id:uuid}/report", guards=[READ], tags=["enrolment"],
    operation_id="photoImportReport", summary="下载照片导入结果 / The report of an archive as a file",
    responses={200: file_spec("结果 / Report")}, opt=answers_as(*SHEET_TYPES),
)  # fmt: skip
async def photo_import_report(
    photo_import_id: FromPath[uuid.UUID], work: Work, form: FromQuery[SheetForm] = SheetForm.XLSX
) -> Response[bytes]:
    """Every line with what became of it and why; numbers masked."""
    async with work.transaction() as session:
        row = await service.get_import(session, import_id=photo_import_id)
        found = await queries.lines(session, import_id=row.id, state=None, after=None, limit=None)
        record(session, at=work.now, actor=work.actor, action="photo-import.report", object_kind="photo_import",
               object_id=row.id, estate_id=row.estate_id)  # fmt: skip
    views = [PhotoLineView.of(line, name) for line, name in found]
    return as_file(report(views, form), name="ruhu-photos", form=form)


@post(
    "/api/v1/photo-imports/{photo_import_id:uuid}/confirm", guards=[DECIDE], status_code=HTTP_202_ACCEPTED,
    tags=["enrolment"], operation_id="confirmPhotoImport", summary="确认照片建档 / Confirm an archive",
)  # fmt: skip
async def confirm_photo_import(photo_import_id: FromPath[uuid.UUID], work: Work) -> PhotoImportView:
    """Has what was found ready enrolled in the background, one by one; the archive is destroyed at the end."""
    async with work.transaction() as session:
        row = await service.confirm(session, import_id=photo_import_id, actor=work.actor, now=work.now)
        return PhotoImportView.of(row)


@post(
    "/api/v1/photo-imports/{photo_import_id:uuid}/cancel", guards=[PREPARE], status_code=HTTP_200_OK,
    tags=["enrolment"], operation_id="cancelPhotoImport", summary="取消照片导入 / Cancel an archive",
)  # fmt: skip
async def cancel_photo_import(photo_import_id: FromPath[uuid.UUID], work: Work) -> PhotoImportView:
    """Gives up an archive that is not being applied, and destroys it."""
    async with work.transaction() as session:
        row = await service.cancel(
            session, import_id=photo_import_id, objects=work.context.objects, actor=work.actor, now=work.now
        )
        return PhotoImportView.of(row)


handlers = [
    photo_consent_template, hand_in_photos, list_photo_imports, get_photo_import, list_photo_lines,
    photo_import_report, confirm_photo_import, cancel_photo_import,
]  # fmt: skip
