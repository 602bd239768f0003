"""Rows whose time passes, for the tests of retention and holds."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select, update

from api.retention import retention_plan
from gate_integration.devices.models import CaptureMode, Direction, GateDevice, GateLevel
from gate_integration.intake.models import EventKey, PassEvent, RawDelivery
from gate_integration.sightings.models import Band, LinkKind, Sighting, Source
from storage.audit.service import Actor
from storage.database import Database, Role, SystemScope
from storage.holds.models import LegalHold
from storage.ids import new_id
from storage.objects.models import StoredObject
from storage.objects.service import Objects
from storage.outbox import OutboxFact
from storage.retention.classes import Tools
from storage.retention.models import DeletionRun
from storage.retention.run import run_all
from storage.vault.service import Vault
from tests.factories import World, make_world

ACTOR = Actor.system("test")


@dataclass
class Keeper:
    """A world with a gate, and the deleting job over it."""

    database: Database
    vault: Vault
    objects: Objects
    world: World
    device_id: uuid.UUID

    @classmethod
    async def make(cls, database: Database, vault: Vault, objects: Objects, *, now: datetime, **world: Any) -> "Keeper":
        """An estate with one gate."""
        made = cls(database, vault, objects, await make_world(database, vault, now=now, **world), new_id())
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            session.add(made.gate(made.device_id, now))
        return made

    def gate(self, device_id: uuid.UUID, now: datetime) -> GateDevice:
        """The row of a terminal."""
        return GateDevice(
            id=device_id, estate_id=self.world.estate_id, name="测试门禁", vendor="hikvision", serial=new_id().hex,
            model="M", firmware="1", capture_mode=CaptureMode.SNAPSHOT, level=GateLevel.ESTATE, direction=Direction.IN,
            profile={}, created_at=now,
        )  # fmt: skip

    async def passes(
        self, *moments: datetime, person: uuid.UUID | None = None, unit: uuid.UUID | None = None
    ) -> list[uuid.UUID]:
        """Pass events with a sighting, a key and a snapshot each, which was made at the same moment."""
        found = []
        async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
            for at in moments:
                picture = await self.objects.put(
                    session, data=b"picture", kind="snapshot", content_type="image/jpeg", now=at,
                    estate_id=self.world.estate_id, expires_at=at + timedelta(days=7),
                )  # fmt: skip
                event = PassEvent(
                    id=new_id(), estate_id=self.world.estate_id, device_id=self.device_id, delivery_id=new_id(),
                    kind="pass", outcome="granted", credential_kind="face", direction="in", code="5/75",
                    received_at=at, effective_at=at, effective_reason="device", replay=False,
                    pictures=[{"object_id": str(picture.id)}], extra={},
                )  # fmt: skip
                session.add(event)
                await session.flush()
                session.add(
                    EventKey(device_id=self.device_id, epoch=1, key=event.id.hex, base=event.id.hex,
                             estate_id=self.world.estate_id, content=b"", pass_event_id=event.id)
                )  # fmt: skip
                session.add(
                    Sighting(estate_id=self.world.estate_id, pass_event_id=event.id, device_id=self.device_id,
                             seen_at=at, band=Band.MATCH, source=Source.FACE, person_id=person, unit_id=unit,
                             link_kind=LinkKind.UNIT_DOOR if unit else None)
                )  # fmt: skip
                found.append(event.id)
        return found

    async def deliveries(self, *moments: datetime) -> list[uuid.UUID]:
        """Redacted deliveries that were read."""
        rows = [
            RawDelivery(id=new_id(), received_at=at, estate_id=self.world.estate_id, device_id=self.device_id,
                        protocol="isapi", content_type="application/json", body=b"{}", sealed=False, cutouts=[])
            for at in moments
        ]  # fmt: skip
        async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
            session.add_all(rows)
        return [row.id for row in rows]

    async def run(self, code: str | None, *, now: datetime, batch: int = 500) -> list[DeletionRun]:
        """Runs one class, or all."""
        return await run_all(
            self.database, plan=retention_plan(self.objects), tools=Tools(self.vault, self.objects), now=now,
            actor=ACTOR, only=code, batch=batch,
        )  # fmt: skip

    async def clear(self, *, now: datetime) -> None:
        """Leaves nothing of another test to be found: holds, events, pictures, deliveries, facts."""
        async with self.database.transaction(Role.OWNER, SystemScope()) as session:
            for table in (LegalHold, Sighting, EventKey, PassEvent, RawDelivery, OutboxFact):
                await session.execute(delete(table))
            await session.execute(
                update(StoredObject).where(StoredObject.kind == "snapshot").values(
                    wrapped_key=None, destroyed_at=now, bytes_deleted_at=now
                )
            )  # fmt: skip

    async def ids(self, table: Any) -> set[uuid.UUID]:
        """Ids of the estate's rows of a table."""
        async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
            return set(await session.scalars(select(table.id).where(table.estate_id == self.world.estate_id)))

    async def pictures(self) -> list[StoredObject]:
        """The estate's snapshots, oldest first."""
        async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
            rows = await session.scalars(
                select(StoredObject)
                .where(StoredObject.estate_id == self.world.estate_id, StoredObject.kind == "snapshot")
                .order_by(StoredObject.created_at, StoredObject.id)
            )
            return list(rows)
