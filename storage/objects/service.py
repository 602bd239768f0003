"""Storing, reading and destroying objects."""

import asyncio
import hashlib
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from storage import jobs
from storage.ids import new_id
from storage.objects.models import StoredObject
from storage.objects.store import ObjectMissing, ObjectStore, StoreFailed, StoreReason
from storage.vault import crypto
from storage.vault.service import Vault

DELETE_BYTES = "objects.delete_bytes"


MOST_WAITING = 256 * 1024 * 1024  # bytes that may wait for a slow store; what comes then is refused at once
PATIENCE_S = 60.0  # no operation of a store takes longer by itself; more is the queue before it

T = TypeVar("T")


class ObjectDamaged(crypto.SealBroken):
    """The bytes of an object do not open: they were altered, or are those of another."""

    def __init__(self, object_id: uuid.UUID) -> None:
        super().__init__(f"object {object_id} is damaged")
        self.object_id = object_id


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
        self.waiting = 0

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
        if self.waiting + len(sealed.sealed) > MOST_WAITING:
            raise StoreFailed(StoreReason.SLOW, "too much waits for it")
        self.waiting += len(sealed.sealed)
        try:
            await self._run(self.store.put, str(sealed.id), sealed.sealed)
        finally:
            self.waiting -= len(sealed.sealed)

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
        """The plain bytes of an object within the session's scope.

        Raises `ObjectMissing` when it is destroyed, `ObjectDamaged`, `KeyDestroyed` and `StoreFailed`.
        """
        row = await session.get(StoredObject, object_id)
        if row is None or row.wrapped_key is None:
            raise ObjectMissing(str(object_id))
        place, wrapping = f"object-key/{object_id}", None
        if row.subject_id is not None:
            wrapping = await self.vault.subject_key(
                session, estate_id=row.estate_id, subject_id=row.subject_id, now=now
            )
        sealed = await self._run(self.store.get, str(object_id))
        try:
            if wrapping is not None:
                key = crypto.unseal(wrapping, row.wrapped_key, place=place)
            else:
                pair = (row.wrapped_key, place)
                (key,) = await self.vault.opened(session, estate_id=row.estate_id, wrapped=[pair])
            return crypto.unseal(key, sealed, place=f"object/{object_id}")
        except crypto.SealBroken:
            raise ObjectDamaged(object_id) from None

    async def destroy(self, session: AsyncSession, *, object_id: uuid.UUID, now: datetime) -> int:
        """Destroys an object's key; its row stays as proof. Gives back its size, 0 for one that is gone already.

        The bytes lie in a store that knows no transaction. Were they deleted here, a rollback would leave a row whose
        picture is lost. So the key goes with the transaction, which makes the bytes unreadable, and a job that the
        same transaction puts in deletes them after (`storage.objects.jobs`), again and again until the store confirms.
        """
        size: int | None = await session.scalar(
            update(StoredObject)
            .where(StoredObject.id == object_id, StoredObject.destroyed_at.is_(None))
            .values(wrapped_key=None, destroyed_at=now)
            .returning(StoredObject.size)
        )
        if size is None:
            return 0
        await jobs.defer(session, task=DELETE_BYTES, lock=DELETE_BYTES)
        return size

    async def remove(self, key: str) -> None:
        """Deletes the bytes of a key from the store; raises `StoreFailed`."""
        await self._run(self.store.delete, key)

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        """Runs blocking work in the pool; what takes too long to come to its turn fails like a slow store."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await asyncio.get_running_loop().run_in_executor(self.pool, work, *arguments)
        except TimeoutError:
            raise StoreFailed(StoreReason.SLOW, "waited too long") from None

    def close(self) -> None:
        """Ends the threads."""
        self.pool.shutdown(wait=True)
