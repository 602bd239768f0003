"""Proving the audit log: every digest, signature and copy, in one snapshot of the database and in bounded memory."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from storage.audit import chain, queries
from storage.audit.checker import Checker, Tally
from storage.audit.faults import Code, Fault
from storage.audit.keys import signed_by
from storage.audit.sealer import NAMESPACE
from storage.database import Database, Role, SystemScope, enter_scope
from storage.deployment import RestoreEpoch, current_epoch
from storage.objects.store import ObjectMissing, ObjectStore

SHOWN = 100
FIRST = (-1, 0)
GRACE = timedelta(minutes=1)
"""A head may be dated shortly before a backup and committed after its snapshot."""
Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Loss:
    """What a recorded restore took: heads of `epoch` up to `last` are outside, the database ends before `first`."""

    epoch: int
    first: int
    last: int
    restored_at: datetime
    backup_id: uuid.UUID | None
    backup_taken_at: datetime | None


@dataclass(slots=True)
class Report:
    """What was checked and found. `faults`: the first hundred, in order; `more`: how many follow."""

    tally: Tally
    copies: int = 0
    unsealed: int = 0
    oldest_unsealed: datetime | None = None
    erasures: int = 0
    head: chain.Head | None = None
    losses: list[Loss] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    more: int = 0

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong."""
        return not self.faults

    def add(self, fault: Fault) -> None:
        """Keeps a fault, or counts it."""
        if len(self.faults) < SHOWN:
            self.faults.append(fault)
        else:
            self.more += 1


async def verify(
    database: Database, *, stores: Sequence[ObjectStore], keys: Mapping[str, bytes],
    taken_away: Sequence[ObjectStore] = (), progress: Progress = lambda _: None,
) -> Report:  # fmt: skip
    """Checks everything against `keys`, the public keys by id. Changes nothing.

    `stores`: where the sealer copies heads to: the first has all that were noted, another one those since its own
    first. `taken_away`: copies that somebody took along at some time, of which none has to be there.

    Raises `StoreFailed` and the database's errors when it could not look.
    """
    # The copies are listed first: a head is committed before it is copied, so that each must be in the snapshot.
    listed = [await asyncio.to_thread(_names, store) for store in (*stores, *taken_away)]
    engine = database.engine(Role.SYSTEM).execution_options(isolation_level="REPEATABLE READ")
    async with AsyncSession(engine) as session, session.begin():
        await enter_scope(session, SystemScope())
        checker = Checker(keys)
        report = Report(tally=checker.tally)
        async for fault in _chain(session, checker, progress):
            report.add(fault)
        report.head = await queries.last_head(session)
        await _unsealed(session, report)
        report.erasures = await queries.erasures(session)
        if checker.tally.erased > report.erasures:
            missing = checker.tally.erased - report.erasures
            report.add(Fault(Code.PAYLOADS_MISSING, detail=str(missing)))
        for number, (store, names) in enumerate(zip(stores, listed[: len(stores)], strict=True)):
            after = await _before_first(session, names) if number else FIRST
            await _noted_copies(session, store, names, report, after=after)
        for store, names in zip((*stores, *taken_away), listed, strict=True):
            await _found_copies(session, store, names, keys, report)
    return report


def _names(store: ObjectStore) -> list[str]:
    return sorted(key.rpartition("/")[2] for key in store.keys(NAMESPACE))


async def _chain(session: AsyncSession, checker: Checker, progress: Progress) -> AsyncIterator[Fault]:
    sequence, place, more_heads = -(2**62), (-1, 0), True
    while rows := await queries.rows_after(session, sequence=sequence):
        sequence = rows[-1].link.sequence
        while more_heads and (not checker.heads or checker.heads[-1].sequence <= sequence):
            heads = await queries.heads_after(session, place=place)
            more_heads = bool(heads)
            checker.heads.extend(heads)
            if heads:
                place = (heads[-1].epoch, heads[-1].sequence)
        for row in rows:
            for fault in checker.row(row):
                yield fault
        progress(checker.tally.links)
    while heads := await queries.heads_after(session, place=place):
        checker.heads.extend(heads)
        place = (heads[-1].epoch, heads[-1].sequence)
    for fault in checker.finish():
        yield fault


