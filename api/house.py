"""The house of one process: settings, clock, database, vault, objects, opened together and closed together."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from storage.clock import Clock, SimulatedClock, SystemClock
from storage.database import Database, DatabaseUrls, urls_for
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore, ObjectStore
from storage.postgres.lease import Lease, acquire
from storage.settings import ClockKind, Settings, SettingsError
from storage.vault.crypto import load_master_key
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
    return FilesystemStore(Path(unquote(urlsplit(settings.object_store_url).path)))


def open_house(settings: Settings, *, pool_size: int = 10, say: Callable[[str], None] = lambda _: None) -> House:
    """Opens a house: starts or joins the embedded PostgreSQL unless `DATABASE_URL` is set.

    The master key is made on first use, next to the data directory, never inside it.
    """
    clock = clock_for(settings)
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = not settings.master_key_file.exists() and not (settings.data_dir / "pg").exists()
    if not fresh and not settings.master_key_file.exists():
        raise SettingsError(
            [f"主密钥缺失: {settings.master_key_file} is missing; without it the data cannot be read, restore the file"]
        )
    vault = Vault(load_master_key(settings.master_key_file, create=fresh))
    lease = acquire(settings, say=say) if settings.database_url is None else None
    urls = urls_for(settings, lease)
    return House(
        settings=settings,
        clock=clock,
        urls=urls,
        database=Database(urls, pool_size=pool_size),
        vault=vault,
        objects=Objects(store_for(settings), vault),
        lease=lease,
    )
