"""A process of its own that runs one retention class in batches of one; its tests kill it.

Arguments: role URLs as JSON, the folder of objects, the master key in hex, the class, the moment.
"""

import asyncio
import json
import sys
from datetime import datetime
from pathlib import Path

from api.retention import retention_plan
from storage.audit.service import Actor
from storage.database import Database, DatabaseUrls, Role
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore
from storage.retention.classes import Tools
from storage.retention.run import run_all
from storage.vault.service import Vault


async def main(urls: str, folder: str, key: str, code: str, moment: str) -> None:
    """Runs the class once."""
    database = Database(DatabaseUrls({Role(role): url for role, url in json.loads(urls).items()}))
    vault = Vault(bytes.fromhex(key))
    objects = Objects(FilesystemStore(Path(folder)), vault)
    await run_all(
        database, plan=retention_plan(objects), tools=Tools(vault, objects), now=datetime.fromisoformat(moment),
        actor=Actor.system("test"), only=code, batch=1,
    )  # fmt: skip
    await database.dispose()
    objects.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
