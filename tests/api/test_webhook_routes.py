"""Signing keys over HTTP: who may, what is shown once and never again, what is audited; then a message is believed."""

import uuid

import httpx
from sqlalchemy import select

from inspection.users.models import ScopeLevel, UserRole
from storage.audit.models import AuditEntry
from storage.database import Database, Role, SystemScope
from storage.vault.service import Vault
from tests.api.conftest import Server, signed_in
from tests.factories import World, make_world


async def add(client: httpx.AsyncClient, world: World) -> httpx.Response:
    """A webhook device at the entrance."""
    body = {
        "estate_id": str(world.estate_id), "name": "平台", "vendor": "webhook", "serial": uuid.uuid4().hex,
        "level": "entrance", "entrance_id": str(world.entrance_id),
    }  # fmt: skip
    return await client.post("/api/v1/devices", json=body)


async def test_keys_from_the_first_to_the_last(server: Server, database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=server.clock.now(), flats=1)
    where = (ScopeLevel.ESTATE, str(world.estate_id))
    async with await signed_in(server, database, UserRole.MANAGER, *where) as manager, await signed_in(
        server, database, UserRole.AUDITOR, *where
    ) as auditor:  # fmt: skip
        made = (await add(manager, world)).json()
        device, secret = made["device"]["id"], made["token"]
        assert (made["path"], secret[:6]) == (f"/gate/webhook/{device}", "whsec_")
        path = f"/api/v1/devices/{device}/webhook-keys"
        assert (await auditor.post(path, json={})).status_code == 403
        second = await manager.post(path, json={"overlap_hours": 1})
        assert second.status_code == 201, second.text
        assert second.json()["secret"].startswith("whsec_")
        assert second.json()["path"] == made["path"]
        listed = await auditor.get(path)
        newest, oldest = listed.json()
        assert "whsec_" not in listed.text
        assert (newest["id"], newest["valid_until"], newest["kind"]) == (second.json()["key"]["id"], None, "secret")
        assert oldest["valid_until"] is not None
        assert (await auditor.delete(f"{path}/{oldest['id']}")).status_code == 403
        assert (await manager.delete(f"{path}/{oldest['id']}")).json()["revoked_at"] is not None
        twice = await manager.delete(f"{path}/{oldest['id']}")
        assert (twice.status_code, twice.json()["code"]) == (409, "webhook-key-revoked")
        wrong = await manager.post(path, json={"secret": "whsec_AAAA"})
        assert (wrong.status_code, wrong.json()["code"]) == (422, "webhook-bad-key")
        token = await manager.post(f"/api/v1/devices/{device}/tokens")
        assert (token.status_code, token.json()["code"]) == (409, "device-signs-deliveries")
        assert (await manager.get(f"/api/v1/devices/{uuid.uuid4()}/webhook-keys")).status_code == 404
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        rows = await session.scalars(select(AuditEntry.action).where(AuditEntry.object_id == uuid.UUID(device)))
        assert {"device.added", "webhook-key.rotated", "webhook-key.revoked"} <= set(rows)
