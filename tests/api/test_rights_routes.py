"""Rights of the person over HTTP and on the command line: asked by one, decided by another, carried out, told."""

import asyncio
import json
import uuid
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from api.cli.person import person as command
from api.erasure import Erasure
from inspection.registry.households.models import Person
from inspection.users.models import UserRole
from storage.database import Database, Role, SystemScope
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.api.conftest import Server
from tests.conftest import ROOT
from tests.factories import World, make_world
from tests.recognition import make_gate, put_on_device

ASKING = {"asked_on": "2026-03-02", "identified_by": "身份证原件", "paper_number": "SQ-7"}


async def leaver(database: Database, vault: Vault, world: World, server: Server) -> uuid.UUID:
    """Somebody known to the estate without any tie to it, and to a gate."""
    person_id = uuid.uuid4()
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        await vault.new_subject_key(session, estate_id=world.estate_id, subject_id=person_id, now=server.clock.now())
        session.add(Person(id=person_id, estate_id=world.estate_id, name="曾住户", created_at=server.clock.now()))
    device = await make_gate(database, world, now=server.clock.now())
    await put_on_device(database, device, person_id, now=server.clock.now())
    return person_id


async def test_an_erasure_from_the_request_to_the_gate(
    server: Server, sign_in: Any, database: Database, vault: Vault, objects: Objects, tmp_path: Path
) -> None:
    world = await make_world(database, vault, now=server.clock.now(), flats=1)
    person_id = await leaver(database, vault, world, server)
    clerk, chief = await sign_in(UserRole.MANAGER), await sign_in(UserRole.MANAGER)
    told = await clerk.post(f"/api/v1/people/{person_id}/access-report", json=ASKING)
    assert told.status_code == 200, told.text
    assert {one["category"] for one in told.json()["holdings"]} == {"register", "gate-entry"}
    assert "曾住户" in told.json()["text_zh"]
    copied = await clerk.post(f"/api/v1/people/{person_id}/portable-copy", json=ASKING)
    assert copied.json()["data"]["name"] == "曾住户"

    asked = await clerk.post(f"/api/v1/people/{person_id}/erasure-requests", json={"asking": ASKING})
    assert asked.status_code == 201, asked.text
    request = f"/api/v1/rights-requests/{asked.json()['id']}"
    own = await clerk.post(f"{request}/decision", json={"granted": True, "reason": "依法删除"})
    assert (own.status_code, own.json()["code"]) == (403, "decided-by-another")
    granted = await chief.post(f"{request}/decision", json={"granted": True, "reason": "依法删除"})
    assert (granted.status_code, granted.json()["state"], granted.json()["kept"]) == (200, "approved", [])
    late = await clerk.post(f"{request}/take-back", json={"reason": "本人撤回"})
    assert (late.status_code, late.json()["code"]) == (409, "request-not-open")

    erasure = Erasure(database=database, settings=replace(server.context.settings, ledger=tmp_path / "ledger"),
                      clock=server.clock, vault=vault, objects=objects)  # fmt: skip
    assert (await erasure.carry_out()).erased == 1
    done = (await clerk.get(request)).json()
    assert (done["request"]["state"], done["details"]) == ("done", None)
    assert {"noun": "person", "done": "emptied", "count": 1, "kept_why": None} in done["request"]["proof"]
    assert (await clerk.post(f"/api/v1/people/{person_id}/access-report", json=ASKING)).status_code == 404
    listed = (await clerk.get("/api/v1/rights-requests", params={"person_id": str(person_id)})).json()
    assert [one["id"] for one in listed["items"]] == [asked.json()["id"]]

    (waiting,) = (await clerk.get("/api/v1/device-removals", params={"person_id": str(person_id)})).json()["items"]
    assert (waiting["what"], waiting["state"], waiting["alarm"]) == ("person", "pending", False)
    confirm = f"/api/v1/device-removals/{waiting['id']}/confirm"
    confirmed = await clerk.post(confirm, json={"note": "现场核对"})
    assert (confirmed.json()["state"], confirmed.json()["device_person_no"]) == ("confirmed", None)
    again = await clerk.post(confirm, json={"note": "现场核对"})
    assert (again.status_code, again.json()["code"]) == (409, "removal-confirmed")
    assert (await clerk.get("/api/v1/device-removals", params={"person_id": str(person_id)})).json()["items"] == []


