"""The register on the command line, against this worker's database."""

import asyncio
import json
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from api.cli.basis import basis
from api.cli.consent import consent
from api.cli.registry import registry
from inspection.registry.households.models import Person
from storage.database import Database, Role
from storage.vault.service import Vault
from tests.conftest import ROOT
from tests.factories import World, give_consent, make_world
from tests.registry.sheets import row, sheet

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)


@pytest.fixture
def shell(tmp_path: Path, master_key: bytes, database_name: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A shell whose environment names the test database and its master key."""
    key = tmp_path / "master.key"
    key.write_text(master_key.hex())
    key.chmod(0o600)
    for name, value in {
        "RUHU_DATA": str(ROOT / "var/tests"), "RUHU_CACHE": str(ROOT / ".cache"), "RUHU_POSTGRES_DURABLE": "0",
        "RUHU_DATABASE": database_name, "RUHU_MASTER_KEY_FILE": str(key),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return CliRunner()


async def run(shell: CliRunner, group: object, *arguments: object) -> Result:
    return await asyncio.to_thread(shell.invoke, group, [str(a) for a in arguments])  # type: ignore[arg-type]


async def people(database: Database, world: World) -> int:
    async with database.transaction(Role.APP, world.scope) as session:
        return len((await session.scalars(select(Person.id))).all())


async def test_import_checks_then_applies(shell: CliRunner, database: Database, vault: Vault, tmp_path: Path) -> None:
    world = await make_world(database, vault, now=NOW, flats=0)
    file = tmp_path / "register.csv"
    file.write_bytes(sheet([row(1), row(2)]))
    options = ("import", file, "--estate", world.estate_id, "--create-units", "--full-list")
    checked = await run(shell, registry, *options)
    assert checked.exit_code == 0, checked.output
    assert "检查通过" in checked.output
    assert await people(database, world) == 0
    applied = await run(shell, registry, *options, "--yes", "--json")
    assert applied.exit_code == 0, applied.output
    told = json.loads(applied.stdout)
    assert (told["status"], told["report"]["counts"]["people"]["new"], told["issues"]) == ("applied", 2, [])
    assert await people(database, world) == 2
    lacking = tmp_path / "one.csv"
    lacking.write_bytes(sheet([row(1)]))
    shown = await run(shell, registry, "import", lacking, "--estate", world.estate_id, "--full-list", "--yes")
    assert "名册缺失住户 household: 1 missing" in shown.output
    file.write_bytes(sheet([row(1), row(3, 角色="房东")]))
    refused = await run(shell, registry, *options, "--yes")
    assert refused.exit_code == 1
    assert "第3行 角色" in refused.output
    assert row(3)["身份证号"] not in refused.output
    foreign = await run(shell, registry, "import", file, "--estate", uuid.uuid4())
    assert foreign.exit_code == 1
    assert "not-found" in foreign.output
    listed = await run(shell, registry, "imports", "--estate", world.estate_id)
    assert [line.split()[3] for line in listed.output.splitlines() if "register" in line or "one" in line] == [
        "refused", "applied", "applied", "cancelled",
    ]  # fmt: skip
    shown = await run(shell, registry, "imports", "--estate", world.estate_id, "--json")
    finished = json.loads(shown.stdout)[0]["id"]
    assert "import-not-ready" in (await run(shell, registry, "cancel", finished)).output
    await make_world(database, vault, now=NOW, flats=0)
    assert (await run(shell, registry, "import", file)).exit_code == 2  # more than one estate


async def test_template_and_export(shell: CliRunner, database: Database, vault: Vault, tmp_path: Path) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    for name in ("t.csv", "t.xlsx"):
        assert (await run(shell, registry, "template", tmp_path / name)).exit_code == 0
    assert (tmp_path / "t.xlsx").read_bytes().startswith(b"PK")
    why = ("--purpose", "access_control", "--reason", "移交主管部门")
    out = tmp_path / "out.csv"
    made = await run(shell, registry, "export", out, "--estate", world.estate_id, *why)
    assert made.exit_code == 0, made.output
    assert "1 名成员没有身份证号" in made.output
    assert out.stat().st_mode & 0o077 == 0
    assert "U000" in out.read_text()
    wrong = await run(shell, registry, "export", out, "--estate", world.estate_id, "--purpose", "x", "--reason", "y")
    assert wrong.exit_code == 2


async def test_bases_and_consents(shell: CliRunner, database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    added = await run(
        shell, basis, "add", "--estate", world.estate_id, "--purpose", "welfare_check", "--legal-basis", "测试依据",
        "--assessment", "PIA-7", "--assessed-on", "2026-01-02", "--notice", "v7", "--signed-by", "测试",
        "--from", "2026-02-01", "--to", "2099-12-31", "--json",
    )  # fmt: skip
    assert added.exit_code == 0, added.output
    made = json.loads(added.stdout)["id"]
    listed = await run(shell, basis, "list", "--estate", world.estate_id)
    assert made in listed.output
    assert (await run(shell, basis, "withdraw", made, "--reason", "评估过期")).exit_code == 0
    again = await run(shell, basis, "withdraw", made, "--reason", "评估过期")
    assert (again.exit_code, "basis-ended" in again.output) == (1, True)
    rows = json.loads((await run(shell, basis, "list", "--estate", world.estate_id, "--json")).stdout)
    assert [r["in_force"] for r in rows if r["id"] == made] == [False]

    person = world.tenants[0]
    await give_consent(database, world, person, now=NOW)
    one = await run(shell, consent, "withdraw", person, "--scope", "keep_photo", "--json")
    assert json.loads(one.stdout)["withdrawn"] == ["keep_photo"]
    rest = await run(shell, consent, "withdraw", person)
    assert "template" in rest.output
    assert "none stood" in (await run(shell, consent, "withdraw", person)).output
    shown = json.loads((await run(shell, consent, "list", person, "--json")).stdout)
    assert [c["stands"] for c in shown] == [False] * 4
    assert "ended" in (await run(shell, consent, "list", person)).output
