"""Replacing keys while everybody works: a new key wraps from now on, what older ones wrapped is wrapped anew.

Each batch is a transaction of its own, and takes what is not yet under the newest key: a run that was killed is simply
run again. An older key is removed (`prune`) when nothing is under it. What makes that safe: whoever wraps holds a lock
(`service.hold`) until the end of the transaction and reads which key is the newest under it, so that after the lock
was held alone nobody wraps with the older one any more.
"""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, select, tuple_, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from storage import jobs
from storage.audit import service as audit
from storage.audit.service import Actor
from storage.database import Database, Role, SystemScope
from storage.deployment import KeyCheck
from storage.objects.models import StoredObject
from storage.vault import crypto, derived, master_file
from storage.vault.derived import TOKENS
from storage.vault.errors import KeysBusy, KeysInUse, NoEstateKey
from storage.vault.models import DerivedKey, EstateKey, RetiredEstateKey, SubjectKey
from storage.vault.service import MASTER_LOCK, Vault, estate_lock, hold, hold_alone

REWRAP = "keys.rewrap"
MASTER = "master"
BATCH = 500
LOCK_NOT_AVAILABLE = "55P03"
SETTLES = timedelta(minutes=10)
"""The intake wraps with what it remembers for seconds, without a lock: a retired key stays this long at least."""
TOKEN_KEYS_KEPT = timedelta(days=1)

Elsewhere = Callable[[AsyncSession, uuid.UUID, bytes], Awaitable[int]]
"""How much of an estate, outside this floor, is sealed by the key with an id, or does not say by which."""


Reseal = Callable[[AsyncSession, uuid.UUID, bytes, bytes], Awaitable[None]]
"""Seals again what has to be under an estate's new key at once: of a session, the estate, the old key, the new."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A column of wrapped keys: what identifies a row, and where the row's key belongs."""

    column: InstrumentedAttribute[Any]
    names: tuple[InstrumentedAttribute[Any], ...]
    place: Callable[..., str]


UNDER_MASTER = (
    Wrapped(EstateKey.wrapped, (EstateKey.estate_id,), lambda estate: f"estate-key/{estate}"),
    Wrapped(
        RetiredEstateKey.wrapped, (RetiredEstateKey.estate_id, RetiredEstateKey.key_id),
        lambda estate, _: f"estate-key/{estate}",
    ),
    Wrapped(DerivedKey.wrapped, (DerivedKey.name, DerivedKey.version), derived.place),
)  # fmt: skip


def not_under(wrapped: Wrapped, key: bytes) -> ColumnElement[bool]:
    """Of rows that are there: not wrapped by `key`, or not saying so."""
    named = crypto.NAMED + crypto.key_id(key)
    return wrapped.column.is_not(None) & (func.substring(wrapped.column, 1, len(named)) != named)


def under_estate(estate_id: uuid.UUID) -> list[tuple[Wrapped, ColumnElement[bool]]]:
    """What an estate's key wraps here: keys of subjects, and of objects that are nobody's."""
    return [
        (
            Wrapped(SubjectKey.wrapped, (SubjectKey.subject_id,), lambda subject: f"subject-key/{estate_id}/{subject}"),
            SubjectKey.estate_id == estate_id,
        ),
        (
            Wrapped(StoredObject.wrapped_key, (StoredObject.id,), lambda object_id: f"object-key/{object_id}"),
            (StoredObject.estate_id == estate_id) & StoredObject.subject_id.is_(None),
        ),
    ]


async def count(session: AsyncSession, wrapped: Wrapped, *conditions: ColumnElement[bool]) -> int:
    """How many rows."""
    found = await session.scalar(select(func.count()).select_from(wrapped.column.class_).where(*conditions))
    return int(found or 0)