async def _unsealed(session: AsyncSession, report: Report) -> None:
    """What waits for the sealer, and what it should have seen: a row behind its mark was put there past it.

    After a restore the mark says nothing until the sealer has run: another server may have numbered the rows.
    """
    async for _, at in queries.unsealed(session):
        report.unsealed += 1
        report.oldest_unsealed = at if report.oldest_unsealed is None else min(at, report.oldest_unsealed)
    head = report.head
    if not report.unsealed or head is None or head.epoch != await current_epoch(session):
        return
    if head.mark_xid is not None and head.mark_id is not None:
        async for entry_id, _ in queries.unsealed(session, until=(head.mark_xid, head.mark_id)):
            report.add(Fault(Code.ENTRY_INSERTED, entry_id=entry_id))


async def _before_first(session: AsyncSession, names: Sequence[str]) -> tuple[int, int]:
    """The place before the first copy of a store that came later; of an empty one, before the newest noted."""
    first = min((place for name in names if (place := chain.place_of(name)) is not None), default=None)
    if first is None:
        newest = await queries.last_copy(session)
        first = FIRST if newest is None else newest[:2]
    return first[0], first[1] - 1


async def _noted_copies(
    session: AsyncSession, store: ObjectStore, names: Sequence[str], report: Report, *, after: tuple[int, int]
) -> None:
    """Every copy that was noted since a place is there, if only since the names were listed."""
    place, listed = after, frozenset(names)
    while places := await queries.copies_after(session, place=place):
        place = places[-1]
        for epoch, sequence in places:
            name = chain.copy_name(epoch, sequence)
            if name not in listed and await asyncio.to_thread(_read, store, name) is None:
                report.add(Fault(Code.COPY_MISSING, sequence, epoch=epoch))


async def _found_copies(
    session: AsyncSession, store: ObjectStore, names: Sequence[str], keys: Mapping[str, bytes], report: Report
) -> None:
    """Every copy that is there is that of a head in the table; one of no such head shows a tail that is gone."""
    beyond: dict[int, chain.Head] = {}
    for start in range(0, len(names), queries.BATCH):
        some = names[start : start + queries.BATCH]
        places = {name: chain.place_of(name) for name in some}
        known = await queries.heads_at(session, [place for place in places.values() if place is not None])
        for name, place in places.items():
            data = await asyncio.to_thread(_read, store, name)
            if place is not None and place in known:
                report.copies += 1
                if chain.to_copy(known[place]) != data:
                    report.add(Fault(Code.COPY_DIFFERS, place[1], epoch=place[0]))
                continue
            head = _genuine(data, place, keys)
            if head is None:
                report.add(Fault(Code.COPY_FORGED, None if place is None else place[1], detail=name))
            elif head.epoch not in beyond or head.sequence > beyond[head.epoch].sequence:
                beyond[head.epoch] = head
    if beyond:
        epochs = {row.epoch: row for row in await queries.epochs(session)}
        for head in beyond.values():
            await _judge(session, head, epochs, report)


def _read(store: ObjectStore, name: str) -> bytes | None:
    try:
        return store.get(f"{NAMESPACE}/{name}")
    except ObjectMissing:
        return None


def _genuine(data: bytes | None, place: tuple[int, int] | None, keys: Mapping[str, bytes]) -> chain.Head | None:
    """The head in a copy, if we signed it and it lies where it belongs."""
    try:
        head = chain.from_copy(data or b"")
    except chain.BadCopy:
        return None
    return head if (head.epoch, head.sequence) == place and signed_by(head, keys) else None


async def _judge(session: AsyncSession, head: chain.Head, epochs: Mapping[int, RestoreEpoch], report: Report) -> None:
    """A signed head that the database does not know: lost by a restore that is on record, or cut off."""
    kept = await queries.last_sequence_of(session, until_epoch=head.epoch)
    after = min((row for number, row in epochs.items() if number > head.epoch), key=lambda row: row.epoch, default=None)
    if after is not None and kept < head.sequence and head.at >= (after.backup_taken_at or head.at) - GRACE:
        report.losses.append(
            Loss(head.epoch, kept + 1, head.sequence, after.began_at, after.backup_id, after.backup_taken_at)
        )
    else:
        report.add(Fault(Code.TAIL_CUT, kept + 1, epoch=head.epoch, detail=f"{kept + 1}–{head.sequence}"))
