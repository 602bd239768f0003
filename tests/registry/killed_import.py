"""Applies one import in a process of its own, to be killed: `python -m tests.registry.killed_import` with JSON on
standard input. Prints a line whenever progress is told."""

import asyncio
import json
import sys
import uuid
from pathlib import Path

from inspection.registry.imports import jobs
from inspection.registry.imports.jobs import Progress, Workshop
from storage.clock import SimulatedClock
from storage.database import Database, DatabaseUrls, Role
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore
from storage.vault.service import Vault


def say(progress: Progress) -> None:
    """How far it is, for whoever holds the knife."""
    sys.stdout.write(json.dumps(progress.records) + "\n")
    sys.stdout.flush()


async def main() -> None:
    """The work, as the worker's job does it."""
    told = json.loads(sys.stdin.readline())
    jobs.PROGRESS_EVERY_S = 0.05  # type: ignore[misc]  # so that there is something to see before the knife comes
    vault = Vault(bytes.fromhex(told["master"]))
    database = Database(DatabaseUrls({Role(role): url for role, url in told["urls"].items()}))
    objects = Objects(FilesystemStore(Path(told["objects"])), vault)
    shop = Workshop(database, vault, objects, SimulatedClock(Path(told["clock"])), watch=say)
    await shop.apply(import_id=uuid.UUID(told["import_id"]))
    await database.dispose()
    objects.close()


if __name__ == "__main__":
    asyncio.run(main())
