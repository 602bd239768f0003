"""Keys of estates and subjects: made, opened, destroyed. What rotation asks of them is in `rotation`."""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from storage.vault import crypto, derived, master_file
from storage.vault.derived import TOKENS, Derived
from storage.vault.master_file import MasterKeys
from storage.vault.models import DerivedKey, EstateKey, RetiredEstateKey, SubjectKey

USED_HERE = "estate keys used in this transaction"
MASTER_LOCK = "master key"


class KeyDestroyed(Exception):
    """The key was destroyed: what it sealed is gone for good."""


def estate_lock(estate_id: uuid.UUID) -> str:
    """Held, shared, by every transaction that wraps with an estate's key; alone by the one that replaces it."""
    return f"estate key {estate_id}"


async def hold(session: AsyncSession, name: str) -> None:
    """Takes a lock shared, until the transaction ends."""
    await session.execute(select(func.pg_advisory_xact_lock_shared(func.hashtextextended(name, 0))))


async def hold_alone(session: AsyncSession, name: str) -> None:
    """Takes a lock alone, until the transaction ends; an error (55P03) when others keep it for five seconds."""
    await session.execute(text("SET LOCAL lock_timeout = '5s'"))
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
    await session.execute(text("SET LOCAL lock_timeout = 0"))


def check_value(master: bytes) -> bytes:
    """A keyed digest of a fixed text, by which a master key is recognised."""
    return crypto.blind_index(crypto.derive(master, "key-check"), "ruhu")


@dataclass(frozen=True, slots=True)
class _Used:
    """An estate's key as a transaction uses it, or a savepoint of it: one made there may still roll back."""

    root: object
    savepoint: object
    key: bytes


