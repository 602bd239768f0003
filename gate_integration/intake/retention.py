"""How long deliveries are kept: redacted ones and the parser's problems as logs, uncleared bodies for hours."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.intake.models import DeliveryProblem, PassEvent, RawDelivery, RawPending
from gate_integration.sightings.retention import event_held
from storage.holds.reach import Cover
from storage.retention.classes import Counted, Described, Due, Removed, RowRetention, Tools
from storage.rules.values import RuleDefault

SIX_MONTHS = 184  # the longest six months of a year
LOGS_LAW = "网络安全法（2025修正）第二十三条：网络日志留存不少于六个月"

DELIVERIES = RuleDefault("retention.deliveries_days", SIX_MONTHS, "calendar_day", LOGS_LAW, SIX_MONTHS, LOGS_LAW)
PROBLEMS = RuleDefault("retention.parse_logs_days", SIX_MONTHS, "calendar_day", LOGS_LAW, SIX_MONTHS, LOGS_LAW)
SEALED = RuleDefault(
    "retention.sealed_hours", 72, "hour", "个人信息保护法 19（最短必要期限）；无法脱敏的报文不得久存，须由法律顾问确认"
)
RULES = (DELIVERIES, PROBLEMS, SEALED)

_PARTITIONS = text(
    "SELECT name, lower_bound, upper_bound FROM ("
    " SELECT c.relname AS name,"
    r" (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'FROM \(''([^'']+)''\)'))[1]::timestamptz AS lower_bound,"
    r" (regexp_match(pg_get_expr(c.relpartbound, c.oid), 'TO \(''([^'']+)''\)'))[1]::timestamptz AS upper_bound"
    " FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE i.inhparent = 'raw_delivery'::regclass"
    ") part WHERE upper_bound <= :past ORDER BY upper_bound LIMIT 1 OFFSET :after"
)
_DROP = text("SELECT dropped, bytes, digest FROM ruhu_drop_deliveries(CAST(:name AS regclass), :past)")


def delivery_held(cover: Cover) -> ColumnElement[bool]:
    """A delivery of a held estate or device, or one in which something held was reported."""
    direct = cover.any_of(estates=RawDelivery.estate_id, devices=RawDelivery.device_id)
    if not cover.people and not cover.units and not cover.households:
        return direct
    return or_(direct, exists().where(PassEvent.delivery_id == RawDelivery.id, event_held(cover)))


async def forget_bodies(session: AsyncSession, ids: Sequence[uuid.UUID], tools: Tools, now: datetime) -> Removed:
    """Destroys the bodies; the rows stay, as those of all deliveries."""
    del tools, now
    size = await session.scalar(select(func.sum(func.length(RawDelivery.body))).where(RawDelivery.id.in_(ids)))
    await session.execute(
        update(RawDelivery)
        .where(RawDelivery.id.in_(ids))
        .values(body=None)
        .execution_options(synchronize_session=False)
    )
    return Removed(ids=ids, rows=len(ids), bytes=int(size or 0))


async def delete_deliveries(session: AsyncSession, ids: Sequence[uuid.UUID], tools: Tools, now: datetime) -> Removed:
    """Deletes deliveries, with their place in the queue if they were never read."""
    del tools, now
    size = await session.scalar(select(func.sum(func.length(RawDelivery.body))).where(RawDelivery.id.in_(ids)))
    for statement in (
        delete(RawPending).where(RawPending.delivery_id.in_(ids)),
        delete(RawDelivery).where(RawDelivery.id.in_(ids)),
    ):
        await session.execute(statement.execution_options(synchronize_session=False))
    return Removed(ids=ids, rows=len(ids), bytes=int(size or 0))


@dataclass(frozen=True, slots=True)
class DeliveryRetention:
    """Deliveries: whole months are dropped as the partitions they are, single rows are deleted.

    A partition goes when its last moment has passed for every estate and no hold touches a row of it. When it is in
    use for longer than seconds, its rows go one batch after the other, and a later run drops the empty partition.
    """

    rows: RowRetention

    @property
    def described(self) -> Described:
        """As told by the rows."""
        return self.rows.described

    async def destroy(self, session: AsyncSession, *, due: Due, limit: int, wait: bool, tools: Tools) -> Removed:
        """A partition if there is one to drop, else rows."""
        dropped = await self.drop(session, due)
        if dropped is not None:
            return dropped
        return await self.rows.destroy(session, due=due, limit=limit, wait=wait, tools=tools)

    async def count(self, session: AsyncSession, *, due: Due) -> Counted:
        """Of rows, in whatever partition."""
        return await self.rows.count(session, due=due)

    async def drop(self, session: AsyncSession, due: Due) -> Removed | None:
        """Drops the oldest partition whose time has passed and in which nothing is held; None when there is none."""
        past = min(window.cutoff for window in due.windows)
        after = 0
        while True:
            part = (await session.execute(_PARTITIONS, {"past": past, "after": after})).one_or_none()
            if part is None:
                return None
            within = and_(RawDelivery.received_at >= part.lower_bound, RawDelivery.received_at < part.upper_bound)
            held = await session.scalar(select(exists().where(within, delivery_held(due.cover))))
            if not held:
                break
            after += 1
        try:
            async with session.begin_nested():
                gone = (await session.execute(_DROP, {"name": part.name, "past": past})).one()
        except DBAPIError:
            return None
        return Removed(rows=gone.dropped, bytes=gone.bytes, digest=gone.digest)


CLASSES: tuple[RowRetention | DeliveryRetention, ...] = (
    RowRetention(
        described=Described(
            "deliveries.sealed", "未能脱敏的门禁报文正文", "bodies of deliveries that could not be cleared",
            "收到之时；只销毁正文", "when it arrived; only the body goes", SEALED,
        ),
        key=RawDelivery.id, clock=RawDelivery.received_at, estate=RawDelivery.estate_id,
        where=lambda _: and_(RawDelivery.sealed, RawDelivery.body.is_not(None)),
        held=delivery_held, act=forget_bodies,
    ),
    DeliveryRetention(
        RowRetention(
            described=Described(
                "deliveries", "已脱敏的门禁报文", "redacted deliveries", "收到之时", "when it arrived", DELIVERIES
            ),
            key=RawDelivery.id, clock=RawDelivery.received_at, estate=RawDelivery.estate_id,
            held=delivery_held, act=delete_deliveries,
        )
    ),
    RowRetention(
        described=Described(
            "deliveries.problems", "报文解析日志", "what the parser could not read",
            "报文收到之时", "when the delivery arrived", PROBLEMS,
        ),
        key=DeliveryProblem.id, clock=DeliveryProblem.received_at, estate=DeliveryProblem.estate_id,
        held=lambda cover: cover.any_of(estates=DeliveryProblem.estate_id, devices=DeliveryProblem.device_id),
    ),
)  # fmt: skip
