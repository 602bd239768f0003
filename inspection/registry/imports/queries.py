"""Every SQL statement about imports themselves."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.imports.models import ACTIVE, ImportStatus, RegistryImport, RegistryImportIssue
from inspection.registry.imports.report import Issue

PIECE = 1000


async def get(session: AsyncSession, *, import_id: uuid.UUID, lock: bool = False) -> RegistryImport | None:
    """An import."""
    return await session.get(RegistryImport, import_id, with_for_update=lock or None)


async def is_at(session: AsyncSession, *, import_id: uuid.UUID, status: ImportStatus) -> bool:
    """Whether an import is at a stage now."""
    found = await session.scalar(select(RegistryImport.status).where(RegistryImport.id == import_id))
    return found == status


async def active(session: AsyncSession, *, estate_id: uuid.UUID) -> RegistryImport | None:
    """The import that an estate is at."""
    return await session.scalar(
        select(RegistryImport).where(RegistryImport.estate_id == estate_id, RegistryImport.status.in_(ACTIVE))
    )


async def of_estate(
    session: AsyncSession, *, estate_id: uuid.UUID, after: uuid.UUID | None, limit: int
) -> Sequence[RegistryImport]:
    """Imports of an estate, newest first, from after a given one."""
    query = select(RegistryImport).where(RegistryImport.estate_id == estate_id)
    if after is not None:
        query = query.where(RegistryImport.id < after)
    return (await session.scalars(query.order_by(RegistryImport.id.desc()).limit(limit))).all()


async def begin(
    session: AsyncSession, *, import_id: uuid.UUID, stages: Collection[ImportStatus], now: datetime
) -> RegistryImport | None:
    """Counts an attempt at an import that is at one of the stages; None when it is at another."""
    return await session.scalar(
        update(RegistryImport)
        .where(RegistryImport.id == import_id, RegistryImport.status.in_(stages))
        .values(attempts=RegistryImport.attempts + 1, touched_at=now)
        .returning(RegistryImport)
    )


async def tell_progress(
    session: AsyncSession, *, import_id: uuid.UUID, now: datetime, rows: tuple[int, int] | None,
    records: tuple[int, int] | None,
) -> None:  # fmt: skip
    """Notes how far the work has come: rows checked of all, records applied of all."""
    values: dict[str, object] = {"touched_at": now}
    if rows is not None:
        values |= {"rows_checked": rows[0], "rows_total": max(rows)}
    if records is not None:
        values |= {"records_applied": records[0], "records_total": records[1]}
    await session.execute(
        update(RegistryImport).where(RegistryImport.id == import_id, RegistryImport.status.in_(ACTIVE)).values(**values)
    )


async def finish(
    session: AsyncSession, *, import_id: uuid.UUID, status: ImportStatus, records: int, now: datetime
) -> None:
    """Ends an import."""
    await session.execute(
        update(RegistryImport)
        .where(RegistryImport.id == import_id)
        .values(status=status, records_total=records, records_applied=records, ended_at=now, touched_at=now)
    )


async def replace_issues(
    session: AsyncSession, *, import_id: uuid.UUID, estate_id: uuid.UUID, issues: Sequence[Issue]
) -> None:
    """Keeps what was found in the file, in place of what was found before."""
    await session.execute(delete(RegistryImportIssue).where(RegistryImportIssue.import_id == import_id))
    for start in range(0, len(issues), PIECE):
        await session.execute(
            insert(RegistryImportIssue),
            [
                {
                    "import_id": import_id, "estate_id": estate_id, "position": position, "row": issue.row,
                    "column": issue.column, "code": issue.code, "severity": issue.severity, "value": issue.value,
                    "zh": issue.zh, "en": issue.en,
                }
                for position, issue in enumerate(issues[start : start + PIECE], start=start)
            ],
        )  # fmt: skip


async def issues(
    session: AsyncSession, *, import_id: uuid.UUID, after: int | None, limit: int | None
) -> Sequence[RegistryImportIssue]:
    """What was found in a file, by row, from after a position."""
    query = select(RegistryImportIssue).where(RegistryImportIssue.import_id == import_id)
    if after is not None:
        query = query.where(RegistryImportIssue.position > after)
    query = query.order_by(RegistryImportIssue.position)
    return (await session.scalars(query if limit is None else query.limit(limit))).all()


async def left_behind(session: AsyncSession, *, before: datetime) -> Sequence[RegistryImport]:
    """Imports that nothing has been heard of: their jobs are lost, or nobody has confirmed them."""
    working = RegistryImport.status.in_((ImportStatus.WAITING, ImportStatus.CHECKING, ImportStatus.APPLYING))
    return (await session.scalars(select(RegistryImport).where(working, RegistryImport.touched_at < before))).all()


async def unconfirmed(session: AsyncSession, *, before: datetime) -> Sequence[RegistryImport]:
    """Imports that were checked and not confirmed since."""
    return (
        await session.scalars(
            select(RegistryImport).where(
                RegistryImport.status == ImportStatus.CHECKED, RegistryImport.touched_at < before
            )
        )
    ).all()


async def forget_issues(session: AsyncSession, *, before: datetime) -> int:
    """Deletes what was found in files that are no longer kept."""
    old = select(RegistryImport.id).where(
        or_(RegistryImport.ended_at < before, RegistryImport.ended_at.is_(None)), RegistryImport.created_at < before
    )
    gone = await session.scalar(
        select(func.count()).select_from(RegistryImportIssue).where(RegistryImportIssue.import_id.in_(old))
    )
    await session.execute(delete(RegistryImportIssue).where(RegistryImportIssue.import_id.in_(old)))
    return int(gone or 0)