async def _batch(
    session: AsyncSession,
    wrapped: Wrapped,
    conditions: list[ColumnElement[bool]],
    *,
    anew: Callable[[bytes, str], Awaitable[bytes]],
    limit: int,
) -> tuple[int, tuple[object, ...] | None]:
    """Wraps up to `limit` rows anew; how many, and the last one."""
    rows = select(wrapped.column, *wrapped.names).where(*conditions).order_by(*wrapped.names).limit(limit)
    found: Sequence[Any] = (await session.execute(rows.with_for_update(skip_locked=True))).all()
    for sealed, *names in found:
        value = await anew(sealed, wrapped.place(*names))
        await session.execute(
            update(wrapped.column.class_)
            .where(tuple_(*wrapped.names) == tuple_(*names))
            .values({wrapped.column.key: value})
            .execution_options(synchronize_session=False)
        )
    return len(found), tuple(found[-1][1:]) if found else None


async def _all(
    database: Database,
    wrapped: Wrapped,
    condition: Callable[[], list[ColumnElement[bool]]],
    *,
    anew: Callable[[AsyncSession], Callable[[bytes, str], Awaitable[bytes]]],
    lock: str,
    limit: int,
) -> int:
    """Goes through a column in batches; how many rows were wrapped anew."""
    done, after = 0, None
    while True:
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            await hold(session, lock)
            conditions = condition()
            if after is not None:
                conditions.append(tuple_(*wrapped.names) > tuple_(*after))
            some, after = await _batch(session, wrapped, conditions, anew=anew(session), limit=limit)
        done += some
        if some < limit:
            return done


async def rewrap_master(database: Database, *, vault: Vault, actor: Actor, now: datetime, limit: int = BATCH) -> int:
    """Wraps everything under the newest master key; how many keys were wrapped anew.

    When all of it is, the database is bound to that key.
    """
    vault.reread()

    def anew(_: AsyncSession) -> Callable[[bytes, str], Awaitable[bytes]]:
        async def wrap(sealed: bytes, place: str) -> bytes:
            return vault.wrap(vault.unwrap(sealed, place=place), place=place)

        return wrap

    done = 0
    for wrapped in UNDER_MASTER:
        done += await _all(
            database, wrapped, lambda w=wrapped: [not_under(w, vault.wrapping.current)], anew=anew,  # type: ignore[misc]
            lock=MASTER_LOCK, limit=limit,
        )  # fmt: skip
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        await hold(session, MASTER_LOCK)
        bound = await session.scalar(select(KeyCheck.value).where(KeyCheck.name == MASTER).with_for_update())
        if bound != vault.check_value and not await left_under_master(session, vault):
            await session.execute(update(KeyCheck).where(KeyCheck.name == MASTER).values(value=vault.check_value))
            audit.record(session, at=now, actor=actor, action="keys.master-rotated", object_kind="key", object_id=None,
                         key_id=crypto.key_id(vault.wrapping.current).hex())  # fmt: skip
    return done


async def left_under_master(session: AsyncSession, vault: Vault) -> int:
    """How many keys are not under the newest master key."""
    return sum([await count(session, one, not_under(one, vault.wrapping.current)) for one in UNDER_MASTER])


async def rotate_master(database: Database, *, vault: Vault, actor: Actor, now: datetime) -> tuple[bool, int]:
    """Puts a new master key into the file and wraps everything with it.

    A rotation that was interrupted is finished instead of beginning another. Gives back whether a key was made, and
    how many keys were wrapped anew. Raises `KeysBusy`.
    """
    made = False
    assert vault.file is not None  # noqa: S101 - the command opens the vault from its file
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        await alone(session, MASTER_LOCK)
        vault.reread()
        bound = await session.scalar(select(KeyCheck.value).where(KeyCheck.name == MASTER))
        if bound == vault.check_value and (len(vault.master.keys) == 1 or not await left_under_master(session, vault)):
            master_file.replace(vault.file, vault.master.rotated())
            vault.reread()
            made = True
    return made, await rewrap_master(database, vault=vault, actor=actor, now=now)


async def prepare_master(database: Database, *, vault: Vault) -> None:
    """Puts a key that is to come into the file, for the file to be carried to every machine; raises `KeysBusy`."""
    assert vault.file is not None  # noqa: S101 - the command opens the vault from its file
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        await alone(session, MASTER_LOCK)
        vault.reread()
        master_file.replace(vault.file, vault.master.prepared())
    vault.reread()


