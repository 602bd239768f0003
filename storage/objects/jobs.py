"""Destroying objects whose time has come."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.objects.models import StoredObject
from storage.objects.service import Objects


async def destroy_expired(session: AsyncSession, *, objects: Objects, now: datetime, limit: int = 2000) -> int:
    """Destroys the keys and bytes of expired objects; tells how many."""
    expired = list(
        await session.scalars(
            select(StoredObject.id)
            .where(StoredObject.expires_at <= now, StoredObject.destroyed_at.is_(None))
            .order_by(StoredObject.expires_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
    )
    for object_id in expired:
        await objects.destroy(session, object_id=object_id, now=now)
    return len(expired)
