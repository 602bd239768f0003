"""Snapshots while the object store is down, over sockets: a delivery whose picture could not be kept gets no reply."""

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bench.faults.proxy import Faults, ThreadedProxy, in_thread
from storage.clock import SimulatedClock
from storage.database import Database, DatabaseUrls, Role, SystemScope
from storage.objects.models import StoredObject
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.factories import make_world
from tests.gate import support
from tests.gate.support import JPEG, MULTIPART, NOON, as_json, as_multipart, event, post, raw_of
from tests.storage import object_servers
from tests.storage.conftest import open_store


@pytest.fixture(scope="module")
def juicefs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[object_servers.Server]:
    """A gateway of this module's own."""
    with object_servers.juicefs(tmp_path_factory.mktemp("juicefs")) as server:
        yield server


@contextlib.contextmanager
def objects_behind(server: object_servers.Server, vault: Vault) -> Iterator[tuple[Objects, ThreadedProxy]]:
    """Objects in a bucket of that server, through a proxy."""
    with in_thread(("127.0.0.1", server.port)) as proxy:
        store = open_store(proxy.port, prefix=f"{uuid.uuid4().hex}/", deadline_s=2.0)
        store.create()
        objects = Objects(store, vault)
        yield objects, proxy
        objects.close()


async def snapshots(database: Database, estate_id: uuid.UUID) -> int:
    """Rows of objects of an estate."""
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        return await session.scalar(select(func.count()).where(StoredObject.estate_id == estate_id)) or 0


async def test_no_picture_no_acknowledgement(
    juicefs: object_servers.Server, database: Database, urls: DatabaseUrls, vault: Vault, clock: SimulatedClock,
    tmp_path: Path,
) -> None:  # fmt: skip
    clock.set(NOON)
    world = await make_world(database, vault, now=NOON, flats=1)
    device, token = await support.add_device(database, vault, world, now=NOON, capture_mode="snapshot")
    plain, plain_token = await support.add_device(database, vault, world, now=NOON)
    with (
        objects_behind(juicefs, vault) as (objects, proxy),
        support.live_gate(urls, vault, objects, clock, support.gate_settings(tmp_path)) as (port, intake),
    ):
        proxy.refuse()  # down from the beginning: the gate starts all the same
        proxy.cut_all()
        assert post(port, token, as_multipart(event(1, NOON), JPEG), MULTIPART) == 0
        assert post(port, token, as_json(event(2, NOON))) == 200  # an event without a picture needs no store
        assert post(port, plain_token, as_multipart(event(1, NOON), JPEG), MULTIPART) == 200  # nor does identity mode
        assert len(await raw_of(database, device)) == 1
        assert len(await raw_of(database, plain)) == 1
        assert await snapshots(database, world.estate_id) == 0
        proxy.accept()
        assert post(port, token, as_multipart(event(1, NOON), JPEG), MULTIPART) == 200  # the device sends it again
        proxy.set(Faults(cut_up_after=500))  # the second of two pictures is cut off
        assert post(port, token, as_multipart(event(3, NOON), JPEG, JPEG + b"2"), MULTIPART) == 0
        proxy.set(Faults(stalled=True))
        assert post(port, token, as_multipart(event(3, NOON), JPEG), MULTIPART) == 0
        proxy.set(Faults())
        proxy.cut_all()
        assert post(port, token, as_multipart(event(3, NOON), JPEG, JPEG + b"2"), MULTIPART) == 200
        assert intake.counters["failed"] == 3
        rows = await raw_of(database, device)
        assert len(rows) == 3
        pictures = [uuid.UUID(cut["object_id"]) for row in rows for cut in row.cutouts]
        assert len(pictures) == await snapshots(database, world.estate_id) == 3
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            kept = [await objects.get(session, object_id=one, now=NOON) for one in pictures]
        assert sorted(kept) == sorted([JPEG, JPEG, JPEG + b"2"])
