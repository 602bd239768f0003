"""Reading changes in the order of (xid, id) below the oldest transaction that still runs, and forgetting them."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from storage.deployment import current_epoch
from storage.live.models import LiveEvent, LiveFloor
from storage.live.places import Horizon, Place

CHANNEL = "ruhu_live"
KEPT = timedelta(days=1)
FORGET = "live.forget"

_place = tuple_(LiveEvent.xid, LiveEvent.id)
_HORIZON = text(
    "SELECT pg_snapshot_xmin(s)::text::bigint, pg_snapshot_xmax(s)::text::bigint FROM pg_current_snapshot() AS s"
)


async def horizon(session: AsyncSession) -> Horizon:
    """How far can be told now."""
    xmin, xmax = (await session.execute(_HORIZON)).one()
    epoch = await current_epoch(session)
    floor = (
        await session.execute(select(LiveFloor.xid, LiveFloor.event_id).where(LiveFloor.epoch == epoch))
    ).one_or_none()
    return Horizon(epoch, xmin, xmax, (0, 0) if floor is None else (floor[0], floor[1]))


async def events(
    session: AsyncSession, *, after: Place, below: int, families: Iterable[str], limit: int
) -> list[LiveEvent]:
    """The next changes in the session's scope of transactions numbered under `below`; `families`: "lead", "case", …"""
    found = await session.scalars(
        select(LiveEvent)
        .where(
            LiveEvent.epoch == after.epoch,
            _place > tuple_(after.xid, after.event_id),
            LiveEvent.xid < below,
            func.split_part(LiveEvent.kind, ".", 1).in_(sorted(families)),
        )
        .order_by(LiveEvent.xid, LiveEvent.id)
        .limit(limit)
    )
    return list(found)


async def held_back(session: AsyncSession, *, epoch: int, below: int) -> bool:
    """Whether something in the session's scope is committed and waits for an older transaction to end."""
    found = select(LiveEvent.id).where(LiveEvent.epoch == epoch, LiveEvent.xid >= below).exists()
    return bool(await session.scalar(select(found)))


async def forget(session: AsyncSession, *, now: datetime) -> int:
    """Deletes what is older than a day, from the beginning, and all of other epochs; for the worker alone."""
    epoch = await current_epoch(session)
    young = (
        await session.execute(
            select(LiveEvent.xid, LiveEvent.id)
            .where(LiveEvent.epoch == epoch, LiveEvent.at >= now - KEPT)
            .order_by(LiveEvent.xid, LiveEvent.id)
            .limit(1)
        )
    ).one_or_none()
    old = LiveEvent.at < now - KEPT
    if young is not None:
        old = _place < tuple_(young[0], young[1])
    gone = (
        await session.execute(
            delete(LiveEvent).where(LiveEvent.epoch == epoch, old).returning(LiveEvent.xid, LiveEvent.id)
        )
    ).all()
    others = await session.scalars(delete(LiveEvent).where(LiveEvent.epoch != epoch).returning(LiveEvent.id))
    await session.execute(delete(LiveFloor).where(LiveFloor.epoch != epoch))
    if gone:
        xid, event_id = max((row[0], row[1]) for row in gone)
        floor = insert(LiveFloor).values(epoch=epoch, xid=xid, event_id=event_id)
        await session.execute(
            floor.on_conflict_do_update(index_elements=["epoch"], set_={"xid": xid, "event_id": event_id})
        )
    return len(gone) + len(others.all())
