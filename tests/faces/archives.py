"""Archives of photographs made up for tests, and the desk at which they are handed in, checked, applied."""

import io
import uuid
import zipfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gate_integration.bulk_enrolment import queries, service
from gate_integration.bulk_enrolment.consent_sheet import Heading
from gate_integration.bulk_enrolment.jobs import Workshop
from gate_integration.bulk_enrolment.models import LineState
from gate_integration.bulk_enrolment.schemas import PhotoImportView, PhotoLineView
from gate_integration.faces.records import Engine
from inspection.registry.exports.sheets import csv_file
from storage.audit.service import Actor
from storage.clock import SimulatedClock
from storage.database import Database, Role
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.factories import World
from tests.recognition import FakeEngine

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
ACTOR = Actor.user(uuid.UUID(int=7))


def consent(number: object, **changed: str) -> dict[str, str]:
    """A sound line: everything but `off_device`, on paper."""
    sound = {
        Heading.NUMBER: str(number), Heading.TEMPLATE: "是", Heading.KEEP_PHOTO: "是", Heading.PUSH_TO_GATES: "是",
        Heading.OFF_DEVICE: "否", Heading.SIGNED: "2026-03-01", Heading.NOTICE: "v1", Heading.CHANNEL: "纸质",
        Heading.PAPER: "TY-1",
    }  # fmt: skip
    return {str(name.value): text for name, text in sound.items()} | changed


def consents(*lines: Mapping[str, str]) -> bytes:
    """The sheet as CSV."""
    names = [heading.value for heading in Heading]
    return csv_file([names, *([line.get(name, "") for name in names] for line in lines)])


def archive(members: Mapping[str, bytes]) -> bytes:
    """A ZIP of these members."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return file.getvalue()


async def parts_of(content: bytes) -> AsyncIterator[bytes]:
    """The bytes as a connection brings them."""
    for start in range(0, len(content), 70_000):
        yield content[start : start + 70_000]


@dataclass
class PhotoDesk:
    """Everything an archive needs, over one test's database."""

    database: Database
    vault: Vault
    objects: Objects
    clock: SimulatedClock
    engine: Engine

    @property
    def shop(self) -> Workshop:
        return Workshop(self.database, self.vault, self.objects, self.clock, self.engine)

    async def hand_in(self, world: World, content: bytes, *, actor: Actor = ACTOR) -> uuid.UUID:
        row = await service.hand_in(
            lambda: self.database.transaction(Role.APP, world.scope), vault=self.vault, objects=self.objects,
            estate_id=world.estate_id, content=parts_of(content), name="a.zip", actor=actor, now=self.clock.now(),
        )  # fmt: skip
        return row.id

    async def view(self, world: World, import_id: uuid.UUID) -> PhotoImportView:
        async with self.database.transaction(Role.APP, world.scope) as session:
            row = await service.get_import(session, import_id=import_id)
            return PhotoImportView.of(row, await queries.tally(session, import_id=import_id))

    async def lines(self, world: World, import_id: uuid.UUID) -> list[PhotoLineView]:
        async with self.database.transaction(Role.APP, world.scope) as session:
            found = await queries.lines(session, import_id=import_id, state=None, after=None, limit=None)
            return [PhotoLineView.of(line, name) for line, name in found]

    async def check(self, world: World, content: bytes) -> PhotoImportView:
        import_id = await self.hand_in(world, content)
        await self.shop.check(import_id=import_id)
        return await self.view(world, import_id)

    async def confirm(self, world: World, import_id: uuid.UUID) -> None:
        async with self.database.transaction(Role.APP, world.scope) as session:
            await service.confirm(session, import_id=import_id, actor=ACTOR, now=self.clock.now())

    async def run(self, world: World, content: bytes) -> PhotoImportView:
        checked = await self.check(world, content)
        await self.confirm(world, checked.id)
        await self.shop.apply(import_id=checked.id)
        return await self.view(world, checked.id)


def desk_for(
    database: Database, vault: Vault, objects: Objects, folder: Path, engine: Engine | None = None
) -> PhotoDesk:
    """A desk whose clock stands at the tests' day."""
    clock = SimulatedClock(folder / "photos.json", start=NOW)
    return PhotoDesk(database, vault, objects, clock, engine or FakeEngine())


def codes(lines: list[PhotoLineView]) -> list[tuple[LineState, str]]:
    """State and reason of each line."""
    return [(line.state, line.code) for line in lines]
