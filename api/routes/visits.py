"""Visits: planned in the office, made with a phone. Uploads are idempotent: ids are made by the phone.

Every upload carries `Content-Digest: sha-256=:…:` (RFC 9530). The same id with the same bytes answers as at first.
"""

import uuid
from datetime import MAXYEAR, MINYEAR, datetime
from typing import Annotated

from litestar import Request, Response, get, post, put
from litestar.datastructures import State
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from api.access import Caller, Work, requires
from api.paging import AfterMoment, Cursor, Limit, Page, decode_cursor, paged
from api.parameters import Why
from api.problems import InvalidRequest
from api.raw_bodies import json_body, picture_body
from api.views import Shown, shows
from inspection.leads.schemas import ReasonInput
from inspection.registry.consents.models import Purpose
from inspection.users.models import UserRole
from inspection.visits import service, uploads, views
from inspection.visits.models import VisitStatus
from inspection.visits.schemas import (
    CheckInInput,
    CheckInView,
    FindingInput,
    FindingView,
    OccupantInput,
    OccupantView,
    PhotoView,
    ResultInput,
    VisitDetails,
    VisitInput,
    VisitView,
)

PLANS = requires(UserRole.MANAGER)
OVERSEES = requires(UserRole.MANAGER, UserRole.AUDITOR)
VISITS = requires(UserRole.INSPECTOR, UserRole.OPERATOR_STAFF, UserRole.MANAGER)
SEES = requires(UserRole.INSPECTOR, UserRole.OPERATOR_STAFF, UserRole.MANAGER, UserRole.AUDITOR)
Digest = Annotated[str | None, HeaderParameter(name="Content-Digest", description="RFC 9530, sha-256", max_length=500)]
Phone = Request[Caller, None, State]


async def page(
    work: Work,
    *,
    officer: uuid.UUID | None,
    status: VisitStatus | None,
    household_id: uuid.UUID | None,
    case_id: uuid.UUID | None,
    cursor: str | None,
    limit: int,
) -> Page[VisitView]:
    """Part of a list of visits, newest first."""
    async with work.transaction() as session:
        rows = await service.page(
            session, officer=officer, status=status, case_id=case_id, household_id=household_id,
            before=decode_cursor(cursor, AfterMoment), limit=limit + 1,
        )  # fmt: skip
    return paged(rows, limit=limit, key=lambda row: (row.created_at, row.id))


