"""What tests stand on: a real PostgreSQL built by the migrations, a real object folder, a clock that is set by hand.

Every test module clones its own database from one migrated template. Tests make their own estates (see
`tests.factories`), so that row-level security keeps them apart.
"""

import fcntl
import hashlib
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import pytest_asyncio
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from psycopg import sql

from storage import settings as settings_module
from storage.clock import SimulatedClock
from storage.database import Database, DatabaseUrls, urls_for
from storage.migrations import runner
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore
from storage.postgres.lease import Lease, acquire, create_database
from storage.settings import Settings
from storage.vault.service import Vault

# No test asserts a time: machines are shared, and a slow moment is no fault of the code.
hypothesis_settings.register_profile("shared machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("shared machine")

ROOT = Path(__file__).resolve().parent.parent
START = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)  # a Monday, 09:00 in Shanghai


def schema_digest() -> str:
    """Names the template database after the migrations that made it."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "storage/migrations").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


@pytest.fixture(scope="session")
def test_settings() -> Settings:
    """Settings of the shared test cluster; nothing in it is kept, so it does not sync."""
    return settings_module.load(
        {"RUHU_DATA": str(ROOT / "var/tests"), "RUHU_CACHE": str(ROOT / ".cache"), "RUHU_POSTGRES_DURABLE": "0",
         "RUHU_CLOCK": "simulated"}
    )  # fmt: skip


@pytest.fixture(scope="session")
def cluster(test_settings: Settings) -> Iterator[Lease]:
    """The embedded server, shared by all workers."""
    lease = acquire(test_settings)
    yield lease
    lease.release()


@pytest.fixture(scope="session")
def template(cluster: Lease, test_settings: Settings) -> str:
    """A database made by the migrations, once for each state of them."""
    name = f"template_{schema_digest()}"
    with (test_settings.data_dir / "template.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with psycopg.connect(cluster.cluster.url("postgres", "postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,)).fetchone():
                create_database(connection, f"{name}_new")
                runner.upgrade(urls_for(replace(test_settings, database_name=f"{name}_new"), cluster))
                connection.execute(
                    sql.SQL("ALTER DATABASE {} RENAME TO {}").format(
                        sql.Identifier(f"{name}_new"), sql.Identifier(name)
                    )
                )
    return name


def clone(cluster: Lease, template: str, name: str) -> None:
    """Makes a fresh database from the template, replacing an old one of that name."""
    with psycopg.connect(cluster.cluster.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
        create_database(connection, name, template)


@pytest.fixture(scope="module")
def database_name(cluster: Lease, template: str) -> Iterator[str]:
    """A database of this test module's own: what one leaves behind is never another's surprise."""
    name = f"test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    clone(cluster, template, name)
    yield name
    with psycopg.connect(cluster.cluster.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def urls(cluster: Lease, test_settings: Settings, database_name: str) -> DatabaseUrls:
    """Role URLs of this module's database."""
    return urls_for(replace(test_settings, database_name=database_name), cluster)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def database(urls: DatabaseUrls) -> AsyncIterator[Database]:
    """This module's database."""
    found = Database(urls)
    yield found
    await found.dispose()


@pytest.fixture
def clock(tmp_path: Path) -> SimulatedClock:
    """A clock at Monday 2026-03-02 09:00 Shanghai."""
    return SimulatedClock(tmp_path / "clock.json", start=START)


@pytest.fixture(scope="session")
def master_key() -> bytes:
    """A master key for tests."""
    return bytes(range(32))


@pytest.fixture(scope="session")
def vault(master_key: bytes) -> Vault:
    """The vault under the test master key."""
    return Vault(master_key)


@pytest.fixture(scope="session")
def objects(vault: Vault, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Objects]:
    """Objects in a real folder."""
    found = Objects(FilesystemStore(tmp_path_factory.mktemp("objects")), vault)
    yield found
    found.close()
