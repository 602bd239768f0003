"""Backup from one bucket and restore into another, over the wire."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from api.house import House, store_for
from storage.backup.errors import BackupFailed
from storage.objects.s3 import S3Store
from storage.postgres.lease import Lease
from tests.storage.backups import Site, back_up, drop, furnish, put_back, read_photo, site, unreadable
from tests.storage.object_servers import ACCESS, SECRET, Server


def on_bucket(found: Site, port: int, bucket: str) -> Site:
    """The site with its objects in a bucket."""
    url = f"s3+http://{bucket}?endpoint=http://127.0.0.1:{port}"
    settings = replace(
        found.settings, object_store_url=url, object_store_access_key=ACCESS, object_store_secret_key=SECRET
    )
    store = store_for(settings)
    assert isinstance(store, S3Store)
    store.create()
    return replace(found, settings=settings)


@pytest.fixture(scope="module")
def source(
    cluster: Lease, template: str, juicefs_server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    found = site(cluster, tmp_path_factory.mktemp("source"), template=template)
    yield on_bucket(found, juicefs_server.port, "backup-from")
    drop(found)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(source: Site) -> AsyncIterator[House]:
    async with source.house() as found:
        yield found


async def test_objects_go_from_bucket_to_backup_to_bucket(
    house: House, source: Site, cluster: Lease, juicefs_server: Server, tmp_path: Path
) -> None:
    world, photos = await furnish(house)
    made = await back_up(house, tmp_path / "backup", verify=True)
    assert made.manifest.objects == len(photos)
    empty = site(cluster, tmp_path / "target", key=source.settings.master_key_file)
    try:
        target = on_bucket(empty, juicefs_server.port, "backup-into")
        assert (await put_back(target, made.directory)).objects_new >= len(photos)
        assert not target.settings.objects_dir.exists()
        async with target.house() as restored:
            assert await read_photo(restored, world.estate_id, photos[4]) == b"photo 4"
            assert await unreadable(restored) == []
    finally:
        drop(empty)


async def test_a_store_that_is_down_leaves_no_backup(house: House, source: Site, tmp_path: Path) -> None:
    from storage.objects.service import Objects
    from tests.storage.conftest import open_store
    from tests.storage.object_servers import free_port

    await furnish(house, photos=1)
    ordinary, house.objects = house.objects, Objects(open_store(free_port(), deadline_s=1.0), house.vault)
    try:
        with pytest.raises(BackupFailed, match="object store"):
            await back_up(house, tmp_path / "backup")
    finally:
        house.objects.close()
        house.objects = ordinary
    assert list(tmp_path.iterdir()) == []