@get(
    "/api/v1/my/visits", guards=[VISITS], tags=["visits"], operation_id="listMyVisits",
    summary="我的走访任务 / My visits",
)  # fmt: skip
async def list_my_visits(
    work: Work, status: FromQuery[VisitStatus | None] = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[VisitView]:
    """The caller's tasks, as first or second officer, newest first."""
    return await page(
        work, officer=work.caller.user_id, status=status, household_id=None, case_id=None, cursor=cursor, limit=limit
    )


@get("/api/v1/visits", guards=[OVERSEES], tags=["visits"], operation_id="listVisits", summary="走访列表 / List visits")
async def list_visits(
    work: Work,
    officer: FromQuery[uuid.UUID | None] = None,
    status: FromQuery[VisitStatus | None] = None,
    household_id: FromQuery[uuid.UUID | None] = None,
    case_id: FromQuery[uuid.UUID | None] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[VisitView]:
    """Visits in scope, newest first."""
    return await page(
        work, officer=officer, status=status, household_id=household_id, case_id=case_id, cursor=cursor, limit=limit
    )


@post(
    "/api/v1/visits", guards=[PLANS], tags=["visits"], operation_id="planVisit",
    summary="安排走访（无案件） / Plan a visit outside a case",
)  # fmt: skip
async def plan_visit(data: JSONBody[VisitInput], work: Work) -> VisitDetails:
    """Plans a patrol or a visit of care. Visits of a case are planned in the case."""
    async with work.transaction() as session:
        visit = await service.plan(
            session, household_id=data.household_id, unit_id=data.unit_id, kind=data.kind,
            assigned_to=data.assigned_to, second_officer=data.second_officer, due_at=data.due_at,
            actor=work.actor, now=work.now,
        )  # fmt: skip
        return await service.get(session, visit_id=visit.id, actor=work.actor)


@get(
    "/api/v1/visits/{visit_id:uuid}", guards=[SEES], tags=["visits"], operation_id="getVisit",
    summary="走访详情 / A visit",
)  # fmt: skip
async def get_visit(visit_id: FromPath[uuid.UUID], work: Work) -> VisitDetails:
    """One visit with everything sent: for its officers, managers and auditors."""
    async with work.transaction() as session:
        return await service.get(session, visit_id=visit_id, actor=work.actor)


@post(
    "/api/v1/visits/{visit_id:uuid}/cancel", guards=[PLANS], status_code=HTTP_200_OK, tags=["visits"],
    operation_id="cancelVisit", summary="取消走访 / Cancel a visit",
)  # fmt: skip
async def cancel_visit(visit_id: FromPath[uuid.UUID], data: JSONBody[ReasonInput], work: Work) -> VisitDetails:
    """Calls a visit off. What a phone sends afterwards is kept."""
    async with work.transaction() as session:
        await service.cancel(session, visit_id=visit_id, reason=data.reason, actor=work.actor, now=work.now)
        return await service.get(session, visit_id=visit_id, actor=work.actor)


@put(
    "/api/v1/visits/{visit_id:uuid}/check-ins/{check_in_id:uuid}", guards=[VISITS], tags=["visits"],
    operation_id="putCheckIn", summary="签到 / Check in", operation_class=json_body(CheckInInput),
)  # fmt: skip
async def put_check_in(
    visit_id: FromPath[uuid.UUID], check_in_id: FromPath[uuid.UUID], request: Phone, work: Work, digest: Digest = None
) -> CheckInView:
    """Stores a check-in and answers with the grade of its place."""
    body = await request.body()
    async with work.transaction() as session:
        return views.check_in_view(
            await uploads.put_check_in(
                session, visit_id=visit_id, check_in_id=check_in_id, body=body, content_digest=digest,
                actor=work.actor, now=work.now,
            )
        )  # fmt: skip


@put(
    "/api/v1/visits/{visit_id:uuid}/photos/{photo_id:uuid}", guards=[VISITS], tags=["visits"],
    operation_id="putPhoto", summary="上传照片 / Send a photo", operation_class=picture_body(),
)  # fmt: skip
async def put_photo(
    visit_id: FromPath[uuid.UUID],
    photo_id: FromPath[uuid.UUID],
    request: Phone,
    work: Work,
    digest: Digest = None,
    taken_at: FromQuery[datetime | None] = None,
    caption: Annotated[str | None, QueryParameter(max_length=500)] = None,
) -> PhotoView:
    """Stores a photo; it is durable when the answer comes. At most 20 MB."""
    if taken_at is not None and (taken_at.tzinfo is None or not MINYEAR < taken_at.year < MAXYEAR):
        raise InvalidRequest("taken_at 须带时区且为可能的时间", "taken_at is a possible moment with a time zone")
    body = await request.body()
    async with work.transaction() as session:
        return views.photo_view(
            await uploads.put_photo(
                session, visit_id=visit_id, photo_id=photo_id, body=body, content_digest=digest,
                objects=work.context.objects, actor=work.actor, now=work.now, taken_at=taken_at, caption=caption,
            )
        )  # fmt: skip


@get(
    "/api/v1/visits/{visit_id:uuid}/photos/{photo_id:uuid}", guards=[SEES], tags=["visits"], operation_id="getPhoto",
    summary="查看照片（查看留痕） / Read a photo; the view is logged", media_type="image/jpeg", opt=shows(Shown.FACE),
)  # fmt: skip
async def get_photo(
    visit_id: FromPath[uuid.UUID], photo_id: FromPath[uuid.UUID], work: Work, purpose: FromQuery[Purpose], reason: Why
) -> Response[bytes]:
    """The bytes of a photo, through the API alone, so that the view is logged with its purpose and reason."""
    async with work.transaction() as session:
        data, media_type = await service.read_photo(
            session, visit_id=visit_id, photo_id=photo_id, purpose=purpose, reason=reason,
            objects=work.context.objects, actor=work.actor, now=work.now,
        )  # fmt: skip
    return Response(
        data, media_type=media_type, headers={"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    )


@put(
    "/api/v1/visits/{visit_id:uuid}/occupants/{occupant_id:uuid}", guards=[VISITS], tags=["visits"],
    operation_id="putOccupant", summary="登记见到的人员 / Somebody met", operation_class=json_body(OccupantInput),
)  # fmt: skip
async def put_occupant(
    visit_id: FromPath[uuid.UUID], occupant_id: FromPath[uuid.UUID], request: Phone, work: Work, digest: Digest = None
) -> OccupantView:
    """Stores somebody met at the door or inside."""
    body = await request.body()
    async with work.transaction() as session:
        return views.occupant_view(
            await uploads.put_occupant(
                session, visit_id=visit_id, occupant_id=occupant_id, body=body, content_digest=digest,
                actor=work.actor, now=work.now,
            )
        )  # fmt: skip


@put(
    "/api/v1/visits/{visit_id:uuid}/findings/{finding_id:uuid}", guards=[VISITS], tags=["visits"],
    operation_id="putFinding", summary="核查结论 / What was found", operation_class=json_body(FindingInput),
)  # fmt: skip
async def put_finding(
    visit_id: FromPath[uuid.UUID], finding_id: FromPath[uuid.UUID], request: Phone, work: Work, digest: Digest = None
) -> FindingView:
    """Stores what an officer found; a manager decides what follows."""
    body = await request.body()
    async with work.transaction() as session:
        return views.finding_view(
            await uploads.put_finding(
                session, visit_id=visit_id, finding_id=finding_id, body=body, content_digest=digest,
                actor=work.actor, now=work.now,
            )
        )  # fmt: skip


@put(
    "/api/v1/visits/{visit_id:uuid}/result", guards=[VISITS], tags=["visits"], operation_id="putVisitResult",
    summary="结束走访 / End a visit",
)  # fmt: skip
async def put_result(visit_id: FromPath[uuid.UUID], data: JSONBody[ResultInput], work: Work) -> VisitDetails:
    """Records how the visit ended; the same again is success. No answer and refusal weigh nothing."""
    async with work.transaction() as session:
        await service.finish(
            session, visit_id=visit_id, result=data.result, let_in_by=data.let_in_by, notes=data.notes,
            notice_left=data.notice_left, actor=work.actor, now=work.now,
        )  # fmt: skip
        return await service.get(session, visit_id=visit_id, actor=work.actor)


handlers = [
    list_my_visits, list_visits, plan_visit, get_visit, cancel_visit, put_check_in, put_photo, get_photo,
    put_occupant, put_finding, put_result,
]  # fmt: skip
