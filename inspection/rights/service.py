"""Requests of a person: recorded by one officer, decided by another, with reasons; what was said stays sealed."""

import json
import uuid
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.leads import service as leads
from inspection.leads.models import LeadStatus
from inspection.registry.constraints import flush
from inspection.registry.households.corrections import Correction, correct
from inspection.registry.households.models import Person
from inspection.registry.households.people import subject_key
from inspection.registry.places.models import Estate
from inspection.rights import queries
from inspection.rights.errors import (
    DecidedByAnother,
    DecideOthersFirst,
    LeadHasCase,
    NothingToCorrect,
    RefusalDoesNotFit,
    RequestNotOpen,
    RequestStands,
)
from inspection.rights.grounds import Ground, grounds
from inspection.rights.models import Kind, Refusal, RightsRequest, State
from inspection.rights.schemas import Asking, CorrectionInput, DecisionInput, ErasureInput, ObjectionInput
from inspection.users.authority import require
from inspection.users.models import UserRole
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.jobs import defer
from storage.problems import Invalid, NotFound
from storage.rules.service import in_force
from storage.rules.values import RuleDefault
from storage.vault import crypto
from storage.vault.service import KeyDestroyed, Vault

ERASE_TASK: Final = "erasure.carry_out"
MANAGERS: Final = frozenset({UserRole.MANAGER})
ANSWER_DAYS: Final = RuleDefault(
    "rights.answer_days", 30, "calendar_day", "GB/T 35273-2020 8.7；个人信息保护法第五十条"
)
DEFAULTS: Final = (ANSWER_DAYS,)
"""Default rows of a rule set."""

FITTING: Final[Mapping[Kind, frozenset[Refusal]]] = {
    Kind.ERASURE: frozenset({Refusal.IDENTITY_NOT_PROVEN, Refusal.NO_AUTHORITY, Refusal.NOT_THIS_PERSON}),
    Kind.CORRECTION: frozenset(
        {Refusal.IDENTITY_NOT_PROVEN, Refusal.NO_AUTHORITY, Refusal.NOT_THIS_PERSON, Refusal.NOT_PROVEN}
    ),
    Kind.OBJECTION: frozenset({Refusal.IDENTITY_NOT_PROVEN, Refusal.NO_AUTHORITY, Refusal.UNFOUNDED}),
}


async def ask_erasure(
    session: AsyncSession, *, person_id: uuid.UUID, data: ErasureInput, actor: Actor, now: datetime
) -> RightsRequest:
    """Records that erasure was asked for. Raises `NotFound`, `RequestStands`."""
    person = await _living(session, person_id)
    row = await _record(session, person, Kind.ERASURE, data.asking, actor=actor, now=now)
    await flush(session, {"uq_rights_request_erasure": RequestStands()})
    return row


async def ask_correction(
    session: AsyncSession, *, vault: Vault, person_id: uuid.UUID, data: CorrectionInput, actor: Actor, now: datetime
) -> RightsRequest:
    """Records what should read otherwise. Raises `NotFound`, `NothingToCorrect`."""
    person = await _living(session, person_id)
    wanted = {
        name: str(value)
        for name in ("name", "id_number", "phone", "birth_date")
        if (value := getattr(data, name)) is not None
    }
    if not wanted:
        raise NothingToCorrect
    row = await _record(session, person, Kind.CORRECTION, data.asking, actor=actor, now=now)
    details = {"why": data.why, "proof": data.proof, "wanted": wanted}
    await _seal(session, row, person, details, vault=vault, now=now)
    return row


async def ask_review(
    session: AsyncSession, *, vault: Vault, person_id: uuid.UUID, data: ObjectionInput, actor: Actor, now: datetime
) -> RightsRequest:
    """Records that the person objects to a suspicion that the machine raised, and wants a person to look at it.

    Raises `NotFound`, and `LeadHasCase` where the case's representations are the place to be heard.
    """
    person = await _living(session, person_id)
    lead = await leads.get(session, lead_id=data.lead_id)
    if lead.estate_id != person.estate_id:
        raise NotFound
    if lead.status in {LeadStatus.ACCEPTED, LeadStatus.SETTLED}:
        raise LeadHasCase
    row = await _record(session, person, Kind.OBJECTION, data.asking, actor=actor, now=now, lead_id=lead.id)
    await _seal(session, row, person, {"statement": data.statement}, vault=vault, now=now)
    record(
        session, at=now, actor=actor, action="lead.objection-recorded", object_kind="lead", object_id=lead.id,
        estate_id=lead.estate_id, request_id=str(row.id), person_id=str(person.id),
    )  # fmt: skip
    return row


