"""陈述申辩: what the person concerned says, point by point, and the answer to each point (行政处罚法 45)."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases import access, queries
from inspection.cases.errors import CaseNotFound, PointAnswered, WaiverNotInWriting
from inspection.cases.models import Case, Representation
from inspection.cases.schemas import MeasureKind, RepresentationInput
from inspection.cases.vocabulary import Permit
from storage.audit.service import Actor, record
from storage.ids import new_id
from storage.problems import Invalid


async def file(
    session: AsyncSession,
    *,
    case_id: uuid.UUID,
    data: RepresentationInput,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> Representation:
    """Writes down what the person said, or that they waive it in writing.

    Raises `WaiverNotInWriting` for a waiver, or an end of it, without the paper that the person signed.
    """
    opened = await access.permitted(
        session, case_id=case_id, permits=frozenset({Permit.FILE_REPRESENTATION}), actor=actor,
        any_of=access.OFFICERS, version=version,
    )  # fmt: skip
    case = opened.case
    if data.made_at > now:
        raise Invalid("陈述申辩的时间不能晚于当前时间", "It cannot have been said in the future")
    if data.waived or data.nothing_more:
        if not (data.document and data.document.strip()):
            raise WaiverNotInWriting("请填写书面材料的编号或说明", "Give its number or a description of it")
        await _check_told(session, case, data.made_at)
    if data.waived and (data.points or data.nothing_more):
        raise Invalid("放弃陈述申辩时不应有陈述内容", "Whoever waives says nothing")
    if not data.waived and not data.points:
        raise Invalid("须逐点记录陈述申辩的内容", "Write down the points")
    row = Representation(
        id=new_id(), estate_id=case.estate_id, case_id=case.id, made_by=data.made_by, made_at=data.made_at,
        waived=data.waived, nothing_more=data.nothing_more, document=data.document,
        points=[{"text": text, "reply": None, "replied_by": None, "replied_at": None} for text in data.points],
        recorded_by=opened.officer.user_id, recorded_at=now,
    )  # fmt: skip
    session.add(row)
    case.version += 1
    record(
        session, at=now, actor=actor, action="case.representation-filed", object_kind="case", object_id=case.id,
        estate_id=case.estate_id, representation_id=str(row.id), points=len(data.points), waived=data.waived,
        nothing_more=data.nothing_more,
    )  # fmt: skip
    return row


async def _check_told(session: AsyncSession, case: Case, made_at: datetime) -> None:
    """Nobody gives up a right that they were not told of: a waiver from before the notice waives nothing."""
    notices = [row for row in await queries.measures(session, case.id) if row.kind == MeasureKind.NOTICE]
    served = await queries.services(session, [row.id for row in notices[-1:]])
    if any(made_at >= row.served_at for row in served):
        return
    raise Invalid("放弃或结束陈述申辩不能早于告知书送达", "Nobody waives before the notice was served")


async def answer(
    session: AsyncSession,
    *,
    case_id: uuid.UUID,
    representation_id: uuid.UUID,
    point: int,
    reply: str,
    actor: Actor,
    now: datetime,
    version: int | None = None,
) -> Representation:
    """A manager with a certificate answers one point (counted from 0); a reply is never replaced."""
    opened = await access.permitted(
        session, case_id=case_id, permits=frozenset({Permit.ANSWER_POINTS}), actor=actor, any_of=access.MANAGERS,
        version=version, certified=True,
    )  # fmt: skip
    case = opened.case
    row = await session.get(Representation, representation_id)
    if row is None or row.case_id != case.id or not 0 <= point < len(row.points):
        raise CaseNotFound("本案没有该陈述申辩要点", "The case has no such point")
    if row.points[point]["reply"] is not None:
        raise PointAnswered
    replied = {"reply": reply, "replied_by": str(opened.officer.user_id), "replied_at": now.isoformat()}
    row.points = [was | replied if index == point else was for index, was in enumerate(row.points)]
    if all(was["reply"] is not None for was in row.points):
        row.answered_by, row.answered_at = opened.officer.user_id, now
    case.version += 1
    record(
        session, at=now, actor=actor, action="case.point-answered", object_kind="case", object_id=case.id,
        estate_id=case.estate_id, representation_id=str(row.id), point=point,
    )  # fmt: skip
    return row
