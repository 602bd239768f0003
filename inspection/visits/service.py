"""Visits: planned by a manager, ended by who made them, read by who may."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.consents.models import Purpose
from inspection.registry.consents.service import require_basis
from inspection.registry.households.service import leasing_estate
from inspection.users.authority import officers_at, require
from inspection.users.models import UserRole
from inspection.visits import queries
from inspection.visits.errors import PhotoNotFound, UnfitOfficer, VisitNotFound, VisitOver
from inspection.visits.models import CheckIn, Finding, OccupantMet, Photo, Visit, VisitKind, VisitResult, VisitStatus
from inspection.visits.schemas import VisitDetails, VisitView
from inspection.visits.uploads import FIELD, OVER, writable
from inspection.visits.views import check_in_view, finding_view, occupant_view, photo_view, visit_view
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.objects.service import Objects
from storage.objects.store import ObjectMissing
from storage.problems import Invalid

PLANNERS: Final = frozenset({UserRole.MANAGER})
OVERSEERS: Final = frozenset({UserRole.MANAGER, UserRole.AUDITOR})


async def plan(
    session: AsyncSession,
    *,
    household_id: uuid.UUID,
    unit_id: uuid.UUID,
    kind: VisitKind,
    assigned_to: uuid.UUID,
    second_officer: uuid.UUID | None,
    due_at: datetime | None,
    actor: Actor,
    now: datetime,
    lead_id: uuid.UUID | None = None,
    case_id: uuid.UUID | None = None,
    not_by: frozenset[uuid.UUID] = frozenset(),
) -> Visit:
    """A visit task. `not_by`: people who must not make it, since they took the step that it shall check.

    Raises `UnfitOfficer` for somebody without a field role there, for one person named twice, and for `not_by`.
    """
    estate_id = await leasing_estate(session, household_id=household_id, unit_id=unit_id, now=now)
    planner = await require(session, actor=actor, estate_id=estate_id, any_of=PLANNERS)
    if due_at is not None and due_at <= now:
        raise Invalid("截止时间已过", "The due time has passed")
    wanted = [assigned_to] if second_officer is None else [assigned_to, second_officer]
    if len(set(wanted)) != len(wanted):
        raise UnfitOfficer("两名走访人员不能是同一人", "The two officers must be two people")
    if not_by & set(wanted):
        raise UnfitOfficer("须由未办理前一步骤的另一人走访", "Somebody else than who took the step before must visit")
    found = await officers_at(session, user_ids=frozenset(wanted), estate_id=estate_id)
    if any(user_id not in found or not found[user_id].roles & FIELD for user_id in wanted):
        raise UnfitOfficer("走访人员须在该小区有外勤角色", "An officer needs a field role at the estate")
    visit = Visit(
        id=new_id(), estate_id=estate_id, household_id=household_id, unit_id=unit_id, kind=kind, lead_id=lead_id,
        case_id=case_id, assigned_to=assigned_to, second_officer=second_officer, due_at=due_at,
        status=VisitStatus.PLANNED, created_by=planner.user_id, created_at=now,
    )  # fmt: skip
    session.add(visit)
    await session.flush()
    record(
        session, at=now, actor=actor, action="visit.planned", object_kind="visit", object_id=visit.id,
        estate_id=estate_id, kind=kind.value, officers=[str(user_id) for user_id in wanted],
    )  # fmt: skip
    return visit


async def finish(
    session: AsyncSession,
    *,
    visit_id: uuid.UUID,
    result: VisitResult,
    let_in_by: str | None,
    notes: str | None,
    notice_left: bool,
    actor: Actor,
    now: datetime,
) -> Visit:
    """Records how a visit ended; the same again is success. No answer and refusal weigh nothing.

    The result of a visit cancelled meanwhile is kept, and the visit stays cancelled. Raises `VisitOver` when another
    result stands.
    """
    visit = await writable(session, visit_id=visit_id, actor=actor)
    told = (result, let_in_by, notes, notice_left)
    if visit.result is not None:
        if (visit.result, visit.let_in_by, visit.notes, visit.notice_left) != told:
            raise VisitOver(result=visit.result)
        return visit
    visit.result, visit.let_in_by, visit.notes, visit.notice_left = told
    late = visit.status in OVER
    if not late:
        visit.status, visit.done_at = VisitStatus.DONE, now
    record(
        session, at=now, actor=actor, action="visit.finished", object_kind="visit", object_id=visit.id,
        estate_id=visit.estate_id, result=result.value, late=late,
    )  # fmt: skip
    return visit


async def cancel(session: AsyncSession, *, visit_id: uuid.UUID, reason: str, actor: Actor, now: datetime) -> Visit:
    """A manager calls a visit off; what the phone sends afterwards is kept all the same."""
    visit = await queries.visit(session, visit_id, lock=True)
    if visit is None:
        raise VisitNotFound
    await require(session, actor=actor, estate_id=visit.estate_id, any_of=PLANNERS)
    if visit.status in OVER:
        raise VisitOver(status=visit.status)
    visit.status = VisitStatus.CANCELLED
    record(
        session, at=now, actor=actor, action="visit.cancelled", object_kind="visit", object_id=visit.id,
        estate_id=visit.estate_id, reason=reason[:1000],
    )  # fmt: skip
    return visit


async def cancel_planned(
    session: AsyncSession, *, case_id: uuid.UUID, reason: str, actor: Actor, now: datetime
) -> None:
    """Calls off the visits of a case that nobody has begun: nobody knocks for a case that has ended."""
    for visit in await queries.of_case(session, case_id):
        if visit.status == VisitStatus.PLANNED:
            await cancel(session, visit_id=visit.id, reason=reason, actor=actor, now=now)


async def page(
    session: AsyncSession,
    *,
    officer: uuid.UUID | None,
    status: VisitStatus | None = None,
    case_id: uuid.UUID | None = None,
    household_id: uuid.UUID | None = None,
    before: tuple[datetime, uuid.UUID] | None = None,
    limit: int = 50,
) -> list[VisitView]:
    """Visits in scope, newest first; `officer` limits them to one person's tasks."""
    rows = await queries.page(
        session, officer=officer, status=status, case_id=case_id, household_id=household_id, before=before, limit=limit
    )
    return [visit_view(row) for row in rows]


