"""Laying a hold, approving it, prolonging it, lifting it.

Who may is decided by the roles of the route and by row-level security: a row of an estate in which the caller is
neither manager nor administrator cannot be seen, added or changed. That nobody approves their own request is checked
here and once more by the table.
"""

import uuid
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, exists, select, text, tuple_
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from storage.audit import service as audit
from storage.audit.service import Actor
from storage.clock import local_day
from storage.holds.errors import HoldNotFound, HoldNotOpen, HoldThingNotFound, HoldTooLong, SecondPersonNeeded
from storage.holds.models import HoldScope, LegalHold
from storage.holds.reach import Reach, wait_for_deletions
from storage.holds.schemas import HoldInput, hold_state
from storage.holds.states import HoldState
from storage.ids import new_id
from storage.problems import Forbidden
from storage.rules.service import in_force as rules_in_force
from storage.rules.values import RuleDefault

_OURS = "内部管理参数：保全不得成为无限期保存（个人信息保护法 19），须由法律顾问确认"
MAX_DAYS = RuleDefault("holds.max_days", 366, "calendar_day", _OURS)
APPROVE_DAYS = RuleDefault("holds.approve_days", 14, "calendar_day", _OURS)
WARN_DAYS = RuleDefault("holds.warn_days", 14, "calendar_day", _OURS)
RULES = (MAX_DAYS, APPROVE_DAYS, WARN_DAYS)


async def days(session: AsyncSession, rule: RuleDefault, *, estate_id: uuid.UUID | None, now: datetime) -> timedelta:
    """A rule in force in an estate, or, without one, in the country."""
    code = await session.scalar(text("SELECT division_code FROM estate WHERE id = :id"), {"id": estate_id})
    rules = await rules_in_force(session, division_code=code or "", on=local_day(now))
    return timedelta(days=int(rules.values.get(rule.key, rule.value)))


