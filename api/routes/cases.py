"""Cases: steps by people, with what the law wants written down. A case's ETag is its version."""

import uuid
from typing import Annotated, Any

import msgspec
from litestar import Response, get, post
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK, HTTP_201_CREATED
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import Work, requires
from api.paging import AfterMoment, Cursor, Limit, Page, decode_cursor, paged
from api.raw_bodies import etag, version_of
from inspection.cases import delivery, evidence, opening, reading, representations, service
from inspection.cases.schemas import (
    CaseDetails,
    CaseView,
    EvidenceInput,
    EvidenceReviewInput,
    ReplyInput,
    RepresentationInput,
    ServiceInput,
    StepInput,
)
from inspection.cases.transitions import as_table
from inspection.cases.vocabulary import State
from inspection.users.models import UserRole
from inspection.visits.models import VisitKind
from storage.fields import Aware

DECIDES = requires(UserRole.MANAGER)
HANDLES = requires(UserRole.MANAGER, UserRole.INSPECTOR)
ACTS = requires(UserRole.MANAGER, UserRole.INSPECTOR, UserRole.OPERATOR_STAFF)
READS = requires(UserRole.MANAGER, UserRole.INSPECTOR, UserRole.OPERATOR_STAFF, UserRole.AUDITOR)
IfMatch = Annotated[str, HeaderParameter(name="If-Match", max_length=40, description="案件的 ETag / the case's ETag")]
MayMatch = Annotated[
    str | None, HeaderParameter(name="If-Match", max_length=40, description="案件的 ETag / the case's ETag")
]


class CaseVisitInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A visit to plan in a case. Two officers are needed for what shall be evidence (行政处罚法 42)."""

    kind: VisitKind
    assigned_to: uuid.UUID
    second_officer: uuid.UUID | None = None
    due_at: Aware | None = None


async def answer(
    session: AsyncSession, work: Work, case_id: uuid.UUID, status: int = HTTP_200_OK
) -> Response[CaseDetails]:
    """The whole case as it stands in this transaction, with its ETag."""
    details = await reading.get(session, case_id=case_id, actor=work.actor, now=work.now)
    return Response(details, status_code=status, headers={"ETag": etag(details.case.version)})


@get(
    "/api/v1/case-table", guards=[READS], tags=["cases"], operation_id="getCaseTable",
    summary="案件流转表 / The table of states and steps",
)  # fmt: skip
async def get_case_table() -> dict[str, Any]:
    """Every state with what it permits, every step with who may take it and what it needs."""
    return as_table()


@get("/api/v1/cases", guards=[READS], tags=["cases"], operation_id="listCases", summary="案件列表 / List cases")
async def list_cases(
    work: Work,
    case_state: Annotated[State | None, QueryParameter(name="state")] = None,
    estate_id: FromQuery[uuid.UUID | None] = None,
    household_id: FromQuery[uuid.UUID | None] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[CaseView]:
    """Cases in scope, newest first."""
    async with work.transaction() as session:
        rows = await reading.page(
            session, state=case_state, estate_id=estate_id, household_id=household_id,
            before=decode_cursor(cursor, AfterMoment), limit=limit + 1,
        )  # fmt: skip
    return paged(rows, limit=limit, key=lambda row: (row.opened_at, row.id))


@get("/api/v1/cases/{case_id:uuid}", guards=[READS], tags=["cases"], operation_id="getCase", summary="案件 / A case")
async def get_case(case_id: FromPath[uuid.UUID], work: Work) -> Response[CaseDetails]:
    """One case with everything about it and what the caller may do now."""
    async with work.transaction() as session:
        return await answer(session, work, case_id)


@post(
    "/api/v1/cases/{case_id:uuid}/steps", guards=[ACTS], tags=["cases"], operation_id="takeStep",
    summary="办理一步 / Take a step",
)  # fmt: skip
async def take_step(
    case_id: FromPath[uuid.UUID], data: JSONBody[StepInput], work: Work, if_match: IfMatch
) -> Response[CaseDetails]:
    """Takes a step. An illegal one answers 409 with the legal ones; a changed case answers 412."""
    async with work.transaction() as session:
        await service.step(
            session, case_id=case_id, step=data, actor=work.actor, now=work.now, version=version_of(if_match)
        )
        return await answer(session, work, case_id, HTTP_201_CREATED)


@post(
    "/api/v1/cases/{case_id:uuid}/visits", guards=[DECIDES], tags=["cases"], operation_id="planCaseVisit",
    summary="安排案件走访 / Plan a visit of the case",
)  # fmt: skip
async def plan_case_visit(
    case_id: FromPath[uuid.UUID], data: JSONBody[CaseVisitInput], work: Work, if_match: MayMatch = None
) -> Response[CaseDetails]:
    """Plans a verification or a follow-up."""
    async with work.transaction() as session:
        await opening.plan_visit(
            session, case_id=case_id, kind=data.kind, assigned_to=data.assigned_to,
            second_officer=data.second_officer, due_at=data.due_at, actor=work.actor, now=work.now,
            version=version_of(if_match),
        )  # fmt: skip
        return await answer(session, work, case_id, HTTP_201_CREATED)


@post(
    "/api/v1/cases/{case_id:uuid}/evidence", guards=[ACTS], tags=["cases"], operation_id="addEvidence",
    summary="添加证据 / Add evidence",
)  # fmt: skip
async def add_evidence(
    case_id: FromPath[uuid.UUID], data: JSONBody[EvidenceInput], work: Work, if_match: MayMatch = None
) -> Response[CaseDetails]:
    """Adds a piece of evidence, or proof that the matter was put right."""
    async with work.transaction() as session:
        await evidence.add(
            session, case_id=case_id, data=data, actor=work.actor, now=work.now, version=version_of(if_match)
        )
        await session.flush()
        return await answer(session, work, case_id, HTTP_201_CREATED)


@post(
    "/api/v1/cases/{case_id:uuid}/evidence/{evidence_id:uuid}/reviews", guards=[DECIDES], tags=["cases"],
    operation_id="reviewEvidence", summary="审核证据 / Review evidence",
)  # fmt: skip
async def review_evidence(
    case_id: FromPath[uuid.UUID],
    evidence_id: FromPath[uuid.UUID],
    data: JSONBody[EvidenceReviewInput],
    work: Work,
    if_match: MayMatch = None,
) -> Response[CaseDetails]:
    """Says whether a piece of evidence may be used; a gate's record counts for nothing before (行政处罚法 41)."""
    async with work.transaction() as session:
        await evidence.review(
            session, case_id=case_id, evidence_id=evidence_id, data=data, actor=work.actor, now=work.now,
            version=version_of(if_match),
        )  # fmt: skip
        await session.flush()
        return await answer(session, work, case_id, HTTP_201_CREATED)


