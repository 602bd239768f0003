"""Rights of the person: what is held, copies, corrections, erasure, objections; recorded by one, decided by another."""

import uuid
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK

from api.access import Work, requires
from api.erasure import held
from api.paging import AfterId, Cursor, Limit, Page, decode_cursor, paged
from inspection.rights import queries, report, service
from inspection.rights.models import Kind, RightsRequest, State
from inspection.rights.schemas import (
    AccessReport,
    Asking,
    CorrectionInput,
    DecisionInput,
    ErasureInput,
    ObjectionInput,
    RequestDetail,
    RequestView,
    TakeBackInput,
)
from inspection.users.models import UserRole
from storage.clock import local_day

MANAGERS = requires(UserRole.MANAGER)
READERS = requires(UserRole.MANAGER, UserRole.AUDITOR)


class PortableCopy(msgspec.Struct, frozen=True, kw_only=True):
    """A person's own data, to take along."""

    data: dict[str, Any]


def shown(row: RightsRequest, work: Work) -> RequestView:
    """A request as it travels."""
    return RequestView.of(row, today=local_day(work.now))


@post(
    "/api/v1/people/{person_id:uuid}/access-report", guards=[MANAGERS], status_code=HTTP_200_OK, tags=["rights"],
    operation_id="reportPerson", summary="个人信息处理情况报告 / Report what is held of a person",
)  # fmt: skip
async def report_person(person_id: FromPath[uuid.UUID], data: JSONBody[Asking], work: Work) -> AccessReport:
    """What is held, where from, what for and until when, who looked and why, how machines judge; as data and as text.

    Staff are named by role and certificate. The report itself is in the audit log, with the paper it was asked by.
    """
    async with work.transaction() as session:
        return await report.access_report(
            session, person_id=person_id, asking=data, gate=work.context.ports.holdings, actor=work.actor, now=work.now
        )


@post(
    "/api/v1/people/{person_id:uuid}/portable-copy", guards=[MANAGERS], status_code=HTTP_200_OK, tags=["rights"],
    operation_id="copyPerson", summary="个人信息副本 / Copy a person's own data",
)  # fmt: skip
async def copy_person(person_id: FromPath[uuid.UUID], data: JSONBody[Asking], work: Work) -> PortableCopy:
    """The person's own data in clear, for them or an office of their choice (个人信息保护法 45)."""
    async with work.transaction() as session:
        found = await report.portable_copy(
            session, vault=work.context.vault, person_id=person_id, asking=data, actor=work.actor, now=work.now
        )
    return PortableCopy(data=msgspec.to_builtins(found))


@post(
    "/api/v1/people/{person_id:uuid}/erasure-requests", guards=[MANAGERS], tags=["rights"],
    operation_id="askErasure", summary="登记删除申请 / Record a request for erasure",
)  # fmt: skip
async def ask_erasure(person_id: FromPath[uuid.UUID], data: JSONBody[ErasureInput], work: Work) -> RequestView:
    """Records that the person (or a guardian, agent, or a deceased person's relative) wants their data erased."""
    async with work.transaction() as session:
        row = await service.ask_erasure(session, person_id=person_id, data=data, actor=work.actor, now=work.now)
    return shown(row, work)


@post(
    "/api/v1/people/{person_id:uuid}/correction-requests", guards=[MANAGERS], tags=["rights"],
    operation_id="askCorrection", summary="登记更正申请 / Record a request for correction",
)  # fmt: skip
async def ask_correction(person_id: FromPath[uuid.UUID], data: JSONBody[CorrectionInput], work: Work) -> RequestView:
    """Records what should read otherwise, and what shows it."""
    async with work.transaction() as session:
        row = await service.ask_correction(
            session, vault=work.context.vault, person_id=person_id, data=data, actor=work.actor, now=work.now
        )
    return shown(row, work)


