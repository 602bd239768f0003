"""Signed webhooks over a real socket, by outside libraries as senders: what is believed, stored, read, refused."""

import base64
import logging
import uuid
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import func, select, text

from gate_integration.devices.errors import DeviceRetired
from gate_integration.devices.service import retire_device, rotate_token
from gate_integration.intake.intake import Intake
from gate_integration.intake.models import DeliveryProblem, RawPending
from gate_integration.protocols.webhook import DOOR, HEARTBEAT
from gate_integration.webhook_keys import retention, service
from gate_integration.webhook_keys.errors import BadKey, KeyRevoked, NotAWebhook, SignsItsDeliveries
from gate_integration.webhook_keys.models import WebhookKey, WebhookMessage
from gate_integration.webhook_keys.schemas import WebhookKeyInput
from storage.clock import SimulatedClock
from storage.database import Database, DatabaseUrls, Role, SystemScope
from storage.holds.reach import Reach
from storage.ids import new_id
from storage.objects.service import Objects
from storage.problems import NotFound
from storage.retention.classes import Tools
from storage.retention.run import run_class
from storage.vault.service import Vault
from tests.factories import World, make_world
from tests.gate import support
from tests.gate import webhook_support as ws
from tests.gate.support import ACTOR, NOON, as_json, event, raw_of
from tests.gate.webhook_support import Sender, pass_event

STORED, DUPLICATE = (200, {"status": "stored"}), (200, {"status": "duplicate"})


class Site(Sender):
    """A sender, its estate, and the gate it talks to."""

    world: World
    intake: Intake


@pytest_asyncio.fixture(loop_scope="session")
async def site(
    database: Database, urls: DatabaseUrls, vault: Vault, objects: Objects, clock: SimulatedClock, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Site]:  # fmt: skip
    monkeypatch.setattr("gate_integration.intake.directory.TTL_S", 0.0)
    clock.set(NOON)
    world = await make_world(database, vault, now=NOON, flats=1)
    made = await ws.add_sender(database, vault, world, now=NOON)
    with support.live_gate(urls, vault, objects, clock, support.gate_settings(tmp_path)) as (port, intake):
        one = Site(made.device_id, made.secret, port)
        one.world, one.intake = world, intake
        yield one


async def test_every_mode_is_stored_and_read(
    site: Site, database: Database, vault: Vault, clock: SimulatedClock
) -> None:
    first = pass_event(1, person_no="0007", card_no="00123", door=2, direction="in", counter=41, device_verdict="match")
    assert site.send(ws.structured(first)) == STORED
    assert site.send(ws.batch(pass_event(2), pass_event(3, kind=DOOR, state="forced")), ws.BATCH) == STORED
    body, content_type, headers = ws.binary(pass_event(4, outcome="fail", card_no="9"))
    assert site.send(body, content_type, message_id="4", more=headers) == STORED
    assert site.send(ws.structured(pass_event(5, kind=HEARTBEAT))) == STORED
    assert site.send(ws.structured(pass_event(6, kind="com.acme.something"))) == STORED
    drainer = await support.drain(database, clock, vault)
    assert drainer.total.problems == 0
    assert drainer.total.heartbeats == 1
    one, two, door, four, other = await support.events_of(database, site.device_id)
    assert (one.kind, one.outcome, one.credential_kind, one.device_person_no) == ("access", "pass", "face", "0007")
    assert (one.direction, one.door_no, one.effective_reason, one.effective_at) == ("in", 2, "device", NOON)
    assert one.extra == {"event_id": "1", "source": ws.SOURCE, "counter": 41, "verdict": "match", "door": "2"}
    assert (two.direction, door.kind, door.extra["status"]) == ("unknown", "door", "forced")
    assert (four.outcome, four.effective_at) == ("fail", NOON)
    assert (other.kind, other.code) == ("other", "com.acme.something")
    assert await support.count(database, RawPending.delivery_id, RawPending.device_id == site.device_id) == 0


