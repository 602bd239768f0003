"""A restore on trial: into a server of its own, which is thrown away afterwards.

It holds the register in the clear while it runs, so it lies in the data directory, is private to the owner of the
process, and what a killed drill left is removed by the next one.
"""

import contextlib
import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import SystemRandom
from uuid import UUID

import psycopg

from storage.backup.errors import BackupFailed
from storage.backup.manifest import Manifest, differences
from storage.backup.snapshot import digest_tables
from storage.database import DatabaseUrls, urls_for
from storage.postgres.binaries import PostgresUnavailable
from storage.postgres.lease import Lease, acquire
from storage.settings import Settings

STOP_PATIENCE_S = 60.0


@contextmanager
def scratch_server(settings: Settings) -> Iterator[DatabaseUrls]:
    """A PostgreSQL for one drill, with an empty database; gone afterwards."""
    home = settings.data_dir / "drill"
    home.mkdir(parents=True, exist_ok=True, mode=0o700)
    with (settings.data_dir / "drill.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupFailed("另一次演练正在进行", "Another drill is running") from None
        own = replace(
            settings, data_dir=home, database_url=None, role_urls=(), database_name="drill", postgres_durable=False
        )
        lease: Lease | None = None
        try:
            clear(home)
            lease = acquire(own)
            yield urls_for(own, lease)
        except PostgresUnavailable as error:
            raise BackupFailed("无法启动演练用的 PostgreSQL", f"No server for the drill: {error}") from None
        finally:
            if lease is not None:
                lease.release()
                wait_for_end(lease)
                if lease.cluster.launcher.user is not None:
                    shutil.rmtree(lease.cluster.data, ignore_errors=True)
                shutil.rmtree(lease.cluster.socket_dir, ignore_errors=True)
            clear(home)


def clear(home: Path) -> None:
    """Empties the folder; waits for the server of a drill that was killed, which stops by itself."""
    end = time.monotonic() + STOP_PATIENCE_S
    supervisor = home / "pg" / "supervisor.lock"
    while supervisor.exists() and time.monotonic() < end:
        with supervisor.open("a") as probe, contextlib.suppress(BlockingIOError):
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        time.sleep(0.1)
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o700, exist_ok=True)


def wait_for_end(lease: Lease) -> None:
    """Waits until the supervisor has stopped the server that nobody uses any more."""
    end = time.monotonic() + STOP_PATIENCE_S
    while lease.cluster.postmaster_pid() is not None and time.monotonic() < end:
        time.sleep(0.1)


def compare(owner_url: str, manifest: Manifest) -> list[str]:
    """One sentence for each table whose rows are not those of the manifest."""
    with psycopg.connect(owner_url, connect_timeout=20) as connection:
        return differences(manifest.tables, digest_tables(connection))


def some_objects(owner_url: str, count: int) -> list[UUID]:
    """`count` live objects at random."""
    with psycopg.connect(owner_url, connect_timeout=20) as connection:
        connection.execute("SELECT set_config('ruhu.scope', 'system', true)")
        found = [
            UUID(str(row[0]))
            for row in connection.execute(
                "SELECT id FROM stored_object WHERE destroyed_at IS NULL AND wrapped_key IS NOT NULL"
            )
        ]
    return SystemRandom().sample(found, min(count, len(found)))
