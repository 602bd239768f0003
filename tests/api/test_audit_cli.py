"""`ruhu audit` as a person uses it: in processes of its own, over a database of its own."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from storage.audit.sealer import Sealer
from storage.audit.service import Actor, record
from storage.clock import SystemClock
from storage.database import Database, DatabaseUrls, EstateScope, Role
from storage.ids import new_id
from storage.objects.store import FilesystemStore
from storage.postgres.lease import Lease
from tests.conftest import ROOT

PERSON, ESTATE = new_id(), new_id()


class Audit:
    """Runs `ruhu audit` on a folder and a database."""

    def __init__(self, folder: Path, urls: DatabaseUrls, superuser: str) -> None:
        self.folder = folder
        self.superuser = superuser
        self.env = os.environ | {
            "RUHU_DATA": str(folder / "data"), "RUHU_MASTER_KEY_FILE": str(folder / "m.key"),
            "RUHU_CACHE": str(ROOT / ".cache"), "OBJECT_STORE_URL": f"file://{folder / 'objects'}",
            "RUHU_AUDIT_HEADS_DIR": str(folder / "heads"), "DATABASE_URL": urls.by_role[Role.OWNER],
        }  # fmt: skip

    def __call__(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "api.cli", "audit", *arguments], cwd=ROOT, env=self.env, capture_output=True,
            text=True, timeout=120, check=False,
        )  # fmt: skip

    def tamper(self, statement: str) -> None:
        """As a superuser, past the triggers."""
        with psycopg.connect(self.superuser) as connection:
            connection.execute("SET LOCAL session_replication_role = replica")
            connection.execute(statement.encode())


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def audit(
    tmp_path_factory: pytest.TempPathFactory, database: Database, cluster: Lease, database_name: str
) -> Audit:
    """Five entries, sealed, with copies of the head in both places."""
    found = Audit(tmp_path_factory.mktemp("audit"), database.urls, cluster.cluster.url("postgres", database_name))
    async with database.transaction(Role.APP, EstateScope((ESTATE,))) as session:
        for number in range(5):
            record(
                session, at=SystemClock().now(), actor=Actor.user(new_id()), action="person.unmask",
                object_kind="person", object_id=PERSON if number else new_id(), estate_id=ESTATE,
                purpose="welfare_check", reason="=1+1 核对", number=number,
            )  # fmt: skip
    sealer = Sealer(
        database=database, clock=SystemClock(), key_file=found.folder / "m.audit.key",
        stores=[FilesystemStore(found.folder / name) for name in ("objects", "heads")],
    )  # fmt: skip
    while not (await sealer.seal()).links:
        pass
    await sealer.copy()
    return found


def test_a_sound_log(audit: Audit) -> None:
    answer = audit("verify")
    assert answer.returncode == 0, answer.stderr
    assert "审计记录完好：5 条" in answer.stdout
    assert "副本 2" in answer.stdout


def test_the_public_key_alone_is_enough(audit: Audit, tmp_path: Path) -> None:
    printed = audit("public-key")
    assert printed.stdout.startswith("ed25519 ")
    (tmp_path / "pub").write_text(printed.stdout)
    key = audit.folder / "m.audit.key"
    away = key.rename(tmp_path / "away")
    copies = str(audit.folder / "heads")
    assert audit("verify", "--public-key", str(tmp_path / "pub"), "--heads", copies).returncode == 0
    away.rename(key)
    (tmp_path / "pub").write_text("rsa 1 2\n")
    refused = audit("verify", "--public-key", str(tmp_path / "pub"))
    assert refused.returncode == 2
    assert "未能核验" in refused.stderr


def test_without_a_key_there_is_nothing_to_print(audit: Audit) -> None:
    public = audit.folder / "m.audit.key.pub"
    away = public.rename(audit.folder / "away")
    assert audit("public-key").returncode == 2
    away.rename(public)


def test_a_log_that_is_wrong_is_named(audit: Audit) -> None:
    audit.tamper("UPDATE audit_entry SET purpose = 'x' WHERE id = (SELECT entry_id FROM audit_link WHERE sequence = 3)")
    answer = audit("verify", "--json", str(audit.folder / "report.json"))
    assert answer.returncode == 1
    report = json.loads((audit.folder / "report.json").read_text())
    assert (report["sound"], report["sealed"], report["copies"]) == (False, 5, 2)
    assert (report["first"]["code"], report["first"]["sequence"]) == ("entry-altered", 3)
    assert report["first"]["zh"].startswith("审计记录被改动")
    audit.tamper(
        "UPDATE audit_entry SET purpose = 'welfare_check' "
        "WHERE id = (SELECT entry_id FROM audit_link WHERE sequence = 3)"
    )


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_search_exports_lines_and_tables(audit: Audit, tmp_path: Path) -> None:
    asked = ("search", "--reason", "季度审计", "--person", str(PERSON), "--action", "person.")
    answer = audit(*asked, "--json")
    assert answer.returncode == 0, answer.stderr
    found = lines(answer.stdout)
    assert len(found) == 4
    assert found[0]["reason"] == "=1+1 核对"
    assert found[0]["at"].endswith("+08:00")
    assert audit(*asked, "--csv", str(tmp_path / "found.csv")).returncode == 0
    with (tmp_path / "found.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["reason"] for row in rows] == ["'=1+1 核对"] * 4
    shown = audit("search", "--reason", "复核", "--since", "2020-01-01", "--action", "audit.searched")
    assert shown.stdout.count("季度审计") == 2
    assert "2 条" in shown.stderr
