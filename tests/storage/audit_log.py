"""A written and sealed audit log on a real database, and a superuser who tampers with it."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import psycopg
from sqlalchemy import func, select

from storage.audit import queries
from storage.audit.faults import Fault
from storage.audit.keys import load_signer, public_file, read_public
from storage.audit.models import AuditEntry
from storage.audit.sealer import Sealer
from storage.audit.service import Actor, record
from storage.audit.verify import Report, verify
from storage.clock import SimulatedClock
from storage.database import Database, EstateScope, Role, SystemScope
from storage.ids import new_id
from storage.objects.store import FilesystemStore
from storage.postgres.lease import Lease

TABLES = ("audit_entry", "audit_payload", "audit_link", "audit_head", "audit_copy")


@dataclass
class Log:
    """One audit log with its sealer, store and key."""

    database: Database
    clock: SimulatedClock
    folder: Path
    superuser: str
    estate: uuid.UUID = field(default_factory=new_id)
    written: list[uuid.UUID] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = FilesystemStore(self.folder / "objects")
        self.key_file = self.folder / "keys" / "audit.key"
        self.sealer = self.new_sealer()

    def new_sealer(self, *, batch: int = queries.BATCH) -> Sealer:
        """Another sealer of the same log, as after a restart."""
        return Sealer(
            database=self.database, clock=self.clock, key_file=self.key_file, stores=[self.store], batch=batch,
            copy_every=timedelta(0),
        )  # fmt: skip

    async def write(self, count: int = 1, *, person: uuid.UUID | None = None) -> list[uuid.UUID]:
        """Adds entries, each in a transaction of its own."""
        added = []
        for number in range(count):
            async with self.database.transaction(Role.APP, EstateScope((self.estate,))) as session:
                entry = record(
                    session, at=self.clock.now(), actor=Actor.user(new_id()), action="trail.viewed",
                    object_kind="housing_unit", object_id=new_id(), estate_id=self.estate, purpose="welfare_check",
                    reason=f"核对情况{number}", subject_id=person, sightings=number,
                )  # fmt: skip
                added.append(entry.id)
        self.written += added
        return added

    async def seal(self, sealer: Sealer | None = None) -> None:
        """Seals until nothing waits, in one run if a batch holds all."""
        sealer = sealer or self.sealer
        await self.settled()
        while await self.waiting():
            await sealer.seal()
        await sealer.copy()

    async def settled(self) -> None:
        """Waits until no transaction holds rows back: one of another test's database may, for a while."""
        held = True
        while held:
            async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
                ends = await queries.window(session)
                newest = await session.scalar(select(func.max(AuditEntry.xid)).where(AuditEntry.xid < ends.xmax))
            held = newest is not None and newest >= ends.xmin
            await asyncio.sleep(0.05 if held else 0)

    async def waiting(self) -> int:
        """How many entries have no link."""
        async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
            return len([entry async for entry in queries.unsealed(session)])

    async def verify(self) -> Report:
        """Verifies with the public key alone."""
        load_signer(self.key_file, create=False)
        return await verify(self.database, stores=[self.store], keys=read_public(public_file(self.key_file)))

    async def first_fault(self) -> Fault:
        """What verification names first."""
        report = await self.verify()
        assert report.faults
        return report.faults[0]

    @asynccontextmanager
    async def tampering(self) -> AsyncIterator[psycopg.AsyncConnection[tuple[object, ...]]]:
        """A superuser's transaction with the triggers switched off."""
        async with await psycopg.AsyncConnection.connect(self.superuser) as connection:
            await connection.execute("SET LOCAL session_replication_role = replica")
            yield connection

    async def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """One statement of the tampering superuser."""
        async with self.tampering() as connection:
            cursor = await connection.execute(statement.encode(), values)
            return [] if cursor.description is None else await cursor.fetchall()

    async def reset(self) -> None:
        """An empty log, store and key."""
        async with self.tampering() as connection:
            for table in TABLES:
                await connection.execute(f"DELETE FROM {table}".encode())  # noqa: S608 - fixed names
            await connection.execute("DELETE FROM restore_epoch WHERE epoch > 1")
        self.written.clear()


def superuser_url(cluster: Lease, name: str) -> str:
    """The database as its superuser sees it."""
    return cluster.cluster.url("postgres", name)
