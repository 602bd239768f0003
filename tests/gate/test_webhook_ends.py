"""A webhook's whole way: picture to sighting, each capture mode, a store that is down, a server that is killed."""

import asyncio
import base64
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from bench.faults.proxy import in_thread
from gate_integration.faces.records import Vector
from gate_integration.intake.drain import Drainer
from gate_integration.sightings.models import Band, Sighting
from gate_integration.sightings.service import SightingService
from storage.clock import SimulatedClock, SystemClock
from storage.database import Database, DatabaseUrls, Role, SystemScope
from storage.objects.models import StoredObject
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.factories import make_world
from tests.gate import support
from tests.gate import webhook_support as ws
from tests.gate.support import JPEG, raw_of
from tests.gate.test_kill import Servers
from tests.gate.test_sightings import NOW, TENANT, enrolled_world
from tests.gate.webhook_support import Sender, pass_event
from tests.recognition import FakeEngine, near, picture_of
from tests.storage import object_servers
from tests.storage.conftest import open_store

KILLS = 2


def photograph(vector: Vector) -> str:
    """A picture for `FakeEngine` that begins as a JPEG does, in base64."""
    made = picture_of(near(vector, 0.9))
    return base64.b64encode(b"\xff\xd8\xff\xe0" + made[4:]).decode()


async def snapshots(database: Database, estate_id: uuid.UUID) -> int:
    """Stored snapshots of an estate."""
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        where = (StoredObject.estate_id == estate_id, StoredObject.kind == "snapshot")
        return await session.scalar(select(func.count()).where(*where)) or 0


async def test_a_picture_becomes_a_sighting(
    database: Database, urls: DatabaseUrls, vault: Vault, objects: Objects, clock: SimulatedClock, tmp_path: Path
) -> None:
    clock.set(NOW)
    world = await enrolled_world(database, vault, objects)
    sender = await ws.add_sender(database, vault, world, now=NOW, capture_mode="snapshot")
    with support.live_gate(urls, vault, objects, clock, support.gate_settings(tmp_path)) as (sender.port, _):
        event = pass_event(1, at=NOW, picture=photograph(TENANT), direction="in")
        body = ws.structured(event)
        assert sender.send(body, message_id="m", at=NOW)[1] == {"status": "stored"}
        assert sender.send(body, message_id="m", at=NOW)[1] == {"status": "duplicate"}
    sighter = SightingService(engine=FakeEngine(), vault=vault, objects=objects)
    drainer = Drainer(database=database, clock=clock, vault=vault, sighter=sighter)
    while await drainer.drain_once():
        pass
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        (seen,) = (await session.scalars(select(Sighting).where(Sighting.device_id == sender.device_id))).all()
    assert (seen.band, seen.person_id, seen.seen_at) == (Band.MATCH, world.tenants[0], NOW)
    assert await snapshots(database, world.estate_id) == 1  # the copy left none behind


async def test_pictures_stay_only_in_snapshot_mode(
    database: Database, urls: DatabaseUrls, vault: Vault, objects: Objects, clock: SimulatedClock, tmp_path: Path
) -> None:
    clock.set(NOW)
    world = await make_world(database, vault, now=NOW, flats=1)
    identity = await ws.add_sender(database, vault, world, now=NOW)
    snapshot = await ws.add_sender(database, vault, world, now=NOW, capture_mode="snapshot")
    picture = base64.b64encode(JPEG).decode()
    many = ws.batch(*(pass_event(n, at=NOW, picture=picture) for n in range(12)))
    body, content_type, headers = ws.binary(pass_event("b", at=NOW, picture=picture))
    with support.live_gate(urls, vault, objects, clock, support.gate_settings(tmp_path)) as (port, intake):
        for sender in (identity, snapshot):
            sender.port = port
            assert sender.send(many, ws.BATCH, at=NOW)[0] == 200
            assert sender.send(body, content_type, message_id="b", more=headers, at=NOW)[0] == 200
        assert intake.counters["pictures"] == 13  # a batch may have more than the eight of a terminal
    watcher = support.Watcher()
    await support.drain(database, clock, vault, watcher)
    assert [len(p.picture_ids) for p in watcher.seen if p.device.id == identity.device_id] == [0] * 13
    assert [len(p.picture_ids) for p in watcher.seen if p.device.id == snapshot.device_id] == [1] * 13
    for sender in (identity, snapshot):
        for row in await raw_of(database, sender.device_id):
            assert row.body is not None
            assert b"/9j/" not in row.body
            assert b"[[ruhu:jpeg:" in row.body


