"""The sealer: chains what was committed, signs the end of the chain, and copies it out of the database.

One at a time, by an advisory lock of the transaction: a sealer that is killed leaves nothing half done, the next one
goes on. Entries are taken in the order of (xid, id) below the oldest transaction that still runs, so that none can
appear later at a place that was passed.
"""

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from storage.audit import chain, queries
from storage.audit.keys import BadKey, KeyMissing, Signer, load_signer
from storage.audit.queries import FIRST, LAST_ID, Mark
from storage.clock import Clock
from storage.database import Database, Role, SystemScope
from storage.deployment import current_epoch
from storage.objects.store import ObjectExists, ObjectMissing, ObjectStore, StoreFailed

log = logging.getLogger("ruhu.audit")

NAMESPACE = "audit-heads"
PAUSE_S = 1.0
COPY_EVERY = timedelta(seconds=10)
"""A copy covers every head before it, so that one in ten seconds is enough while rows keep coming."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one run did. `more`: the batch was full, there may be more at once."""

    links: int
    more: bool
    head: chain.Head | None


class Sealer:
    """Seals the audit log of one database. `stores`: where copies of heads go, all of them."""

    def __init__(
        self, *, database: Database, clock: Clock, key_file: Path, stores: Sequence[ObjectStore],
        batch: int = queries.BATCH, copy_every: timedelta = COPY_EVERY,
    ) -> None:  # fmt: skip
        self.database = database
        self.clock = clock
        self.key_file = key_file
        self.stores = stores
        self.batch = batch
        self.copy_every = copy_every
        self.signer: Signer | None = None
        self.epoch: int | None = None
        self.mark: Mark = FIRST
        self.pass_from: queries.Window | None = None

    async def seal(self) -> Sealed:
        """One transaction: at most one batch of entries becomes links, and one head is signed over them.

        Raises `KeyMissing` and `BadKey`.
        """
        async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
            if not await queries.try_lock(session):
                return Sealed(0, more=False, head=None)
            epoch = await current_epoch(session)
            before = await queries.last_head(session)
            signer = await self._signer(first=before is None)
            now = await queries.window(session)
            self._find_place(epoch, before, now)
            entries, last = await queries.candidates(
                session, after=self.mark, everywhere=self.pass_from is not None, limit=self.batch
            )
            mark, passing = self._next_mark(now, last)
            head = None
            if entries:
                links = _chained(entries, *await queries.last_link(session))
                head = _signed(links, before, signer, epoch=epoch, at=self.clock.now(), mark=None if passing else mark)
                await queries.add_links(session, links)
                await queries.add_head(session, head)
        # Only what is committed counts as passed.
        self.epoch, self.mark = epoch, mark
        if not passing:
            self.pass_from = None
        return Sealed(len(entries), more=last is not None, head=head)

    async def _signer(self, *, first: bool) -> Signer:
        if self.signer is None or first:
            self.signer = await asyncio.to_thread(load_signer, self.key_file, create=first)
        return self.signer

    def _find_place(self, epoch: int, before: chain.Head | None, now: queries.Window) -> None:
        """Where to go on: from the newest head of this epoch, or, after a restore, through all entries once.

        A mark beyond the newest transaction is of another server's history: a copy that nobody called a restore.
        """
        if before is not None and before.epoch == epoch and before.mark_xid is not None and before.mark_id is not None:
            told = (before.mark_xid, before.mark_id)
            if told[0] < now.xmax:
                if self.epoch != epoch or told > self.mark:
                    self.mark, self.pass_from = told, None
                return
        if self.epoch != epoch:
            self.mark, self.pass_from = FIRST, now

    def _next_mark(self, now: queries.Window, last: Mark | None) -> tuple[Mark, bool]:
        """The place after this run, and whether the pass through all entries goes on.

        `now` was looked at before the entries were: at the end, all that is of older transactions has been seen. A
        pass saw rows of transactions that ran meanwhile or not, so that it ends where it began.
        """
        if last is not None:
            return last, self.pass_from is not None
        if self.pass_from is not None:
            return (self.pass_from.xmin - 1, LAST_ID), False
        return max(self.mark, (now.xmin - 1, LAST_ID)), False

    async def copy(self) -> chain.Head | None:
        """Copies the newest head to every store, if it was not yet; the head copied, or None.

        A copy covers all heads before it, each of which it names by digest through the next. Raises `StoreFailed`.
        """
        async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
            head = await queries.last_head(session)
            copied = await queries.last_copy(session)
        if head is None or (copied is not None and copied[:2] >= (head.epoch, head.sequence)):
            return None
        for store in self.stores:
            await asyncio.to_thread(put_copy, store, head)
        async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
            await queries.add_copy(session, head, at=self.clock.now())
        return head

    async def run(self, stopping: asyncio.Event) -> None:
        """Seals every second and copies every few, until `stopping`; neither waits for the other, nor ends by a fault.

        On the way out what is left is sealed and copied once more.
        """
        await asyncio.gather(
            self._repeat(stopping, self._seal_all, PAUSE_S),
            self._repeat(stopping, self.copy, self.copy_every.total_seconds()),
        )
        for last in (self._seal_all, self.copy):
            with contextlib.suppress(Exception):  # the next sealer does it
                await last()

    async def _seal_all(self) -> None:
        more = True
        while more:
            more = (await self.seal()).more

    async def _repeat(self, stopping: asyncio.Event, work: Callable[[], Awaitable[object]], pause: float) -> None:
        while not stopping.is_set():
            try:
                await work()
            except (KeyMissing, BadKey) as error:
                log.error("sealing stands still: %s: %s", type(error).__name__, error)  # noqa: TRY400 - a file's name
                pause = max(pause, 30.0)
            except StoreFailed as error:
                log.warning("audit heads are not copied: %s", error)
            except Exception as error:  # noqa: BLE001 - a database that restarts must not end the sealer
                log.error("sealing: %s", type(error).__name__)  # noqa: TRY400 - values stay out of the log
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), pause)


def _chained(entries: Sequence[chain.Entry], sequence: int, digest: bytes) -> list[chain.Link]:
    links = []
    for number, entry in enumerate(entries, sequence + 1):
        link = chain.Link(number, entry.id, digest, chain.link_digest(number, digest, entry))
        digest = link.digest
        links.append(link)
    return links


def _signed(
    links: Sequence[chain.Link], before: chain.Head | None, signer: Signer, *, epoch: int, at: datetime,
    mark: Mark | None,
) -> chain.Head:  # fmt: skip
    head = chain.Head(
        epoch=epoch, sequence=links[-1].sequence, digest=links[-1].digest, count=len(links), at=at,
        previous=chain.GENESIS if before is None else chain.head_digest(before),
        mark_xid=None if mark is None else mark[0], mark_id=None if mark is None else mark[1], key_id=signer.key_id,
    )  # fmt: skip
    return replace(head, signature=signer.sign(head))


def put_copy(store: ObjectStore, head: chain.Head) -> None:
    """Stores the copy of a head; one that is there already is left as it is, and said aloud when it differs."""
    key, data = f"{NAMESPACE}/{chain.copy_name(head.epoch, head.sequence)}", chain.to_copy(head)
    try:
        store.put(key, data)
    except ObjectExists:
        with contextlib.suppress(ObjectMissing):
            if store.get(key) != data:
                log.error("the copy of audit head %s-%s is not ours: run ruhu audit verify", head.epoch, head.sequence)  # noqa: TRY400 - the exception says nothing
