"""The house of one process: settings, clock, database, vault, objects, opened together and closed together."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from storage.clock import Clock, SimulatedClock, SystemClock
from storage.database import Database, DatabaseUrls, Role, urls_for
from storage.objects.address import Address, FolderAddress, parse
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore, ObjectStore, StoreFailed, StoreReason
from storage.postgres.lease import Lease, acquire
from storage.settings import ClockKind, Settings, SettingsError
from storage.vault.key_check import open_vault, read_master_key
from storage.vault.service import Vault


@dataclass(slots=True)
class House:
    """What every part of a process works with."""

    settings: Settings
    clock: Clock
    urls: DatabaseUrls
    database: Database
    vault: Vault
    objects: Objects
    lease: Lease | None

    async def close(self) -> None:
        """Gives everything back."""
        await self.database.dispose()
        self.objects.close()
        if self.lease is not None:
            self.lease.release()


def clock_for(settings: Settings) -> Clock:
    """The clock of the data directory; the simulated one only where the directory is a demonstration's or a test's."""
    if settings.clock is ClockKind.SYSTEM:
        return SystemClock()
    if not settings.demo:
        raise SettingsError([f"RUHU_CLOCK=simulated 只能用于演示数据: {settings.data_dir} is no demonstration"])
    return SimulatedClock(settings.clock_file)


def store_for(settings: Settings) -> ObjectStore:
    """The object store that `OBJECT_STORE_URL` names; the filesystem below the data directory by default."""
    if settings.object_store_url is None:
        return FilesystemStore(settings.objects_dir)
    return store_at(parse(settings.object_store_url), settings)


def store_at(address: Address, settings: Settings) -> ObjectStore:
    """The store of an address, with the credentials of the settings. A server is not talked to yet."""
    if isinstance(address, FolderAddress):
        return FilesystemStore(Path(address.path))
    from storage.objects.s3 import S3Store  # the client is imported where it is used

    return S3Store(
        address,
        access_key=settings.object_store_access_key,
        secret_key=settings.object_store_secret_key,
        ca_file=settings.object_store_ca_file,
    )


def check_store(house: House, *, say: Callable[[str], None]) -> None:
    """Tries the object store before a process begins to serve.

    A fault that only a person can mend (no bucket, access denied, certificate) raises `SettingsError`. A store that
    is down, slow or full is only told: the process works without pictures until the store is back.
    """
    try:
        house.objects.store.check()
    except StoreFailed as error:
        if error.reason in {StoreReason.NO_BUCKET, StoreReason.DENIED, StoreReason.UNTRUSTED}:
            hint = (
                "; ruhu objects init 可创建存储桶 / makes the bucket" if error.reason is StoreReason.NO_BUCKET else ""
            )
            raise SettingsError([f"{error.sentence}{hint}"]) from None
        say(f"{error.sentence}；继续运行，照片暂不能保存 / going on, pictures cannot be stored for now")


def open_house(settings: Settings, *, pool_size: int = 10, say: Callable[[str], None] = lambda _: None) -> House:
    """Opens a house: starts or joins the embedded PostgreSQL unless `DATABASE_URL` is set.

    The master key is made on first use, next to the data directory, never inside it.
    """
    clock = clock_for(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = not settings.master_key_file.exists() and not (settings.data_dir / "pg").exists()
    lease = None
    if settings.database_url is None:
        read_master_key(settings.master_key_file, create=fresh)
        lease = acquire(settings, say=say)
    try:
        urls = urls_for(settings, lease)
        vault = open_vault(settings, urls.by_role[Role.OWNER])
    except BaseException:
        if lease is not None:
            lease.release()
        raise
    return House(
        settings=settings,
        clock=clock,
        urls=urls,
        database=Database(urls, pool_size=pool_size),
        vault=vault,
        objects=Objects(store_for(settings), vault),
        lease=lease,
    )
