"""The embedded server under its supervisor, with processes killed for real."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from storage.postgres import binaries
from storage.postgres.cluster import Cluster
from storage.postgres.lease import Lease, acquire
from storage.settings import Settings, load

ROOT = Path(__file__).resolve().parent.parent.parent
HOLD_A_LEASE = """
import time
from storage.postgres.lease import acquire
from storage.settings import load
acquire(load())
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return load({"RUHU_DATA": str(tmp_path_factory.mktemp("cluster") / "data")})


@pytest.fixture(scope="module")
def lease(settings: Settings) -> Iterator[Lease]:
    found = acquire(settings)
    yield found
    found.release()
    wait_until(lambda: found.cluster.postmaster_pid() is None)


def wait_until(condition: Callable[[], bool], seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def answers(cluster: Cluster) -> bool:
    try:
        with psycopg.connect(cluster.url("ruhu_owner", "ruhu"), connect_timeout=2) as connection:
            return connection.execute("SELECT 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def supervisors(cluster: Cluster) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
                state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if b"storage.postgres.supervisor" in words and str(cluster.home).encode() in words and state != "Z":
                found.append(int(entry.name))
    return found


def test_it_listens_on_a_private_socket_only(lease: Lease) -> None:
    with psycopg.connect(lease.cluster.url("ruhu_owner", "ruhu")) as connection:
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
    assert lease.cluster.socket_dir.stat().st_mode & 0o077 == 0
    assert len(str(lease.cluster.socket_dir / ".s.PGSQL.5432")) < 107


def test_a_second_user_joins_the_same_server(lease: Lease, settings: Settings) -> None:
    before = lease.cluster.postmaster_pid()
    again = acquire(settings)
    assert again.cluster.postmaster_pid() == before
    again.release()
    again.release()


def test_a_killed_server_comes_back(lease: Lease) -> None:
    pid = lease.cluster.postmaster_pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait_until(lambda: lease.cluster.postmaster_pid() not in (None, pid) and answers(lease.cluster))


def test_a_killed_supervisor_comes_back_by_whoever_uses_the_server_and_adopts_it(lease: Lease) -> None:
    pid = lease.cluster.postmaster_pid()
    (before,) = supervisors(lease.cluster)
    os.kill(before, signal.SIGKILL)
    wait_until(lambda: len(supervisors(lease.cluster)) == 1 and supervisors(lease.cluster) != [before])
    assert lease.cluster.postmaster_pid() == pid


def test_a_server_killed_while_nobody_watches_comes_back(lease: Lease) -> None:
    pid = lease.cluster.postmaster_pid()
    assert pid is not None
    for number in (*supervisors(lease.cluster), pid):
        os.kill(number, signal.SIGKILL)
    wait_until(lambda: lease.cluster.postmaster_pid() not in (None, pid) and answers(lease.cluster))


def test_a_session_that_outlives_its_server_is_ended_before_the_next_one_recovers(lease: Lease) -> None:
    """A stopped session cannot notice that its server is gone, as one deep in a long statement does not."""
    cluster = lease.cluster
    with psycopg.connect(cluster.url("ruhu_owner", "ruhu")) as connection:
        session, server = connection.info.backend_pid, cluster.postmaster_pid()
        # In a user namespace of its own the server counts processes as everybody does: only ids of users differ.
        assert session in cluster.processes()
        assert server is not None
        os.kill(session, signal.SIGSTOP)
        os.kill(server, signal.SIGKILL)
        wait_until(lambda: cluster.postmaster_pid() not in (None, server) and answers(cluster))
        assert session not in cluster.processes()


def test_the_server_outlives_a_killed_user_and_stops_after_the_last(tmp_path: Path) -> None:
    """The kernel gives a lease back however its holder ends."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD_A_LEASE],
        env=os.environ | {"RUHU_DATA": str(tmp_path / "d"), "RUHU_POSTGRES_DURABLE": "0"},
        stdout=subprocess.PIPE, cwd=ROOT,
    )  # fmt: skip
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"ready\n"
    cluster = Cluster(tmp_path / "d/pg", binaries.find_launcher(None, "nobody"))
    holder.kill()
    holder.wait()
    holder.stdout.close()
    assert cluster.postmaster_pid() is not None
    wait_until(lambda: cluster.postmaster_pid() is None and supervisors(cluster) == [])
    assert not (cluster.data / "postmaster.pid").exists()


def test_an_interrupted_initialisation_is_done_again(tmp_path: Path) -> None:
    settings = load({"RUHU_DATA": str(tmp_path / "d"), "RUHU_POSTGRES_DURABLE": "0"})
    half = tmp_path / "d/pg/data"
    half.mkdir(parents=True)
    (half / "PG_VERSION").write_text("18\n")
    lease = acquire(settings)
    assert answers(lease.cluster)
    lease.release()
    wait_until(lambda: lease.cluster.postmaster_pid() is None)


def test_a_planted_socket_folder_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    cluster = Cluster(tmp_path / "pg", binaries.find_launcher(None, "nobody"))
    cluster.socket_dir.mkdir(mode=0o777)
    cluster.socket_dir.chmod(0o777)
    with pytest.raises(PermissionError):
        cluster.prepare_folders()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to step down to another account")
def test_without_namespaces_root_steps_down_to_an_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A PATH without unshare stands for a kernel that refuses namespaces."""
    monkeypatch.setenv("PATH", str(tmp_path))
    launcher = binaries.find_launcher(None, "nobody")
    assert (launcher.prefix, launcher.user) == ((), "nobody")
    with pytest.raises(binaries.PostgresUnavailable, match="RUHU_POSTGRES_USER"):
        binaries.find_launcher(None, "nobody-of-that-name")
