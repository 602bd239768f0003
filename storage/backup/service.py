"""What the database is told of backups, drills and restores."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CursorResult, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from storage.audit.service import Actor, record
from storage.backup.make import Made
from storage.backup.manifest import Manifest
from storage.backup.models import Backup, BackupDrill
from storage.deployment import RestoreEpoch, current_epoch
from storage.ids import new_id


@dataclass(frozen=True, slots=True)
class Standing:
    """How well the data is backed up, for health and metrics; None where there is none yet."""

    last_backup_at: datetime | None
    last_verified_at: datetime | None
    last_drill_at: datetime | None
    last_drill_passed: bool | None


async def standing(session: AsyncSession) -> Standing:
    """When the last backup was taken and verified, and how the last drill went."""
    taken, verified = (await session.execute(select(func.max(Backup.taken_at), func.max(Backup.verified_at)))).one()
    drill = await session.scalar(select(BackupDrill).order_by(BackupDrill.at.desc()).limit(1))
    return Standing(taken, verified, drill.at if drill else None, drill.passed if drill else None)


def record_backup(
    session: AsyncSession, *, made: Made, finished_at: datetime, verified_at: datetime | None, actor: Actor
) -> None:
    """Notes a finished backup and the digest of its manifest."""
    manifest = made.manifest
    session.add(
        Backup(
            id=manifest.backup_id, taken_at=manifest.taken_at, finished_at=finished_at, epoch=manifest.epoch,
            revision=manifest.revision, directory=str(made.directory)[-1000:],
            manifest_digest=bytes.fromhex(made.digest), objects=manifest.objects, object_bytes=manifest.object_bytes,
            missing=len(manifest.missing), verified_at=verified_at,
        )
    )  # fmt: skip
    record(session, at=finished_at, actor=actor, action="backup.made", object_kind="backup",
           object_id=manifest.backup_id, manifest=made.digest, objects=manifest.objects,
           missing=len(manifest.missing))  # fmt: skip


def record_drill(
    session: AsyncSession, *, backup_id: uuid.UUID, opened: int, findings: list[str], now: datetime, actor: Actor
) -> uuid.UUID:
    """Notes the result of a drill."""
    drill_id = new_id()
    session.add(
        BackupDrill(id=drill_id, backup_id=backup_id, at=now, passed=not findings, objects_opened=opened,
                    findings=findings[:100])
    )  # fmt: skip
    record(session, at=now, actor=actor, action="backup.drilled", object_kind="backup", object_id=backup_id,
           passed=not findings, findings=len(findings), objects_opened=opened)  # fmt: skip
    return drill_id


def epoch_after(known: int, *, now: datetime) -> int:
    """The next epoch: above every known one, and never one that another restore of the same backup began.

    The database that is restored knows nothing of restores after it was backed up; clients may. So epochs begun by a
    restore count the minutes since 1970.
    """
    return max(known + 1, int(now.timestamp()) // 60)


async def begin_epoch(
    session: AsyncSession, *, manifest: Manifest, replaced_epoch: int, reason: str, now: datetime, actor: Actor,
    replaced: str | None,
) -> int:  # fmt: skip
    """Begins the epoch after a restore; what clients remember of the one before may be of a future that was lost."""
    epoch = epoch_after(max(await current_epoch(session), replaced_epoch), now=now)
    session.add(
        RestoreEpoch(epoch=epoch, began_at=now, backup_id=manifest.backup_id, backup_taken_at=manifest.taken_at,
                     reason=reason)
    )  # fmt: skip
    record(session, at=now, actor=actor, action="database.restored", object_kind="backup",
           object_id=manifest.backup_id, reason=reason, epoch=epoch, taken_at=manifest.taken_at.isoformat(),
           replaced=replaced)  # fmt: skip
    return epoch


async def bury_lost_objects(session: AsyncSession, *, manifest: Manifest, now: datetime) -> int:
    """Rows whose bytes are not in the backup become tombstones: a live row promises its bytes."""
    lost = [*manifest.destroyed_meanwhile, *manifest.missing]
    if not lost:
        return 0
    result = await session.execute(
        text(
            "UPDATE stored_object SET wrapped_key = NULL, destroyed_at = :now "
            "WHERE id = ANY (:ids) AND destroyed_at IS NULL"
        ),
        {"ids": lost, "now": now},
    )
    return result.rowcount if isinstance(result, CursorResult) else 0


async def requeue_jobs(session: AsyncSession) -> int:
    """Jobs that were being done when the backup was taken are put back; their workers are gone.

    One that waits a second time under the same lock already is not put back twice: it counts as failed.
    """
    await session.execute(
        text(
            "UPDATE procrastinate_jobs j SET status = 'failed', worker_id = NULL WHERE status = 'doing' AND EXISTS ("
            "SELECT 1 FROM procrastinate_jobs w WHERE w.queueing_lock = j.queueing_lock AND w.status = 'todo')"
        )
    )
    result = await session.execute(
        text(
            "UPDATE procrastinate_jobs SET status = 'todo', worker_id = NULL, abort_requested = false, "
            "scheduled_at = NULL WHERE status = 'doing'"
        )
    )
    await session.execute(text("DELETE FROM procrastinate_workers"))
    return result.rowcount if isinstance(result, CursorResult) else 0
