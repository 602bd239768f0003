"""Works on one archive in a process of its own, to be killed: `python -m tests.faces.killed_photos` with JSON on
standard input. Prints how many lines are done whenever some are."""

import asyncio
import json
import sys
import uuid
from pathlib import Path

from gate_integration.bulk_enrolment.jobs import Workshop
from storage.clock import SimulatedClock
from storage.database import Database, DatabaseUrls, Role
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore
from storage.vault.service import Vault
from tests.recognition import FakeEngine


def say(done: int, total: int) -> None:
    """How far it is, for whoever holds the knife."""
    del total
    sys.stdout.write(f"{done}\n")
    sys.stdout.flush()


async def main() -> None:
    """The work, as the worker's job does it."""
    told = json.loads(sys.stdin.readline())
    vault = Vault(bytes.fromhex(told["master"]))
    database = Database(DatabaseUrls({Role(role): url for role, url in told["urls"].items()}))
    objects = Objects(FilesystemStore(Path(told["objects"])), vault)
    shop = Workshop(database, vault, objects, SimulatedClock(Path(told["clock"])), FakeEngine(), watch=say)
    work = {"check": shop.check, "apply": shop.apply}[told["stage"]]
    await work(import_id=uuid.UUID(told["import_id"]))
    await database.dispose()
    objects.close()


if __name__ == "__main__":
    asyncio.run(main())
