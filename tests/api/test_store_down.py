"""Photographs over HTTP while the object store is down, and when one was damaged: nothing is acknowledged wrongly."""

import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from bench.faults.proxy import in_thread
from inspection.users.models import ScopeLevel, UserRole
from inspection.visits import digest
from storage.database import Database
from storage.objects.s3 import S3Store
from storage.vault.service import Vault
from tests.api.conftest import Server
from tests.factories import make_world
from tests.storage import object_servers
from tests.storage.conftest import open_store

SignIn = Callable[..., Awaitable[Any]]
JPEG = b"\xff\xd8\xff\xe0" + b"made up, no picture" * 40
WHY = {"purpose": "tenancy_compliance", "reason": "核对入户照片"}


@pytest.mark.asvs("v5.0.0-16.5.2")
async def test_photographs_wait_for_the_store(
    server: Server, database: Database, vault: Vault, sign_in: SignIn, tmp_path: Path
) -> None:
    objects = server.context.objects
    world = await make_world(database, vault, now=server.clock.now())
    manager, inspector, auditor = [
        await sign_in(role, ScopeLevel.ESTATE, str(world.estate_id))
        for role in (UserRole.MANAGER, UserRole.INSPECTOR, UserRole.AUDITOR)
    ]
    planned = await manager.post(
        "/api/v1/visits",
        json={
            "household_id": str(world.households[0]), "unit_id": str(world.units[0]), "kind": "patrol",
            "assigned_to": str(inspector.user_id),
        },
    )  # fmt: skip
    url = f"/api/v1/visits/{planned.json()['visit']['id']}/photos/{uuid.uuid4()}"

    async def put() -> Any:
        return await inspector.put(url, content=JPEG, headers={"Content-Digest": digest.header(JPEG)})

    before = objects.store
    with (
        object_servers.moto(tmp_path) as s3,
        in_thread(("127.0.0.1", s3.port)) as proxy,
    ):
        proxy.refuse()
        store: S3Store = open_store(proxy.port, deadline_s=2.0)
        objects.store = store
        try:
            for _ in range(2):
                refused = await put()
                assert (refused.status_code, refused.json()["code"]) == (503, "store-unavailable")
                assert int(refused.headers["retry-after"]) > 0
                assert "请保留原件" in refused.json()["title_zh"]
                assert (await auditor.get(url, params=WHY)).json()["code"] == "photo-not-found"
            assert (await inspector.get("/readyz")).status_code == 200
            proxy.accept()
            missing = await put()  # the server is there, its bucket is not
            assert (missing.status_code, missing.json()["code"]) == (503, "store-unavailable")
            store.create()
            assert (await put()).status_code == 200
            assert (await put()).status_code == 200  # the phone repeats itself
            (key,) = store.keys()
            assert (await auditor.get(url, params=WHY)).content == JPEG
            sealed = bytearray(store.get(key))
            sealed[50] ^= 1
            store.delete(key)
            store.put(key, bytes(sealed))
            damaged = await auditor.get(url, params=WHY)
            assert (damaged.status_code, damaged.json()["code"]) == (500, "object-damaged")
            assert damaged.json()["extra"]["object_id"] == key
            proxy.refuse()
            proxy.cut_all()
            assert (await auditor.get(url, params=WHY)).status_code == 503
        finally:
            objects.store = before
