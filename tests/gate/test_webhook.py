"""Signed webhooks over a real socket, by outside libraries as senders: what is believed, stored, read, refused."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio

from gate_integration.intake.models import RawPending
from gate_integration.protocols.webhook import DOOR, HEARTBEAT
from storage.clock import SimulatedClock
from storage.database import Database, DatabaseUrls
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.factories import make_world
from tests.gate import support
from tests.gate import webhook_support as ws
from tests.gate.support import NOON, raw_of
from tests.gate.webhook_support import Sender, pass_event


@pytest_asyncio.fixture(loop_scope="session")
async def sender(
    database: Database, urls: DatabaseUrls, vault: Vault, objects: Objects, clock: SimulatedClock, tmp_path: Path
) -> AsyncIterator[Sender]:
    clock.set(NOON)
    world = await make_world(database, vault, now=NOON, flats=1)
    made = await ws.add_sender(database, vault, world, now=NOON)
    with support.live_gate(urls, vault, objects, clock, support.gate_settings(tmp_path)) as (port, _):
        made.port = port
        yield made


async def test_every_mode_is_stored_and_read(
    sender: Sender, database: Database, vault: Vault, clock: SimulatedClock
) -> None:
    first = pass_event(1, person_no="0007", card_no="00123", door=2, direction="in", counter=41, device_verdict="match")
    assert sender.send(ws.structured(first)) == (200, {"status": "stored"})
    assert sender.send(ws.batch(pass_event(2), pass_event(3, kind=DOOR, state="forced")), ws.BATCH)[0] == 200
    body, content_type, headers = ws.binary(pass_event(4, outcome="fail", card_no="9"))
    assert sender.send(body, content_type, message_id="4", more=headers)[0] == 200
    assert sender.send(ws.structured(pass_event(5, kind=HEARTBEAT)))[0] == 200
    assert sender.send(ws.structured(pass_event(6, kind="com.acme.something")))[0] == 200
    drainer = await support.drain(database, clock, vault)
    assert drainer.total.problems == 0
    assert drainer.total.heartbeats == 1
    one, two, door, four, other = await support.events_of(database, sender.device_id)
    assert (one.kind, one.outcome, one.credential_kind, one.device_person_no) == ("access", "pass", "face", "0007")
    assert (one.direction, one.door_no, one.effective_reason, one.effective_at) == ("in", 2, "device", NOON)
    assert one.extra == {"event_id": "1", "source": ws.SOURCE, "counter": 41, "verdict": "match", "door": "2"}
    assert (two.direction, door.kind, door.extra["status"]) == ("unknown", "door", "forced")
    assert (four.outcome, four.effective_at) == ("fail", NOON)
    assert (other.kind, other.code) == ("other", "com.acme.something")
    assert await support.count(database, RawPending.delivery_id, RawPending.device_id == sender.device_id) == 0


async def test_the_same_message_again_is_a_duplicate(sender: Sender, database: Database) -> None:
    body = ws.structured(pass_event(1))
    assert sender.send(body, message_id="msg_1") == (200, {"status": "stored"})
    later = NOON + timedelta(seconds=90)
    assert sender.send(body, message_id="msg_1", at=later) == (200, {"status": "duplicate"})
    assert len(await raw_of(database, sender.device_id)) == 1
