"""An import as people steer it: a file is handed in, looked at, confirmed or cancelled. The work is done in `jobs`."""

import hashlib
import uuid
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.constraints import flush
from inspection.registry.imports import queries
from inspection.registry.imports.errors import ImportFileGone, ImportNotReady, ImportRunning
from inspection.registry.imports.models import ACTIVE, ImportStatus, RegistryImport
from inspection.registry.places.service import get_estate
from storage.audit.service import Actor, record
from storage.ids import new_id
from storage.jobs import defer
from storage.objects.service import Objects
from storage.objects.store import ObjectMissing
from storage.problems import NotFound
from storage.vault.service import Vault

CHECK_TASK: Final = "registry.check_import"
APPLY_TASK: Final = "registry.apply_import"
KEPT: Final = timedelta(days=7)  # the file, and what was found in it


async def hand_in(
    session: AsyncSession,
    *,
    vault: Vault,
    objects: Objects,
    estate_id: uuid.UUID,
    content: bytes,
    name: str,
    sheet: str = "",
    full_list: bool = False,
    create_units: bool = False,
    queue: bool = True,
    actor: Actor,
    now: datetime,
) -> RegistryImport:
    """Stores a file, encrypted, to be checked; `queue`: by the worker, else the caller checks it at once.

    `full_list`: the file names everything the estate has, so that what it lacks is listed. The same file again while
    its import is active is that import. Raises `NotFound`, `ImportRunning`.
    """
    await get_estate(session, estate_id=estate_id)
    digest = vault.index("registry-import", hashlib.sha256(content).hexdigest())
    running = await queries.active(session, estate_id=estate_id)
    if running is not None:
        if (running.digest, running.sheet, running.full_list, running.create_units, running.created_by) == (
            digest, sheet, full_list, create_units, actor.user_id,
        ):  # fmt: skip
            return running
        raise ImportRunning(import_id=str(running.id))
    stored = await objects.put(
        session, data=content, kind="registry-import", content_type="application/octet-stream", estate_id=estate_id,
        now=now, expires_at=now + KEPT,
    )  # fmt: skip
    await session.flush()
    row = RegistryImport(
        id=new_id(), estate_id=estate_id, object_id=stored.id, name=name[:200], sheet=sheet, digest=digest,
        size=len(content), full_list=full_list, create_units=create_units, status=ImportStatus.WAITING, attempts=0,
        rows_total=0, rows_checked=0, records_total=0, records_applied=0, created_by=actor.user_id, created_at=now,
        touched_at=now,
    )  # fmt: skip
    session.add(row)
    await flush(session, {"uq_registry_import_active": ImportRunning()})
    record(session, at=now, actor=actor, action="registry.import-upload", object_kind="registry_import",
           object_id=row.id, estate_id=estate_id, size=len(content), full_list=full_list)  # fmt: skip
    if queue:
        await put_into_queue(session, row)
    return row


async def put_into_queue(session: AsyncSession, row: RegistryImport) -> None:
    """Has a worker check or apply an import; one job at a time waits for it."""
    task = APPLY_TASK if row.status == ImportStatus.APPLYING else CHECK_TASK
    await defer(session, task=task, lock=f"{task}/{row.id}", import_id=row.id)


async def get_import(session: AsyncSession, *, import_id: uuid.UUID, lock: bool = False) -> RegistryImport:
    """An import in scope. Raises `NotFound`."""
    found = await queries.get(session, import_id=import_id, lock=lock)
    if found is None:
        raise NotFound("没有这次导入", "No such import")
    return found


async def confirm(
    session: AsyncSession, *, import_id: uuid.UUID, queue: bool = True, actor: Actor, now: datetime
) -> RegistryImport:
    """Somebody has read the report and wants it so. Raises `NotFound`, `ImportNotReady`."""
    row = await get_import(session, import_id=import_id, lock=True)
    if row.status == ImportStatus.APPLYING:
        return row
    if row.status != ImportStatus.CHECKED:
        raise ImportNotReady(status=row.status)
    row.status, row.attempts = ImportStatus.APPLYING, 0
    row.confirmed_by, row.confirmed_at, row.touched_at = actor.user_id, now, now
    record(session, at=now, actor=actor, action="registry.import-confirm", object_kind="registry_import",
           object_id=row.id, estate_id=row.estate_id)  # fmt: skip
    await session.flush()
    if queue:
        await put_into_queue(session, row)
    return row


async def cancel(session: AsyncSession, *, import_id: uuid.UUID, actor: Actor, now: datetime) -> RegistryImport:
    """Gives an import up that is not being applied. Raises `NotFound`, `ImportNotReady`."""
    row = await get_import(session, import_id=import_id, lock=True)
    if row.status not in ACTIVE or row.status == ImportStatus.APPLYING:
        raise ImportNotReady(status=row.status)
    row.status, row.ended_at, row.touched_at = ImportStatus.CANCELLED, now, now
    record(session, at=now, actor=actor, action="registry.import-cancel", object_kind="registry_import",
           object_id=row.id, estate_id=row.estate_id)  # fmt: skip
    await session.flush()
    return row


async def file_of(session: AsyncSession, row: RegistryImport, *, objects: Objects, now: datetime) -> bytes:
    """The file's bytes. Raises `ImportFileGone`."""
    try:
        return await objects.get(session, object_id=row.object_id, now=now)
    except ObjectMissing:
        raise ImportFileGone from None
