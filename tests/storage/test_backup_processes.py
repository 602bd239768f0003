"""Backups by the command line: an embedded server, processes that are killed, a disk that is full."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from storage.backup.manifest import MANIFEST
from storage.postgres.lease import Lease
from tests.conftest import ROOT
from tests.storage.backups import Site, drop, furnish, ruhu, site, start_ruhu


@pytest.fixture(scope="module")
def place(cluster: Lease, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = site(cluster, tmp_path_factory.mktemp("place"), template=template)
    yield found
    drop(found)


@pytest.fixture(scope="module")
async def backup(place: Site, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of a furnished installation, made by a process; its folder is not changed by tests."""
    async with place.house() as house:
        await furnish(house, photos=40)
    directory = tmp_path_factory.mktemp("backups") / "first"
    code, made, errors = ruhu("db", "backup", str(directory), "--json", **place.environment)
    assert code == 0, errors
    assert made["objects"] == 40
    assert made["missing"] == []
    return directory


def until(condition: Callable[[], object], process: subprocess.Popen[str] | None = None) -> None:
    """Waits for a condition; a process that ends before it is an error."""
    end = time.monotonic() + 120
    while not condition():
        assert process is None or process.poll() is None, process.communicate()
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.002)


def kill(process: subprocess.Popen[str]) -> None:
    """As the kernel does when memory runs out."""
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()


async def test_an_embedded_installation_is_restored_to_a_fresh_directory_and_served(
    place: Site, backup: Path, tmp_path: Path
) -> None:
    fresh = {name: value for name, value in place.environment.items() if name != "DATABASE_URL"} | {
        "RUHU_DATA": str(tmp_path / "data")
    }
    code, found, errors = ruhu("db", "verify-backup", str(backup), "--json", **fresh)
    assert (code, found["faults"]) == (0, []), errors
    code, done, errors = ruhu("db", "restore", str(backup), "--yes", "--json", **fresh)
    assert code == 0, errors
    assert done["objects_new"] == 40
    assert done["epoch"] > 1
    code, drilled, errors = ruhu("db", "drill", str(backup), "--objects", "5", "--json", **fresh)
    assert (code, drilled["passed"], drilled["objects_opened"]) == (0, True, 5), errors
    code, again, errors = ruhu("db", "backup", str(tmp_path / "second"), "--verify", "--json", **fresh)
    assert (code, again["objects"], again["epoch"]) == (0, 40, done["epoch"]), errors
    wrong = fresh | {"RUHU_MASTER_KEY_FILE": str(tmp_path / "other.key"), "RUHU_DATA": str(tmp_path / "nowhere")}
    code, _, errors = ruhu("db", "restore", str(backup), "--yes", **wrong)
    assert code == 3
    assert "主密钥缺失" in errors
    assert not (tmp_path / "nowhere").exists()


def test_a_killed_backup_is_no_backup_and_is_no_obstacle(place: Site, backup: Path, tmp_path: Path) -> None:
    directory = tmp_path / "killed"
    partial = directory.with_name("killed.partial")
    process = start_ruhu("db", "backup", str(directory), **place.environment)
    until(partial.exists, process)
    kill(process)
    assert not directory.exists()
    assert not (partial / MANIFEST).exists()
    code, _, errors = ruhu("db", "verify-backup", str(partial), **place.environment)
    assert code == 1
    assert "不是完整的备份" in errors
    until(lambda: not place.rows("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 711003"))
    code, made, errors = ruhu("db", "backup", str(directory), "--json", "--incremental-objects", **place.environment)
    assert code == 0, errors
    assert made["objects"] == 40
    assert not partial.exists()


def test_a_killed_restore_is_not_served_and_is_run_again(
    cluster: Lease, place: Site, backup: Path, tmp_path: Path
) -> None:
    target = site(cluster, tmp_path, key=place.settings.master_key_file)
    try:
        process = start_ruhu("db", "restore", str(backup), "--yes", **target.environment)
        until(lambda: target.rows("SELECT to_regclass('public.restore_unfinished')") != [(None,)], process)
        kill(process)
        for command in (("serve", "--port", "1"), ("worker",)):
            code, _, errors = ruhu(*command, **target.environment)
            assert code == 3, errors
            assert "恢复尚未完成" in errors
        until(lambda: not others(target))
        code, done, errors = ruhu("db", "restore", str(backup), "--yes", "--json", **target.environment)
        assert code == 0, errors
        assert done["objects_new"] == 0
        assert target.rows("SELECT to_regclass('public.restore_unfinished')") == [(None,)]
        code, _, errors = ruhu("db", "upgrade", **target.environment)
        assert code == 0, errors
    finally:
        drop(target)


def others(target: Site) -> list[tuple[object, ...]]:
    """Connections to a site's database."""
    with psycopg.connect(target.cluster.cluster.url("postgres", "postgres")) as connection:
        return connection.execute("SELECT 1 FROM pg_stat_activity WHERE datname = %s", (target.database,)).fetchall()


def test_a_full_disk_is_told_and_leaves_nothing(place: Site, backup: Path, tmp_path: Path) -> None:
    def small_files_only() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    found = subprocess.run(
        [sys.executable, "-m", "api.cli", "db", "backup", str(tmp_path / "full")], capture_output=True, text=True,
        cwd=ROOT, env=os.environ | place.environment, check=False, preexec_fn=small_files_only,
    )  # fmt: skip
    assert found.returncode == 1
    assert "备份失败" in found.stderr
    assert list(tmp_path.iterdir()) == []


def test_what_is_asked_for_and_is_not_there(place: Site, backup: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    shutil.copytree(backup, damaged)
    (damaged / "database.dump").unlink()
    code, found, errors = ruhu("db", "verify-backup", str(damaged), "--json", **place.environment)
    assert code == 2
    assert found["faults"] == ["database.dump cannot be read: No such file or directory"]
    code, _, errors = ruhu("db", "restore", str(backup), "--yes", **place.environment)
    assert code == 1
    assert "--replace" in errors
