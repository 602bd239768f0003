"""A process that goes on recognising: started by a test, asked line by line, with its galleries kept in memory.

In: one JSON line of settings, then one of {"device", "face", "at"} for each pass. Out: "ready", then for each pass the
band and the person it was matched to.
"""

import asyncio
import json
import sys
import uuid
from datetime import datetime
from pathlib import Path

import numpy as np

from gate_integration.devices.models import GateDevice
from gate_integration.sightings.service import SightingService
from storage.database import Database, DatabaseUrls, Role, SystemScope
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore
from storage.vault.service import Vault
from tests.recognition import FakeEngine, Pass, picture_of, report


async def main() -> None:
    """Answers until the input ends."""
    told = json.loads(sys.stdin.readline())
    vault = Vault(bytes.fromhex(told["master_key"]))
    objects = Objects(FilesystemStore(Path(told["objects"])), vault)
    database = Database(DatabaseUrls({Role.SYSTEM: told["url"]}))
    service = SightingService(engine=FakeEngine(), vault=vault, objects=objects)
    print("ready", flush=True)  # noqa: T201 - its way of speaking
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        at = datetime.fromisoformat(asked["at"])
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            device = await session.get_one(GateDevice, uuid.UUID(asked["device"]))
        picture = picture_of(np.array(asked["face"], np.float32))
        sighting = (await report(database, objects, service, [Pass(device, at, picture)], now=at))[0]
        person = None if sighting.person_id is None else str(sighting.person_id)
        print(json.dumps({"band": sighting.band, "person": person}), flush=True)  # noqa: T201
    await database.dispose()
    objects.close()


if __name__ == "__main__":
    asyncio.run(main())
