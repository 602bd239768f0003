"""送达: how a document reached the person, and from when it counts (民事诉讼法 87–95, 行政处罚法 61)."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases import access, queries
from inspection.cases.calendar import from_rules, length
from inspection.cases.deadlines import Calendar, DeadlineKind, Unit, due
from inspection.cases.errors import CaseNotFound, ServiceInvalid
from inspection.cases.models import Measure, Service
from inspection.cases.schemas import ServiceInput, ServiceMethod
from inspection.cases.vocabulary import Permit
from inspection.documents import queries as document_queries
from inspection.documents.vocabulary import DocumentStatus
from inspection.registry.places.models import Estate
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.rules.service import in_force

M = ServiceMethod


def lacking(data: ServiceInput) -> tuple[str, str] | None:
    """What a record of service lacks by its method, in Chinese and English; None when nothing. Pure."""
    match data.method:
        case M.DIRECT if data.received_by is None:
            return "直接送达须记明签收人（第八十八条）", "Direct service names who signed (art. 88)"
        case M.LEFT if data.witness is None and data.photo_id is None:
            return "留置送达须有见证人或者拍照录像（第八十九条）", "Leaving needs a witness or a photo (art. 89)"
        case M.POST if data.received_by is None:
            return "邮寄送达须记明签收人（第九十一条）", "Service by post names who received it (art. 91)"
        case M.ELECTRONIC if not data.note:
            return (
                "电子送达须注明受送达人签订的确认书（行政处罚法第六十一条）",
                "Electronic service needs the signed confirmation, named in the note (行政处罚法 art. 61)",
            )
        case M.ANNOUNCEMENT if not data.note:
            return (
                "公告送达须注明其他方式无法送达的经过（第九十五条）",
                "An announcement needs a note of the attempts by other means (art. 95)",
            )
    return None


def effective_at(data: ServiceInput, announcement: tuple[int, Unit], calendar: Calendar) -> datetime:
    """From when the document counts as served: when it was received, left or arrived; announced, after the period."""
    if data.method is not M.ANNOUNCEMENT:
        return data.served_at
    number, unit = announcement
    return due(local_day(data.served_at), number, unit, calendar).due_at


async def record_service(
    session: AsyncSession,
    *,
    case_id: uuid.UUID,
    measure_id: uuid.UUID,
    data: ServiceInput,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> Service:
    """Records the service of a notice or an order. Raises `ServiceInvalid`."""
    opened = await access.permitted(
        session, case_id=case_id, permits=frozenset({Permit.RECORD_SERVICE}), actor=actor, any_of=access.OFFICERS,
        version=version,
    )  # fmt: skip
    case = opened.case
    measure = await session.get(Measure, measure_id)
    if measure is None or measure.case_id != case.id:
        raise CaseNotFound("本案没有该文书", "The case has no such document")
    await _demand_valid(session, measure)
    if not measure.issued_at <= data.served_at <= now:
        raise ServiceInvalid(
            "送达时间须在文书作出之后、当前时间之前", "A document is served after it was issued and not in the future"
        )
    lack = lacking(data)
    if lack is not None:
        raise ServiceInvalid(*lack)
    object_id = None if data.photo_id is None else await _photo(session, data.photo_id, case.household_id)
    estate = await session.get_one(Estate, case.estate_id)
    rules = await in_force(session, division_code=estate.division_code, on=local_day(now))
    row = Service(
        id=new_id(), estate_id=case.estate_id, measure_id=measure.id, method=data.method, received_by=data.received_by,
        witness=data.witness, note=data.note, served_at=data.served_at,
        effective_at=effective_at(
            data, length(DeadlineKind.ANNOUNCEMENT, rules.values)[:2], from_rules(rules.values)
        ),
        photo_object_id=object_id, recorded_by=opened.officer.user_id, recorded_at=now,
    )  # fmt: skip
    session.add(row)
    case.version += 1
    record(
        session, at=now, actor=actor, action="case.service-recorded", object_kind="case", object_id=case.id,
        estate_id=case.estate_id, service_id=str(row.id), measure_id=str(measure.id), method=data.method.value,
        effective_at=row.effective_at.isoformat(),
    )  # fmt: skip
    return row


async def _demand_valid(session: AsyncSession, measure: Measure) -> None:
    """Raises `ServiceInvalid` for a document that is void: its replacement is what is served."""
    paper = None if measure.document_id is None else await document_queries.document(session, measure.document_id)
    if paper is not None and paper.status == DocumentStatus.VOID:
        raise ServiceInvalid("文书已作废，请送达替代文书", "The document is void: serve the one that replaces it")


async def _photo(session: AsyncSession, photo_id: uuid.UUID, household_id: uuid.UUID) -> uuid.UUID:
    """The stored object of a photo that was taken at a visit to the household."""
    object_id = await queries.photo_object(session, photo_id=photo_id, household_id=household_id)
    if object_id is None:
        raise ServiceInvalid("该户的走访中没有此照片", "No such photo was taken at a visit to the household")
    return object_id
