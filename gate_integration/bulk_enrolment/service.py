"""An archive as people steer it: handed in, looked at, confirmed or cancelled. The work is done in `jobs`."""

import hashlib
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.bulk_enrolment import queries
from gate_integration.bulk_enrolment.errors import (
    ArchiveEmpty,
    ArchiveTooLarge,
    PhotoImportNotReady,
    PhotoImportRunning,
)
from gate_integration.bulk_enrolment.models import ACTIVE, ImportStatus, PhotoImport, PhotoImportPiece
from gate_integration.bulk_enrolment.retention import ARCHIVE
from gate_integration.enrolment.parameters import rules_of
from inspection.registry.constraints import flush
from inspection.registry.places.service import get_estate
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.jobs import defer
from storage.objects.service import Objects
from storage.problems import NotFound
from storage.vault.service import Vault

CHECK_TASK: Final = "enrolment.check_photos"
APPLY_TASK: Final = "enrolment.apply_photos"
PIECE: Final = 4 * 1024 * 1024
MOST_BYTES: Final = 512 * 1024 * 1024
KIND: Final = "photo-archive"
Transactions = Callable[[], AbstractAsyncContextManager[AsyncSession]]


async def hand_in(
    transaction: Transactions,
    *,
    vault: Vault,
    objects: Objects,
    estate_id: uuid.UUID,
    content: AsyncIterator[bytes],
    name: str,
    queue: bool = True,
    actor: Actor,
    now: datetime,
) -> PhotoImport:
    """Stores an archive piece by piece, encrypted, to be checked; never more than a piece of it is in memory.

    Each piece is stored in a transaction of its own, with the day on which it is destroyed whatever happens. The same
    archive again while it is active is that import. Raises `NotFound`, `PhotoImportRunning`, `ArchiveEmpty`,
    `ArchiveTooLarge`.
    """
    async with transaction() as session:
        await get_estate(session, estate_id=estate_id)
        rules = await rules_of(session, estate_id=estate_id, on=local_day(now))
        running = await queries.active(session, estate_id=estate_id)
        if running is not None and running.created_by != actor.user_id:
            raise PhotoImportRunning(import_id=str(running.id))
    delete_at = now + timedelta(days=int(rules.values.get(ARCHIVE.key, ARCHIVE.value)))
    stored: list[uuid.UUID] = []
    taken = False
    try:
        digest, size = await _store(
            transaction, content, objects=objects, estate_id=estate_id, stored=stored, delete_at=delete_at, now=now
        )
        keyed = vault.index(KIND, digest)
        async with transaction() as session:
            row = await _running(session, estate_id=estate_id, digest=keyed, actor=actor)
            if row is None:
                row = await _add(
                    session, estate_id=estate_id, name=name, digest=keyed, size=size, stored=stored,
                    delete_at=delete_at, queue=queue, actor=actor, now=now,
                )  # fmt: skip
                taken = True
        return row
    finally:
        if not taken:
            await _let_go(transaction, objects, stored, now)


async def _store(
    transaction: Transactions, content: AsyncIterator[bytes], *, objects: Objects, estate_id: uuid.UUID,
    stored: list[uuid.UUID], delete_at: datetime, now: datetime,
) -> tuple[str, int]:  # fmt: skip
    """Stores the pieces, noting each in `stored`; the digest and the size of the whole."""
    digest, size = hashlib.sha256(), 0
    async for piece in in_pieces(content):
        size += len(piece)
        if size > MOST_BYTES:
            raise ArchiveTooLarge
        digest.update(piece)
        async with transaction() as session:
            row = await objects.put(
                session, data=piece, kind=KIND, content_type="application/zip", estate_id=estate_id, now=now,
                expires_at=delete_at,
            )  # fmt: skip
        stored.append(row.id)
    if not size:
        raise ArchiveEmpty
    return digest.hexdigest(), size


async def _running(session: AsyncSession, *, estate_id: uuid.UUID, digest: bytes, actor: Actor) -> PhotoImport | None:
    """The active import, if it is of the same archive by the same hand. Raises `PhotoImportRunning`."""
    row = await queries.active(session, estate_id=estate_id)
    if row is not None and (row.digest, row.created_by) != (digest, actor.user_id):
        raise PhotoImportRunning(import_id=str(row.id))
    return row


async def _let_go(transaction: Transactions, objects: Objects, stored: list[uuid.UUID], now: datetime) -> None:
    async with transaction() as session:
        for object_id in stored:
            await objects.destroy(session, object_id=object_id, now=now)


