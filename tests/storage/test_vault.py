"""Seals open in their own place only; objects are durable, encrypted, never overwritten, and gone when destroyed."""

import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.database import Database, Role, SystemScope
from storage.objects.jobs import delete_bytes
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore, ObjectExists, ObjectMissing, StoreFailed
from storage.vault import crypto, master_file
from storage.vault.service import KeyDestroyed, Vault
from tests.factories import make_world

NOW = datetime(2026, 3, 2, tzinfo=UTC)
KEY = bytes(range(32))


@given(st.binary(max_size=300), st.text(max_size=20), st.text(max_size=20))
@pytest.mark.asvs("v5.0.0-11.3.2")
def test_a_seal_opens_in_its_own_place_only(plain: bytes, place: str, other: str) -> None:
    sealed = crypto.seal(KEY, plain, place=place)
    assert crypto.unseal(KEY, sealed, place=place) == plain
    if other != place:
        with pytest.raises(crypto.SealBroken):
            crypto.unseal(KEY, sealed, place=other)


@given(st.binary(min_size=1, max_size=80), st.integers(min_value=0), st.integers(1, 255))
@pytest.mark.asvs("v5.0.0-11.3.3")
def test_one_changed_byte_breaks_a_seal(plain: bytes, where: int, change: int) -> None:
    sealed = bytearray(crypto.seal(KEY, plain, place="p"))
    sealed[where % len(sealed)] ^= change
    with pytest.raises(crypto.SealBroken):
        crypto.unseal(KEY, bytes(sealed), place="p")


@pytest.mark.asvs("v5.0.0-13.3.2")
def test_the_master_key_is_private_and_made_once(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "master.key"
    with pytest.raises(FileNotFoundError):
        master_file.load(path, create=False)
    key = master_file.load(path, create=True)
    assert master_file.load(path, create=True) == key
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    with pytest.raises(PermissionError):
        master_file.load(path, create=False)
    path.chmod(0o600)
    path.write_text("not a key")
    with pytest.raises(ValueError, match="主密钥"):
        master_file.load(path, create=False)


async def test_a_destroyed_key_is_gone(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    person = world.tenants[0]
    async with database.transaction(Role.APP, world.scope) as session:
        key = await vault.subject_key(session, estate_id=world.estate_id, subject_id=person, now=NOW)
        found = await vault.subject_keys(session, estate_id=world.estate_id, subject_ids=[person], now=NOW)
        assert found == {person: key}
        await vault.destroy_subject_key(session, subject_id=person, now=NOW)
    async with database.transaction(Role.APP, world.scope) as session:
        with pytest.raises(KeyDestroyed):
            await vault.subject_key(session, estate_id=world.estate_id, subject_id=person, now=NOW)
        assert await vault.subject_keys(session, estate_id=world.estate_id, subject_ids=[person], now=NOW) == {}


async def test_an_estate_key_that_was_rolled_back_is_never_used_again(database: Database, master_key: bytes) -> None:
    """A process that remembered it would seal data with a key that is stored nowhere."""
    vault = Vault(master_key)
    world = await make_world(database, Vault(master_key), now=NOW, flats=0)
    estate = world.estate_id
    async with database.transaction(Role.APP, world.scope) as session:
        first = await vault.estate_key(session, estate_id=estate, now=NOW)
        assert await vault.estate_key(session, estate_id=estate, now=NOW) == first
        await session.rollback()
    async with database.transaction(Role.APP, world.scope) as session:
        kept = await vault.estate_key(session, estate_id=estate, now=NOW)
    assert kept != first
    async with database.transaction(Role.APP, world.scope) as session:
        assert await Vault(master_key).estate_key(session, estate_id=estate, now=NOW) == kept
        assert await vault.estate_key(session, estate_id=estate, now=NOW) == kept


async def test_an_estate_key_of_a_savepoint_ends_with_it(database: Database, master_key: bytes) -> None:
    vault = Vault(master_key)
    world = await make_world(database, Vault(master_key), now=NOW, flats=0)
    async with database.transaction(Role.APP, world.scope) as session:
        inner = await session.begin_nested()
        first = await vault.estate_key(session, estate_id=world.estate_id, now=NOW)
        await inner.rollback()
        kept = await vault.estate_key(session, estate_id=world.estate_id, now=NOW)
        assert kept != first
    async with database.transaction(Role.APP, world.scope) as session:
        assert await Vault(master_key).estate_key(session, estate_id=world.estate_id, now=NOW) == kept


async def test_an_object_lives_and_dies(database: Database, vault: Vault, objects: Objects) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    data = b"\xff\xd8\xff picture " * 50
    async with database.transaction(Role.APP, world.scope) as session:
        row = await objects.put(
            session, data=data, kind="test", content_type="image/jpeg", estate_id=world.estate_id, now=NOW,
            subject_id=world.tenants[0],
        )  # fmt: skip
    stored = objects.store.get(str(row.id))
    assert b"\xff\xd8\xff" not in stored
    assert b"picture" not in stored
    async with database.transaction(Role.APP, world.scope) as session:
        assert await objects.get(session, object_id=row.id, now=NOW) == data
        await objects.destroy(session, object_id=row.id, now=NOW)
    async with database.transaction(Role.APP, world.scope) as session:
        with pytest.raises(ObjectMissing):
            await objects.get(session, object_id=row.id, now=NOW)
    assert objects.store.get(str(row.id)), "without a key they are unreadable; they go after the commit"
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        assert row.id in {one.id for one in await delete_bytes(session, objects=objects, now=NOW)}
        assert await delete_bytes(session, objects=objects, now=NOW) == []
    with pytest.raises(ObjectMissing):
        objects.store.get(str(row.id))


async def test_a_foreign_object_is_missing(database: Database, vault: Vault, objects: Objects) -> None:
    mine = await make_world(database, vault, now=NOW, flats=1)
    theirs = await make_world(database, vault, now=NOW, flats=1)
    async with database.transaction(Role.APP, theirs.scope) as session:
        row = await objects.put(
            session, data=b"theirs", kind="test", content_type="text/plain", estate_id=theirs.estate_id, now=NOW
        )
    async with database.transaction(Role.APP, mine.scope) as session:
        with pytest.raises(ObjectMissing):
            await objects.get(session, object_id=row.id, now=NOW)


def test_the_filesystem_never_overwrites_and_leaves_no_scraps(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path)
    key = str(uuid.uuid4())
    store.put(key, b"first")
    with pytest.raises(ObjectExists):
        store.put(key, b"second")
    assert store.get(key) == b"first"
    assert [p.name for p in tmp_path.rglob("*") if p.is_file()] == [key]
    store.delete(key)
    store.delete(key)
    for bad in ("", "../../etc/passwd", "a/b"):
        with pytest.raises(ValueError, match="object key"):
            store.put(bad, b"x")


def test_a_store_that_cannot_write_says_so(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    with pytest.raises(StoreFailed):
        FilesystemStore(blocked).put("abcd", b"x")