async def test_the_same_message_and_the_same_event_count_once(
    site: Site, database: Database, vault: Vault, clock: SimulatedClock
) -> None:
    body = ws.structured(pass_event(1))
    assert site.send(body, message_id="msg_1") == STORED
    assert site.send(body, message_id="msg_1", at=NOON + timedelta(seconds=90)) == DUPLICATE
    assert site.send(body, message_id="msg_2") == STORED  # another message about the same event
    assert site.send(ws.batch(pass_event(1), pass_event(2)), ws.BATCH, message_id="msg_1") == STORED  # the id reused
    assert len(await raw_of(database, site.device_id)) == 3
    assert site.intake.counters["duplicates"] == 1
    other = await ws.add_sender(database, vault, site.world, now=NOON)
    other.port = site.port
    assert other.send(body, message_id="msg_1") == STORED  # an id belongs to its sender
    drainer = await support.drain(database, clock, vault)
    assert (drainer.total.events, drainer.total.duplicates) == (3, 2)
    assert [e.extra["event_id"] for e in await support.events_of(database, site.device_id)] == ["1", "2"]
    # Long after the id was forgotten the event is still known.
    later = NOON + timedelta(days=40)
    clock.set(later)
    for one in retention.CLASSES:
        await run_class(database, retention=one, reach=Reach(), tools=Tools(vault, site.intake.objects), now=later,
                        actor=ACTOR)  # fmt: skip
    assert await support.count(database, WebhookMessage.delivery_id, WebhookMessage.device_id == site.device_id) == 0
    assert site.send(body, message_id="msg_1", at=later) == STORED
    await support.drain(database, clock, vault)
    assert len(await support.events_of(database, site.device_id)) == 2


async def test_one_name_for_two_events_keeps_both_marked(
    site: Site, database: Database, vault: Vault, clock: SimulatedClock
) -> None:
    both = ws.batch(pass_event(1), pass_event(1, card_no="9"), pass_event(1))
    assert site.send(both, ws.BATCH) == STORED
    assert site.send(both, ws.BATCH) == STORED
    await support.drain(database, clock, vault)
    assert [e.marked for e in await support.events_of(database, site.device_id)] == [None, "ambiguous"]


@pytest.mark.parametrize(("seconds", "status"), [(299, 200), (-299, 200), (301, 401), (-301, 401)])
async def test_a_replayed_request_is_refused(site: Site, database: Database, seconds: int, status: int) -> None:
    answer = site.send(ws.structured(pass_event(1)), at=NOON + timedelta(seconds=seconds))
    assert answer[0] == status
    assert status == 200 or answer[1]["code"] == "webhook-timestamp"
    assert len(await raw_of(database, site.device_id)) == (status == 200)


async def test_what_is_not_signed_by_this_device_is_not_believed(
    site: Site, database: Database, vault: Vault, caplog: pytest.LogCaptureFixture
) -> None:
    body = ws.structured(pass_event(1, card_no="4455667788"))
    good = site.headers(body, message_id="m", at=NOON)
    other = await ws.add_sender(database, vault, site.world, now=NOON)
    with caplog.at_level(logging.DEBUG):
        for changed, wrong, code in (
            (body + b" ", {}, "webhook-signature"),
            (body, {"webhook-id": "n"}, "webhook-signature"),
            (body, {"webhook-timestamp": str(int(NOON.timestamp()) + 1)}, "webhook-signature"),
            (body, other.headers(body, message_id="m", at=NOON), "webhook-signature"),
            (body, {"webhook-id": "a.b"}, "webhook-headers"),
            (body, {"webhook-timestamp": "now"}, "webhook-headers"),
        ):
            status, told = ws.post(site.port, site.device_id, changed, ws.STRUCTURED, good | wrong)
            assert (status, told["code"]) == (401, code)
            assert told["title_zh"]
            assert told["title_en"]
        for name in good:
            missing = {n: v for n, v in good.items() if n != name}
            assert ws.post(site.port, site.device_id, body, ws.STRUCTURED, missing)[1]["code"] == "webhook-headers"
    assert await raw_of(database, site.device_id) == []
    assert site.intake.counters["refused"] == 9
    assert site.intake.refusals[str(site.device_id), "127.0.0.1"] == 9
    assert caplog.text.count("not believed") == 1  # the first and every tenth power
    for secret in ("4455667788", good["webhook-signature"], site.secret):
        assert secret not in caplog.text


