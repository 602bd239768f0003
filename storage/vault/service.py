"""Keys of estates and subjects: made, opened, destroyed."""

import uuid
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from storage.vault import crypto
from storage.vault.models import EstateKey, SubjectKey

MADE_HERE = "estate keys made in this transaction"


class KeyDestroyed(Exception):
    """The key was destroyed: what it sealed is gone for good."""


class Vault:
    """Opens the chain subject key ← estate key ← master key.

    Keys of estates are kept in memory once opened; keys of subjects are not, so that their destruction takes effect
    with the transaction that does it.
    """

    def __init__(self, master: bytes) -> None:
        self.wrapping = crypto.derive(master, "wrap-estate-keys")
        self.index_key = crypto.derive(master, "blind-index")
        self.token_key = crypto.derive(master, "access-tokens")
        self.device_token_key = crypto.derive(master, "device-tokens")
        self.redaction_key = crypto.derive(master, "redaction-hash")
        self.check_value = crypto.blind_index(crypto.derive(master, "key-check"), "ruhu")
        self.second_factor_key = crypto.derive(master, "second-factors")
        self.answer_key = crypto.derive(master, "answered-requests")
        self.estate_keys: dict[uuid.UUID, bytes] = {}

    def index(self, kind: str, text: str) -> bytes:
        """The blind index of a value of some kind; equal values of different kinds have different indexes."""
        return crypto.blind_index(self.index_key, f"{kind}/{text}")

    def open_estate_key(self, estate_id: uuid.UUID, wrapped: bytes) -> bytes:
        """An estate's key from its wrapped form, remembered."""
        if estate_id not in self.estate_keys:
            self.estate_keys[estate_id] = crypto.unseal(self.wrapping, wrapped, place=f"estate-key/{estate_id}")
        return self.estate_keys[estate_id]

    async def estate_key(self, session: AsyncSession, *, estate_id: uuid.UUID, now: datetime) -> bytes:
        """An estate's key, made at first use."""
        if estate_id in self.estate_keys:
            return self.estate_keys[estate_id]
        # A key made in this transaction is remembered with it alone, since it may still roll back: what another
        # transaction sealed with it would be lost. One made within a savepoint is good within that savepoint.
        made: dict[uuid.UUID, tuple[object, bytes]] = session.info.setdefault(MADE_HERE, {})
        savepoint, key = made.get(estate_id, (None, b""))
        if key and savepoint in {None, session.sync_session.get_nested_transaction()}:
            return key
        stored = await session.scalar(select(EstateKey.wrapped).where(EstateKey.estate_id == estate_id))
        if stored is not None and not key:
            return self.open_estate_key(estate_id, stored)
        if stored is None:
            wrapped = crypto.seal(self.wrapping, crypto.new_key(), place=f"estate-key/{estate_id}")
            await session.execute(
                insert(EstateKey)
                .values(estate_id=estate_id, wrapped=wrapped, created_at=now)
                .on_conflict_do_nothing(index_elements=["estate_id"])
            )
            stored = await session.scalar(select(EstateKey.wrapped).where(EstateKey.estate_id == estate_id))
            assert stored is not None  # noqa: S101 - inserted by us or by whoever was first
        key = crypto.unseal(self.wrapping, stored, place=f"estate-key/{estate_id}")
        made[estate_id] = (session.sync_session.get_nested_transaction(), key)
        return key

    async def new_subject_key(
        self, session: AsyncSession, *, estate_id: uuid.UUID, subject_id: uuid.UUID, now: datetime
    ) -> bytes:
        """Makes the key of a new subject."""
        key = crypto.new_key()
        wrapping = await self.estate_key(session, estate_id=estate_id, now=now)
        session.add(
            SubjectKey(
                subject_id=subject_id,
                estate_id=estate_id,
                wrapped=crypto.seal(wrapping, key, place=f"subject-key/{estate_id}/{subject_id}"),
                created_at=now,
            )
        )
        return key

    async def subject_key(
        self, session: AsyncSession, *, estate_id: uuid.UUID, subject_id: uuid.UUID, now: datetime
    ) -> bytes:
        """A subject's key.

        Raises `KeyDestroyed` when there is none any more.
        """
        wrapped = await session.scalar(select(SubjectKey.wrapped).where(SubjectKey.subject_id == subject_id))
        if wrapped is None:
            raise KeyDestroyed(str(subject_id))
        wrapping = await self.estate_key(session, estate_id=estate_id, now=now)
        return crypto.unseal(wrapping, wrapped, place=f"subject-key/{estate_id}/{subject_id}")

    async def subject_keys(
        self, session: AsyncSession, *, estate_id: uuid.UUID, subject_ids: list[uuid.UUID], now: datetime
    ) -> dict[uuid.UUID, bytes]:
        """The keys of many subjects of one estate; those destroyed are left out."""
        rows = await session.execute(
            select(SubjectKey.subject_id, SubjectKey.wrapped).where(
                SubjectKey.subject_id.in_(subject_ids), SubjectKey.wrapped.is_not(None)
            )
        )
        wrapping = await self.estate_key(session, estate_id=estate_id, now=now)
        return {
            subject: crypto.unseal(wrapping, wrapped or b"", place=f"subject-key/{estate_id}/{subject}")
            for subject, wrapped in rows
        }

    async def destroy_subject_key(self, session: AsyncSession, *, subject_id: uuid.UUID, now: datetime) -> None:
        """Destroys a subject's key; a tombstone stays."""
        await session.execute(
            update(SubjectKey)
            .where(SubjectKey.subject_id == subject_id, SubjectKey.wrapped.is_not(None))
            .values(wrapped=None, destroyed_at=now)
        )
