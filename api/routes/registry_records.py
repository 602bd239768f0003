"""What full lists lack, the register's history, and the register as a file."""

import uuid
from typing import Annotated

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.status_codes import HTTP_200_OK

from api.access import Work, requires
from api.answers import answers_as
from api.paging import AfterId, Cursor, Limit, Page, decode_cursor, paged
from api.routes.registry_imports import SHEET_TYPES, as_file, file_spec
from api.views import Shown, shows
from inspection.registry.consents.models import Purpose
from inspection.registry.exports.service import export_register
from inspection.registry.exports.sheets import SheetForm
from inspection.registry.history import queries as history
from inspection.registry.history.schemas import ChangeView
from inspection.registry.households.service import get_household
from inspection.registry.missing import queries, service
from inspection.registry.missing.models import MissingKind, MissingStatus
from inspection.registry.missing.schemas import DismissInput, EndInput, MissingView
from inspection.registry.places.service import get_estate, get_unit
from inspection.users.models import UserRole

READERS = requires(UserRole.MANAGER, UserRole.AUDITOR, UserRole.ADMINISTRATOR)
OFFICE = requires(UserRole.MANAGER, UserRole.ADMINISTRATOR)


class ExportInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For which purpose and why; `unmask`: with whole ID numbers and telephones."""

    purpose: Purpose
    reason: Annotated[str, msgspec.Meta(min_length=2, max_length=1000)]
    form: SheetForm = SheetForm.XLSX
    unmask: bool = False


@get(
    "/api/v1/estates/{estate_id:uuid}/missing-records", guards=[READERS], tags=["registry"],
    operation_id="listMissingRecords", summary="名册缺失清单 / What full lists lack",
)  # fmt: skip
async def list_missing(
    estate_id: FromPath[uuid.UUID],
    work: Work,
    kind: FromQuery[MissingKind | None] = None,
    status: FromQuery[MissingStatus] = MissingStatus.OPEN,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[MissingView]:
    """Units, households and people of the register that a full list did not name. Nothing ends by itself."""
    after = decode_cursor(cursor, AfterId)
    async with work.transaction() as session:
        await get_estate(session, estate_id=estate_id)
        found = await queries.of_estate(
            session, estate_id=estate_id, status=status, kind=kind, after=after.id if after else None, limit=limit + 1
        )
        views = [
            MissingView.of(row, unit=unit, building=building, entrance=entrance, household=household, person=person)
            for row, unit, building, entrance, household, person in found
        ]
    return paged(views, limit=limit, key=lambda row: (row.id,))


@post(
    "/api/v1/estates/{estate_id:uuid}/missing-records/end", guards=[OFFICE], status_code=HTTP_200_OK,
    tags=["registry"], operation_id="endMissingRecords", summary="结束缺失记录 / End missing records",
)  # fmt: skip
async def end_missing(estate_id: FromPath[uuid.UUID], data: JSONBody[EndInput], work: Work) -> list[MissingView]:
    """Ends the records chosen with a last day and a reason, all of them or none. It revokes nobody's access."""
    async with work.transaction() as session:
        found = await service.end_records(
            session, estate_id=estate_id, ids=data.missing_ids, last_day=data.last_day, reason=data.reason,
            actor=work.actor, now=work.now,
        )  # fmt: skip
        return [MissingView.of(row) for row in found]


@post(
    "/api/v1/estates/{estate_id:uuid}/missing-records/dismiss", guards=[OFFICE], status_code=HTTP_200_OK,
    tags=["registry"], operation_id="dismissMissingRecords", summary="保留缺失记录 / Keep missing records",
)  # fmt: skip
async def dismiss_missing(
    estate_id: FromPath[uuid.UUID], data: JSONBody[DismissInput], work: Work
) -> list[MissingView]:  # fmt: skip
    """The records chosen stay; they are not listed again until a file has named them."""
    async with work.transaction() as session:
        found = await service.dismiss_records(
            session, estate_id=estate_id, ids=data.missing_ids, reason=data.reason, actor=work.actor, now=work.now
        )
        return [MissingView.of(row) for row in found]


@get(
    "/api/v1/households/{household_id:uuid}/history", guards=[READERS], tags=["registry"],
    operation_id="householdHistory", summary="住户变更记录 / A household's history",
)  # fmt: skip
async def household_history(
    household_id: FromPath[uuid.UUID], work: Work, cursor: Cursor = None, limit: Limit = 50
) -> Page[ChangeView]:
    """Changes of the household, its members, leases and guests, newest first: who, from which file, what."""
    after = decode_cursor(cursor, AfterId)
    async with work.transaction() as session:
        await get_household(session, household_id=household_id)
        found = await history.of_household(
            session, household_id=household_id, after=after.id if after else None, limit=limit + 1
        )
        views = [ChangeView.of(*row) for row in found]
    return paged(views, limit=limit, key=lambda row: (row.id,))


@get(
    "/api/v1/units/{unit_id:uuid}/history", guards=[READERS], tags=["registry"], operation_id="unitHistory",
    summary="房源变更记录 / A unit's history",
)  # fmt: skip
async def unit_history(
    unit_id: FromPath[uuid.UUID], work: Work, cursor: Cursor = None, limit: Limit = 50
) -> Page[ChangeView]:
    """Changes of the unit and of its leases, newest first."""
    after = decode_cursor(cursor, AfterId)
    async with work.transaction() as session:
        await get_unit(session, unit_id=unit_id)
        found = await history.of_unit(
            session, unit_id=unit_id, after=after.id if after else None, limit=limit + 1
        )  # fmt: skip
        views = [ChangeView.of(*row) for row in found]
    return paged(views, limit=limit, key=lambda row: (row.id,))


@post(
    "/api/v1/estates/{estate_id:uuid}/registry-export", guards=[OFFICE], status_code=HTTP_200_OK, tags=["registry"],
    operation_id="exportRegistry", summary="导出住户名册（留痕） / Export the register (audited)",
    opt=shows(Shown.NUMBER) | answers_as(*SHEET_TYPES),
    responses={200: file_spec("名册 / The register")},
)  # fmt: skip
async def export_registry(
    estate_id: FromPath[uuid.UUID], data: JSONBody[ExportInput], work: Work
) -> Response[bytes]:  # fmt: skip
    """What runs today or later, in the form of the import. Numbers are masked unless `unmask`."""
    async with work.transaction() as session:
        file = await export_register(
            session, vault=work.context.vault, estate_id=estate_id, form=data.form, unmask=data.unmask,
            purpose=data.purpose, reason=data.reason, actor=work.actor, now=work.now,
        )  # fmt: skip
    answer = as_file(file.content, name="ruhu-register", form=data.form)
    answer.headers |= {"X-Rows": str(file.rows), "X-Left-Off": str(file.left_off)}
    return answer


handlers = [
    list_missing, end_missing, dismiss_missing, household_history, unit_history, export_registry,
]  # fmt: skip
