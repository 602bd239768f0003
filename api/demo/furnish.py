"""Furnishing the demonstration's estate through the API: register, bases, consents, terminals, cards, faces."""

import time
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from api.demo import estate
from api.demo.days import CARDS, FIRST_DAY, HOSPITAL_FROM, HOSPITAL_TO
from api.demo.estate import Resident
from api.demo.people import Player, new_password

NOTICE = "2026-01"
SNAPSHOT_TERMINAL = "1-1"
IMPORT_PATIENCE_S = 60
POLYGON = [[116.3000, 39.9000], [116.3040, 39.9000], [116.3040, 39.9030], [116.3000, 39.9030]]


@dataclass(slots=True)
class Furnished:
    """Ids of what was made, by the names of the story."""

    estate_id: str
    households: dict[str, str] = field(default_factory=dict)
    units: dict[str, str] = field(default_factory=dict)
    persons: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)
    players: dict[str, Player] = field(default_factory=dict)


def make_estate(chief: Player, people: list[Resident]) -> Furnished:
    """The estate, its register from a CSV file (checked, confirmed, applied), and the legal bases of processing."""
    made = chief.post(
        "/estates", name=estate.ESTATE_NAME, division_code=estate.DIVISION, funding_type="government_invested",
        geofence={"crs": "wgs84", "polygon": POLYGON},
    )  # fmt: skip
    found = Furnished(estate_id=made["id"])
    import_register(chief, found.estate_id, estate.register_csv(people))
    chief.post(
        "/issuing-authorities", division_code=estate.DIVISION[:6], name="演示区住房保障局", designator="演住保",
        address="演示区示范路1号", phone="000-00000000", review_body="演示区人民政府", court="演示区人民法院",
    )  # fmt: skip
    for purpose in ("access_control", "welfare_check", "tenancy_compliance"):
        chief.post(
            f"/estates/{found.estate_id}/bases", purpose=purpose, legal_basis="演示：公共租赁住房管理办法",
            assessment_number=f"PIA-2026-{purpose}", assessment_date="2026-01-15", notice_version=NOTICE,
            signed_by="演示住房保障中心", valid_from="2026-02-01", valid_to="2027-01-31",
        )  # fmt: skip
    return found


def import_register(chief: Player, estate_id: str, content: bytes) -> None:
    """Hands the file in, waits for the report, confirms it, waits until it is applied."""
    made = chief.call(
        "POST", f"/estates/{estate_id}/registry-imports", content=content, headers={"Content-Type": "text/csv"},
        params={"create_units": "true", "full_list": "true", "name": "register.csv"},
    )  # fmt: skip
    where = f"/registry-imports/{made['id']}"
    for step, wanted in (("", "checked"), ("/confirm", "applied")):
        if step:
            chief.post(where + step)
        end = time.monotonic() + IMPORT_PATIENCE_S
        while (now := chief.get(where))["status"] != wanted:
            if now["status"] in {"refused", "failed"} or time.monotonic() > end:
                raise RuntimeError(f"the register was not imported: {now['status']} {now['report']}")
            time.sleep(0.1)
        if now["report"]["issue_counts"]:
            raise RuntimeError(f"the register has errors: {now['report']['issue_counts']}")


def hire(chief: Player, found: Furnished, base_url: str) -> None:
    """A manager and three inspectors of the community."""
    for login, role, name, certificate in (
        ("manager", "manager", "审核员", "ZF-2026-001"),
        ("inspector-1", "inspector", "巡查员一", "ZF-2026-011"),
        ("inspector-2", "inspector", "巡查员二", "ZF-2026-012"),
        ("inspector-3", "inspector", "巡查员三", "ZF-2026-013"),
        ("auditor", "auditor", "审计员", None),
    ):
        password = new_password()
        view = chief.post(
            "/users", login=login, name=name, password=password, certificate_number=certificate,
            grants=[{"role": role, "level": "community", "code": estate.DIVISION}],
        )  # fmt: skip
        player = Player(base_url, login, password, name)
        player.id = view["id"]
        player.sign_in()
        player.choose_password()
        found.players[login] = player


