"""The intake over a real socket: what is answered, what is stored, what never is."""

import asyncio
import logging
import socket
import uuid
from dataclasses import replace
from pathlib import Path

import asyncpg
import pytest
from sqlalchemy import select, update

from gate_integration.devices import service
from gate_integration.intake import retention
from gate_integration.intake.group_commit import DeliveryRow, GroupCommit, StoringFailed
from gate_integration.intake.intake import Intake, looks_live
from gate_integration.intake.jobs import ensure_partitions
from gate_integration.intake.models import DeliveryProblem, RawDelivery, RawPending
from inspection.registry.consents.models import ProcessingBasis
from storage.audit.service import Actor
from storage.clock import SimulatedClock
from storage.database import Database, DatabaseUrls, Role, SystemScope
from storage.holds.reach import Reach
from storage.ids import new_id
from storage.objects.models import StoredObject
from storage.objects.service import Objects
from storage.retention.classes import Tools
from storage.retention.run import run_class
from storage.vault import crypto
from storage.vault.service import Vault
from tests.factories import make_world
from tests.gate import support
from tests.gate.conftest import Gate
from tests.gate.support import (
    JPEG,
    MULTIPART,
    NOON,
    as_json,
    as_multipart,
    as_xml,
    event,
    exchange,
    post,
    raw_of,
    request,
)


async def test_every_form_of_an_event_is_answered_stored_and_read(
    gate: Gate, database: Database, vault: Vault, clock: SimulatedClock
) -> None:
    assert post(gate.port, gate.token, as_multipart(event(1, NOON, employeeNoString="7"), JPEG), MULTIPART) == 200
    assert post(gate.port, gate.token, as_json(event(2, NOON)), "application/json") == 200
    assert post(gate.port, gate.token, as_xml(3, NOON), "application/xml") == 200
    heartbeat = b'{"eventType":"heartBeat","dateTime":"2026-03-02T12:00:00+08:00"}'
    reply = exchange(gate.port, request(f"/gate/hikvision/{gate.token}/", heartbeat, method="PUT"))
    assert reply.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"content-type: text/plain" in reply
    assert reply.endswith(b"\r\n\r\nOK")
    await support.drain(database, clock, vault)
    events = await support.events_of(database, gate.device_id)
    assert [e.counter for e in events] == [1, 2, 3]
    assert {e.effective_reason for e in events} == {"device"}
    assert {e.direction for e in events} == {"in"}
    assert gate.intake.counters["accepted"] == 4
    assert await support.count(database, RawPending.delivery_id, RawPending.device_id == gate.device_id) == 0


async def test_an_unknown_token_is_404_and_counted_and_nothing_is_stored(gate: Gate, database: Database) -> None:
    paths = ("/gate/hikvision/unknown", f"/gate/dahua/{gate.token}", "/gate/hikvision/",
             "/gate/hikvision/" + "x" * 500, f"/elsewhere/hikvision/{gate.token}")  # fmt: skip
    for path in paths:
        reply = exchange(gate.port, request(path, as_json(event(1, NOON))))
        assert support.status(reply) == 404, path
    assert gate.intake.counters["unknown_token"] == 5
    assert await raw_of(database, gate.device_id) == []