async def get(session: AsyncSession, *, visit_id: uuid.UUID, actor: Actor) -> VisitDetails:
    """One visit with everything sent: for its officers, and for those who oversee."""
    visit = await _readable(session, visit_id=visit_id, actor=actor)
    row = await queries.placed(session, visit.id)
    if row is None:
        raise VisitNotFound
    return VisitDetails(
        visit=visit_view(row),
        notes=visit.notes,
        check_ins=[check_in_view(x) for x in await queries.sent_of_visit(session, CheckIn, visit.id)],
        photos=[photo_view(x) for x in await queries.sent_of_visit(session, Photo, visit.id)],
        occupants=[occupant_view(x) for x in await queries.sent_of_visit(session, OccupantMet, visit.id)],
        findings=[finding_view(x) for x in await queries.sent_of_visit(session, Finding, visit.id)],
    )


async def read_photo(
    session: AsyncSession,
    *,
    visit_id: uuid.UUID,
    photo_id: uuid.UUID,
    purpose: Purpose,
    reason: str,
    objects: Objects,
    actor: Actor,
    now: datetime,
) -> tuple[bytes, str]:
    """The bytes of a photo and their media type. The view goes to the audit log with its purpose and reason.

    Raises `NoProcessingBasis` when the estate has no standing basis for the purpose.
    """
    visit = await _readable(session, visit_id=visit_id, actor=actor)
    await require_basis(session, visit.estate_id, purpose, local_day(now))
    photo = await queries.sent(session, Photo, photo_id)
    if photo is None or photo.visit_id != visit.id:
        raise PhotoNotFound
    try:
        data = await objects.get(session, object_id=photo.object_id, now=now)
    except ObjectMissing:
        raise PhotoNotFound from None
    record(
        session, at=now, actor=actor, action="photo.viewed", object_kind="photo", object_id=photo.id,
        estate_id=visit.estate_id, purpose=purpose.value, reason=reason[:1000], visit_id=str(visit.id),
    )  # fmt: skip
    return data, photo.content_type


async def _readable(session: AsyncSession, *, visit_id: uuid.UUID, actor: Actor) -> Visit:
    visit = await queries.visit(session, visit_id)
    if visit is None:
        raise VisitNotFound
    officer = await require(session, actor=actor, estate_id=visit.estate_id)
    mine = officer.user_id in (visit.assigned_to, visit.second_officer) and officer.roles & FIELD
    if not mine and not officer.roles & OVERSEERS:
        raise VisitNotFound  # somebody else's task looks like none
    return visit


async def officers_of(session: AsyncSession, visits: Sequence[Visit]) -> dict[uuid.UUID, frozenset[uuid.UUID]]:
    """Who was at each visit: those of its two officers who checked in themselves."""
    there: dict[uuid.UUID, set[uuid.UUID]] = {visit.id: set() for visit in visits}
    for visit_id, user_id in await queries.checked_in(session, list(there)):
        there[visit_id].add(user_id)
    return {visit_id: frozenset(users) for visit_id, users in there.items()}
