"""The work of an import: checking, applying. Each may be killed at any moment and begun again.

Applying is one transaction: the register is never seen half imported, since a household whose people are not there
yet would make strangers of them at the gates. A killed worker leaves nothing behind; the next attempt begins with a
fresh comparison, so that it cannot double anything. Progress is told by transactions of its own.
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.households import papers
from inspection.registry.imports import queries, register, service
from inspection.registry.imports.absent import Absent, absent_from
from inspection.registry.imports.checker import Stated
from inspection.registry.imports.errors import ImportFileGone
from inspection.registry.imports.models import ImportStatus, RegistryImport
from inspection.registry.imports.plan import Indexes, Plan, plan
from inspection.registry.imports.reader import Table, read
from inspection.registry.imports.report import Report
from inspection.registry.imports.writing import Writer
from inspection.registry.missing.service import list_missing
from storage.audit.service import Actor, record
from storage.clock import Clock, local_day
from storage.database import Database, EstateScope, Role, SystemScope
from storage.ids import new_id
from storage.objects.service import Objects
from storage.vault.service import Vault

MOST_ATTEMPTS: Final = 5
LOST_AFTER: Final = timedelta(minutes=10)
PROGRESS_EVERY_S: Final = 0.5
T = TypeVar("T")


@dataclass(slots=True)
class Progress:
    """How far the work has come, as the next telling will have it."""

    rows: tuple[int, int] | None = None
    records: tuple[int, int] | None = None


@dataclass(slots=True)
class Looked:
    """A file compared with the register."""

    report: Report
    plan: Plan
    absent: list[Absent] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Workshop:
    """What the work needs. `watch` is called whenever progress is told."""

    database: Database
    vault: Vault
    objects: Objects
    clock: Clock
    watch: Callable[[Progress], None] = lambda _: None

    async def check(self, *, import_id: uuid.UUID) -> None:
        """Compares the file with the register and leaves the report for a person."""
        begun = await self.begin(import_id, (ImportStatus.WAITING, ImportStatus.CHECKING))
        if begun is None:
            return
        row, content = begun
        today = local_day(self.clock.now())
        async with self.telling(import_id) as progress:
            table, stated = await asyncio.to_thread(read_all, content, row.sheet, today, progress)
            async with self.transaction(row) as session:
                looked = await self.look(session, row, table, stated, today)
        async with self.transaction(row) as session:
            fresh = await queries.get(session, import_id=import_id, lock=True)
            if fresh is None or fresh.status != ImportStatus.CHECKING:
                return  # cancelled meanwhile
            await self.keep(session, fresh, looked.report)

    async def apply(self, *, import_id: uuid.UUID) -> None:
        """Brings the register up to a confirmed file: all of it, or nothing."""
        begun = await self.begin(import_id, (ImportStatus.APPLYING,))
        if begun is None:
            return
        row, content = begun
        now = self.clock.now()
        today = local_day(now)
        async with self.telling(import_id) as progress:
            table, stated = await asyncio.to_thread(read_all, content, row.sheet, today, Progress())
            async with self.transaction(row) as session:
                await register.one_import_at_a_time(session, estate_id=row.estate_id)
                if not await queries.is_at(session, import_id=import_id, status=ImportStatus.APPLYING):
                    return  # cancelled by an erasure meanwhile: the file would bring the person back
                await register.hold_still(session, estate_id=row.estate_id)
                looked = await self.look(session, row, table, stated, today)
                confirmed = msgspec.convert(row.report, Report)
                if looked.report.counts != confirmed.counts or not looked.report.acceptable:
                    looked.report.register_changed = True
                    progress.records = (0, 0)
                else:
                    await self.write(session, row, looked, progress, now)
        async with self.transaction(row) as session:
            fresh = await queries.get(session, import_id=import_id, lock=True)
            if fresh is not None and fresh.status == ImportStatus.APPLYING:
                await self.keep(session, fresh, looked.report)

    async def write(
        self, session: AsyncSession, row: RegistryImport, looked: Looked, progress: Progress, now: datetime
    ) -> None:
        """The register, the lists of what is missing, the audit row and the import's end, in one transaction."""
        total = looked.report.records
        progress.records = (0, total)

        def more(count: int) -> None:
            done = progress.records[0] if progress.records else 0
            progress.records = (done + count, total)

        actor = Actor.user(row.confirmed_by) if row.confirmed_by else Actor.system("cli")
        await Writer(
            session=session, vault=self.vault, estate_id=row.estate_id, import_id=row.id, plan=looked.plan,
            actor=actor, now=now, today=local_day(now), progress=more,
        ).run()  # fmt: skip
        await list_missing(
            session, estate_id=row.estate_id, import_id=row.id, absent=looked.absent if row.full_list else None,
            named=looked.plan.named, now=now,
        )  # fmt: skip
        record(session, at=now, actor=actor, action="registry.import", object_kind="registry_import",
               object_id=row.id, estate_id=row.estate_id, rows=looked.report.rows,
               counts=msgspec.to_builtins(looked.report.counts), missing=looked.report.missing)  # fmt: skip
        await queries.finish(session, import_id=row.id, status=ImportStatus.APPLIED, records=total, now=now)

    async def look(
        self, session: AsyncSession, row: RegistryImport, table: Table, stated: Stated, today: date
    ) -> Looked:
        """Compares what the file states with the register as it is in this transaction."""
        known = await register.register_of(session, estate_id=row.estate_id)
        indexes = Indexes(
            id_number=lambda number: self.vault.index(papers.ID_NUMBER, number),
            phone=lambda number: self.vault.index(papers.PHONE, number),
            new_id=new_id,
        )
        found = await asyncio.to_thread(
            plan, stated, known, indexes=indexes, create_units=row.create_units, today=today
        )
        report = Report(encoding=table.encoding, rows=table.count, counts=found.counts)
        report.add(found.issues)
        looked = Looked(report, found)
        if row.full_list and report.acceptable:
            looked.absent = absent_from(known, found.named, today=today)
            for absent in looked.absent:
                report.missing[absent.kind] = report.missing.get(absent.kind, 0) + 1
        return looked

    async def keep(self, session: AsyncSession, row: RegistryImport, report: Report) -> None:
        """Leaves a report to be read; one with errors ends the import."""
        now = self.clock.now()
        row.status = ImportStatus.CHECKED if report.acceptable else ImportStatus.REFUSED
        row.ended_at = None if report.acceptable else now
        row.rows_total = row.rows_checked = report.rows
        row.records_total, row.records_applied, row.touched_at = report.records, 0, now
        row.report = summary(report)
        await queries.replace_issues(session, import_id=row.id, estate_id=row.estate_id, issues=report.issues)

    async def begin(
        self, import_id: uuid.UUID, stages: tuple[ImportStatus, ...]
    ) -> tuple[RegistryImport, bytes] | None:
        """Counts the attempt and opens the file; None when there is nothing to do any more."""
        now = self.clock.now()
        async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
            row = await queries.begin(session, import_id=import_id, stages=stages, now=now)
            if row is None:
                return None
            try:
                content = await service.file_of(session, row, objects=self.objects, now=now)
            except ImportFileGone:
                content = None
            if content is None or row.attempts > MOST_ATTEMPTS:
                row.status, row.ended_at = ImportStatus.FAILED, now
                return None
            if row.status == ImportStatus.WAITING:
                row.status = ImportStatus.CHECKING
            return row, content

    def transaction(self, row: RegistryImport) -> contextlib.AbstractAsyncContextManager[AsyncSession]:
        """A transaction that sees the import's estate and no other."""
        return self.database.transaction(Role.SYSTEM, EstateScope((row.estate_id,)))

    @contextlib.asynccontextmanager
    async def telling(self, import_id: uuid.UUID) -> AsyncIterator[Progress]:
        """Tells progress every so often while the block runs."""
        progress = Progress()
        task = asyncio.create_task(self.tell(import_id, progress))
        try:
            yield progress
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def tell(self, import_id: uuid.UUID, progress: Progress) -> None:
        """Writes progress down until cancelled."""
        while True:
            await asyncio.sleep(PROGRESS_EVERY_S)
            self.watch(progress)
            async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
                await queries.tell_progress(
                    session, import_id=import_id, now=self.clock.now(), rows=progress.rows, records=progress.records
                )