async def prune_master(database: Database, *, vault: Vault, actor: Actor, now: datetime) -> int:
    """Removes the older master keys from the file; how many.

    Raises `KeysInUse`, `KeysBusy`.
    """
    assert vault.file is not None  # noqa: S101 - the command opens the vault from its file
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        await alone(session, MASTER_LOCK)
        vault.reread()
        older = len(vault.master.keys) - 1
        if not older:
            return 0
        left = await left_under_master(session, vault)
        bound = await session.scalar(select(KeyCheck.value).where(KeyCheck.name == MASTER))
        if left or bound != vault.check_value:
            raise KeysInUse(
                f"还有 {left} 个密钥由旧主密钥保护，请先完成轮换（ruhu keys rotate-master）",
                f"{left} keys are under an older master key: finish the rotation first (ruhu keys rotate-master)",
            )
        audit.record(session, at=now, actor=actor, action="keys.master-pruned", object_kind="key", object_id=None,
                     older=older)  # fmt: skip
        await session.flush()
        master_file.replace(vault.file, vault.master.pruned())
    vault.reread()
    return older


async def rotate_estate(
    session: AsyncSession, *, vault: Vault, estate_id: uuid.UUID, reseal: Reseal, actor: Actor, now: datetime
) -> None:
    """A new key for an estate, which wraps from the end of this transaction on; a job wraps the rest anew.

    Raises `NoEstateKey`, `KeysBusy`.
    """
    await alone(session, estate_lock(estate_id))
    await hold(session, MASTER_LOCK)
    before = await session.scalar(select(EstateKey.wrapped).where(EstateKey.estate_id == estate_id))
    if before is None:
        raise NoEstateKey
    old, new = vault.open_estate_key(estate_id, before), crypto.new_key()
    place = f"estate-key/{estate_id}"
    session.add(
        RetiredEstateKey(
            estate_id=estate_id, key_id=crypto.key_id(old), wrapped=vault.wrap(old, place=place), retired_at=now
        )
    )
    await session.execute(
        update(EstateKey)
        .where(EstateKey.estate_id == estate_id)
        .values(wrapped=vault.wrap(new, place=place), created_at=now)
    )
    await reseal(session, estate_id, old, new)
    audit.record(session, at=now, actor=actor, action="keys.estate-rotated", object_kind="estate", object_id=estate_id,
                 estate_id=estate_id, key_id=crypto.key_id(new).hex())  # fmt: skip
    await jobs.defer(session, task=REWRAP, lock=REWRAP)


async def rewrap_estate(database: Database, *, vault: Vault, estate_id: uuid.UUID, limit: int = BATCH) -> int:
    """Wraps what is under older keys of an estate with its newest; how many keys were wrapped anew."""

    def anew(session: AsyncSession) -> Callable[[bytes, str], Awaitable[bytes]]:
        async def wrap(sealed: bytes, place: str) -> bytes:
            (key,) = await vault.opened(session, estate_id=estate_id, wrapped=[(sealed, place)])
            return crypto.seal(current, key, place=place)

        return wrap

    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        current = await current_key(session, vault, estate_id)
    done = 0
    for wrapped, of_estate in under_estate(estate_id):
        done += await _all(
            database, wrapped, lambda w=wrapped, e=of_estate: [e, not_under(w, current)], anew=anew,  # type: ignore[misc]
            lock=estate_lock(estate_id), limit=limit,
        )  # fmt: skip
    return done


async def current_key(session: AsyncSession, vault: Vault, estate_id: uuid.UUID) -> bytes:
    """The estate's key that wraps; raises `NoEstateKey`."""
    wrapped = await session.scalar(select(EstateKey.wrapped).where(EstateKey.estate_id == estate_id))
    if wrapped is None:
        raise NoEstateKey
    return vault.open_estate_key(estate_id, wrapped)


