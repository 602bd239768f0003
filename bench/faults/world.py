"""A small estate, made through the interface: three flats, terminals, an inspector's visit, a manager's desk."""

import csv
import io
import json
import time
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import httpx

from api.demo import estate, furnish
from api.demo.people import Player
from bench.faults.processes import START_PATIENCE_S, Services
from storage.clock import SystemClock, local_day

FLATS = 3
TERMINALS = ("identity", "identity", "snapshot")  # by their capture mode


@dataclass(slots=True)
class World:
    """What the load works with. `tokens`: of the terminals, by their device ids; `snapshot`: the one with pictures."""

    estate_id: str
    household_id: str
    unit_id: str
    visit_id: str
    tokens: dict[str, str]
    snapshot: str
    manager: Player
    inspector: Player


def register() -> bytes:
    """A register of a few flats, leased now."""
    today = local_day(SystemClock().now())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(estate.HEADINGS)
    for number in range(1, FLATS + 1):
        writer.writerow(
            ("1幢", "1单元", f"10{number}", f"1-1-10{number}", 1, 4, f"H{number}", "实物配租", estate.TENANT,
             f"承租人{number}", estate.id_number(date(1970, 1, number), number), f"ZL-{number}",
             today - timedelta(days=300), today + timedelta(days=700), today - timedelta(days=300))
        )  # fmt: skip
    return ("\ufeff" + text.getvalue()).encode()


def wait_ready(base_url: str) -> None:
    """Waits until a server serves."""
    end = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < end:
        try:
            if httpx.get(f"{base_url}/readyz", timeout=5).status_code == httpx.codes.OK:
                return
        except httpx.TransportError:
            pass
        time.sleep(0.1)
    raise RuntimeError("the server did not become ready")


def furnished(services: Services, base_url: str, folder: Path) -> World:
    """Makes everything; server and worker run."""
    made = folder / "chief.json"
    arguments = ["user", "add", "chief", "--name", "管理员", "--role", "administrator", "--json", str(made)]
    if services.run_once(arguments, folder / "commands.log") != 0:
        raise RuntimeError(f"no administrator was made; see {folder / 'commands.log'}")
    chief = Player(base_url, "chief", json.loads(made.read_text())["password"], "管理员")
    chief.sign_in()
    chief.choose_password()
    found = furnish.Furnished(chief.post(
        "/estates", name=estate.ESTATE_NAME, division_code=estate.DIVISION, funding_type="government_invested",
        geofence={"crs": "wgs84", "polygon": furnish.POLYGON},
    )["id"])  # fmt: skip
    furnish.import_register(chief, found.estate_id, register())
    today = local_day(SystemClock().now())
    for purpose in ("access_control", "tenancy_compliance"):
        chief.post(
            f"/estates/{found.estate_id}/bases", purpose=purpose, legal_basis="测试依据", assessment_number="PIA-1",
            assessment_date=str(today - timedelta(days=30)), notice_version=furnish.NOTICE, signed_by="测试",
            valid_from=str(today - timedelta(days=20)), valid_to=str(today + timedelta(days=300)),
        )  # fmt: skip
    furnish.hire(chief, found, base_url)
    manager, inspector = found.players["manager"], found.players["inspector-1"]
    household = manager.all(f"/estates/{found.estate_id}/households")[0]
    whole = manager.get(f"/households/{household['id']}")
    unit_id = whole["leases"][0]["unit_id"]
    entrance = manager.all(f"/estates/{found.estate_id}/units")[0]
    tokens: dict[str, str] = {}
    snapshot = ""
    for number, mode in enumerate(TERMINALS):
        device = chief.post(
            "/devices", estate_id=found.estate_id, name=f"{number + 1} 号门", serial=f"FAULTS{number}",
            capture_mode=mode, level="entrance", building_id=entrance["building_id"],
            entrance_id=entrance["entrance_id"], direction="in",
        )  # fmt: skip
        tokens[device["device"]["id"]] = device["token"]
        snapshot = device["device"]["id"] if mode == "snapshot" else snapshot
    visit = manager.post(
        "/visits", household_id=household["id"], unit_id=unit_id, kind="patrol", assigned_to=inspector.id
    )
    chief.close()
    return World(found.estate_id, household["id"], unit_id, visit["visit"]["id"], tokens, snapshot, manager, inspector)