async def test_the_memory_of_tokens_is_bounded(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate_integration.intake.directory.REMEMBERED", 3)
    for number in range(8):
        assert post(gate.port, f"no-such-{number}", b"{}") == 404
    assert len(gate.intake.directory.entries) == 3


async def test_other_methods_are_405_in_text(gate: Gate) -> None:
    for method in ("GET", "DELETE", "HEAD"):
        reply = exchange(gate.port, request(f"/gate/hikvision/{gate.token}", b"", method=method))
        assert reply.startswith(b"HTTP/1.1 405")
        assert b"allow: POST, PUT" in reply


async def test_an_oversized_body_is_413_and_the_connection_closed(gate: Gate, database: Database) -> None:
    announced = exchange(gate.port, request(f"/gate/hikvision/{gate.token}", b"x" * 300_000))
    assert support.status(announced) == 413
    assert b"connection: close" in announced
    chunked = (
        f"POST /gate/hikvision/{gate.token} HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n"
    ).encode() + b"".join(b"8000\r\n" + b"y" * 0x8000 + b"\r\n" for _ in range(9))
    assert support.status(exchange(gate.port, chunked)) == 413
    gate.intake.body_limit = 9
    whole = f"POST /gate/hikvision/{gate.token} HTTP/1.1\r\nHost: gate\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert support.status(exchange(gate.port, whole.encode() + b"a\r\n0123456789\r\n0\r\n\r\n")) == 413
    assert gate.intake.counters["too_large"] == 3
    assert await raw_of(database, gate.device_id) == []


async def test_slow_bodies_are_given_up(gate: Gate) -> None:
    head = f"POST /gate/hikvision/{gate.token} HTTP/1.1\r\nHost: gate\r\nContent-Length: 100\r\n\r\n".encode()
    assert support.status(exchange(gate.port, head + b"{")) == 408  # silence within the body
    with socket.create_connection(("127.0.0.1", gate.port), timeout=10) as connection:
        connection.sendall(head)
        connection.settimeout(0.3)
        got = b""
        for _ in range(20):  # a byte now and then: the total counts
            try:
                got = connection.recv(100)
                break
            except TimeoutError:
                connection.sendall(b" ")
        assert support.status(got) == 408
    assert gate.intake.counters["timed_out"] == 2


async def test_a_silent_connection_is_closed(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gate_integration.intake.http_protocol.HEAD_TIMEOUT_S", 0.3)
    assert exchange(gate.port, b"") == b""
    assert exchange(gate.port, b"POST /gate/hikvision/x HTTP/1.1\r\nHost:") == b""


async def test_a_body_cut_short_is_not_stored(gate: Gate, database: Database) -> None:
    whole = request(f"/gate/hikvision/{gate.token}", as_json(event(1, NOON)))
    assert exchange(gate.port, whole[:-20], half_close=True) == b""
    assert await raw_of(database, gate.device_id) == []


async def test_garbage_is_kept_with_a_problem(
    gate: Gate, database: Database, vault: Vault, clock: SimulatedClock
) -> None:
    assert post(gate.port, gate.token, b"{not json", "text/html") == 200
    assert post(gate.port, gate.token, b"", "application/json") == 200
    cut = as_multipart(event(9, NOON), JPEG)
    assert post(gate.port, gate.token, cut[: len(cut) // 2], MULTIPART) == 200
    await support.drain(database, clock, vault)
    assert [e.counter for e in await support.events_of(database, gate.device_id)] == [9]
    assert await support.count(database, DeliveryProblem.id, DeliveryProblem.device_id == gate.device_id) > 0


async def test_a_body_that_cannot_be_cleared_is_sealed_and_forgotten(
    gate: Gate, database: Database, vault: Vault, clock: SimulatedClock
) -> None:
    binary = bytes(range(256)) * 40
    assert post(gate.port, gate.token, binary, "application/octet-stream") == 200
    (row,) = await raw_of(database, gate.device_id)
    assert row.sealed
    assert row.body is not None
    assert binary[:64] not in row.body
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        key = await vault.estate_key(session, estate_id=gate.world.estate_id, now=NOON)
    assert crypto.unseal(key, row.body, place=f"delivery/{row.id}") == binary
    await support.drain(database, clock, vault)
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        codes = set(
            await session.scalars(select(DeliveryProblem.code).where(DeliveryProblem.device_id == gate.device_id))
        )
        assert codes == {"uncleared"}
        later = NOON.replace(day=6)
        await ensure_partitions(session, now=later)
    (sealed, *_) = retention.CLASSES
    await run_class(database, retention=sealed, reach=Reach(), tools=Tools(vault, gate.intake.objects), now=later,
                    actor=Actor.system("worker"))  # fmt: skip
    assert (await raw_of(database, gate.device_id))[0].body is None
    assert gate.intake.counters["uncleared"] == 1


@pytest.mark.asvs("v5.0.0-16.5.3")
async def test_a_failing_store_closes_the_connection_and_acknowledges_nothing(
    gate: Gate, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    assert post(gate.port, gate.token, as_json(event(1, NOON))) == 200
    assert gate.intake.store.pool is not None
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        before = await session.scalar(select(RawDelivery.id).where(RawDelivery.device_id == gate.device_id))
    async with database.transaction(Role.OWNER, SystemScope()) as session:
        await session.connection()
        from sqlalchemy import text

        await session.execute(text("REVOKE INSERT ON raw_pending FROM ruhu_intake"))
    try:
        with caplog.at_level(logging.DEBUG):
            assert post(gate.port, gate.token, as_json(event(2, NOON))) == 0
    finally:
        async with database.transaction(Role.OWNER, SystemScope()) as session:
            await session.execute(text("GRANT INSERT ON raw_pending TO ruhu_intake"))
    assert [r.id for r in await raw_of(database, gate.device_id)] == [before]
    assert gate.intake.counters["failed"] == 1
    assert gate.token not in caplog.text
    assert "500" not in caplog.text
    assert post(gate.port, gate.token, as_json(event(2, NOON))) == 200  # and it recovers


async def test_a_database_that_goes_away_is_no_acknowledgement(gate: Gate, urls: DatabaseUrls) -> None:
    assert post(gate.port, gate.token, as_json(event(1, NOON))) == 200
    killer = await asyncpg.connect(urls.by_role[Role.OWNER].replace("ruhu_owner", "postgres", 1))
    await killer.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE usename = 'ruhu_intake' AND datname = current_database()"
    )
    await killer.close()
    codes = {post(gate.port, gate.token, as_json(event(2, NOON))) for _ in range(4)}
    assert codes <= {0, 200}
    assert 200 in codes


async def test_a_database_that_hangs_is_no_acknowledgement(
    gate: Gate, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate_integration.intake.group_commit.COMMAND_TIMEOUT_S", 0.3)
    from sqlalchemy import text

    async with database.transaction(Role.OWNER, SystemScope()) as session:
        await session.execute(text("LOCK TABLE raw_pending IN ACCESS EXCLUSIVE MODE"))
        assert await asyncio.to_thread(post, gate.port, gate.token, as_json(event(1, NOON))) == 0
    assert post(gate.port, gate.token, as_json(event(1, NOON))) == 200
    assert len(await raw_of(database, gate.device_id)) == 1


async def test_an_intake_under_another_server_raises_rather_than_acknowledges(
    urls: DatabaseUrls, vault: Vault, objects: Objects, clock: SimulatedClock, tmp_path: Path
) -> None:
    from gate_integration.intake.gate_app import NotStored, make_gate_app

    stopped = Intake(urls=urls, clock=clock, vault=vault, objects=objects, settings=support.gate_settings(tmp_path))
    sent: list[object] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": b"{}", "more_body": False}

    async def send(message: object) -> None:
        sent.append(message)

    with pytest.raises(NotStored):
        await make_gate_app(stopped)(
            {"type": "http", "method": "POST", "path": "/gate/hikvision/t", "headers": []}, receive, send
        )
    assert sent == []


async def test_a_poisoned_row_does_not_fail_its_neighbours(
    database: Database, vault: Vault, urls: DatabaseUrls
) -> None:
    world = await make_world(database, vault, now=NOON, flats=1)
    device_id, _ = await support.add_device(database, vault, world, now=NOON)
    good = DeliveryRow(
        id=new_id(), received_at=NOON, estate_id=world.estate_id, device_id=device_id, protocol="hikvision",
        content_type="application/json", body=b"{}", sealed=False, cutouts="[]", live=True,
    )  # fmt: skip
    rows = [replace(good, id=new_id()) for _ in range(9)]
    rows[4] = replace(rows[4], content_type="text\x00")
    rows[7] = replace(rows[7], cutouts="[")
    store = GroupCommit(urls.by_role[Role.INTAKE], flushers=1)
    await store.start()
    ends = await asyncio.gather(*(store.submit(row) for row in rows), return_exceptions=True)
    await store.stop()
    assert [n for n, end in enumerate(ends) if isinstance(end, StoringFailed)] == [4, 7]
    assert len(await raw_of(database, device_id)) == 7
    with pytest.raises(StoringFailed):
        await store.submit(good)


async def test_a_full_queue_makes_callers_wait_and_stopping_stores_what_waits(
    database: Database, vault: Vault, urls: DatabaseUrls
) -> None:
    world = await make_world(database, vault, now=NOON, flats=1)
    device_id, _ = await support.add_device(database, vault, world, now=NOON)
    store = GroupCommit(urls.by_role[Role.INTAKE], flushers=1, queue_rows=4)
    await store.start()
    waiting = [
        asyncio.create_task(
            store.submit(
                DeliveryRow(
                    id=new_id(), received_at=NOON, estate_id=world.estate_id, device_id=device_id,
                    protocol="hikvision", content_type="", body=b"{}", sealed=False, cutouts="[]", live=True,
                )
            )
        )
        for _ in range(40)
    ]  # fmt: skip
    await asyncio.sleep(0)
    assert len(store.queue) == 4
    await asyncio.gather(*waiting)
    await store.stop()
    assert len(await raw_of(database, device_id)) == 40


async def test_pictures_are_kept_only_in_snapshot_mode_with_a_valid_basis(
    gate: Gate, database: Database, vault: Vault, clock: SimulatedClock, objects: Objects
) -> None:
    snapshot, token = await support.add_device(database, vault, gate.world, now=NOON, capture_mode="snapshot")
    body = as_multipart(event(1, NOON), JPEG)
    assert post(gate.port, gate.token, body, MULTIPART) == 200  # identity: nothing
    assert post(gate.port, token, body, MULTIPART) == 200
    (identity,) = await raw_of(database, gate.device_id)
    (row,) = await raw_of(database, snapshot)
    assert identity.cutouts[0]["object_id"] is None
    assert identity.cutouts[0]["digest"] == row.cutouts[0]["digest"]
    object_id = uuid.UUID(row.cutouts[0]["object_id"])
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        stored = await session.get_one(StoredObject, object_id)
        assert (stored.kind, stored.content_type, stored.size) == ("snapshot", "image/jpeg", len(JPEG))
        assert stored.expires_at == NOON.replace(day=9)
        assert await objects.get(session, object_id=object_id, now=NOON) == JPEG
        await session.execute(
            update(ProcessingBasis).where(ProcessingBasis.estate_id == gate.world.estate_id).values(withdrawn_at=NOON)
        )
    clock.set(NOON.replace(day=3))  # another day: the answer of yesterday does not count
    assert post(gate.port, token, as_multipart(event(2, NOON), JPEG), MULTIPART) == 200
    assert (await raw_of(database, snapshot))[1].cutouts[0]["object_id"] is None
    watcher = support.Watcher()
    await support.drain(database, clock, vault, watcher)
    assert [p.picture_ids for p in watcher.seen if p.device.id == snapshot] == [(object_id,), ()]
    assert [p.picture_ids for p in watcher.seen if p.device.id == gate.device_id] == [()]


@pytest.mark.asvs("v5.0.0-14.2.4")
async def test_no_picture_lies_anywhere_in_clear(
    gate: Gate, database: Database, vault: Vault, objects: Objects
) -> None:
    _, token = await support.add_device(database, vault, gate.world, now=NOON, capture_mode="snapshot")
    import base64

    inline = as_json(event(3, NOON, picture=base64.b64encode(JPEG).decode()))
    for one in (gate.token, token):
        assert post(gate.port, one, as_multipart(event(1, NOON), JPEG, JPEG), MULTIPART) == 200
        assert post(gate.port, one, inline) == 200
        assert post(gate.port, one, b"\x00\x01" * 600 + JPEG, "application/octet-stream") == 200
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        bodies = [b for b in await session.scalars(select(RawDelivery.body)) if b is not None]
    files = [p.read_bytes() for p in objects.store.root.rglob("*") if p.is_file()]  # type: ignore[attr-defined]
    assert bodies
    assert files
    for data in (*bodies, *files):
        assert b"\xff\xd8\xff\xe0" not in data
        assert b"/9j/4AAQ" not in data
        assert JPEG[20:60] not in data


async def test_rotation_keeps_two_tokens_and_revoking_ends_the_old_one(
    gate: Gate, database: Database, vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gate_integration.intake.directory.TTL_S", 0.0)
    async with database.transaction(Role.APP, gate.world.scope) as session:
        fresh = await service.rotate_token(
            session, device_id=gate.device_id, vault=vault, actor=support.ACTOR, now=NOON
        )
    assert post(gate.port, gate.token, as_json(event(1, NOON))) == 200
    assert post(gate.port, fresh.token, as_json(event(2, NOON))) == 200
    async with database.transaction(Role.APP, gate.world.scope) as session:
        assert await service.revoke_old_tokens(session, device_id=gate.device_id, actor=support.ACTOR, now=NOON) == 1
    assert post(gate.port, gate.token, as_json(event(3, NOON))) == 404
    assert post(gate.port, fresh.token, as_json(event(3, NOON))) == 200
    async with database.transaction(Role.APP, gate.world.scope) as session:
        await service.retire_device(session, device_id=gate.device_id, actor=support.ACTOR, now=NOON)
    assert post(gate.port, fresh.token, as_json(event(4, NOON))) == 404


def test_replayed_history_is_told_by_its_own_words() -> None:
    assert looks_live(as_json(event(1, NOON)))
    assert not looks_live(as_json(event(1, NOON, live=False)))
    assert not looks_live(b"<isDataRetransmission>true</isDataRetransmission>")
    assert not looks_live(b"<currentEvent>false</currentEvent>")
    assert looks_live(as_json(event(1, NOON)) + as_json(event(1, NOON, live=False)))


@pytest.mark.asvs("v5.0.0-13.2.2")
async def test_the_intake_role_can_only_insert(urls: DatabaseUrls) -> None:
    connection = await asyncpg.connect(urls.by_role[Role.INTAKE])
    try:
        for statement in ("SELECT 1 FROM raw_delivery", "DELETE FROM raw_pending", "SELECT 1 FROM stored_object",
                          "UPDATE raw_delivery SET body = NULL", "SELECT 1 FROM gate_device"):  # fmt: skip
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
