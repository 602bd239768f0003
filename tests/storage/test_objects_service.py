"""Encrypted objects with their rows, on every store: kept, read, destroyed; a flipped byte is found and named."""

import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from storage.database import Database, Role
from storage.objects import service
from storage.objects.check import check_objects
from storage.objects.models import StoredObject
from storage.objects.service import ObjectDamaged, Objects
from storage.objects.store import ObjectMissing, ObjectStore, StoreFailed, StoreReason
from storage.vault.crypto import SealBroken
from storage.vault.service import Vault
from tests.factories import World, make_world
from tests.storage.conftest import Furnished, open_store
from tests.storage.object_servers import free_port

NOW = datetime.now(UTC).replace(microsecond=0)
LATER = NOW + timedelta(days=2)


@pytest.fixture
def kept(furnished: Furnished, vault: Vault) -> Iterator[Objects]:
    """Objects over each store in turn."""
    made = Objects(furnished.store, vault)
    yield made
    made.close()


async def keep(database: Database, objects: Objects, world: World, data: bytes, **changes: object) -> uuid.UUID:
    """Stores an object of the world's estate."""
    async with database.transaction(Role.APP, world.scope) as session:
        row = await objects.put(
            session, data=data, kind="test", content_type="image/jpeg", estate_id=world.estate_id, now=NOW,
            **changes,
        )  # type: ignore[arg-type]  # fmt: skip
        return row.id


async def read(database: Database, objects: Objects, world: World, object_id: uuid.UUID) -> bytes:
    """Reads it within the world's scope."""
    async with database.transaction(Role.APP, world.scope) as session:
        return await objects.get(session, object_id=object_id, now=NOW)


def replace_bytes(store: ObjectStore, object_id: uuid.UUID, sealed: bytes) -> None:
    """What somebody with access to the store can do."""
    store.delete(str(object_id))
    store.put(str(object_id), sealed)


async def test_an_object_is_kept_read_and_destroyed(database: Database, vault: Vault, kept: Objects) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    for size in (0, 1, 3_000_000):
        object_id = await keep(database, kept, world, bytes(size), subject_id=world.tenants[0])
        assert await read(database, kept, world, object_id) == bytes(size)
        sealed = kept.store.get(str(object_id))
        assert bytes(64) not in sealed
        async with database.transaction(Role.APP, world.scope) as session:
            await kept.destroy(session, object_id=object_id, now=NOW)
        await kept.remove(str(object_id))
        with pytest.raises(ObjectMissing):
            await read(database, kept, world, object_id)
        with pytest.raises(ObjectMissing):
            kept.store.get(str(object_id))


async def test_a_flipped_byte_is_found_and_named(database: Database, vault: Vault, kept: Objects) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    object_id = await keep(database, kept, world, b"evidence" * 500)
    sealed = kept.store.get(str(object_id))
    for position in (0, 5, 13, len(sealed) // 2, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[position] ^= 1
        replace_bytes(kept.store, object_id, bytes(changed))
        with pytest.raises(ObjectDamaged) as caught:
            await read(database, kept, world, object_id)
        assert caught.value.object_id == object_id
        assert str(object_id) in str(caught.value)
        assert isinstance(caught.value, SealBroken)
    for wrong in (b"", sealed[:-1], sealed + b"x"):
        replace_bytes(kept.store, object_id, wrong)
        with pytest.raises(ObjectDamaged):
            await read(database, kept, world, object_id)
    replace_bytes(kept.store, object_id, sealed)
    assert await read(database, kept, world, object_id) == b"evidence" * 500


async def test_objects_that_change_places_are_found(database: Database, vault: Vault, kept: Objects) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    one, two = [await keep(database, kept, world, data) for data in (b"one", b"two")]
    first, second = kept.store.get(str(one)), kept.store.get(str(two))
    replace_bytes(kept.store, one, second)
    replace_bytes(kept.store, two, first)
    for object_id in (one, two):
        with pytest.raises(ObjectDamaged):
            await read(database, kept, world, object_id)


async def test_the_check_names_what_is_wrong(database: Database, vault: Vault, kept: Objects) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    sound, missing, damaged, exchanged, keyless, destroyed, retold = [
        await keep(database, kept, world, f"object {n}".encode(), subject_id=world.tenants[0] if n == 4 else None)
        for n in range(7)
    ]
    others = await check_objects(database, kept, now=LATER, deep=True)  # of other tests, whose stores were others
    kept.store.delete(str(missing))
    changed = bytearray(kept.store.get(str(damaged)))
    changed[20] ^= 8
    replace_bytes(kept.store, damaged, bytes(changed))
    replace_bytes(kept.store, exchanged, kept.store.get(str(sound)))
    async with database.transaction(Role.APP, world.scope) as session:
        await vault.destroy_subject_key(session, subject_id=world.tenants[0], now=NOW)
        await session.execute(
            update(StoredObject).where(StoredObject.id == destroyed).values(wrapped_key=None, destroyed_at=NOW)
        )
        await session.execute(update(StoredObject).where(StoredObject.id == retold).values(digest=bytes(32)))
    orphan = kept.seal(b"of a transaction that failed", wrapping_key=bytes(32))
    await kept.write(orphan)
    kept.store.put("no-id", b"x")
    kept.store.put(str(uuid.UUID(int=7)), b"x")
    kept.store.put("audit-heads/1", b"x")
    said: list[int] = []
    report = await check_objects(database, kept, now=LATER, deep=True, say=said.append)
    assert {one.object_id for one in report.missing} - {one.object_id for one in others.missing} == {missing}
    assert {one.object_id for one in report.damaged} == {damaged, exchanged, retold}
    assert {one.estate_id for one in report.damaged} == {world.estate_id}
    assert {one.object_id for one in report.keyless} - {one.object_id for one in others.keyless} == {keyless}
    assert report.left_over == [destroyed]
    assert report.orphans == [uuid.UUID(int=7), orphan.id]
    assert report.strange == ["no-id"]
    assert not report.sound
    assert said
    shallow = await check_objects(database, kept, now=LATER, deep=False)
    assert shallow.damaged == []
    assert {one.object_id for one in shallow.missing} == {one.object_id for one in report.missing}
    today = await check_objects(database, kept, now=datetime.now(UTC), deep=False)
    assert (today.left_over, today.orphans, today.young) == ([], [uuid.UUID(int=7)], 1)


async def test_a_store_that_is_away_stops_the_check(database: Database, vault: Vault) -> None:
    """An answer would be wrong: every object would seem missing."""
    objects = Objects(open_store(free_port(), deadline_s=2.0), vault)
    with pytest.raises(StoreFailed):
        await check_objects(database, objects, now=NOW, deep=False)
    objects.close()


async def test_what_waits_for_a_slow_store_is_bounded(
    database: Database, vault: Vault, kept: Objects, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await make_world(database, vault, now=NOW, flats=0)
    monkeypatch.setattr(service, "MOST_WAITING", 1000)
    with pytest.raises(StoreFailed) as caught:
        await keep(database, kept, world, bytes(1001))
    assert caught.value.reason is StoreReason.SLOW
    assert kept.waiting == 0
    monkeypatch.setattr(service, "PATIENCE_S", 0.0)
    with pytest.raises(StoreFailed):
        await keep(database, kept, world, b"x")
    monkeypatch.undo()
    assert await read(database, kept, world, await keep(database, kept, world, bytes(1001))) == bytes(1001)
