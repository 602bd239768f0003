"""Reading and writing the chain: every statement of the sealer and of verification."""

import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, exists, func, literal_column, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from storage.audit import chain
from storage.audit.checker import Row
from storage.audit.models import AuditCopy, AuditEntry, AuditHead, AuditLink, AuditPayload
from storage.audit.service import ERASED
from storage.deployment import RestoreEpoch

LOCK = 711003
"""The advisory lock of the one sealer at work."""

LAST_ID = uuid.UUID(int=2**128 - 1)
FIRST: tuple[int, uuid.UUID] = (-1, uuid.UUID(int=0))
ENTRY = tuple(getattr(AuditEntry, column) for column in chain.COLUMNS)
HEAD = tuple(getattr(AuditHead, column) for column in chain.HEAD_COLUMNS)
BATCH = 2000

Mark = tuple[int, uuid.UUID]


@dataclass(frozen=True, slots=True)
class Window:
    """The transactions that may still be running: those from `xmin` up to, not including, `xmax`."""

    xmin: int
    xmax: int


async def try_lock(session: AsyncSession) -> bool:
    """Takes the sealer's lock until the transaction ends; False when another holds it."""
    return bool(await session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))))


def _snapshot(edge: str) -> ColumnElement[int]:
    return literal_column(f"pg_snapshot_{edge}(pg_current_snapshot())::text::bigint")


async def window(session: AsyncSession) -> Window:
    """The window of this moment."""
    row = (await session.execute(select(_snapshot("xmin"), _snapshot("xmax")))).one()
    return Window(*row)


def _after(mark: Mark) -> ColumnElement[bool]:
    return tuple_(AuditEntry.xid, AuditEntry.id) > tuple_(*mark)


async def candidates(
    session: AsyncSession, *, after: Mark, everywhere: bool, limit: int
) -> tuple[list[chain.Entry], Mark | None]:
    """Entries beyond a place in the order of (xid, id) that no running transaction can precede and no link has.

    `everywhere`: rows that came with a backup of another server may carry numbers that this one has not reached; no
    transaction here can have written them, so they count too. The mark is the last place looked at, None at the end.
    """
    settled: ColumnElement[bool] = AuditEntry.xid < _snapshot("xmin")
    if everywhere:
        settled = or_(settled, AuditEntry.xid >= _snapshot("xmax"))
    some = (
        select(AuditEntry.id, AuditEntry.xid)
        .where(_after(after), settled)
        .order_by(AuditEntry.xid, AuditEntry.id)
        .limit(limit)
        .subquery()
    )
    rows = (
        await session.execute(
            select(*ENTRY, exists().where(AuditLink.entry_id == AuditEntry.id))
            .join(some, some.c.id == AuditEntry.id)
            .order_by(AuditEntry.xid, AuditEntry.id)
        )
    ).all()
    found = [chain.Entry(*row[:-1]) for row in rows if not row[-1]]
    return found, ((rows[-1].xid, rows[-1].id) if len(rows) == limit else None)


async def last_link(session: AsyncSession) -> tuple[int, bytes]:
    """Sequence and digest of the end of the chain; of nothing: 0 and the genesis."""
    row = (
        await session.execute(select(AuditLink.sequence, AuditLink.digest).order_by(AuditLink.sequence.desc()).limit(1))
    ).one_or_none()
    return (0, chain.GENESIS) if row is None else (row.sequence, row.digest)


async def last_head(session: AsyncSession) -> chain.Head | None:
    """The newest head."""
    row = (
        await session.execute(select(*HEAD).order_by(AuditHead.epoch.desc(), AuditHead.sequence.desc()).limit(1))
    ).one_or_none()
    return None if row is None else chain.Head(*row)


async def add_links(session: AsyncSession, links: Sequence[chain.Link]) -> None:
    """Appends links."""
    await session.execute(
        insert(AuditLink),
        [
            {"sequence": link.sequence, "entry_id": link.entry_id, "previous": link.previous, "digest": link.digest}
            for link in links
        ],
    )


async def add_head(session: AsyncSession, head: chain.Head) -> None:
    """Appends a head."""
    await session.execute(insert(AuditHead), {column: getattr(head, column) for column in chain.HEAD_COLUMNS})


async def add_copy(session: AsyncSession, head: chain.Head, *, at: datetime) -> None:
    """Notes that a head was copied; noting it twice changes nothing."""
    await session.execute(
        insert(AuditCopy).values(epoch=head.epoch, sequence=head.sequence, at=at).on_conflict_do_nothing()
    )


async def last_copy(session: AsyncSession) -> tuple[int, int, datetime] | None:
    """Epoch, sequence and moment of the newest copy."""
    row = (
        await session.execute(
            select(AuditCopy.epoch, AuditCopy.sequence, AuditCopy.at)
            .order_by(AuditCopy.epoch.desc(), AuditCopy.sequence.desc())
            .limit(1)
        )
    ).one_or_none()
    return None if row is None else (row.epoch, row.sequence, row.at)