class Vault:
    """Opens the chain subject key ← estate key ← master key, and holds the keys of the installation.

    Keys of estates are kept in memory once opened, to open with; which one wraps is asked of the database in each
    transaction. Keys of subjects are not kept, so that their destruction takes effect with the transaction that does
    it. With `file`, master keys that another process has put there are learnt when one is met or needed.
    """

    index_key: bytes
    refresh_key: bytes
    device_token_key: bytes
    redaction_key: bytes
    second_factor_key: bytes
    answer_key: bytes

    def __init__(self, master: bytes | MasterKeys, *, file: Path | None = None) -> None:
        self.file = file
        self.read_as: tuple[int, ...] = ()
        self.estate_keys: dict[uuid.UUID, crypto.KeyRing] = {}
        self._take(MasterKeys((master,)) if isinstance(master, bytes) else master)
        self.learn(derived.of_first_releases(self.master.keys[-1]))

    def _take(self, master: MasterKeys) -> None:
        self.master = master
        self.wrapping = crypto.KeyRing(tuple(crypto.derive(key, "wrap-estate-keys") for key in master.all))
        self.check_value = check_value(master.keys[0])
        self.check_values = {
            crypto.key_id(w): check_value(m) for w, m in zip(self.wrapping.keys, master.all, strict=True)
        }

    def reread(self) -> bool:
        """Reads the file of the master keys again if it has changed since; whether it was read.

        What is wrong with the file then is its reader's to tell: this process keeps the keys it has.
        """
        if self.file is None:
            return False
        try:
            found = self.file.stat()
            state = (found.st_ino, found.st_mtime_ns, found.st_size)
            if state == self.read_as:
                return False
            self._take(master_file.load(self.file, create=False))
        except (OSError, ValueError):
            return False
        self.read_as = state
        return True

    def fresh(self) -> "Vault":
        """A vault of the same master keys that knows nothing else: for another database."""
        return Vault(self.master, file=self.file)

    def unwrap(self, wrapped: bytes, *, place: str) -> bytes:
        """Opens what a master key wrapped; raises `crypto.SealBroken`."""
        try:
            return crypto.unseal(self.wrapping, wrapped, place=place)
        except crypto.SealBroken:
            if not self.reread():
                raise
            return crypto.unseal(self.wrapping, wrapped, place=place)

    def wrap(self, key: bytes, *, place: str) -> bytes:
        """Wraps with the newest master key. The caller holds `MASTER_LOCK`."""
        self.reread()
        return crypto.seal(self.wrapping.current, key, place=place)

    def learn(self, found: Iterable[Derived]) -> None:
        """Takes over keys of the installation: the newest of each name, and every one that signed access tokens."""
        versions = sorted(found, key=lambda one: one.version)
        for one in versions:
            if one.name in derived.ATTRIBUTES:
                setattr(self, derived.ATTRIBUTES[one.name], one.key)
        tokens = [one for one in versions if one.name == TOKENS]
        if tokens:
            self.token_keys = {crypto.key_id(one.key): one for one in tokens}
            self.token_key = tokens[-1].key

    def learn_rows(self, rows: Iterable[tuple[str, int, bytes, datetime | None]]) -> None:
        """The same of rows (name, version, wrapped, retired)."""
        self.learn(
            Derived(name, version, self.unwrap(wrapped, place=derived.place(name, version)), retired_at)
            for name, version, wrapped, retired_at in rows
        )

    async def learn_tokens(self, session: AsyncSession) -> None:
        """Asks the database which keys sign access tokens."""
        rows = await session.execute(
            select(DerivedKey.name, DerivedKey.version, DerivedKey.wrapped, DerivedKey.retired_at).where(
                DerivedKey.name == TOKENS
            )
        )
        self.learn_rows([(name, version, wrapped, at) for name, version, wrapped, at in rows])

    def accepts_token_key(self, named: bytes, *, now: datetime, lifetime: timedelta) -> bytes | None:
        """The key of an access token: the one that signs, or one that did until its tokens have expired."""
        found = self.token_keys.get(named)
        if found is None or (found.retired_at is not None and now >= found.retired_at + lifetime):
            return None
        return found.key

    def index(self, kind: str, text: str) -> bytes:
        """The blind index of a value of some kind; equal values of different kinds have different indexes."""
        return crypto.blind_index(self.index_key, f"{kind}/{text}")

    def open_estate_key(self, estate_id: uuid.UUID, wrapped: bytes) -> bytes:
        """An estate's key from its wrapped form."""
        return self.unwrap(wrapped, place=f"estate-key/{estate_id}")

    async def estate_key(self, session: AsyncSession, *, estate_id: uuid.UUID, now: datetime) -> bytes:
        """The estate's key that wraps, made at first use.

        It stays that until the transaction ends: whoever replaces it waits for all that wrap with it.
        """
        used: dict[uuid.UUID, _Used] = session.info.setdefault(USED_HERE, {})
        root, savepoint = session.sync_session.get_transaction(), session.sync_session.get_nested_transaction()
        known = used.get(estate_id)
        if known is not None and known.root is root and known.savepoint in {None, savepoint}:
            return known.key
        await hold(session, estate_lock(estate_id))
        stored = await session.scalar(select(EstateKey.wrapped).where(EstateKey.estate_id == estate_id))
        if stored is None:
            await hold(session, MASTER_LOCK)
            await session.execute(
                insert(EstateKey)
                .values(
                    estate_id=estate_id, wrapped=self.wrap(crypto.new_key(), place=f"estate-key/{estate_id}"),
                    created_at=now,
                )
                .on_conflict_do_nothing(index_elements=["estate_id"])
            )  # fmt: skip
            stored = await session.scalar(select(EstateKey.wrapped).where(EstateKey.estate_id == estate_id))
            assert stored is not None  # noqa: S101 - inserted by us or by whoever was first
        key = self.open_estate_key(estate_id, stored)
        used[estate_id] = _Used(root, savepoint, key)
        return key

    async def opened(
        self, session: AsyncSession, *, estate_id: uuid.UUID, wrapped: Iterable[tuple[bytes, str]]
    ) -> list[bytes]:
        """Opens what keys of an estate wrapped: pairs of the wrapped key and its place.

        Raises `crypto.SealBroken`.
        """
        pairs = list(wrapped)
        ring = self.estate_keys.get(estate_id)
        if ring is not None:
            try:
                return [crypto.unseal(ring, sealed, place=place) for sealed, place in pairs]
            except crypto.SealBroken:  # perhaps by a key that is newer than what is remembered
                pass
        ring = self.estate_keys[estate_id] = await self._ring(session, estate_id)
        return [crypto.unseal(ring, sealed, place=place) for sealed, place in pairs]

    async def _ring(self, session: AsyncSession, estate_id: uuid.UUID) -> crypto.KeyRing:
        """All keys of an estate that stand. One whose making is rolled back does no harm: it opens nothing."""
        current = select(EstateKey.wrapped).where(EstateKey.estate_id == estate_id)
        retired = select(RetiredEstateKey.wrapped).where(RetiredEstateKey.estate_id == estate_id)
        stored = await session.scalars(current.union_all(retired))
        return crypto.KeyRing(tuple(self.open_estate_key(estate_id, wrapped) for wrapped in stored))

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
        del now
        place = f"subject-key/{estate_id}/{subject_id}"
        return (await self.opened(session, estate_id=estate_id, wrapped=[(wrapped, place)]))[0]

    async def subject_keys(
        self, session: AsyncSession, *, estate_id: uuid.UUID, subject_ids: list[uuid.UUID], now: datetime
    ) -> dict[uuid.UUID, bytes]:
        """The keys of many subjects of one estate; those destroyed are left out."""
        del now
        rows = await session.execute(
            select(SubjectKey.subject_id, SubjectKey.wrapped).where(
                SubjectKey.subject_id.in_(subject_ids), SubjectKey.wrapped.is_not(None)
            )
        )
        found = [(subject, wrapped or b"") for subject, wrapped in rows]
        pairs = [(wrapped, f"subject-key/{estate_id}/{subject}") for subject, wrapped in found]
        keys = await self.opened(session, estate_id=estate_id, wrapped=pairs) if found else []
        return dict(zip((subject for subject, _ in found), keys, strict=True))

    async def destroy_subject_key(self, session: AsyncSession, *, subject_id: uuid.UUID, now: datetime) -> None:
        """Destroys a subject's key; a tombstone stays."""
        await session.execute(
            update(SubjectKey)
            .where(SubjectKey.subject_id == subject_id, SubjectKey.wrapped.is_not(None))
            .values(wrapped=None, destroyed_at=now)
        )
