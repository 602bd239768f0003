"""Archives and lists as the office and the command line meet them: over HTTP and in a shell."""

import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import openpyxl
import pytest
import pytest_asyncio
from click.testing import CliRunner

from api.cli.enrol import enrol
from api.cli.gate import gate
from gate_integration.bulk_enrolment.jobs import Workshop
from inspection.registry.exports.sheets import csv_file
from inspection.users.models import ScopeLevel, UserRole
from storage.database import Database
from storage.vault.service import Vault
from tests.api.conftest import Server, server, signed_in
from tests.faces.archives import archive, consent, consents
from tests.factories import World, make_world
from tests.recognition import FakeEngine, make_gate, picture_of, random_face
from tests.registry.test_registry_cli import run, shell

__all__ = ["server", "shell"]
CODE = "999911001001"
ZIP = {"Content-Type": "application/zip"}
CSV = {"Content-Type": "text/csv"}


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def office(server: Server, database: Database) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    roles = (UserRole.MANAGER, UserRole.OPERATOR_STAFF)
    clients = {str(role): await signed_in(server, database, role, ScopeLevel.DISTRICT, CODE[:6]) for role in roles}
    yield clients
    for client in clients.values():
        await client.aclose()


def photographs(world: World) -> bytes:
    return archive(
        {"consent.csv": consents(consent(world.tenants[0]), consent(world.tenants[1], 同意人脸模板="否")),
         **{f"{t}.jpg": picture_of(random_face(n)) for n, t in enumerate(world.tenants[:2])}}
    )  # fmt: skip


async def test_staff_prepare_an_archive_and_a_manager_confirms_it(
    server: Server, database: Database, vault: Vault, office: dict[str, httpx.AsyncClient],
) -> None:  # fmt: skip
    world = await make_world(database, vault, now=server.clock.now(), flats=2, division_code=CODE)
    staff, manager = office["operator_staff"], office["manager"]
    estate = f"/api/v1/estates/{world.estate_id}"
    form = await staff.get(f"{estate}/photo-consent-template")
    assert openpyxl.load_workbook(io.BytesIO(form.content)).sheetnames == ["同意登记表"]
    sent = await staff.post(f"{estate}/photo-imports?name=a.zip", content=photographs(world), headers=ZIP)
    assert (sent.status_code, sent.json()["status"]) == (202, "waiting"), sent.text
    one = f"/api/v1/photo-imports/{sent.json()['id']}"
    context = server.context
    shop = Workshop(context.database, context.vault, context.objects, context.clock, FakeEngine())
    await shop.check(import_id=sent.json()["id"])
    view = (await manager.get(one)).json()
    assert (view["status"], view["lines_ready"]) == ("checked", 1)
    assert {count["code"] for count in view["tally"]} == {"", "template-not-consented"}
    first = (await staff.get(f"{one}/lines?limit=1")).json()
    rest = (await staff.get(f"{one}/lines", params={"cursor": first["next_cursor"]})).json()
    assert [line["state"] for line in [*first["items"], *rest["items"]]] == ["ready", "refused"]
    assert (await staff.get(f"{one}/lines?line_state=unchanged")).json()["items"] == []
    assert (await staff.post(f"{one}/confirm")).status_code == 403
    assert (await manager.post(f"{one}/confirm")).status_code == 202
    assert (await manager.post(f"{one}/cancel")).json()["code"] == "photo-import-not-ready"
    await shop.apply(import_id=sent.json()["id"])
    assert (await manager.get(one)).json()["lines_applied"] == 1
    told = await manager.get(f"{one}/report?form=csv")
    assert "已建档" in told.text
    assert [row["id"] for row in (await manager.get(f"{estate}/photo-imports")).json()["items"]] == [view["id"]]
    empty = await staff.post(f"{estate}/photo-imports", content=b"", headers=ZIP)
    assert (empty.status_code, empty.json()["code"]) == (422, "archive-empty")


