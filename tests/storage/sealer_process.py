"""A sealer in a process of its own, to be killed: seals one row at a time and says so."""

import asyncio
import sys
from pathlib import Path

from storage.audit.sealer import Sealer
from storage.clock import SimulatedClock
from storage.database import Database, DatabaseUrls, Role
from storage.objects.store import FilesystemStore


async def main(url: str, folder: Path) -> None:
    """Seals until killed."""
    sealer = Sealer(
        database=Database(DatabaseUrls({Role.SYSTEM: url})), clock=SimulatedClock(folder / "clock.json"),
        key_file=folder / "keys" / "audit.key", stores=[FilesystemStore(folder / "objects")], batch=1,
    )  # fmt: skip
    while True:
        sealed = await sealer.seal()
        await sealer.copy()
        sys.stdout.write(f"{sealed.links}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
