"""Compares the rows of objects with what lies in the store, and names every object that is not as it should be.

Memory: the keys of the store are held at once, some 100 bytes for each object. The deep check reads every object.
"""

import asyncio
import hashlib
import hmac
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from sqlalchemy import select

from storage.database import Database, Role, SystemScope
from storage.objects.models import StoredObject
from storage.objects.service import ObjectDamaged, Objects
from storage.objects.store import ObjectMissing
from storage.vault.service import KeyDestroyed

PAGE = 1000
AT_ONCE = 4
YOUNG = timedelta(days=1)  # bytes are stored before their row commits, and deleted after it says they are destroyed


@dataclass(frozen=True, slots=True)
class Faulty:
    """An object that cannot be read, and what its row tells about it."""

    object_id: uuid.UUID
    estate_id: uuid.UUID
    kind: str
    created_at: datetime


@dataclass(slots=True)
class Report:
    """What was found. `kept` and `stored`: rows whose object is to be there, and keys in the store.

    `missing`: the row stands, the bytes are gone. `damaged`: the bytes do not open, or are others than the row says.
    `keyless`: the person's key is destroyed, the row stands. `left_over`: destroyed for more than a day, and the bytes
    still lie there (unreadable). `orphans`: bytes older than a day without a row, of a transaction that failed
    (unreadable too). `strange`: names that no object has. `young`: too new to be judged.
    """

    deep: bool
    kept: int = 0
    stored: int = 0
    read: int = 0
    young: int = 0
    missing: list[Faulty] = field(default_factory=list)
    damaged: list[Faulty] = field(default_factory=list)
    keyless: list[Faulty] = field(default_factory=list)
    left_over: list[uuid.UUID] = field(default_factory=list)
    orphans: list[uuid.UUID] = field(default_factory=list)
    strange: list[str] = field(default_factory=list)

    @property
    def sound(self) -> bool:
        """Whether everything that is to be readable is."""
        return not (self.missing or self.damaged or self.keyless)


@dataclass(frozen=True, slots=True)
class _Row:
    id: uuid.UUID
    estate_id: uuid.UUID
    kind: str
    created_at: datetime
    destroyed_at: datetime | None
    size: int
    digest: bytes

    @property
    def faulty(self) -> Faulty:
        return Faulty(self.id, self.estate_id, self.kind, self.created_at)


async def check_objects(
    database: Database, objects: Objects, *, now: datetime, deep: bool, say: Callable[[int], None] = lambda _: None
) -> Report:
    """Compares everything; `deep` opens every object too. `say` hears how many rows were looked at.

    Objects may come and go meanwhile: what seems wrong is looked at again before it is told. Raises `StoreFailed`.
    """
    report = Report(deep=deep)
    stored = await _keys(objects, report)
    slots = asyncio.Semaphore(AT_ONCE)
    seen, last = 0, uuid.UUID(int=0)
    while rows := await _page(database, last):
        last = rows[-1].id
        look: list[_Row] = []
        for row in rows:
            there = row.id.bytes in stored
            stored.discard(row.id.bytes)
            if row.destroyed_at is not None:
                if there and row.destroyed_at < now - YOUNG:
                    report.left_over.append(row.id)
                continue
            report.kept += 1
            if deep or not there:
                look.append(row)
        await asyncio.gather(*(_look(database, objects, row, report, slots, now) for row in look))
        seen += len(rows)
        say(seen)
    for raw in sorted(stored):
        object_id = uuid.UUID(bytes=raw)
        if _born(object_id) < now - YOUNG:
            report.orphans.append(object_id)
        else:
            report.young += 1
    return report


async def _keys(objects: Objects, report: Report) -> set[bytes]:
    """The ids in the store, as bytes; names that are no id go to the report."""

    def read() -> set[bytes]:
        found: set[bytes] = set()
        for key in objects.store.keys():  # noqa: SIM118 - a store is no dictionary
            report.stored += 1
            try:
                object_id = uuid.UUID(key)
            except ValueError:
                report.strange.append(key)
                continue
            if str(object_id) == key:
                found.add(object_id.bytes)
            else:
                report.strange.append(key)
        return found

    return await asyncio.to_thread(read)


async def _page(database: Database, after: uuid.UUID) -> list[_Row]:
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        rows = await session.execute(
            select(
                StoredObject.id, StoredObject.estate_id, StoredObject.kind, StoredObject.created_at,
                StoredObject.destroyed_at, StoredObject.size, StoredObject.digest,
            )
            .where(StoredObject.id > after)
            .order_by(StoredObject.id)
            .limit(PAGE)
        )  # fmt: skip
        return [_Row(*row) for row in rows]


async def _look(
    database: Database, objects: Objects, row: _Row, report: Report, slots: asyncio.Semaphore, now: datetime
) -> None:
    """Reads one object and says what is wrong with it."""
    async with slots, database.transaction(Role.SYSTEM, SystemScope()) as session:
        try:
            data = await objects.get(session, object_id=row.id, now=now)
        except ObjectMissing:
            current = await session.get(StoredObject, row.id, populate_existing=True)
            if current is not None and current.destroyed_at is None:
                report.missing.append(row.faulty)
        except ObjectDamaged:
            report.damaged.append(row.faulty)
        except KeyDestroyed:
            report.keyless.append(row.faulty)
        else:
            report.read += 1
            told = objects.vault.index("object", hashlib.sha256(data).hexdigest())
            if len(data) != row.size or not hmac.compare_digest(told, row.digest):
                report.damaged.append(row.faulty)


def _born(object_id: uuid.UUID) -> datetime:
    """When a UUIDv7 was made (RFC 9562, section 5.7); the beginning of time for another."""
    milliseconds = object_id.int >> 80 if object_id.version == 7 else 0
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
