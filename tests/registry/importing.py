"""Imports in tests: handed in, checked, confirmed and applied in this process, as the worker's jobs do it."""

import io
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl

from inspection.registry.imports import queries, service
from inspection.registry.imports.jobs import Workshop
from inspection.registry.imports.models import ImportStatus
from inspection.registry.imports.schemas import ImportView, IssueView
from storage.audit.service import Actor
from storage.clock import SimulatedClock
from storage.database import Database, Role
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.factories import World
from tests.registry.sheets import HEADINGS

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
ACTOR = Actor.user(uuid.UUID(int=7))


@dataclass
class Desk:
    """Everything an import needs, over one test's database."""

    database: Database
    vault: Vault
    objects: Objects
    clock: SimulatedClock

    @property
    def shop(self) -> Workshop:
        return Workshop(self.database, self.vault, self.objects, self.clock)

    async def hand_in(
        self, world: World, content: bytes, *, full_list: bool = False, create_units: bool = True, sheet: str = "",
        name: str = "a.csv", actor: Actor = ACTOR,
    ) -> uuid.UUID:  # fmt: skip
        async with self.database.transaction(Role.APP, world.scope) as session:
            row = await service.hand_in(
                session, vault=self.vault, objects=self.objects, estate_id=world.estate_id, content=content,
                name=name, sheet=sheet, full_list=full_list, create_units=create_units, actor=actor,
                now=self.clock.now(),
            )  # fmt: skip
        return row.id

    async def view(self, world: World, import_id: uuid.UUID) -> ImportView:
        async with self.database.transaction(Role.APP, world.scope) as session:
            return ImportView.of(await service.get_import(session, import_id=import_id))

    async def issues(self, world: World, import_id: uuid.UUID) -> list[IssueView]:
        async with self.database.transaction(Role.APP, world.scope) as session:
            return [IssueView.of(i) for i in await queries.issues(session, import_id=import_id, after=None, limit=None)]

    async def check(self, world: World, content: bytes, **options: Any) -> ImportView:
        """Hands a file in and checks it."""
        import_id = await self.hand_in(world, content, **options)
        await self.shop.check(import_id=import_id)
        return await self.view(world, import_id)

    async def confirm(self, world: World, import_id: uuid.UUID) -> None:
        async with self.database.transaction(Role.APP, world.scope) as session:
            await service.confirm(session, import_id=import_id, actor=ACTOR, now=self.clock.now())

    async def cancel(self, world: World, import_id: uuid.UUID) -> None:
        async with self.database.transaction(Role.APP, world.scope) as session:
            await service.cancel(session, import_id=import_id, actor=ACTOR, now=self.clock.now())

    async def run(self, world: World, content: bytes, **options: Any) -> ImportView:
        """The whole way; the file must be sound."""
        checked = await self.check(world, content, **options)
        assert checked.status is ImportStatus.CHECKED, (checked.status, checked.report)
        await self.confirm(world, checked.id)
        await self.shop.apply(import_id=checked.id)
        applied = await self.view(world, checked.id)
        assert applied.status is ImportStatus.APPLIED, applied
        return applied


def desk_for(database: Database, vault: Vault, objects: Objects, folder: Path) -> Desk:
    """A desk whose clock stands at the tests' day."""
    return Desk(database, vault, objects, SimulatedClock(folder / "desk.json", start=NOW))


def counts(view: ImportView) -> dict[str, tuple[int, int, int]]:
    """New, changed and unchanged, by kind of record."""
    assert view.report is not None
    return {kind: (c.new, c.changed, c.unchanged) for kind, c in view.report.counts.items()}


def workbook(
    rows: Iterable[Mapping[str, Any] | Sequence[Any]], *, headings: Iterable[str] = HEADINGS, title: str = "名册",
    above: Sequence[Sequence[Any]] = (),
) -> openpyxl.Workbook:  # fmt: skip
    """Rows as a workbook, to be spoiled and saved; `above` stands over the headings."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for line in above:
        sheet.append(list(line))
    names = list(headings)
    sheet.append(names)
    for row in rows:
        sheet.append([row.get(name) for name in names] if isinstance(row, Mapping) else list(row))
    return book


def saved(book: openpyxl.Workbook) -> bytes:
    """A workbook's bytes."""
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def report_of(view: ImportView) -> dict[str, int]:
    """The codes found, by number."""
    assert view.report is not None
    return view.report.issue_counts
