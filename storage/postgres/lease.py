"""Using the embedded cluster: a lease that starts it when needed and keeps it running."""

import fcntl
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg import sql

from storage.postgres.binaries import find_launcher
from storage.postgres.cluster import Cluster
from storage.settings import Settings

log = logging.getLogger("ruhu.postgres")

START_PATIENCE_S = 120.0
WATCH_S = 1.0


class Lease:
    """Keeps the cluster of a data directory running as long as this process (or this object) lives.

    Every holder looks after the supervisor, which looks after the server: whichever of them is killed comes back.
    """

    def __init__(self, cluster: Cluster, descriptor: int) -> None:
        self.cluster = cluster
        self.descriptor = descriptor
        self.released = threading.Event()

    def watch(self, settings: Settings) -> None:
        """Begins to look after the supervisor, in a thread."""
        threading.Thread(target=self._watch, args=(settings,), name="postgres-lease", daemon=True).start()

    def _watch(self, settings: Settings) -> None:
        while not self.released.wait(WATCH_S):
            try:
                spawn_supervisor(self.cluster, settings)
            except OSError as error:  # a full disk, too many processes: the next look may do it
                log.warning("PostgreSQL's supervisor was not looked after: %s", type(error).__name__)

    def release(self) -> None:
        """Gives the lease back; the server stops after a grace period when this was the last one."""
        self.released.set()
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


def acquire(settings: Settings, *, say: Callable[[str], None] = lambda _: None) -> Lease:
    """Starts (or joins) the embedded PostgreSQL of `settings.data_dir` and creates roles and database if missing.

    Blocks up to two minutes for a first initialisation or a crash recovery; raises RuntimeError with the end of
    PostgreSQL's log after that.
    """
    launcher = find_launcher(settings.postgres_bin, settings.postgres_user)
    cluster = Cluster(settings.data_dir / "pg", launcher, durable=settings.postgres_durable)
    cluster.prepare_folders()
    descriptor = os.open(cluster.lease_file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    lease = Lease(cluster, descriptor)
    try:
        if not cluster.initialised():
            say("initialising PostgreSQL")
            initialise_once(cluster)
        start(cluster, settings)
        bootstrap(cluster, settings.database_name)
        lease.watch(settings)
    except BaseException:
        lease.release()
        raise
    return lease


def initialise_once(cluster: Cluster) -> None:
    """initdb under a lock, since two processes may find an empty directory at once."""
    with (cluster.home / "init.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        cluster.initialise()


def start(cluster: Cluster, settings: Settings) -> None:
    """Makes sure a supervisor is at work and the server answers."""
    end = time.monotonic() + START_PATIENCE_S
    next_spawn = 0.0
    while not cluster.ready():
        if time.monotonic() > end:
            raise RuntimeError(f"PostgreSQL did not start within {START_PATIENCE_S:.0f} s:\n{cluster.log_tail()}")
        if time.monotonic() >= next_spawn:
            spawn_supervisor(cluster, settings)
            next_spawn = time.monotonic() + 2.0
        time.sleep(0.03)
    spawn_supervisor(cluster, settings)  # the server may be an orphan; a second supervisor ends at once


def spawn_supervisor(cluster: Cluster, settings: Settings) -> None:
    """Starts the detached supervisor; harmless when one is at work."""
    with cluster.supervisor_file.open("a") as probe:
        try:
            fcntl.flock(probe, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
    root = Path(__file__).resolve().parent.parent.parent
    with cluster.log_file.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "storage.postgres.supervisor", str(cluster.home),
             str(cluster.launcher.bin_dir), settings.postgres_user, "1" if cluster.durable else "0"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=root,
        )  # fmt: skip
    # Nobody waits for a process that outlives us: telling Popen so avoids its ResourceWarning.
    process.returncode = 0


def bootstrap(cluster: Cluster, database: str) -> None:
    """Creates the owner role and the database, as superuser; everything else is the migrations' work."""
    with psycopg.connect(cluster.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(711001)")
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = 'ruhu_owner'").fetchone():
            connection.execute("CREATE ROLE ruhu_owner LOGIN CREATEROLE NOSUPERUSER NOBYPASSRLS")
        if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone():
            create_database(connection, database)


def create_database(
    connection: "psycopg.Connection[tuple[object, ...]]", name: str, template: str = "template0"
) -> None:
    """Creates a database owned by `ruhu_owner`."""
    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER ruhu_owner TEMPLATE {}").format(
            sql.Identifier(name), sql.Identifier(template)
        )
    )