@post(
    "/api/v1/cases/{case_id:uuid}/measures/{measure_id:uuid}/services", guards=[HANDLES], tags=["cases"],
    operation_id="recordService", summary="登记送达 / Record service",
)  # fmt: skip
async def record_service(
    case_id: FromPath[uuid.UUID],
    measure_id: FromPath[uuid.UUID],
    data: JSONBody[ServiceInput],
    work: Work,
    if_match: MayMatch = None,
) -> Response[CaseDetails]:
    """Records how a notice or an order reached the person, and from when it counts."""
    async with work.transaction() as session:
        await delivery.record_service(
            session, case_id=case_id, measure_id=measure_id, data=data, actor=work.actor, now=work.now,
            version=version_of(if_match),
        )  # fmt: skip
        await session.flush()
        return await answer(session, work, case_id, HTTP_201_CREATED)


@post(
    "/api/v1/cases/{case_id:uuid}/representations", guards=[HANDLES], tags=["cases"],
    operation_id="fileRepresentation", summary="登记陈述申辩 / Record a representation",
)  # fmt: skip
async def file_representation(
    case_id: FromPath[uuid.UUID], data: JSONBody[RepresentationInput], work: Work, if_match: MayMatch = None
) -> Response[CaseDetails]:
    """Writes down what the person said, point by point, or that they waive it in writing."""
    async with work.transaction() as session:
        await representations.file(
            session, case_id=case_id, data=data, actor=work.actor, now=work.now, version=version_of(if_match)
        )
        await session.flush()
        return await answer(session, work, case_id, HTTP_201_CREATED)


@post(
    "/api/v1/cases/{case_id:uuid}/representations/{representation_id:uuid}/points/{point:int}/reply",
    guards=[DECIDES], tags=["cases"], operation_id="answerPoint", summary="答复陈述申辩 / Answer a point",
)  # fmt: skip
async def answer_point(
    case_id: FromPath[uuid.UUID],
    representation_id: FromPath[uuid.UUID],
    point: FromPath[int],
    data: JSONBody[ReplyInput],
    work: Work,
    if_match: MayMatch = None,
) -> Response[CaseDetails]:
    """Answers one point, counted from 0; a reply is never replaced."""
    async with work.transaction() as session:
        await representations.answer(
            session, case_id=case_id, representation_id=representation_id, point=point, reply=data.reply,
            actor=work.actor, now=work.now, version=version_of(if_match),
        )  # fmt: skip
        await session.flush()
        return await answer(session, work, case_id, HTTP_201_CREATED)


handlers = [
    get_case_table, list_cases, get_case, take_step, plan_case_visit, add_evidence, review_evidence, record_service,
    file_representation, answer_point,
]  # fmt: skip