async def decide(
    session: AsyncSession,
    *,
    vault: Vault,
    request_id: uuid.UUID,
    data: DecisionInput,
    held: bool,
    actor: Actor,
    now: datetime,
) -> RightsRequest:
    """A second manager grants or refuses. A correction is applied, an objection lays the lead aside, an erasure is
    carried out by the worker: all of it but what law makes us keep for now, with the grounds told.

    Raises `NotFound`, `RequestNotOpen`, `DecidedByAnother`, `RefusalDoesNotFit`, `DecideOthersFirst`, and what the
    register says to a correction.
    """
    row = await _open(session, request_id)
    officer = await require(session, actor=actor, estate_id=row.estate_id, any_of=MANAGERS)
    if officer.user_id == row.recorded_by:
        raise DecidedByAnother
    kind = Kind(row.kind)
    if data.granted == (data.refusal is not None) or (data.refusal and data.refusal not in FITTING[kind]):
        raise RefusalDoesNotFit(fitting=sorted(str(one) for one in FITTING[kind]))
    row.decided_by, row.decided_at, row.decision_reason = officer.user_id, now, data.reason
    row.refusal = data.refusal
    row.state = State.DONE if data.granted else State.REFUSED
    if data.granted and kind is Kind.ERASURE:
        if await queries.others_open(session, person_id=row.person_id):
            raise DecideOthersFirst
        row.state = State.APPROVED
        row.kept = [str(ground) for ground in await standing_grounds(session, row=row, held=held, now=now)]
        await defer(session, task=ERASE_TASK, lock=ERASE_TASK)
    elif data.granted and kind is Kind.CORRECTION:
        await _apply(session, row, vault=vault, reason=data.reason, actor=actor, now=now)
    elif data.granted and row.lead_id is not None:
        lead = await leads.get(session, lead_id=row.lead_id)
        if lead.status in {LeadStatus.ACCEPTED, LeadStatus.SETTLED}:
            raise LeadHasCase
        if lead.status == LeadStatus.NEW:
            await leads.dismiss(session, lead_id=row.lead_id, reason=data.reason, actor=actor, now=now)
    await session.flush()
    record(
        session, at=now, actor=actor, action=f"rights.{'granted' if data.granted else 'refused'}",
        object_kind="rights_request", object_id=row.id, estate_id=row.estate_id, reason=data.reason[:1000],
        person_id=str(row.person_id), kind=kind, refusal=data.refusal, kept=row.kept,
    )  # fmt: skip
    return row


async def take_back(
    session: AsyncSession, *, request_id: uuid.UUID, reason: str, actor: Actor, now: datetime
) -> RightsRequest:
    """The person takes a request back before it is decided. Raises `NotFound`, `RequestNotOpen`."""
    row = await _open(session, request_id)
    row.state = State.TAKEN_BACK
    await session.flush()
    record(
        session, at=now, actor=actor, action="rights.taken-back", object_kind="rights_request", object_id=row.id,
        estate_id=row.estate_id, reason=reason[:1000], person_id=str(row.person_id),
    )  # fmt: skip
    return row


async def detail(
    session: AsyncSession, *, vault: Vault, request_id: uuid.UUID, actor: Actor, now: datetime
) -> tuple[RightsRequest, dict[str, Any] | None]:
    """A request with what the person said; the view is logged. Raises `NotFound`."""
    row = await session.get(RightsRequest, request_id)
    if row is None:
        raise NotFound("没有这份申请", "No such request")
    record(
        session, at=now, actor=actor, action="rights.viewed", object_kind="rights_request", object_id=row.id,
        estate_id=row.estate_id, person_id=str(row.person_id),
    )  # fmt: skip
    return row, await opened(session, row, vault=vault, now=now)