async def test_staff_hand_a_list_in_and_a_manager_says_whom_it_means(
    server: Server, database: Database, vault: Vault, office: dict[str, httpx.AsyncClient],
) -> None:  # fmt: skip
    world = await make_world(database, vault, now=server.clock.now(), flats=2, division_code=CODE)
    terminal = await make_gate(database, world, now=server.clock.now())
    staff, manager = office["operator_staff"], office["manager"]
    device = f"/api/v1/devices/{terminal.id}"
    strange = csv_file([["甲", "乙"], ["000001", "住户0"], ["13900000001", "无此人"]])
    refused = await staff.post(f"{device}/terminal-lists", content=strange, headers=CSV)
    assert (refused.status_code, refused.json()["extra"]["headings"]) == (422, ["甲", "乙"])
    assert (await staff.get(f"{device}/terminal-columns")).json()["set_at"] is None
    columns = await staff.put(f"{device}/terminal-columns", json={"number": "甲", "name": "乙"})
    assert columns.json()["number"] == "甲"
    sent = await staff.post(f"{device}/terminal-lists", files={"file": ("a.csv", strange)})
    assert (sent.status_code, sent.json()["received"]["added"]) == (200, 2), sent.text
    found = (await staff.get(f"{device}/terminal-people")).json()["items"]
    assert [entry["number"] for entry in found] == ["000001", "13********01"]
    assert [entry["level"] for entry in found] == ["likely", "none"]
    one, other = (f"/api/v1/terminal-people/{entry['id']}" for entry in found)
    body = {"person_id": str(world.tenants[0])}
    assert (await staff.post(f"{one}/confirm", json=body)).status_code == 403
    assert (await manager.post(f"{one}/confirm", json=body)).json()["state"] == "confirmed"
    assert (await manager.post(f"{one}/undo", json={"reason": "认错了"})).json()["state"] == "open"
    leaving = {"decision": "left", "remove": True, "reason": "现场核对"}
    assert (await manager.post(f"{other}/decide", json=leaving)).json()["state"] == "removing"
    queued = (await manager.get("/api/v1/device-removals", params={"device_id": str(terminal.id)})).json()["items"]
    assert [(row["what"], row["person_id"]) for row in queued] == [("person", None)]
    assert (await manager.get(one)).json()["candidates"][0]["reasons"][0]["zh"] == "姓名相同"
    exact = await manager.post(f"{device}/terminal-people/confirm-exact", json={"expected": 0})
    assert exact.json() == {"number": 0}
    missing = await manager.post(f"{device}/terminal-people/close-missing", json={"expected": 3})
    assert (missing.status_code, missing.json()["extra"]["found"]) == (409, 0)
    assert len((await manager.get(f"{device}/terminal-lists")).json()["items"]) == 1


async def test_the_same_on_the_command_line(
    shell: CliRunner, server: Server, database: Database, vault: Vault, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr("api.wiring.make_engine", lambda _: FakeEngine())
    world = await make_world(database, vault, now=server.clock.now(), flats=2)
    file = tmp_path / "a.zip"
    file.write_bytes(photographs(world))
    checked = await run(shell, enrol, "photos", file, "--estate", world.estate_id)
    assert checked.exit_code == 0, checked.output
    assert "未建档" in checked.output
    done = await run(shell, enrol, "photos", file, "--estate", world.estate_id, "--yes", "--json", "--report",
                     tmp_path / "r.csv")  # fmt: skip
    assert json.loads(done.stdout)["lines_applied"] == 1
    assert "已建档" in (tmp_path / "r.csv").read_text()
    file.write_bytes(b"nothing")
    refused = await run(shell, enrol, "photos", file, "--estate", world.estate_id)
    assert (refused.exit_code, "bad-archive" in refused.output) == (1, True)
    assert (await run(shell, enrol, "consent-template", tmp_path / "c.csv")).exit_code == 0
    terminal = await make_gate(database, world, now=server.clock.now())
    listed = tmp_path / "people.csv"
    listed.write_bytes(csv_file([["编号", "姓名"], ["1", "住户0"]]))
    told = await run(shell, gate, "people", terminal.id, listed)
    assert "1 人" in told.output, told.output
    again = await run(shell, gate, "people", terminal.id, listed, "--json")
    assert json.loads(again.stdout)["tally"][0]["number"] == 1
