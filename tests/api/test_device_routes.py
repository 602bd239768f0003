"""The device routes over HTTP: who may do what, and what the lists show."""

import uuid

from inspection.users.models import ScopeLevel, UserRole
from storage.database import Database
from storage.vault.service import Vault
from tests.api.conftest import Server, signed_in
from tests.factories import make_world
from tests.gate import support
from tests.gate.support import as_json, event
from tests.gate.test_drain import deliver


async def test_a_device_from_its_adding_to_its_retirement(server: Server, database: Database, vault: Vault) -> None:
    now = server.clock.now()
    world = await make_world(database, vault, now=now, flats=1)
    async with await signed_in(
        server, database, UserRole.MANAGER, ScopeLevel.ESTATE, str(world.estate_id)
    ) as manager, await signed_in(
        server, database, UserRole.INSPECTOR, ScopeLevel.ESTATE, str(world.estate_id)
    ) as inspector:  # fmt: skip
        body = {
            "estate_id": str(world.estate_id), "name": "一单元门", "serial": uuid.uuid4().hex, "level": "entrance",
            "entrance_id": str(world.entrance_id), "direction": "in", "profile": {"silence_minutes": 600},
        }  # fmt: skip
        assert (await inspector.post("/api/v1/devices", json=body)).status_code == 403
        added = await manager.post("/api/v1/devices", json=body)
        assert added.status_code == 201, added.text
        made = added.json()
        device = made["device"]["id"]
        assert made["path"] == f"/gate/hikvision/{made['token']}"
        again = await manager.post("/api/v1/devices", json=body)
        assert (again.status_code, again.json()["code"]) == (409, "device-serial-taken")
        wrong = await manager.post("/api/v1/devices", json=body | {"level": "unit"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "device-place-mismatch")

        card = await manager.post(
            f"/api/v1/estates/{world.estate_id}/credentials",
            json={"number": "0099", "household_id": str(world.households[0]), "valid_from": "2026-03-01"},
        )
        assert card.status_code == 201, card.text
        assert "0099" not in card.text
        person = {"person_id": str(world.tenants[0]), "number": "7", "has_face": True}
        assert (await manager.post(f"/api/v1/devices/{device}/people", json=person)).status_code == 201
        assert (await manager.delete(f"/api/v1/devices/{device}/people/7")).json()["removed_at"] is not None

        await deliver(database, world, uuid.UUID(device), as_json(event(1, now)), b"{broken", b"{", at=now)
        await support.drain(database, server.clock, vault)
        (row,) = (await inspector.get("/api/v1/devices")).json()["items"]
        assert (row["device"]["id"], row["pending"], row["problems"]) == (device, 0, 2)
        assert row["last_event_at"] is not None
        assert made["token"] not in str(row)
        page = (await manager.get(f"/api/v1/devices/{device}/deliveries", params={"limit": 2})).json()
        assert len(page["items"]) == 2
        rest = await manager.get(f"/api/v1/devices/{device}/deliveries", params={"cursor": page["next_cursor"]})
        assert len(rest.json()["items"]) == 1
        problems = (await manager.get(f"/api/v1/devices/{device}/problems")).json()["items"]
        assert {p["code"] for p in problems} == {"json-broken"}
        bad = await manager.get(f"/api/v1/devices/{device}/problems", params={"cursor": "Wzd"})
        assert bad.status_code in (400, 422)
        assert (await manager.get(f"/api/v1/devices/{uuid.uuid4()}/problems")).status_code == 404

        second = await manager.post(f"/api/v1/devices/{device}/tokens")
        assert second.status_code == 201
        assert (await manager.delete(f"/api/v1/devices/{device}/tokens")).json() == {"revoked": 1}
        withdrawn = await manager.post(f"/api/v1/credentials/{card.json()['id']}/withdraw")
        assert withdrawn.status_code == 200
        retired = await manager.post(f"/api/v1/devices/{device}/retire")
        assert retired.json()["retired_at"] is not None
        gone = await manager.post(f"/api/v1/devices/{device}/tokens")
        assert (gone.status_code, gone.json()["code"]) == (409, "device-retired")