def read_all(content: bytes, sheet: str, today: date, progress: Progress) -> tuple[Table, Stated]:
    """The whole file as what it states; rows are read one by one and not kept."""
    table = read(content, sheet=sheet)
    stated = Stated()
    for number, raw in enumerate(table.rows, start=1):
        stated.take(raw, today=today)
        progress.rows = (number, table.expected)
    stated.issues += table.issues
    return table, stated


def summary(report: Report) -> dict[str, Any]:
    """A report as its row holds it: the issues have a table of their own."""
    told: dict[str, Any] = msgspec.to_builtins(report)
    return told | {"issues": []}


async def sweep(session: AsyncSession, *, now: datetime) -> None:
    """Puts imports whose jobs were lost back into the queue, gives up unconfirmed ones, forgets old findings."""
    for row in await queries.left_behind(session, before=now - LOST_AFTER):
        row.touched_at = now
        await service.put_into_queue(session, row)
    for row in await queries.unconfirmed(session, before=now - service.KEPT):
        row.status, row.ended_at = ImportStatus.CANCELLED, now
        record(session, at=now, actor=Actor.system("worker"), action="registry.import-expire",
               object_kind="registry_import", object_id=row.id, estate_id=row.estate_id)  # fmt: skip
    await queries.forget_issues(session, before=now - service.KEPT)