async def rows_after(session: AsyncSession, *, sequence: int, limit: int = BATCH) -> list[Row]:
    """The next links with their entries and payloads."""
    payload = (AuditPayload.subject_id, AuditPayload.salt, AuditPayload.body)
    some = select(AuditLink).where(AuditLink.sequence > sequence).order_by(AuditLink.sequence).limit(limit).subquery()
    found = await session.execute(
        select(some.c.sequence, some.c.entry_id, some.c.previous, some.c.digest, *ENTRY, *payload)
        .select_from(some)
        .outerjoin(AuditEntry, AuditEntry.id == some.c.entry_id)
        .outerjoin(AuditPayload, AuditPayload.entry_id == some.c.entry_id)
        .order_by(some.c.sequence)
    )
    width = len(ENTRY)
    return [
        Row(
            chain.Link(*row[:4]),
            None if row[4] is None else chain.Entry(*row[4 : 4 + width]),
            None if row.salt is None else chain.Payload(*row[4 + width :]),
        )
        for row in found
    ]


async def heads_after(session: AsyncSession, *, place: tuple[int, int], limit: int = BATCH) -> list[chain.Head]:
    """The next heads."""
    found = await session.execute(
        select(*HEAD)
        .where(tuple_(AuditHead.epoch, AuditHead.sequence) > tuple_(*place))
        .order_by(AuditHead.epoch, AuditHead.sequence)
        .limit(limit)
    )
    return [chain.Head(*row) for row in found]


async def heads_at(session: AsyncSession, places: Sequence[tuple[int, int]]) -> dict[tuple[int, int], chain.Head]:
    """The heads at some places."""
    found = await session.execute(select(*HEAD).where(tuple_(AuditHead.epoch, AuditHead.sequence).in_(places)))
    heads = [chain.Head(*row) for row in found]
    return {(head.epoch, head.sequence): head for head in heads}


async def copies_after(session: AsyncSession, *, place: tuple[int, int], limit: int = BATCH) -> list[tuple[int, int]]:
    """The next places that were copied."""
    found = await session.execute(
        select(AuditCopy.epoch, AuditCopy.sequence)
        .where(tuple_(AuditCopy.epoch, AuditCopy.sequence) > tuple_(*place))
        .order_by(AuditCopy.epoch, AuditCopy.sequence)
        .limit(limit)
    )
    return [(row.epoch, row.sequence) for row in found]


async def unsealed(session: AsyncSession, *, until: Mark | None = None) -> AsyncIterator[tuple[uuid.UUID, datetime]]:
    """Entries without a link; with `until` those that the sealer should have seen."""
    condition = ~exists().where(AuditLink.entry_id == AuditEntry.id)
    if until is not None:
        condition = and_(condition, ~_after(until))
    found = await session.stream(select(AuditEntry.id, AuditEntry.at).where(condition).order_by(AuditEntry.id))
    async for row in found:
        yield row.id, row.at


async def backlog(session: AsyncSession, *, mark: Mark) -> tuple[int, datetime | None]:
    """How many entries lie beyond the mark without a link, and the moment of the oldest."""
    row = (
        await session.execute(
            select(func.count(), func.min(AuditEntry.at)).where(
                _after(mark), ~exists().where(AuditLink.entry_id == AuditEntry.id)
            )
        )
    ).one()
    return int(row[0]), row[1]


async def heads_beyond(session: AsyncSession, place: tuple[int, int]) -> int:
    """How many heads follow a place."""
    found = await session.scalar(
        select(func.count()).select_from(AuditHead).where(
            tuple_(AuditHead.epoch, AuditHead.sequence) > tuple_(*place)
        )
    )  # fmt: skip
    return int(found or 0)


async def erasures(session: AsyncSession) -> int:
    """How many payloads were erased, by the rows that say so."""
    body: Any = text("coalesce(sum((p.body::jsonb -> 'payload' ->> 'count')::bigint), 0)")
    found = await session.execute(
        select(body)
        .select_from(text("audit_entry e JOIN audit_payload p ON p.entry_id = e.id"))
        .where(text("e.action = :action")),
        {"action": ERASED},
    )
    return int(cast("int", found.scalar_one()))


async def epochs(session: AsyncSession) -> list[RestoreEpoch]:
    """All epochs, the first one first."""
    return list(await session.scalars(select(RestoreEpoch).order_by(RestoreEpoch.epoch)))


async def last_sequence_of(session: AsyncSession, *, until_epoch: int) -> int:
    """The sequence of the newest head of an epoch or an earlier one; 0 without any."""
    found = await session.scalar(select(func.max(AuditHead.sequence)).where(AuditHead.epoch <= until_epoch))
    return int(found or 0)