async def test_copies_at_the_same_moment_are_stored_once_among_others(
    database: Database, urls: DatabaseUrls, vault: Vault, objects: Objects, clock: SimulatedClock, tmp_path: Path
) -> None:
    """Whether they meet in one statement or in two: terminals' events and pictures beside them are untouched."""
    clock.set(NOW)
    world = await make_world(database, vault, now=NOW, flats=1)
    sender = await ws.add_sender(database, vault, world, now=NOW, capture_mode="snapshot")
    terminal, token = await support.add_device(database, vault, world, now=NOW, capture_mode="snapshot")
    picture = base64.b64encode(JPEG).decode()
    copy = ws.structured(pass_event("same", at=NOW, picture=picture))
    with support.live_gate(urls, vault, objects, clock, support.gate_settings(tmp_path)) as (sender.port, _):

        def signed(number: int) -> str:
            message, body = ("same", copy) if number % 2 else (f"m{number}", ws.structured(pass_event(number, at=NOW)))
            return str(sender.send(body, message_id=message, at=NOW)[1]["status"])

        def plain(number: int) -> int:
            body = support.as_multipart(support.event(number + 1, NOW), JPEG)
            return support.post(sender.port, token, body, support.MULTIPART)

        told = await asyncio.gather(
            *(asyncio.to_thread(signed, n) for n in range(12)), *(asyncio.to_thread(plain, n) for n in range(6))
        )
    assert (told[1:12:2].count("stored"), told.count("duplicate"), told.count(200)) == (1, 5, 6)
    assert len(await raw_of(database, sender.device_id)) == 7
    assert len(await raw_of(database, terminal)) == 6
    assert await snapshots(database, world.estate_id) == 7


async def test_no_picture_kept_is_503_until_the_store_is_back(
    database: Database, urls: DatabaseUrls, vault: Vault, clock: SimulatedClock, tmp_path: Path
) -> None:
    clock.set(NOW)
    world = await make_world(database, vault, now=NOW, flats=1)
    sender = await ws.add_sender(database, vault, world, now=NOW, capture_mode="snapshot")
    body = ws.structured(pass_event(1, at=NOW, picture=base64.b64encode(JPEG).decode()))
    with object_servers.moto(tmp_path) as server, in_thread(("127.0.0.1", server.port)) as proxy:
        store = open_store(proxy.port, prefix=f"{uuid.uuid4().hex}/", deadline_s=2.0)
        store.create()
        objects = Objects(store, vault)
        with support.live_gate(urls, vault, objects, clock, support.gate_settings(tmp_path)) as (sender.port, intake):
            proxy.refuse()
            proxy.cut_all()
            status, told = sender.send(body, message_id="m", at=NOW)
            assert (status, told["code"]) == (503, "not-stored")
            assert await raw_of(database, sender.device_id) == []
            proxy.accept()
            assert sender.send(body, message_id="m", at=NOW) == (200, {"status": "stored"})
            assert intake.counters["failed"] == 1
        assert await snapshots(database, world.estate_id) == 1
        objects.close()


@pytest.mark.slow
async def test_kills_lose_nothing_that_was_acknowledged(
    database: Database, urls: DatabaseUrls, vault: Vault, master_key: bytes, tmp_path: Path
) -> None:
    now = datetime.now(UTC)
    world = await make_world(database, vault, now=now - timedelta(minutes=1), flats=1)
    sender = await ws.add_sender(database, vault, world, now=now - timedelta(minutes=1))
    servers = Servers(
        {"intake_url": urls.by_role[Role.INTAKE], "master_key": master_key.hex(), "data_dir": str(tmp_path), "port": 0}
    )
    number, again = 0, []
    try:
        servers.begin()
        for _ in range(KILLS):
            for _ in range(10):
                number += 1
                assert deliver(sender, servers, number) == "stored"
            servers.kill()  # at once after the acknowledgement
            servers.begin()
            again.append(deliver(sender, servers, number))  # the sender did not hear it, and tries again
    finally:
        if servers.serving is not None:
            servers.kill()
        servers.end(servers.spare)
    assert again == ["duplicate"] * KILLS
    await support.drain(database, SystemClock(), vault)
    stored = [int(e.extra["event_id"]) for e in await support.events_of(database, sender.device_id)]
    assert stored == list(range(1, number + 1))


def deliver(sender: Sender, servers: Servers, number: int) -> str:
    """One message, signed now; the answer's word."""
    sender.port = servers.port
    now = datetime.now(UTC)
    status, told = sender.send(ws.structured(pass_event(number)), message_id=f"m{number}", at=now)
    assert status == 200
    return str(told["status"])
