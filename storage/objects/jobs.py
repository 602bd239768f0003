"""The bytes of objects whose keys were destroyed: deleted from the store until it confirms it."""

import asyncio
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.objects.models import StoredObject
from storage.objects.service import Objects
from storage.objects.store import StoreFailed

BATCH = 500


async def delete_bytes(
    session: AsyncSession, *, objects: Objects, now: datetime, limit: int = BATCH, wait: bool = False
) -> Sequence[StoredObject]:
    """Deletes waiting bytes and marks their rows; gives back the rows whose bytes are gone.

    To delete what is gone already is no error, so a run that dies before its commit is repeated with the same end.
    What the store could not do waits for the next run; `StoreFailed` when it could do none of it.
    """
    waiting = (
        await session.scalars(
            select(StoredObject)
            .where(StoredObject.destroyed_at.is_not(None), StoredObject.bytes_deleted_at.is_(None))
            .order_by(StoredObject.destroyed_at, StoredObject.id)
            .limit(limit)
            .with_for_update(skip_locked=not wait)
        )
    ).all()
    answers = await asyncio.gather(*(objects.remove(str(row.id)) for row in waiting), return_exceptions=True)
    gone = [row for row, answer in zip(waiting, answers, strict=True) if answer is None]
    if waiting and not gone:
        raise next(answer for answer in answers if isinstance(answer, BaseException))
    for answer in answers:
        if isinstance(answer, BaseException) and not isinstance(answer, StoreFailed):
            raise answer
    await session.execute(
        update(StoredObject)
        .where(StoredObject.id.in_([row.id for row in gone]))
        .values(bytes_deleted_at=now)
        .execution_options(synchronize_session=False)
    )
    return gone
