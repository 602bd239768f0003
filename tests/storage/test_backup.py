"""Backups of a running installation, on a server reached by DATABASE_URL: what is in them, and what comes back."""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from sqlalchemy import text

from api import backups
from api.house import House
from inspection.users.models import ScopeLevel, UserRole
from storage.backup.errors import BackupDamaged, BackupFailed, RestoreRefused, ToolsUnusable
from storage.backup.manifest import OBJECTS, encode
from storage.backup.snapshot import only_backup
from storage.backup.tools import find_tools
from storage.backup.verify import complete_backups, read_manifest, verify
from storage.database import Role, SystemScope
from storage.ids import new_id
from storage.jobs import defer
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore
from storage.outbox import OutboxFact
from storage.postgres.lease import Lease
from storage.settings import SettingsError
from tests.factories import World, make_user
from tests.storage.backups import (
    OPERATOR,
    Site,
    add_photo,
    back_up,
    drop,
    furnish,
    put_back,
    read_photo,
    site,
    unreadable,
    with_backups,
)


@pytest.fixture(scope="module")
def source(cluster: Lease, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = site(cluster, tmp_path_factory.mktemp("source"), template=template)
    yield found
    drop(found)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(source: Site) -> AsyncIterator[House]:
    async with source.house() as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def furnished(house: House) -> tuple[World, list[uuid.UUID]]:
    return await furnish(house)


@pytest.fixture
def target(cluster: Lease, source: Site, tmp_path: Path) -> Iterator[Site]:
    """An empty database and an empty store; the key was kept elsewhere."""
    found = site(cluster, tmp_path / "target", key=source.settings.master_key_file)
    yield found
    drop(found)


async def test_a_restore_brings_back_every_row_and_byte(
    house: House, source: Site, target: Site, furnished: tuple[World, list[uuid.UUID]], tmp_path: Path
) -> None:
    world, photos = furnished
    made = await back_up(house, tmp_path / "backup", verify=True)
    assert made.manifest.objects >= len(photos)
    assert source.rows("SELECT encode(manifest_digest, 'hex') FROM backup WHERE id = %s", made.manifest.backup_id) == [
        (made.digest,)
    ]
    done = await put_back(target, made.directory)
    assert done.objects == done.objects_new == made.manifest.objects
    async with target.house() as restored:
        assert await read_photo(restored, world.estate_id, photos[0]) == b"photo 0"
        assert await unreadable(restored) == []
    for table, entry in made.manifest.tables.items():
        if table not in {"restore_epoch", "audit_entry", "audit_payload", "erasure_replay", "timer"}:
            assert target.count(table) == entry.rows, table
    assert target.rows("SELECT count(*) FROM raw_delivery_default") == [(0,)]


async def test_what_must_not_survive_a_restore_does_not(
    house: House, target: Site, furnished: tuple[World, list[uuid.UUID]], tmp_path: Path
) -> None:
    user_id = await make_user(
        house.database, login="restored", role=UserRole.MANAGER, level=ScopeLevel.ALL, code="", now=house.clock.now()
    )
    async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        await session.execute(
            text(
                "INSERT INTO refresh_family (id, user_id, created_at, last_used_at, expires_at) "
                "VALUES (:id, :user, now(), now(), now() + interval '1 day')"
            ),
            {"id": new_id(), "user": user_id},
        )
        for lock in ("alone", "twice"):
            await defer(session, task="cases.mark_overdue", lock=lock)
            await session.execute(text("UPDATE procrastinate_jobs SET status = 'doing' WHERE lock = :l"), {"l": lock})
        await defer(session, task="cases.mark_overdue", lock="twice")
    made = await back_up(house, tmp_path / "backup")
    done = await put_back(target, made.directory)
    assert done.epoch > made.manifest.epoch
    assert target.rows("SELECT epoch, backup_id, reason FROM restore_epoch ORDER BY epoch DESC LIMIT 1") == [
        (done.epoch, made.manifest.backup_id, "a test")
    ]
    assert target.rows("SELECT count(*) FROM refresh_family WHERE ended_at IS NULL") == [(0,)]
    assert target.rows("SELECT DISTINCT ended_why FROM refresh_family") == [("restore",)]
    jobs = target.rows("SELECT lock, status::text FROM procrastinate_jobs WHERE lock IN ('alone', 'twice')")
    assert sorted(jobs) == [
        ("alone", "todo"), ("twice", "failed"), ("twice", "todo"),
    ]  # fmt: skip
    assert target.rows("SELECT count(*) FROM audit_entry WHERE action = 'database.restored'") == [(1,)]


async def test_a_backup_of_a_running_installation_is_consistent(
    house: House, target: Site, furnished: tuple[World, list[uuid.UUID]], tmp_path: Path
) -> None:
    world, _ = furnished
    acknowledged: list[uuid.UUID] = []
    stop, enough = asyncio.Event(), asyncio.Event()

    async def write() -> None:
        while not stop.is_set():
            photo = await add_photo(house, world, f"photo of {len(acknowledged)}".encode() * 500)
            async with house.database.transaction(Role.APP, world.scope) as session:
                session.add(
                    OutboxFact(id=photo, estate_id=world.estate_id, kind="test-event",
                               payload={"photo": str(photo)}, created_at=house.clock.now())
                )  # fmt: skip
            acknowledged.append(photo)
            if len(acknowledged) >= 20:
                enough.set()

    writers = [asyncio.create_task(write()) for _ in range(2)]
    await enough.wait()
    before = list(acknowledged)
    made = await back_up(house, tmp_path / "backup")
    stop.set()
    await asyncio.gather(*writers)
    assert len(acknowledged) > len(before)
    await put_back(target, made.directory)
    there = {row[0] for row in target.rows("SELECT id FROM outbox_fact WHERE kind = 'test-event'")}
    assert set(before) <= there
    async with target.house() as restored:
        assert await unreadable(restored) == []
        assert target.rows(
            "SELECT count(*) FROM outbox_fact f WHERE kind = 'test-event'"
            " AND NOT EXISTS (SELECT 1 FROM stored_object o WHERE o.id = f.id)"
        ) == [(0,)]


class StoreInUse(FilesystemStore):
    """A store in which somebody destroys an object just before the backup reads it."""

    def __init__(self, root: Path, owner_url: str, victim: uuid.UUID) -> None:
        super().__init__(root)
        self.owner_url = owner_url
        self.victim = victim

    def get(self, key: str) -> bytes:
        if key == str(self.victim):
            with psycopg.connect(self.owner_url) as connection:
                connection.execute("SELECT set_config('ruhu.scope', 'system', true)")
                connection.execute(
                    "UPDATE stored_object SET wrapped_key = NULL, destroyed_at = now() WHERE id = %s", (self.victim,)
                )
                self.delete(key)
        return super().get(key)


async def test_an_object_destroyed_meanwhile_stays_destroyed_and_one_lost_is_told(
    house: House, target: Site, furnished: tuple[World, list[uuid.UUID]], tmp_path: Path
) -> None:
    world, _ = furnished
    destroyed, lost = await add_photo(house, world, b"to be destroyed"), await add_photo(house, world, b"to be lost")
    store = StoreInUse(house.settings.objects_dir, house.urls.by_role[Role.OWNER], destroyed)
    store.delete(str(lost))
    ordinary, house.objects = house.objects, Objects(store, house.vault)
    try:
        made = await back_up(house, tmp_path / "backup")
    finally:
        house.objects.close()
        house.objects = ordinary
    assert made.manifest.destroyed_meanwhile == [destroyed]
    assert made.manifest.missing == [lost]
    assert (await put_back(target, made.directory)).buried == 2
    async with target.house() as restored:
        assert await unreadable(restored) == []
    async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        await house.objects.destroy(session, object_id=lost, now=house.clock.now())


async def test_objects_of_the_backup_before_are_linked_unless_damaged(
    house: House, furnished: tuple[World, list[uuid.UUID]], tmp_path: Path
) -> None:
    _, photos = furnished
    first = await back_up(house, tmp_path / "1")
    bad = FilesystemStore(first.directory / OBJECTS).path(str(photos[1]))
    bad.write_bytes(b"rot")
    second = await back_up(house, tmp_path / "2", incremental=True, verify=True)
    assert second.linked == second.manifest.objects - 1 > 0
    assert FilesystemStore(second.directory / OBJECTS).path(str(photos[0])).stat().st_nlink == 2
    assert verify(second.directory, tools=find_tools(house.settings)).faults == []
    assert verify(first.directory, tools=find_tools(house.settings)).faults == [f"object {photos[1]} is damaged"]


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


async def test_damage_is_named_and_nothing_is_restored_from_it(
    house: House, target: Site, furnished: tuple[World, list[uuid.UUID]], tmp_path: Path
) -> None:
    _, photos = furnished
    made = await back_up(house, tmp_path / "backup")
    flip(FilesystemStore(made.directory / OBJECTS).path(str(photos[2])), 20)
    flip(made.directory / "database.dump", made.manifest.dump.size // 2)
    found = verify(made.directory, tools=find_tools(house.settings))
    assert found.faults == ["database.dump is damaged", f"object {photos[2]} is damaged"]
    with pytest.raises(BackupDamaged) as caught:
        await put_back(target, made.directory)
    assert str(photos[2]) in caught.value.detail_zh
    assert target.rows("SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace") == [(0,)]
    flip(made.directory / "objects.list", 3)
    with pytest.raises(BackupDamaged, match=r"objects\.list"):
        verify(made.directory, tools=find_tools(house.settings))
    flip(made.directory / "manifest.json", 200)
    with pytest.raises(BackupDamaged, match=r"manifest\.json"):
        verify(made.directory, tools=find_tools(house.settings))
    (made.directory / "manifest.json").unlink()
    with pytest.raises(BackupDamaged, match="no finished backup"):
        verify(made.directory, tools=find_tools(house.settings))


async def test_a_restore_is_refused_before_anything_is_touched(
    house: House, source: Site, cluster: Lease, template: str, furnished: tuple[World, list[uuid.UUID]], tmp_path: Path
) -> None:
    made = await back_up(house, tmp_path / "backup")
    stranger = site(cluster, tmp_path / "stranger")
    try:
        with pytest.raises(SettingsError, match="主密钥缺失"):
            await put_back(stranger, made.directory)
        stranger.settings.master_key_file.parent.mkdir(parents=True)
        stranger.settings.master_key_file.write_text("ab" * 32)
        stranger.settings.master_key_file.chmod(0o600)
        with pytest.raises(RestoreRefused, match="another master key"):
            await put_back(stranger, made.directory)
        assert not stranger.settings.objects_dir.exists()
    finally:
        drop(stranger)
    with pytest.raises(RestoreRefused, match="not empty"):
        await put_back(source, made.directory)
    with pytest.raises(RestoreRefused, match="in use"):
        await put_back(source, made.directory, replace_old=True)
    manifest, _ = read_manifest(made.directory)
    import msgspec

    (made.directory / "manifest.json").write_bytes(encode(msgspec.structs.replace(manifest, revision="9999"))[0])
    with pytest.raises(RestoreRefused, match="later release"):
        await put_back(source, made.directory)


async def test_a_database_that_is_replaced_is_kept(
    house: House, cluster: Lease, template: str, source: Site, furnished: tuple[World, list[uuid.UUID]], tmp_path: Path
) -> None:
    made = await back_up(house, tmp_path / "backup")
    used = site(cluster, tmp_path / "used", key=source.settings.master_key_file, template=template)
    try:
        async with used.house() as other:
            await furnish(other, photos=1)
        first = await put_back(used, made.directory, replace_old=True)
        assert first.replaced is not None
        assert first.replaced.startswith(f"{used.database}_before_")
        assert used.rows("SELECT count(*) FROM estate") == source.rows("SELECT count(*) FROM estate")
        foreign = FilesystemStore(used.settings.objects_dir).path(str(furnished[1][0]))
        foreign.write_bytes(b"another installation's")
        with pytest.raises(RestoreRefused, match="another object"):
            await put_back(used, made.directory, replace_old=True)
    finally:
        drop(used)


async def test_rows_that_the_dump_would_leave_out_are_an_error(house: House, source: Site, tmp_path: Path) -> None:
    source.rows("SET ROLE ruhu_owner; CREATE TABLE hidden_thing (id int); ALTER TABLE hidden_thing"
                " ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")  # fmt: skip
    try:
        with pytest.raises(BackupFailed, match="hidden_thing"):
            await back_up(house, tmp_path / "backup")
    finally:
        source.rows("DROP TABLE hidden_thing")
    assert list(tmp_path.iterdir()) == []


async def test_one_backup_at_a_time_into_an_empty_folder(house: House, tmp_path: Path) -> None:
    with (
        only_backup(house.urls.by_role[Role.OWNER]),
        pytest.raises(BackupFailed, match="running"),
    ):
        await back_up(house, tmp_path / "backup")
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "a").touch()
    with pytest.raises(BackupFailed, match="not empty"):
        await back_up(house, tmp_path / "letters")
    assert [p.name for p in tmp_path.iterdir()] == ["letters"]


def test_client_programs_older_than_the_server_are_refused(house: House) -> None:
    tools = find_tools(house.settings)
    tools.check("pg_dump", 180000)
    with pytest.raises(ToolsUnusable, match="RUHU_POSTGRES_BIN"):
        tools.check("pg_dump", 990000)


async def test_the_schedule_keeps_the_newest_and_the_newest_proven(
    source: Site, furnished: tuple[World, list[uuid.UUID]], tmp_path: Path
) -> None:
    planned = with_backups(source, tmp_path / "backups", keep=2, drill=True)
    async with planned.house() as house:
        for _ in range(3):
            with contextlib.suppress(BackupFailed):  # two within one second want the same folder
                await backups.scheduled_backup(house)
            await asyncio.sleep(1)
        assert len(complete_backups(tmp_path / "backups")) == 2
        await backups.scheduled_drill(house)
    assert source.rows("SELECT passed, findings, objects_opened > 0 FROM backup_drill") == [(True, [], True)]
    assert source.rows("SELECT count(*) FROM audit_entry WHERE action = 'backup.drilled'") == [(1,)]
    assert not any((planned.settings.data_dir / "drill").iterdir())
    async with source.house() as house:
        await backups.scheduled_backup(house)  # without a folder: nothing
    newest = max(complete_backups(tmp_path / "backups"), key=lambda f: f[1].taken_at)[0]
    victim = next(p for p in (newest / OBJECTS).rglob("*") if p.is_file())
    flip(victim, 20)
    with pytest.raises(BackupDamaged, match="damaged"):
        await backups.drill_and_note(house, newest, sample=3, actor=OPERATOR)
