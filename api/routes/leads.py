"""Leads: what may be wrong, waiting for a person."""

import uuid
from typing import Any

import msgspec
from litestar import get, post
from litestar.params import FromPath, FromQuery, JSONBody
from litestar.status_codes import HTTP_200_OK

from api.access import Work, requires
from api.paging import AfterMoment, Cursor, Limit, Page, decode_cursor, paged
from api.parameters import Text, Why
from api.views import Shown, shows
from inspection.cases import opening, reading
from inspection.cases.schemas import CaseView
from inspection.leads import service
from inspection.leads.models import LeadStatus
from inspection.leads.schemas import LeadInput, LeadView, ReasonInput
from inspection.registry.consents.models import Purpose
from inspection.users.models import UserRole

DECIDES = requires(UserRole.MANAGER)
READS = requires(UserRole.MANAGER, UserRole.AUDITOR)


class Accepted(msgspec.Struct, frozen=True, kw_only=True):
    """An accepted lead with the case that it opened."""

    lead: LeadView
    case: CaseView


@get("/api/v1/leads", guards=[READS], tags=["leads"], operation_id="listLeads", summary="线索列表 / List leads")
async def list_leads(
    work: Work,
    status: FromQuery[LeadStatus | None] = None,
    estate_id: FromQuery[uuid.UUID | None] = None,
    household_id: FromQuery[uuid.UUID | None] = None,
    rule: Text = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[LeadView]:
    """Leads in scope, newest first."""
    async with work.transaction() as session:
        rows = await service.page(
            session, status=status, estate_id=estate_id, household_id=household_id, rule=rule,
            before=decode_cursor(cursor, AfterMoment), limit=limit + 1,
        )  # fmt: skip
    return paged([service.view(row) for row in rows], limit=limit, key=lambda row: (row.created_at, row.id))


@post(
    "/api/v1/leads", guards=[DECIDES], tags=["leads"], operation_id="createLead",
    summary="录入线索（投诉、热线、抽查等） / Enter a lead",
)  # fmt: skip
async def create_lead(data: JSONBody[LeadInput], work: Work) -> LeadView:
    """Enters a lead that came to a person: a complaint, a hotline call, a spot check."""
    async with work.transaction() as session:
        lead = await service.create(
            session, household_id=data.household_id, unit_id=data.unit_id, source=data.source,
            summary_zh=data.summary_zh, summary_en=data.summary_en, actor=work.actor, now=work.now,
        )  # fmt: skip
        return service.view(lead)


@get("/api/v1/leads/{lead_id:uuid}", guards=[READS], tags=["leads"], operation_id="getLead", summary="线索 / A lead")
async def get_lead(lead_id: FromPath[uuid.UUID], work: Work) -> LeadView:
    """One lead, without its evidence."""
    async with work.transaction() as session:
        return service.view(await service.get(session, lead_id=lead_id))


@get(
    "/api/v1/leads/{lead_id:uuid}/evidence", guards=[READS], tags=["leads"], operation_id="getLeadEvidence",
    opt=shows(Shown.TRAIL),
    summary="线索的固定证据（查看留痕） / A lead's frozen evidence; the view is logged",
)  # fmt: skip
async def get_lead_evidence(
    lead_id: FromPath[uuid.UUID], work: Work, purpose: FromQuery[Purpose], reason: Why
) -> dict[str, Any]:
    """What an accepted lead rests on, copied on acceptance. It shows movements: the view is logged with its reason."""
    async with work.transaction() as session:
        return await service.read_evidence(
            session, lead_id=lead_id, purpose=purpose, reason=reason, actor=work.actor, now=work.now
        )


@post(
    "/api/v1/leads/{lead_id:uuid}/accept", guards=[DECIDES], status_code=HTTP_200_OK, tags=["leads"],
    operation_id="acceptLead", summary="受理线索并立案 / Accept a lead and open its case",
)  # fmt: skip
async def accept_lead(lead_id: FromPath[uuid.UUID], data: JSONBody[ReasonInput], work: Work) -> Accepted:
    """A manager takes a lead up: its evidence is copied, a case is numbered and registered."""
    async with work.transaction() as session:
        lead, case = await opening.accept_lead(
            session, lead_id=lead_id, reason=data.reason, gate_evidence=work.context.ports.evidence,
            actor=work.actor, now=work.now,
        )  # fmt: skip
        return Accepted(lead=service.view(lead), case=reading.view(case))


@post(
    "/api/v1/leads/{lead_id:uuid}/dismiss", guards=[DECIDES], status_code=HTTP_200_OK, tags=["leads"],
    operation_id="dismissLead", summary="排除线索 / Dismiss a lead",
)  # fmt: skip
async def dismiss_lead(lead_id: FromPath[uuid.UUID], data: JSONBody[ReasonInput], work: Work) -> LeadView:
    """A manager lays a lead aside, with the reason."""
    async with work.transaction() as session:
        return service.view(
            await service.dismiss(session, lead_id=lead_id, reason=data.reason, actor=work.actor, now=work.now)
        )


@post(
    "/api/v1/leads/{lead_id:uuid}/reopen", guards=[DECIDES], status_code=HTTP_200_OK, tags=["leads"],
    operation_id="reopenLead", summary="撤回排除 / Undo a dismissal",
)  # fmt: skip
async def reopen_lead(lead_id: FromPath[uuid.UUID], data: JSONBody[ReasonInput], work: Work) -> LeadView:
    """Undoes a dismissal within the days that the rules allow."""
    async with work.transaction() as session:
        return service.view(
            await service.reopen(session, lead_id=lead_id, reason=data.reason, actor=work.actor, now=work.now)
        )


handlers = [
    list_leads, create_lead, get_lead, get_lead_evidence, accept_lead, dismiss_lead, reopen_lead,
]  # fmt: skip