async def request(
    session: AsyncSession,
    *,
    data: HoldInput,
    reach: Reach,
    actor: Actor,
    now: datetime,
    prolongs: LegalHold | None = None,
) -> LegalHold:
    """Asks for a hold. It works only after another person has approved it.

    Raises `HoldThingNotFound` and `HoldTooLong`.
    """
    by = _person(actor)
    estate_id = await reach.locate[data.scope_kind](session, data.scope_id)
    if estate_id is None:
        raise HoldThingNotFound
    longest = await days(session, MAX_DAYS, estate_id=estate_id, now=now)
    if not now < data.until <= now + longest:
        raise HoldTooLong(f"最长 {longest.days} 天", f"At most {longest.days} days", max_days=longest.days)
    row = LegalHold(
        id=new_id(), estate_id=estate_id, scope_kind=data.scope_kind, scope_id=data.scope_id,
        legal_basis=data.legal_basis, reason=data.reason, requested_by=by, requested_at=now,
        approve_before=now + await days(session, APPROVE_DAYS, estate_id=estate_id, now=now), until=data.until,
        prolongs_id=prolongs.id if prolongs is not None else None,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    _record(session, row, "hold.requested", actor, now, data.reason)
    return row


async def prolong(
    session: AsyncSession,
    *,
    hold_id: uuid.UUID,
    reason: str,
    until: datetime,
    reach: Reach,
    actor: Actor,
    now: datetime,
) -> LegalHold:
    """Asks for the same hold with a later end; the standing one works on until its own.

    Raises `HoldNotFound`, `HoldNotOpen` unless it is in force, and `HoldTooLong`.
    """
    row = await hold(session, hold_id, lock=True)
    if hold_state(row, now) is not HoldState.IN_FORCE:
        raise HoldNotOpen
    if until <= row.until:
        raise HoldTooLong("新的截止时间须晚于原截止时间", "The new end has to be later than the present one")
    data = HoldInput(
        scope_kind=HoldScope(row.scope_kind), scope_id=row.scope_id, legal_basis=row.legal_basis, reason=reason,
        until=until,
    )  # fmt: skip
    return await request(session, data=data, reach=reach, actor=actor, now=now, prolongs=row)


async def approve(session: AsyncSession, *, hold_id: uuid.UUID, actor: Actor, now: datetime) -> LegalHold:
    """Brings a hold into force, after deletions that are under way have ended.

    Raises `HoldNotFound`, `HoldNotOpen` and `SecondPersonNeeded`.
    """
    by = _person(actor)
    await wait_for_deletions(session)
    row = await hold(session, hold_id, lock=True)
    if hold_state(row, now) is not HoldState.REQUESTED:
        raise HoldNotOpen
    if row.requested_by == by:
        raise SecondPersonNeeded
    row.approved_by, row.approved_at = by, now
    await session.flush()
    _record(session, row, "hold.approved", actor, now, row.reason)
    return row


async def release(session: AsyncSession, *, hold_id: uuid.UUID, reason: str, actor: Actor, now: datetime) -> LegalHold:
    """Lifts a hold, or takes a request back; what was kept by it goes with the next run.

    Raises `HoldNotFound` and `HoldNotOpen`.
    """
    by = _person(actor)
    row = await hold(session, hold_id, lock=True)
    if hold_state(row, now) not in {HoldState.IN_FORCE, HoldState.REQUESTED}:
        raise HoldNotOpen
    row.released_by, row.released_at, row.release_reason = by, now, reason
    await session.flush()
    _record(session, row, "hold.released", actor, now, reason)
    return row


async def hold(session: AsyncSession, hold_id: uuid.UUID, *, lock: bool = False) -> LegalHold:
    """A hold in scope; raises `HoldNotFound`."""
    row = await session.get(LegalHold, hold_id, with_for_update=lock or None, populate_existing=lock)
    if row is None:
        raise HoldNotFound
    return row


async def page(
    session: AsyncSession, *, state: HoldState | None, after: uuid.UUID | None, limit: int, now: datetime
) -> list[LegalHold]:
    """Holds in scope, newest first."""
    query = select(LegalHold).order_by(LegalHold.id.desc()).limit(limit)
    if after is not None:
        query = query.where(LegalHold.id < after)
    if state is not None:
        query = query.where(_in_state(state, now))
    return list(await session.scalars(query))


async def expiring(
    session: AsyncSession, *, after: tuple[datetime, uuid.UUID] | None, limit: int, now: datetime
) -> list[LegalHold]:
    """Holds in force that end within the days of warning, the next one first; those followed by an approved one not."""
    warned = now + await days(session, WARN_DAYS, estate_id=None, now=now)
    follower = aliased(LegalHold)
    query = (
        select(LegalHold)
        .where(
            _in_state(HoldState.IN_FORCE, now),
            LegalHold.until <= warned,
            ~exists().where(
                follower.prolongs_id == LegalHold.id, follower.approved_at.is_not(None), follower.released_at.is_(None)
            ),
        )
        .order_by(LegalHold.until, LegalHold.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(LegalHold.until, LegalHold.id) > tuple_(*after))
    return list(await session.scalars(query))


def _in_state(state: HoldState, now: datetime) -> ColumnElement[bool]:
    standing, approved = LegalHold.released_at.is_(None), LegalHold.approved_at.is_not(None)
    waiting = and_(LegalHold.approve_before > now, LegalHold.until > now)
    match state:
        case HoldState.RELEASED:
            return ~standing
        case HoldState.REQUESTED:
            return and_(standing, ~approved, waiting)
        case HoldState.LAPSED:
            return and_(standing, ~approved, ~waiting)
        case HoldState.IN_FORCE:
            return and_(standing, approved, LegalHold.until > now)
        case HoldState.ENDED:
            return and_(standing, approved, LegalHold.until <= now)


def _person(actor: Actor) -> uuid.UUID:
    if actor.user_id is None or actor.kind != "user":
        raise Forbidden("保全须由人申请、批准和解除", "Only a person asks for a hold, approves it or lifts it")
    return actor.user_id


def _record(session: AsyncSession, row: LegalHold, action: str, actor: Actor, now: datetime, reason: str) -> None:
    audit.record(
        session, at=now, actor=actor, action=action, object_kind="legal_hold", object_id=row.id,
        estate_id=row.estate_id, reason=reason, scope_kind=row.scope_kind, scope_id=str(row.scope_id),
        until=row.until.isoformat(),
    )  # fmt: skip
