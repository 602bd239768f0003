"""Storing, reading and destroying objects."""

import asyncio
import hashlib
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from storage.ids import new_id
from storage.objects.models import StoredObject
from storage.objects.store import ObjectMissing, ObjectStore
from storage.vault import crypto
from storage.vault.service import Vault


@dataclass(frozen=True, slots=True)
class SealedObject:
    """An object ready to be stored: the ciphertext and what its row holds."""

    id: uuid.UUID
    sealed: bytes
    wrapped_key: bytes
    digest: bytes
    size: int


class Objects:
    """The object store with its keys. Blocking work runs in a bounded pool of threads."""

    def __init__(self, store: ObjectStore, vault: Vault, *, threads: int = 4) -> None:
        self.store = store
        self.vault = vault
        self.pool = ThreadPoolExecutor(threads, thread_name_prefix="objects")

    def seal(self, data: bytes, *, wrapping_key: bytes) -> SealedObject:
        """Encrypts `data` under a fresh key, wrapped by the estate's or the subject's key."""
        object_id = new_id()
        key = crypto.new_key()
        return SealedObject(
            id=object_id,
            sealed=crypto.seal(key, data, place=f"object/{object_id}"),
            wrapped_key=crypto.seal(wrapping_key, key, place=f"object-key/{object_id}"),
            digest=self.vault.index("object", hashlib.sha256(data).hexdigest()),
            size=len(data),
        )

    async def write(self, sealed: SealedObject) -> None:
        """Makes a sealed object durable; its row is the caller's to add. An orphan without a row is unreadable."""
        await asyncio.get_running_loop().run_in_executor(self.pool, self.store.put, str(sealed.id), sealed.sealed)

    async def put(
        self,
        session: AsyncSession,
        *,
        data: bytes,
        kind: str,
        content_type: str,
        estate_id: uuid.UUID,
        now: datetime,
        subject_id: uuid.UUID | None = None,
        expires_at: datetime | None = None,
    ) -> StoredObject:
        """Stores an object durably, then adds its row to the transaction."""
        wrapping = (
            await self.vault.estate_key(session, estate_id=estate_id, now=now)
            if subject_id is None
            else await self.vault.subject_key(session, estate_id=estate_id, subject_id=subject_id, now=now)
        )
        sealed = self.seal(data, wrapping_key=wrapping)
        await self.write(sealed)
        row = StoredObject(
            id=sealed.id, estate_id=estate_id, subject_id=subject_id, kind=kind, content_type=content_type,
            size=sealed.size, digest=sealed.digest, wrapped_key=sealed.wrapped_key, created_at=now,
            expires_at=expires_at,
        )  # fmt: skip
        session.add(row)
        return row

    async def get(self, session: AsyncSession, *, object_id: uuid.UUID, now: datetime) -> bytes:
        """The plain bytes of an object within the session's scope; raises `ObjectMissing` when destroyed."""
        row = await session.get(StoredObject, object_id)
        if row is None or row.wrapped_key is None:
            raise ObjectMissing(str(object_id))
        wrapping = (
            await self.vault.estate_key(session, estate_id=row.estate_id, now=now)
            if row.subject_id is None
            else await self.vault.subject_key(session, estate_id=row.estate_id, subject_id=row.subject_id, now=now)
        )
        key = crypto.unseal(wrapping, row.wrapped_key, place=f"object-key/{object_id}")
        sealed = await asyncio.get_running_loop().run_in_executor(self.pool, self.store.get, str(object_id))
        return crypto.unseal(key, sealed, place=f"object/{object_id}")

    async def destroy(self, session: AsyncSession, *, object_id: uuid.UUID, now: datetime) -> None:
        """Destroys an object's key and bytes; its row stays as proof."""
        await session.execute(
            update(StoredObject)
            .where(StoredObject.id == object_id, StoredObject.destroyed_at.is_(None))
            .values(wrapped_key=None, destroyed_at=now)
        )
        await asyncio.get_running_loop().run_in_executor(self.pool, self.store.delete, str(object_id))

    def close(self) -> None:
        """Ends the threads."""
        self.pool.shutdown(wait=True)