async def test_refusals_are_counted_within_bounds(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate_integration.intake.webhook_app.REFUSALS_COUNTED", 0)
    assert ws.post(site.port, site.device_id, b"{}", "", {})[0] == 401
    assert dict(site.intake.refusals) == {("", ""): 1}


async def test_a_list_of_signatures_and_any_case(site: Site) -> None:
    body = ws.structured(pass_event(1))
    headers = site.headers(body, message_id="m", at=NOON)
    wrong = "v1," + base64.b64encode(bytes(32)).decode()
    headers["webhook-signature"] = f"{wrong} v1a,xx v9,yy {headers['webhook-signature']}"
    shouted = {name.upper(): value for name, value in headers.items()}
    assert ws.post(site.port, str(site.device_id).upper(), body, ws.STRUCTURED, shouted) == STORED


async def test_binary_mode_is_bound_to_what_is_signed(site: Site, database: Database) -> None:
    body, content_type, headers = ws.binary(pass_event(4))
    status, told = site.send(body, content_type, message_id="5", more=headers)
    assert (status, told["code"]) == (401, "webhook-unsigned-id")
    assert site.send(body, content_type, message_id="4", more=headers) == STORED
    moved = headers | {"ce-source": "/elsewhere", "ce-time": "2020-01-01T00:00:00Z"}
    assert site.send(body, content_type, message_id="4", more=moved) == DUPLICATE
    assert len(await raw_of(database, site.device_id)) == 1


async def test_an_unknown_device_is_404_and_other_ways_to_ask_are_told(
    site: Site, database: Database, vault: Vault
) -> None:
    body = ws.structured(pass_event(1))
    headers = site.headers(body, message_id="m", at=NOON)
    terminal, token = await support.add_device(database, vault, site.world, now=NOON)
    for unknown in (uuid.uuid4(), "x", f"{{{site.device_id}}}", terminal, token):
        status, told = ws.post(site.port, unknown, body, ws.STRUCTURED, headers)
        assert (status, told["code"]) == (404, "webhook-device-unknown"), unknown
    assert site.intake.counters["unknown_token"] == 5
    for method in ("GET", "PUT", "OPTIONS"):
        status, told = ws.post(site.port, site.device_id, body, ws.STRUCTURED, headers, method=method)
        assert (status, told["code"]) == (405, "method-not-allowed")
    for encoding in ("gzip", "deflate, gzip", "br"):
        status, told = ws.post(site.port, site.device_id, body, ws.STRUCTURED, headers | {"Content-Encoding": encoding})
        assert (status, told["code"]) == (415, "webhook-encoding")
    assert ws.post(site.port, site.device_id, body, ws.STRUCTURED, headers | {"Content-Encoding": "identity"}) == STORED
    # A webhook device has no token, and a terminal's path takes no device id.
    assert support.post(site.port, str(site.device_id), as_json(event(1, NOON))) == 404


async def test_sizes_and_slowness_are_told(site: Site, database: Database) -> None:
    assert site.send(b"[" + b" " * 300_000 + b"]", ws.BATCH)[1]["code"] == "body-too-large"
    picture = base64.b64encode(support.JPEG[:60]).decode()
    many = ws.batch(*(pass_event(n, picture=picture) for n in range(256)))
    status, told = site.send(many, ws.BATCH)
    assert (status, told["code"]) == (413, "webhook-too-many-pictures")
    signed = "".join(f"{n}: {v}\r\n" for n, v in site.headers(b"x", message_id="m", at=NOON).items())
    head = f"POST /gate/webhook/{site.device_id} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n{signed}\r\n{{"
    assert support.status(support.exchange(site.port, head.encode())) == 408
    assert support.exchange(site.port, head.encode(), half_close=True) == b""
    assert await raw_of(database, site.device_id) == []


async def test_a_body_that_comes_in_pieces(site: Site) -> None:
    body = ws.structured(pass_event(1))
    signed = "".join(f"{n}: {v}\r\n" for n, v in site.headers(body, message_id="m", at=NOON).items())
    head = f"POST /gate/webhook/{site.device_id} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n{signed}\r\n"
    pieces = b"".join(b"%x\r\n%s\r\n" % (len(body[n : n + 50]), body[n : n + 50]) for n in range(0, len(body), 50))
    assert support.status(support.exchange(site.port, head.encode() + pieces + b"0\r\n\r\n")) == 200


async def test_a_thousand_events_at_once_and_bad_ones_among_them(
    site: Site, database: Database, vault: Vault, clock: SimulatedClock
) -> None:
    site.intake.body_limit = 1024 * 1024
    events = [ws.structured(pass_event(n, counter=n)) for n in range(1000)]
    events[500:500] = [b'{"id": "no event"}', b"7"]
    assert site.send(b"[" + b",".join(events) + b"]", ws.BATCH) == STORED
    assert site.send(b"[" + b",".join(events[:3])[:-20], ws.BATCH) == STORED
    await support.drain(database, clock, vault)
    stored = await support.events_of(database, site.device_id)
    assert [e.extra["counter"] for e in stored] == list(range(1000))
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        where = DeliveryProblem.device_id == site.device_id
        found = sorted(await session.scalars(select(DeliveryProblem.code).where(where)))
    assert found == ["json-broken", "not-an-event", "not-an-event"]


async def test_what_cannot_be_stored_is_503_and_to_be_sent_again(site: Site, database: Database) -> None:
    body = ws.structured(pass_event(1))
    async with database.transaction(Role.OWNER, SystemScope()) as session:
        await session.execute(text("REVOKE INSERT ON raw_pending FROM ruhu_intake"))
    try:
        status, told = site.send(body, message_id="m")
        assert (status, told["code"]) == (503, "not-stored")
        signed = "".join(f"{n}: {v}\r\n" for n, v in site.headers(body, message_id="m", at=NOON).items())
        head = f"POST /gate/webhook/{site.device_id} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n{signed}\r\n"
        assert b"retry-after: 5" in support.exchange(site.port, head.encode() + body)
    finally:
        async with database.transaction(Role.OWNER, SystemScope()) as session:
            await session.execute(text("GRANT INSERT ON raw_pending TO ruhu_intake"))
    assert site.intake.counters["failed"] == 2
    assert site.send(body, message_id="m") == STORED  # the name of what failed was not remembered
    assert len(await raw_of(database, site.device_id)) == 1


async def test_two_secrets_stand_while_one_is_exchanged(
    site: Site, database: Database, vault: Vault, clock: SimulatedClock
) -> None:
    async def rotate(**data: object) -> tuple[str | None, uuid.UUID]:
        async with database.transaction(Role.APP, site.world.scope) as session:
            made = await service.rotate(
                session, device_id=site.device_id, data=WebhookKeyInput(**data), vault=vault,  # type: ignore[arg-type]
                actor=ACTOR, now=clock.now(),
            )  # fmt: skip
        return made.secret, made.key.id

    def says(secret: str) -> int:
        at = clock.now()
        return replace_secret(site, secret).send(ws.structured(pass_event(new_id())), at=at)[0]

    first = site.secret
    second, _ = await rotate(overlap_hours=2)
    assert second is not None
    assert [says(first), says(second)] == [200, 200]
    clock.set(NOON + timedelta(hours=2))
    assert [says(first), says(second)] == [401, 200]
    third, third_id = await rotate()
    assert third is not None
    own = "whsec_" + base64.b64encode(bytes(range(40))).decode()
    shown, _ = await rotate(secret=own)  # the oldest of three is revoked at once
    assert shown is None
    assert [says(second), says(third), says(own)] == [401, 200, 200]
    async with database.transaction(Role.APP, site.world.scope) as session:
        ended = await service.revoke(
            session, device_id=site.device_id, key_id=third_id, actor=ACTOR, now=clock.now()
        )  # fmt: skip
        assert ended.revoked_at == ended.valid_until == clock.now()
        with pytest.raises(KeyRevoked):
            await service.revoke(session, device_id=site.device_id, key_id=third_id, actor=ACTOR, now=clock.now())
    assert [says(third), says(own)] == [401, 200]
    private = Ed25519PrivateKey.generate()
    public = "whpk_" + base64.b64encode(private.public_key().public_bytes_raw()).decode()
    await rotate(public_key=public, overlap_hours=0)
    assert says(own) == 401
    body, stamp = ws.structured(pass_event("last")), str(int(clock.now().timestamp()))
    made = base64.b64encode(private.sign(b"m." + stamp.encode() + b"." + body)).decode()
    signed = {"webhook-id": "m", "webhook-timestamp": stamp, "webhook-signature": f"v1a,{made}"}
    assert ws.post(site.port, site.device_id, body, ws.STRUCTURED, signed) == STORED
    async with database.transaction(Role.APP, site.world.scope) as session:
        rows = await service.listed(session, device_id=site.device_id)
        sealed = (await session.scalars(select(WebhookKey.sealed).where(WebhookKey.revoked_at.is_not(None)))).all()
        clear = await session.scalar(select(func.count()).where(WebhookKey.sealed == base64.b64decode(second[6:])))
    assert [row.kind for row in rows] == ["public", "secret", "secret", "secret", "secret"]
    assert {row.last_used_at for row in rows} == {NOON, clock.now()}
    assert set(sealed) == {None}
    assert clear == 0
    later = clock.now() + timedelta(days=400)
    await run_class(database, retention=retention.CLASSES[0], reach=Reach(), tools=Tools(vault, site.intake.objects),
                    now=later, actor=ACTOR)  # fmt: skip
    async with database.transaction(Role.APP, site.world.scope) as session:
        assert [row.kind for row in await service.listed(session, device_id=site.device_id)] == ["public"]


def replace_secret(site: Sender, secret: str) -> Sender:
    """The same sender with another secret."""
    return replace(Sender(site.device_id, site.secret, site.port), secret=secret)


async def test_keys_that_are_none_and_devices_that_do_not_sign(site: Site, database: Database, vault: Vault) -> None:
    terminal, _ = await support.add_device(database, vault, site.world, now=NOON)
    for device, data, wrong in (
        (site.device_id, WebhookKeyInput(secret="whsec_short"), BadKey),
        (site.device_id, WebhookKeyInput(public_key="whsec_AAAA"), BadKey),
        (site.device_id, WebhookKeyInput(secret="x", public_key="y"), BadKey),
        (terminal, WebhookKeyInput(), NotAWebhook),
        (uuid.uuid4(), WebhookKeyInput(), NotFound),
    ):
        async with database.transaction(Role.APP, site.world.scope) as session:
            with pytest.raises(wrong):
                await service.rotate(session, device_id=device, data=data, vault=vault, actor=ACTOR, now=NOON)
    async with database.transaction(Role.APP, site.world.scope) as session:
        assert await service.listed(session, device_id=terminal) == []
        with pytest.raises(NotFound):
            await service.revoke(session, device_id=site.device_id, key_id=uuid.uuid4(), actor=ACTOR, now=NOON)
        with pytest.raises(SignsItsDeliveries):
            await rotate_token(session, device_id=site.device_id, vault=vault, actor=ACTOR, now=NOON)


async def test_a_retired_device_is_heard_no_more(site: Site, database: Database, vault: Vault) -> None:
    assert site.send(ws.structured(pass_event(1))) == STORED
    async with database.transaction(Role.APP, site.world.scope) as session:
        await retire_device(session, device_id=site.device_id, actor=ACTOR, now=NOON)
    assert site.send(ws.structured(pass_event(2)))[0] == 404
    async with database.transaction(Role.APP, site.world.scope) as session:
        assert all(row.revoked_at == NOON for row in await service.listed(session, device_id=site.device_id))
        with pytest.raises(DeviceRetired):
            await service.rotate(session, device_id=site.device_id, data=WebhookKeyInput(), vault=vault, actor=ACTOR,
                                 now=NOON)  # fmt: skip