async def opened(session: AsyncSession, row: RightsRequest, *, vault: Vault, now: datetime) -> dict[str, Any] | None:
    """What the person said; None when nothing was, or when it was erased with their key."""
    if row.details_sealed is None:
        return None
    try:
        key = await vault.subject_key(session, estate_id=row.estate_id, subject_id=row.person_id, now=now)
        plain = crypto.unseal(key, row.details_sealed, place=_place(row))
    except (KeyDestroyed, crypto.SealBroken):  # destroyed, or renewed by an erasure that left the register row
        return None
    found: dict[str, Any] = json.loads(plain)
    return found


async def standing_grounds(
    session: AsyncSession, *, row: RightsRequest, held: bool, now: datetime
) -> tuple[Ground, ...]:
    """What makes us keep parts of the person's data today."""
    return grounds(await queries.situation(session, person_id=row.person_id, on=local_day(now), held=held))


async def _living(session: AsyncSession, person_id: uuid.UUID) -> Person:
    person = await queries.person(session, person_id=person_id)
    if person is None or person.erased_at is not None:
        raise NotFound("没有这个人", "No such person")
    return person


async def _open(session: AsyncSession, request_id: uuid.UUID) -> RightsRequest:
    row = await queries.locked(session, request_id)
    if row is None:
        raise NotFound("没有这份申请", "No such request")
    if row.state != State.OPEN:
        raise RequestNotOpen(state=row.state)
    return row


async def _record(
    session: AsyncSession,
    person: Person,
    kind: Kind,
    asking: Asking,
    *,
    actor: Actor,
    now: datetime,
    lead_id: uuid.UUID | None = None,
) -> RightsRequest:
    officer = await require(session, actor=actor, estate_id=person.estate_id, any_of=MANAGERS)
    today = local_day(now)
    if asking.asked_on > today:
        raise Invalid("申请日期不能晚于今天", "It cannot have been asked for in the future")
    estate = await session.get_one(Estate, person.estate_id)
    rules = await in_force(session, division_code=estate.division_code, on=today)
    days = int(rules.values.get(ANSWER_DAYS.key, ANSWER_DAYS.value))
    row = RightsRequest(
        id=new_id(), estate_id=person.estate_id, person_id=person.id, kind=kind, state=State.OPEN,
        asked_by=asking.asked_by, asked_on=asking.asked_on, identified_by=asking.identified_by,
        paper_number=asking.paper_number, lead_id=lead_id, answer_by=asking.asked_on + timedelta(days=days),
        recorded_by=officer.user_id, recorded_at=now, kept=[], proof=[],
    )  # fmt: skip
    session.add(row)
    record(
        session, at=now, actor=actor, action="rights.asked", object_kind="rights_request", object_id=row.id,
        estate_id=row.estate_id, person_id=str(person.id), kind=kind, asked_by=asking.asked_by,
    )  # fmt: skip
    return row


async def _seal(
    session: AsyncSession, row: RightsRequest, person: Person, details: dict[str, Any], *, vault: Vault, now: datetime
) -> None:
    key = await subject_key(session, vault=vault, person=person, now=now)
    row.details_sealed = crypto.seal(key, json.dumps(details, ensure_ascii=False).encode(), place=_place(row))
    await session.flush()


async def _apply(
    session: AsyncSession, row: RightsRequest, *, vault: Vault, reason: str, actor: Actor, now: datetime
) -> None:
    details = await opened(session, row, vault=vault, now=now) or {}
    wanted = details.get("wanted", {})
    if not wanted:
        raise NothingToCorrect
    correction = Correction(
        name=wanted.get("name"), id_number=wanted.get("id_number"), phone=wanted.get("phone"),
        birth_date=date.fromisoformat(wanted["birth_date"]) if "birth_date" in wanted else None,
    )  # fmt: skip
    await correct(
        session, vault=vault, person_id=row.person_id, correction=correction, reason=reason, actor=actor, now=now
    )
    row.carried_out_at = now
    row.proof = [{"noun": "register", "done": "corrected", "count": len(wanted), "kept_why": None}]


def _place(row: RightsRequest) -> str:
    return f"rights-request/{row.estate_id}/{row.person_id}/{row.id}"
