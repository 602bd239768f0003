"""`ruhu objects` and the start of `ruhu serve` with an S3 server that is there, is not, or lacks the bucket."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.cli.objects import objects
from storage.ids import new_id
from storage.objects.store import FilesystemStore
from tests.api.test_cli import ROOT, ruhu
from tests.storage import object_servers
from tests.storage.conftest import open_store
from tests.storage.object_servers import ACCESS, SECRET, Server, free_port


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with object_servers.juicefs(tmp_path_factory.mktemp("juicefs")) as running:
        yield running


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli") / "data"


def bucket(port: int, *, secret: str = SECRET) -> dict[str, str]:
    """The settings of a bucket on this machine."""
    return {
        "OBJECT_STORE_URL": f"s3+http://ruhu-photos/one?endpoint=http://127.0.0.1:{port}&timeout=2",
        "OBJECT_STORE_ACCESS_KEY": ACCESS, "OBJECT_STORE_SECRET_KEY": secret,
    }  # fmt: skip


def here(*arguments: str, data: Path, **environment: str) -> Result:
    """Runs `ruhu objects` in this process."""
    return CliRunner().invoke(objects, list(arguments), env={"RUHU_DATA": str(data), **environment})


def test_a_bucket_is_made_filled_and_checked(server: Server, data: Path) -> None:
    where = bucket(server.port)
    refused = ruhu("serve", data=data, **where)
    assert refused.returncode == 3
    assert "存储桶不存在" in refused.stderr
    assert "ruhu objects init" in refused.stderr
    for expected in ("存储桶已创建 / bucket made", "存储可用 / the store works"):
        made = here("init", data=data, **where)
        assert made.exit_code == 0, made.output
        assert expected in made.stdout
        assert "由程序避免覆盖" in made.stdout
    store = open_store(server.port, bucket="ruhu-photos", prefix="one/")
    store.put("no-id", b"x")
    store.put("00000000-0000-7000-8000-000000000001", b"x")
    store.put(str(new_id()), b"x")
    sound = ruhu("objects", "check", "--deep", "--json", data=data, **where)
    assert sound.returncode == 0, sound.stderr
    told = json.loads(sound.stdout)
    assert told["sound"] is True
    assert told["orphans"] == ["00000000-0000-7000-8000-000000000001"]
    assert told["strange"] == ["no-id"]
    assert (told["stored"], told["young"], told["kept"]) == (3, 1, 0)


def test_what_is_wrong_is_said_and_no_secret(server: Server, data: Path) -> None:
    wrong = here("init", data=data, **bucket(server.port, secret="not-the-secret"))
    away = here("init", data=data, **bucket(free_port()))
    assert (wrong.exit_code, away.exit_code) == (4, 4)
    assert "拒绝访问" in wrong.stderr
    assert "无法连接" in away.stderr
    faulty = here("check", data=data, OBJECT_STORE_URL="s3://key:not-the-secret@b?endpoint=https://h")
    assert faulty.exit_code == 3
    assert "不得包含密钥" in faulty.stderr
    assert not any("not-the-secret" in answer.output for answer in (wrong, faulty))


def test_a_folder_needs_no_preparation(tmp_path: Path) -> None:
    made = here("init", data=tmp_path / "data")
    assert (made.exit_code, made.stdout) == (0, "存储可用 / the store works\n")


def test_a_report_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    import uuid
    from datetime import UTC, datetime

    from api.cli.objects import tell
    from storage.objects.check import Faulty, Report

    faulty = Faulty(uuid.UUID(int=1), uuid.UUID(int=2), "visit-photo", datetime(2026, 3, 2, tzinfo=UTC))
    tell(Report(deep=False, kept=2, stored=30, missing=[faulty], orphans=[uuid.UUID(int=n) for n in range(25)]))
    told = capsys.readouterr().out
    assert "缺失 / missing: 00000000-0000-0000-0000-000000000001  visit-photo" in told
    assert "无记录 / without a row: 25" in told
    assert "… 5 (--json)" in told
    assert "有缺失或损坏" in told
    tell(Report(deep=True, kept=1, stored=1, read=1))
    assert "完好 / sound" in capsys.readouterr().out


def test_serving_begins_while_the_store_is_down(data: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "serve", "--port", str(port)], cwd=ROOT, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env=os.environ
        | {"RUHU_DATA": str(data), "RUHU_POSTGRES_DURABLE": "0", "RUHU_CACHE": str(ROOT / ".cache")}
        | bucket(free_port()),
    )  # fmt: skip
    try:
        assert process.stderr is not None
        said = ""
        for line in process.stderr:
            said += line
            if f"http://127.0.0.1:{port}" in line:
                break
        assert "文件存储无法连接" in said
        assert f"http://127.0.0.1:{port}" in said
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()


def test_objects_are_moved_to_a_bucket_and_back(server: Server, data: Path, tmp_path: Path) -> None:
    folder = FilesystemStore(tmp_path / "old")
    for _ in range(3):
        folder.put(str(new_id()), b"sealed")
    old, new, back = f"file://{tmp_path}/old", bucket(server.port)["OBJECT_STORE_URL"] + "0", f"file://{tmp_path}/back"
    new = new.replace("/one?", f"/{new_id().hex}?")
    here("init", data=data, **bucket(server.port))
    to = {f"TO_{name}": value for name, value in bucket(server.port).items()}
    moved = here("copy", old, new, "--json", data=data, **to)
    assert moved.exit_code == 0, moved.output
    assert json.loads(moved.stdout)["copied"] == 3
    again = here("copy", old, new, data=data, **bucket(server.port))
    assert "3 there already" in again.stdout
    returned = here("copy", new, back, data=data, **bucket(server.port))
    assert returned.exit_code == 0, returned.output
    assert set(FilesystemStore(tmp_path / "back").keys()) == set(folder.keys())
    (tmp_path / "back" / next(folder.keys())[-2:] / next(folder.keys())).write_bytes(b"other")
    differs = here("copy", old, back, data=data)
    assert differs.exit_code == 1
    assert f"different: {next(folder.keys())}" in differs.stdout
    assert here("copy", old, old, data=data).exit_code == 2
    assert here("copy", old, "s3://x", data=data).exit_code == 3
    away = new.replace(str(server.port), str(free_port()))
    assert here("copy", old, away, data=data, **bucket(server.port)).exit_code == 4
