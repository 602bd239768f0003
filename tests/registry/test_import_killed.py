"""A worker that dies in the middle of an import leaves nothing behind; the next one does the whole of it, once."""

import asyncio
import json
import signal
import subprocess
import sys
from pathlib import Path

from sqlalchemy import func, select

from inspection.registry.history.models import RegisterChange
from inspection.registry.households.models import HouseholdMember, Person
from inspection.registry.imports.models import ImportStatus
from inspection.registry.places.models import HousingUnit
from storage.audit.models import AuditEntry
from storage.database import Database, DatabaseUrls, Role
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore
from storage.vault.service import Vault
from tests.conftest import ROOT
from tests.factories import World, make_world
from tests.registry.importing import NOW, desk_for
from tests.registry.sheets import row, sheet
from tests.registry.test_import import adult_of

ROWS = 2000


async def numbers(database: Database, world: World) -> dict[str, int]:
    """How many rows of each kind are seen."""
    async with database.transaction(Role.APP, world.scope) as session:
        found = {}
        for table in (HousingUnit, Person, HouseholdMember, RegisterChange):
            found[table.__tablename__] = await session.scalar(select(func.count()).select_from(table)) or 0
        imports = select(func.count()).where(
            AuditEntry.action == "registry.import", AuditEntry.estate_id == world.estate_id
        )
        return found | {"audit": await session.scalar(imports) or 0}


async def test_a_killed_worker_leaves_nothing_behind(
    database: Database, vault: Vault, objects: Objects, urls: DatabaseUrls, master_key: bytes, tmp_path: Path
) -> None:
    world = await make_world(database, vault, now=NOW, flats=0)
    desk = desk_for(database, vault, objects, tmp_path)
    content = sheet([row(n, 身份证号=adult_of(n)) for n in range(1, ROWS + 1)])
    checked = await desk.check(world, content, full_list=True)
    await desk.confirm(world, checked.id)
    assert isinstance(objects.store, FilesystemStore)
    line = {"master": master_key.hex(), "urls": urls.by_role, "objects": str(objects.store.root),
            "clock": str(tmp_path / "desk.json"), "import_id": str(checked.id)}  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.registry.killed_import", cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(line).encode() + b"\n")
    await process.stdin.drain()
    applied = 0
    while applied < ROWS:  # the units are written, and some of the households
        told = json.loads(await process.stdout.readline())
        applied = told[0] if told else 0
    process.send_signal(signal.SIGKILL)
    await process.wait()

    assert set((await numbers(database, world)).values()) == {0}
    halfway = await desk.view(world, checked.id)
    assert halfway.status is ImportStatus.APPLYING
    assert 0 < halfway.records_applied < halfway.records_total == 5 * ROWS
    await desk.shop.apply(import_id=checked.id)
    done = await desk.view(world, checked.id)
    assert (done.status, done.records_applied) == (ImportStatus.APPLIED, 5 * ROWS)
    assert await numbers(database, world) == {
        "housing_unit": ROWS, "person": ROWS, "household_member": ROWS, "register_change": 4 * ROWS, "audit": 1,
    }  # fmt: skip