@post(
    "/api/v1/people/{person_id:uuid}/objections", guards=[MANAGERS], tags=["rights"], operation_id="objectToLead",
    summary="登记对自动化线索的异议 / Record an objection to a lead",
)  # fmt: skip
async def object_to_lead(person_id: FromPath[uuid.UUID], data: JSONBody[ObjectionInput], work: Work) -> RequestView:
    """The person wants a human to look at what the machine suspects (个人信息保护法 24).

    A lead that has become a case answers `lead-has-case`: there the case's representations are heard.
    """
    async with work.transaction() as session:
        row = await service.ask_review(
            session, vault=work.context.vault, person_id=person_id, data=data, actor=work.actor, now=work.now
        )
    return shown(row, work)


@get(
    "/api/v1/rights-requests", guards=[READERS], tags=["rights"], operation_id="listRightsRequests",
    summary="个人权利申请列表 / List requests of persons",
)  # fmt: skip
async def list_requests(
    work: Work,
    kind: FromQuery[Kind | None] = None,
    request_state: Annotated[State | None, QueryParameter(name="state")] = None,
    person_id: FromQuery[uuid.UUID | None] = None,
    lead_id: FromQuery[uuid.UUID | None] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[RequestView]:
    """Requests within the caller's places, newest first."""
    after = decode_cursor(cursor, AfterId)
    async with work.transaction() as session:
        rows = await queries.page(
            session, kind=kind, state=request_state, person_id=person_id, lead_id=lead_id,
            after=after.id if after else None, limit=limit + 1,
        )  # fmt: skip
    return paged([shown(row, work) for row in rows], limit=limit, key=lambda row: (row.id,))


@get(
    "/api/v1/rights-requests/{request_id:uuid}", guards=[READERS], tags=["rights"], operation_id="getRightsRequest",
    summary="个人权利申请详情 / Read a request",
)  # fmt: skip
async def get_request(request_id: FromPath[uuid.UUID], work: Work) -> RequestDetail:
    """A request with what the person said; the view is logged."""
    async with work.transaction() as session:
        row, details = await service.detail(
            session, vault=work.context.vault, request_id=request_id, actor=work.actor, now=work.now
        )
    return RequestDetail(request=shown(row, work), details=details)


@post(
    "/api/v1/rights-requests/{request_id:uuid}/decision", guards=[MANAGERS], status_code=HTTP_200_OK, tags=["rights"],
    operation_id="decideRightsRequest", summary="决定申请 / Decide a request",
)  # fmt: skip
async def decide_request(request_id: FromPath[uuid.UUID], data: JSONBody[DecisionInput], work: Work) -> RequestView:
    """Grants or refuses, by somebody other than who recorded it.

    A granted erasure is carried out by the worker: all of it, but what law makes us keep, which `kept` names.
    """
    async with work.transaction() as session:
        row = await session.get(RightsRequest, request_id)
        is_held = row is not None and await held(session, row.person_id, work.now)
        row = await service.decide(
            session, vault=work.context.vault, request_id=request_id, data=data, held=is_held, actor=work.actor,
            now=work.now,
        )  # fmt: skip
    return shown(row, work)


@post(
    "/api/v1/rights-requests/{request_id:uuid}/take-back", guards=[MANAGERS], status_code=HTTP_200_OK, tags=["rights"],
    operation_id="takeBackRightsRequest", summary="撤回申请 / Take a request back",
)  # fmt: skip
async def take_back_request(request_id: FromPath[uuid.UUID], data: JSONBody[TakeBackInput], work: Work) -> RequestView:
    """The person takes a request back before it is decided."""
    async with work.transaction() as session:
        row = await service.take_back(
            session, request_id=request_id, reason=data.reason, actor=work.actor, now=work.now
        )
    return shown(row, work)


handlers = [
    report_person, copy_person, ask_erasure, ask_correction, object_to_lead, list_requests, get_request,
    decide_request, take_back_request,
]  # fmt: skip
