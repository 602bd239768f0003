"""Reading a stream of events over a real socket, and writing what it tells."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from gate_integration.devices.models import SILENCE, DeviceOutage
from inspection.registry.imports.models import ImportStatus, RegistryImport
from storage.audit.service import Actor, record
from storage.database import Database, EstateScope, Role
from storage.ids import new_id
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.factories import World
from tests.gate.support import add_device

FOLLOW = {"Accept": "text/event-stream"}
PATIENCE_S = 60


@dataclass
class Told:
    """One event."""

    event: str = ""
    data: dict[str, Any] = field(default_factory=dict)
    id: str = ""


class Stream:
    """An open stream; `last`: the id to go on from."""

    def __init__(self, answer: httpx.Response) -> None:
        self.answer = answer
        self.lines = answer.aiter_lines()
        self.last = ""

    async def next(self) -> Told:
        """The next event; comments are passed over."""
        told = Told()
        async with asyncio.timeout(PATIENCE_S):
            async for line in self.lines:
                name, _, value = line.partition(": ")
                if name == "id":
                    self.last = told.id = value
                elif name == "event":
                    told.event = value
                elif name == "data":
                    told.data = json.loads(value)
                elif not line and told.event:
                    return told
        raise EOFError


@asynccontextmanager
async def follow(client: httpx.AsyncClient, last: str | None = None) -> AsyncIterator[Stream]:
    """Opens a stream that goes on."""
    headers = FOLLOW | ({"Last-Event-ID": last} if last else {})
    async with client.stream("GET", "/api/v1/events", headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        yield Stream(answer)


async def tell(
    database: Database, estate_id: uuid.UUID, *, now: datetime, action: str = "lead.opened",
    before_commit_s: float = 0.0,
) -> uuid.UUID:  # fmt: skip
    """Writes an audit row as services do; gives back the id of its object."""
    object_id = uuid.uuid4()
    async with database.transaction(Role.SYSTEM, EstateScope((estate_id,))) as session:
        record(
            session, at=now, actor=Actor.system("test"), action=action, object_kind="lead", object_id=object_id,
            estate_id=estate_id, reason="不得出现", person_id=str(uuid.uuid4()),
        )  # fmt: skip
        await session.flush()
        await asyncio.sleep(before_commit_s)
    return object_id


async def fall_silent_and_come_back(database: Database, vault: Vault, world: World, *, now: datetime) -> uuid.UUID:
    """A device of the world with an outage that ends; its id."""
    device_id, _ = await add_device(database, vault, world, now=now)
    async with database.transaction(Role.SYSTEM, world.scope) as session:
        outage = DeviceOutage(id=new_id(), estate_id=world.estate_id, device_id=device_id, reason=SILENCE, began_at=now)
        session.add(outage)
        await session.flush()
        outage.ended_at = now
    return device_id


async def begin_import(database: Database, objects: Objects, world: World, *, now: datetime) -> uuid.UUID:
    """An import that begins to be checked; its id."""
    async with database.transaction(Role.APP, world.scope) as session:
        file = await objects.put(
            session, data=b"\xff", kind="registry-import", content_type="text/csv", estate_id=world.estate_id, now=now
        )
        await session.flush()
        upload = RegistryImport(
            id=new_id(), estate_id=world.estate_id, object_id=file.id, name="a.csv", sheet="", digest=bytes(32), size=1,
            full_list=False, create_units=False, status=ImportStatus.WAITING, attempts=1, rows_total=9, rows_checked=0,
            records_total=0, records_applied=0, created_at=now, touched_at=now,
        )  # fmt: skip
        session.add(upload)
        await session.flush()
        upload.status, upload.rows_checked = ImportStatus.CHECKING, 3
        await session.flush()
        upload.touched_at += timedelta(seconds=1)  # no progress: nothing to tell
    return upload.id
