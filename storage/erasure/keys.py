"""Keys and objects of an erased person."""

import uuid
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.objects.models import StoredObject
from storage.objects.service import Objects
from storage.vault import crypto
from storage.vault.models import SubjectKey
from storage.vault.service import Vault


async def renew_subject_key(
    session: AsyncSession, *, vault: Vault, estate_id: uuid.UUID, subject_id: uuid.UUID, now: datetime
) -> bytes:
    """Replaces a person's key: what only the old one opens is gone. What has to stay is sealed again by the caller."""
    key = crypto.new_key()
    wrapping = await vault.estate_key(session, estate_id=estate_id, now=now)
    await session.execute(
        update(SubjectKey)
        .where(SubjectKey.subject_id == subject_id, SubjectKey.wrapped.is_not(None))
        .values(wrapped=crypto.seal(wrapping, key, place=f"subject-key/{estate_id}/{subject_id}"), created_at=now)
    )
    return key


async def destroy_objects_of(session: AsyncSession, *, objects: Objects, subject_id: uuid.UUID, now: datetime) -> int:
    """Destroys every object that belongs to a person, key and bytes; says how many there were."""
    found = list(
        await session.scalars(
            select(StoredObject.id).where(StoredObject.subject_id == subject_id, StoredObject.destroyed_at.is_(None))
        )
    )
    for object_id in found:
        await objects.destroy(session, object_id=object_id, now=now)
    return len(found)