async def test_requests_come_in_pages(server: Server, sign_in: Any, database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=server.clock.now(), flats=3)
    clerk = await sign_in(UserRole.MANAGER)
    wanted = [
        (await clerk.post(f"/api/v1/people/{one}/correction-requests",
                          json={"asking": ASKING, "why": "写错了", "proof": "户口簿", "name": "更正"})).json()["id"]
        for one in world.tenants
    ]  # fmt: skip
    seen: list[str] = []
    cursor = None
    while True:
        page = (
            await clerk.get(
                "/api/v1/rights-requests",
                params={"kind": "correction", "state": "open", "limit": 2} | ({"cursor": cursor} if cursor else {}),
            )
        ).json()
        seen += [one["id"] for one in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == wanted[::-1]


async def test_the_count_of_faces_is_shown_and_a_filing_recorded(server: Server, sign_in: Any) -> None:
    keeper = await sign_in(UserRole.ADMINISTRATOR)
    assert (await keeper.get("/api/v1/enrolled-people")).json()["newest"] is None
    made = await keeper.post(
        "/api/v1/enrolled-people/filings", json={"kind": "first", "number": "BA-1", "filed_on": "2026-03-01"}
    )
    assert made.status_code == 201, made.text
    assert [one["number"] for one in (await keeper.get("/api/v1/enrolled-people")).json()["filings"]] == ["BA-1"]


@pytest.fixture
def shell(tmp_path: Path, master_key: bytes, database_name: str, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A shell whose environment names the test database, its master key and a ledger of its own."""
    key = tmp_path / "master.key"
    key.write_text(master_key.hex())
    key.chmod(0o600)
    for name, value in {
        "RUHU_DATA": str(ROOT / "var/tests"), "RUHU_CACHE": str(ROOT / ".cache"), "RUHU_POSTGRES_DURABLE": "0",
        "RUHU_DATABASE": database_name, "RUHU_MASTER_KEY_FILE": str(key), "RUHU_LEDGER_DIR": str(tmp_path / "ledger"),
        "OBJECT_STORE_URL": f"file://{tmp_path}/objects",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    return CliRunner()


async def run(shell: CliRunner, *arguments: object) -> Result:
    return await asyncio.to_thread(shell.invoke, command, [str(a) for a in arguments])


async def test_the_command_line_reports_erases_replays_and_checks_the_ledger(
    shell: CliRunner, server: Server, sign_in: Any, database: Database, vault: Vault, tmp_path: Path
) -> None:
    world = await make_world(database, vault, now=server.clock.now(), flats=0)
    person_id = await leaver(database, vault, world, server)
    told = await run(shell, "report", person_id, "--paper", "SQ-8", "--identified-by", "身份证原件")
    assert told.exit_code == 0, told.output
    assert "个人信息处理情况报告" in told.stdout
    clerk, chief = await sign_in(UserRole.MANAGER), await sign_in(UserRole.MANAGER)
    asked = (await clerk.post(f"/api/v1/people/{person_id}/erasure-requests", json={"asking": ASKING})).json()
    await chief.post(f"/api/v1/rights-requests/{asked['id']}/decision", json={"granted": True, "reason": "依法删除"})
    erased = json.loads((await run(shell, "erase", "--json")).stdout)
    assert erased["erased"] >= 1
    assert json.loads((await run(shell, "replay", "--json")).stdout)["erased"] == 0
    sound = await run(shell, "ledger")
    assert (sound.exit_code, "行数 / lines: 2" in sound.stdout) == (0, True), sound.output
    ledger = tmp_path / "ledger" / "ledger.jsonl"
    ledger.write_text(ledger.read_text().replace("intent", "intenX", 1))
    damaged = await run(shell, "ledger")
    assert damaged.exit_code == 1
    assert "file 第1行 / line 1: line-changed" in damaged.stderr
