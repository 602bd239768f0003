"""The command line as a person uses it: in a process of its own, on a data directory of its own."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from storage.ids import new_id
from storage.postgres.lease import Lease, acquire, create_database
from storage.settings import load
from tests.registry.sheets import row, sheet

ROOT = Path(__file__).resolve().parent.parent.parent


def ruhu(*arguments: str, data: Path, stdin: str = "", **extra: str) -> subprocess.CompletedProcess[str]:
    """Runs `ruhu` on a data directory."""
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments], input=stdin, capture_output=True, text=True, cwd=ROOT,
        timeout=120, check=False,
        env=os.environ | {"RUHU_DATA": str(data), "RUHU_POSTGRES_DURABLE": "0", "RUHU_CACHE": str(ROOT / ".cache")}
        | extra,
    )  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cli") / "data"


def test_help_lists_every_command_without_importing_them(data: Path) -> None:
    answer = ruhu("--help", data=data)
    assert answer.returncode == 0
    assert "serve" in answer.stdout
    assert "门禁" in answer.stdout
    loaded = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "api.cli", "--help"], capture_output=True, text=True, cwd=ROOT,
        check=True,
    ).stderr  # fmt: skip
    assert not any(name in loaded for name in ("litestar", "sqlalchemy", "cv2", "procrastinate"))


def test_the_first_user_is_made_with_a_password_shown_once(data: Path) -> None:
    made = ruhu("user", "add", "chief", "--name", "管理员", "--role", "administrator", "--json", data=data)
    assert made.returncode == 0, made.stderr
    body = json.loads(made.stdout)
    assert body["login"] == "chief"
    assert len(body["password"]) >= 16
    again = ruhu("user", "add", "chief", "--name", "管理员", "--role", "administrator", data=data)
    assert again.returncode == 1
    assert "login-taken" in again.stderr
    assert "用户名已存在" in again.stderr


def test_a_password_can_come_from_standard_input(data: Path) -> None:
    arguments = ("user", "add", "second", "--name", "乙", "--role", "inspector", "--level", "district")
    good = ruhu(*arguments, "--code", "999999", "--password-stdin", data=data, stdin="a-long-password-1\n")
    assert good.returncode == 0, good.stderr
    assert "a-long-password-1" not in good.stdout + good.stderr
    weak = ruhu(
        "user", "add", "third", "--name", "丙", "--role", "inspector", "--password-stdin", data=data, stdin="x\n"
    )
    assert (weak.returncode, "weak-password" in weak.stderr) == (1, True)
    place = ruhu("user", "add", "fourth", "--name", "丁", "--role", "inspector", "--level", "district", data=data)
    assert (place.returncode, "bad-grant" in place.stderr) == (1, True)


def test_an_administrator_finds_back_in_by_the_console(data: Path) -> None:
    chief = ("user", "add", "finder", "--name", "甲", "--role", "administrator", "--json")
    password = json.loads(ruhu(*chief, data=data).stdout)["password"]
    back = ruhu("user", "recover", "finder", "--reason", "手机遗失，批准 1 号", "--json", data=data)
    assert back.returncode == 0, back.stderr
    assert json.loads(back.stdout)["password"] != password
    told = ruhu("audit", "search", "--reason", "检查", "--action", "password.reset", "--json", data=data)
    assert "手机遗失" in told.stdout, told.stderr
    ruhu("user", "add", "field", "--name", "乙", "--role", "inspector", data=data)
    for login in ("field", "nobody"):
        refused = ruhu("user", "recover", login, "--reason", "试", data=data)
        assert (refused.returncode, "forbidden" in refused.stderr) == (1, True), refused.stderr


def test_upgrading_twice_is_harmless(data: Path) -> None:
    for _ in range(2):
        assert ruhu("db", "upgrade", data=data).returncode == 0


def test_wrong_settings_are_explained(data: Path) -> None:
    answer = ruhu("db", "upgrade", data=data, RUHU_PORT="many", RUHU_CLOCK="sundial")
    assert answer.returncode == 3
    assert answer.stderr.count("settings:") == 2


def test_a_simulated_clock_is_refused_on_real_data(data: Path) -> None:
    for command in (("serve",), ("worker",), ("db", "upgrade")):
        answer = ruhu(*command, data=data, RUHU_CLOCK="simulated")
        assert answer.returncode == 3, answer.stderr
        assert "演示" in answer.stderr


def test_a_lost_master_key_is_explained_and_not_made_anew(data: Path, tmp_path: Path) -> None:
    ruhu("db", "upgrade", data=data)
    answer = ruhu("db", "upgrade", data=data, RUHU_MASTER_KEY_FILE=str(tmp_path / "elsewhere.key"))
    assert answer.returncode == 3
    assert "主密钥缺失" in answer.stderr
    assert not (tmp_path / "elsewhere.key").exists()


def test_the_openapi_document_needs_no_database(data: Path) -> None:
    answer = ruhu("openapi", data=data)
    assert json.loads(answer.stdout)["openapi"].startswith("3.1")


def test_an_estate_by_the_command_line_alone(data: Path, tmp_path: Path) -> None:
    """Register, basis, consent, terminal: what is told, what is refused, what JSON says."""
    settings = load({"RUHU_DATA": str(data), "RUHU_POSTGRES_DURABLE": "0"})
    ruhu("db", "upgrade", data=data)
    lease = acquire(settings)
    estate = str(new_id())
    with psycopg.connect(lease.cluster.url("postgres", "ruhu")) as connection:
        connection.execute(
            "INSERT INTO estate VALUES (%s, '命令行小区', '999999001001', 'other', NULL, now())", (estate,)
        )
    sheet_file = tmp_path / "register.csv"
    sheet_file.write_bytes(sheet([row(1), row(2)]))
    checked = ruhu("registry", "import", str(sheet_file), "--estate", estate, "--create-units", "--json", data=data)
    assert (checked.returncode, json.loads(checked.stdout)["status"]) == (0, "cancelled"), checked.stderr
    again = ruhu(
        "registry", "import", str(sheet_file), "--estate", estate, "--create-units", "--yes", "--json", data=data
    )
    assert (again.returncode, json.loads(again.stdout)["status"]) == (0, "applied"), again.stderr
    day = f"{datetime.now(UTC):%Y-%m-%d}"
    basis = ruhu(
        "basis", "add", "--estate", estate, "--purpose", "access_control", "--legal-basis", "测试",
        "--assessment", "PIA-1", "--assessed-on", day, "--notice", "v1",
        "--signed-by", "测试", "--from", day, "--to", "2099-12-31", data=data,
    )  # fmt: skip
    assert basis.returncode == 0, basis.stderr
    with psycopg.connect(lease.cluster.url("postgres", "ruhu")) as connection:
        (person,) = connection.execute("SELECT id FROM person WHERE estate_id = %s LIMIT 1", (estate,)).fetchone() or (
            "",
        )
    give = ("consent", "add", str(person), "--scope", "template", "--notice")
    assert json.loads(ruhu(*give, "v1", "--json", data=data).stdout)["given"] == ["template"]
    outdated = ruhu(*give, "v0", data=data)
    assert (outdated.returncode, "notice-outdated" in outdated.stderr) == (1, True)
    assert "template" in ruhu("consent", "list", str(person), data=data).stdout
    assert ruhu("consent", "expire", data=data).returncode == 0
    assert json.loads(ruhu("consent", "withdraw", str(person), "--json", data=data).stdout)["withdrawn"] == ["template"]
    assert "没有设备" in ruhu("gate", "health", data=data).stdout
    added = ruhu("gate", "add", "SN1", "--estate", estate, "--name", "大门", "--json", data=data)
    assert json.loads(added.stdout)["path"].startswith("/gate/hikvision/")
    assert "大门  从未联系" in ruhu("gate", "health", data=data).stdout
    twice = ruhu("gate", "add", "SN1", "--estate", estate, "--name", "大门", data=data)
    assert twice.returncode == 1
    signed = ("--vendor", "webhook", "--estate", estate, "--name", "平台")
    hook = json.loads(ruhu("gate", "add", "WH1", *signed, "--json", data=data).stdout)
    assert (hook["path"], hook["token"][:6]) == (f"/gate/webhook/{hook['id']}", "whsec_")
    rotated = json.loads(ruhu("gate", "webhook-secret", hook["id"], "--rotate", "--json", data=data).stdout)
    assert rotated["secret"].startswith("whsec_")
    assert [key["valid_until"] is None for key in rotated["keys"]] == [True, False]
    revoked = ruhu("gate", "webhook-secret", hook["id"], "--revoke", rotated["keys"][1]["id"], data=data)
    assert revoked.stdout.count("已吊销") == 1
    assert "whsec_" not in revoked.stdout
    wrong = ruhu("gate", "webhook-secret", hook["id"], "--rotate", "--revoke", hook["id"], data=data)
    assert wrong.returncode == 2
    lease.release()


def test_an_external_server_is_used_by_role(data: Path, tmp_path: Path, cluster: Lease) -> None:
    """DATABASE_URL names server and database; each role signs in under its own name."""
    name = f"external_{os.getpid()}"
    with psycopg.connect(cluster.cluster.url("postgres", "postgres"), autocommit=True) as connection:
        create_database(connection, name)
    url = f"postgresql://anybody@/{name}?host={cluster.cluster.socket_dir}"
    made = ruhu(
        "user", "add", "chief", "--name", "甲", "--role", "administrator", data=tmp_path / "d", DATABASE_URL=url
    )
    assert made.returncode == 0, made.stderr
    assert not (tmp_path / "d/pg").exists()
    with psycopg.connect(cluster.cluster.url("ruhu_owner", name)) as connection:
        assert connection.execute("SELECT login FROM app_user").fetchall() == [("chief",)]
