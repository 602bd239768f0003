"""Counting the people whose faces are stored, over all estates and devices, and noting what was filed about it."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases.calendar import from_rules
from inspection.cases.deadlines import Due
from inspection.filing.count import DUTY_FROM, FILE_WITHIN, WARN_FROM, Thresholds, filing_due, level
from inspection.filing.models import EnrolledCount, Filing, FilingKind, Level
from inspection.ports import EnrolledPeople
from inspection.users.authority import HumanNeeded
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.problems import Invalid
from storage.rules.service import NATIONWIDE, in_force


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the operator stands: the newest count, what it obliges to, and until when."""

    newest: EnrolledCount | None
    thresholds: Thresholds
    due: Due | None
    history: Sequence[EnrolledCount]
    filings: Sequence[Filing]


async def thresholds(session: AsyncSession, *, on: date) -> tuple[Thresholds, dict[str, object]]:
    """The numbers in force in the country, with all its rule values."""
    values = dict((await in_force(session, division_code=NATIONWIDE, on=on)).values)
    numbers = [int(values.get(rule.key, rule.value)) for rule in (WARN_FROM, DUTY_FROM, FILE_WITHIN)]
    return Thresholds(*numbers), values


async def count(session: AsyncSession, *, enrolled: EnrolledPeople, now: datetime) -> EnrolledCount:
    """Counts, in the worker's scope, and keeps the day's count; reaching a level is told in the audit log once."""
    today = local_day(now)
    people, pseudonyms = await enrolled.count(session)
    limits, _ = await thresholds(session, on=today)
    reached = level(people + pseudonyms, limits)
    before = await session.scalar(
        select(EnrolledCount.level).where(EnrolledCount.day <= today).order_by(EnrolledCount.day.desc()).limit(1)
    )
    row = {"counted_at": now, "people": people, "pseudonyms": pseudonyms, "level": reached}
    await session.execute(
        insert(EnrolledCount).values(day=today, **row).on_conflict_do_update(index_elements=["day"], set_=row)
    )
    if reached != (before or Level.BELOW):
        record(
            session, at=now, actor=Actor.system("worker"), action=f"filing.{reached}", object_kind="enrolled_count",
            object_id=None, people=people, pseudonyms=pseudonyms,
        )  # fmt: skip
    return (await session.scalars(select(EnrolledCount).where(EnrolledCount.day == today))).one()


async def standing(session: AsyncSession, *, now: datetime) -> Standing:
    """The counts so far, what was filed, and what is owed."""
    history = (await session.scalars(select(EnrolledCount).order_by(EnrolledCount.day))).all()
    filings = (await session.scalars(select(Filing).order_by(Filing.filed_on, Filing.id))).all()
    limits, values = await thresholds(session, on=local_day(now))
    due = filing_due(
        [(row.day, Level(row.level)) for row in history],
        [(row.filed_on, FilingKind(row.kind)) for row in filings],
        calendar=from_rules(values), working_days=limits.working_days,
    )  # fmt: skip
    return Standing(history[-1] if history else None, limits, due, history, filings)


async def file(
    session: AsyncSession, *, kind: FilingKind, number: str, filed_on: date, actor: Actor, now: datetime
) -> Filing:
    """Notes that something was filed with the authority."""
    if filed_on > local_day(now):
        raise Invalid("备案日期不能晚于今天", "It cannot have been filed in the future")
    row = Filing(id=new_id(), kind=kind, number=number, filed_on=filed_on, recorded_by=_by(actor), recorded_at=now)
    session.add(row)
    await session.flush()
    record(session, at=now, actor=actor, action="filing.recorded", object_kind="filing", object_id=row.id, kind=kind,
           number=number, filed_on=filed_on.isoformat())  # fmt: skip
    return row


def _by(actor: Actor) -> uuid.UUID:
    if actor.user_id is None:
        raise HumanNeeded
    return actor.user_id