def look_up(found: Furnished, people: list[Resident]) -> None:
    """Ids of households, units and people, as a manager reads them."""
    manager = found.players["manager"]
    for row in manager.all(f"/estates/{found.estate_id}/households", limit=200):
        whole = manager.get(f"/households/{row['id']}")
        number = whole["household"]["number"]
        found.households[number] = row["id"]
        found.units[number] = whole["leases"][0]["unit_id"]
        for member in whole["members"]:
            found.persons[member["person"]["name"]] = member["person_id"]
    missing = [p.name for p in people if p.name not in found.persons]
    if missing:
        raise RuntimeError(f"not in the register: {missing[:3]}")


def install(chief: Player, found: Furnished, people: list[Resident]) -> None:
    """Eight terminals, one at each entrance; one of them may send snapshots. People are known to their terminal."""
    manager = found.players["manager"]
    entrances = {
        f"{unit['building'].removesuffix('幢')}-{unit['entrance'].removesuffix('单元')}": unit
        for unit in manager.all(f"/estates/{found.estate_id}/units", limit=200)
    }
    devices: dict[str, str] = {}
    for name, unit in sorted(entrances.items()):
        made = chief.post(
            "/devices", estate_id=found.estate_id, name=f"{name} 单元门", serial=f"DEMO{name}",
            capture_mode="snapshot" if name == SNAPSHOT_TERMINAL else "identity", level="entrance",
            building_id=unit["building_id"], entrance_id=unit["entrance_id"], direction="in",
            exit_recorded=False, profile={"silence_minutes": 600},
        )  # fmt: skip
        devices[name] = made["device"]["id"]
        found.tokens[name] = made["token"]
    for person in people:
        if person.household == estate.REFUSER:
            continue  # refused: no consent, no face anywhere, a card instead
        person_id = found.persons[person.name]
        scopes = ["template", "push_to_gates"] + (["off_device"] if person.terminal == SNAPSHOT_TERMINAL else [])
        manager.post(f"/people/{person_id}/consents", scopes=scopes, notice_version=NOTICE, channel="paper")
        manager.post(
            f"/devices/{devices[person.terminal]}/people", person_id=person_id, number=person.person_no, has_face=True
        )
    for household, number in CARDS.items():
        manager.post(
            f"/estates/{found.estate_id}/credentials", kind="card", number=number,
            household_id=found.households[household], unit_id=found.units[household],
            valid_from=FIRST_DAY.isoformat(),
        )  # fmt: skip


def settle(found: Furnished, people: list[Resident], pictures: dict[str, Path]) -> dict[str, Any]:
    """The story's people: a face enrolled, a carer registered, an absence told."""
    manager = found.players["manager"]
    tenant = next(person for person in people if person.household == estate.FAMILY)
    verdict = enrol(manager, found.persons[tenant.name], pictures["tenant_1"])
    worker = manager.post(
        f"/estates/{found.estate_id}/workers", person={"name": "护工001", "birth_date": "1985-06-01"},
        kind="carer", employer="演示养老服务站",
        valid_from=date(2026, 2, 1).isoformat(), household_ids=[found.households[estate.CARE]],
    )  # fmt: skip
    carer = worker["person_id"]
    found.persons["护工001"] = carer
    manager.post(f"/people/{carer}/consents", scopes=["template", "off_device"], notice_version=NOTICE, channel="paper")
    enrol(manager, carer, pictures["carer"])
    patient = next(person for person in people if person.household == estate.HOSPITAL)
    manager.post(
        f"/people/{found.persons[patient.name]}/absences", valid_from=HOSPITAL_FROM.isoformat(),
        valid_to=HOSPITAL_TO.isoformat(), reason="hospital",
    )  # fmt: skip
    return verdict


def enrol(manager: Player, person_id: str, picture: Path) -> dict[str, Any]:
    """Enrols a face; the verdict must be good."""
    verdict: dict[str, Any] = manager.call(
        "POST", f"/people/{person_id}/faces", content=picture.read_bytes(),
        headers={"Content-Type": "image/jpeg" if picture.suffix == ".jpg" else "image/png"},
    )  # fmt: skip
    return verdict