async def _add(
    session: AsyncSession, *, estate_id: uuid.UUID, name: str, digest: bytes, size: int, stored: list[uuid.UUID],
    delete_at: datetime, queue: bool, actor: Actor, now: datetime,
) -> PhotoImport:  # fmt: skip
    row = PhotoImport(
        id=new_id(), estate_id=estate_id, name=name[:200], digest=digest, size=size, status=ImportStatus.WAITING,
        attempts=0, refused="", lines_total=0, lines_checked=0, lines_ready=0, lines_applied=0,
        created_by=actor.user_id, created_at=now, touched_at=now, delete_at=delete_at,
    )  # fmt: skip
    session.add(row)
    await flush(session, {"uq_photo_import_active": PhotoImportRunning()})
    session.add_all(
        PhotoImportPiece(import_id=row.id, position=position, estate_id=estate_id, object_id=object_id)
        for position, object_id in enumerate(stored)
    )
    record(session, at=now, actor=actor, action="photo-import.upload", object_kind="photo_import", object_id=row.id,
           estate_id=estate_id, size=size)  # fmt: skip
    if queue:
        await put_into_queue(session, row)
    await session.flush()
    return row


async def in_pieces(content: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of `PIECE`, the last one shorter."""
    waiting = bytearray()
    async for part in content:
        waiting += part
        while len(waiting) >= PIECE:
            yield bytes(waiting[:PIECE])
            del waiting[:PIECE]
    if waiting:
        yield bytes(waiting)


async def put_into_queue(session: AsyncSession, row: PhotoImport) -> None:
    """Has a worker check or apply an archive; one job at a time waits for it."""
    task = APPLY_TASK if row.status == ImportStatus.APPLYING else CHECK_TASK
    await defer(session, task=task, lock=f"{task}/{row.id}", import_id=row.id)


async def get_import(session: AsyncSession, *, import_id: uuid.UUID, lock: bool = False) -> PhotoImport:
    """An archive in scope. Raises `NotFound`."""
    found = await queries.get(session, import_id=import_id, lock=lock)
    if found is None:
        raise NotFound("没有这次照片导入", "No such archive of photographs")
    return found


async def confirm(
    session: AsyncSession, *, import_id: uuid.UUID, queue: bool = True, actor: Actor, now: datetime
) -> PhotoImport:
    """Somebody has read the report and wants it so. Raises `NotFound`, `PhotoImportNotReady`."""
    row = await get_import(session, import_id=import_id, lock=True)
    if row.status == ImportStatus.APPLYING:
        return row
    if row.status != ImportStatus.CHECKED:
        raise PhotoImportNotReady(status=row.status)
    row.status, row.attempts = ImportStatus.APPLYING, 0
    row.confirmed_by, row.confirmed_at, row.touched_at = actor.user_id, now, now
    record(session, at=now, actor=actor, action="photo-import.confirm", object_kind="photo_import", object_id=row.id,
           estate_id=row.estate_id, ready=row.lines_ready)  # fmt: skip
    if queue:
        await put_into_queue(session, row)
    await session.flush()
    return row


async def cancel(
    session: AsyncSession, *, import_id: uuid.UUID, objects: Objects, reason: str | None = None, actor: Actor,
    now: datetime,
) -> PhotoImport:  # fmt: skip
    """Gives up an archive that is not being applied; it is destroyed. Raises `NotFound`, `PhotoImportNotReady`."""
    row = await get_import(session, import_id=import_id, lock=True)
    if row.status not in ACTIVE or row.status == ImportStatus.APPLYING:
        raise PhotoImportNotReady(status=row.status)
    await queries.drop_open_lines(session, import_id=row.id)
    await end(session, row, status=ImportStatus.CANCELLED, objects=objects, now=now)
    record(session, at=now, actor=actor, action="photo-import.cancel", object_kind="photo_import", object_id=row.id,
           estate_id=row.estate_id, reason=reason)  # fmt: skip
    return row


async def end(
    session: AsyncSession, row: PhotoImport, *, status: ImportStatus, objects: Objects, now: datetime
) -> None:
    """Ends an import: the archive is destroyed, whatever became of it."""
    for object_id, _ in await queries.pieces(session, import_id=row.id):
        await objects.destroy(session, object_id=object_id, now=now)
    await queries.forget_pieces(session, import_id=row.id)
    await queries.count(session, row, now=now)
    row.status, row.ended_at, row.touched_at = status, now, now
    await session.flush()