async def unfinished_estates(session: AsyncSession) -> list[uuid.UUID]:
    """Estates with retired keys."""
    return list(await session.scalars(select(RetiredEstateKey.estate_id).distinct().order_by("estate_id")))


async def waiting(session: AsyncSession, *, estate_id: uuid.UUID, current: bytes) -> int:
    """How many keys of an estate are not under its newest key."""
    return sum([await count(session, w, of, not_under(w, current)) for w, of in under_estate(estate_id)])


async def rewrap_all(database: Database, *, vault: Vault, actor: Actor, now: datetime) -> int:
    """Goes on with every rotation that is not finished; how many keys were wrapped anew."""
    done = await rewrap_master(database, vault=vault, actor=actor, now=now)
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        estates = await unfinished_estates(session)
    for estate_id in estates:
        done += await rewrap_estate(database, vault=vault, estate_id=estate_id)
    return done


async def prune_estate(
    session: AsyncSession, *, vault: Vault, estate_id: uuid.UUID, elsewhere: Elsewhere, actor: Actor, now: datetime
) -> tuple[int, int]:
    """Deletes the retired keys of an estate that nothing needs: how many are gone, how many stay for now."""
    await alone(session, estate_lock(estate_id))
    current = await current_key(session, vault, estate_id)
    left = await waiting(session, estate_id=estate_id, current=current)
    gone = kept = 0
    rows = await session.execute(
        select(RetiredEstateKey.key_id, RetiredEstateKey.retired_at).where(RetiredEstateKey.estate_id == estate_id)
    )
    for key_id, retired_at in rows.all():
        if left or now < retired_at + SETTLES or await elsewhere(session, estate_id, key_id):
            kept += 1
            continue
        await session.execute(
            delete(RetiredEstateKey).where(RetiredEstateKey.estate_id == estate_id, RetiredEstateKey.key_id == key_id)
        )
        audit.record(session, at=now, actor=actor, action="keys.estate-pruned", object_kind="estate",
                     object_id=estate_id, estate_id=estate_id, key_id=key_id.hex())  # fmt: skip
        gone += 1
    vault.estate_keys.pop(estate_id, None)
    return gone, kept


async def rotate_tokens(
    session: AsyncSession, *, vault: Vault, at_once: bool, lifetime: timedelta, actor: Actor, now: datetime
) -> int:
    """A new key signs access tokens; its version. The session is the owner's.

    What the old one signed counts until it expires; with `at_once` it does not, for a key that became known: people
    stay logged in and their next refresh brings a new token. Raises `KeysBusy`.
    """
    await alone(session, TOKENS)
    await hold(session, MASTER_LOCK)
    newest = await session.scalar(select(func.max(DerivedKey.version)).where(DerivedKey.name == TOKENS)) or 0
    retired_at = now - lifetime if at_once else now
    later = DerivedKey.retired_at.is_(None) | (DerivedKey.retired_at > retired_at)
    await session.execute(update(DerivedKey).where(DerivedKey.name == TOKENS, later).values(retired_at=retired_at))
    wrapped = vault.wrap(crypto.new_key(), place=derived.place(TOKENS, newest + 1))
    await session.execute(
        insert(DerivedKey).values(name=TOKENS, version=newest + 1, wrapped=wrapped, created_at=now, retired_at=None)
    )
    audit.record(session, at=now, actor=actor, action="keys.tokens-rotated", object_kind="key", object_id=None,
                 version=newest + 1, at_once=at_once)  # fmt: skip
    return newest + 1


async def prune_tokens(session: AsyncSession, *, now: datetime) -> int:
    """Deletes signing keys whose tokens have all expired; how many."""
    gone = await session.execute(
        delete(DerivedKey)
        .where(DerivedKey.name == TOKENS, DerivedKey.retired_at < now - TOKEN_KEYS_KEPT)
        .returning(DerivedKey.version)
    )
    return len(gone.all())


async def alone(session: AsyncSession, lock: str) -> None:
    """Takes a lock alone; raises `KeysBusy`."""
    try:
        await hold_alone(session, lock)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == LOCK_NOT_AVAILABLE:
            raise KeysBusy from None
        raise
