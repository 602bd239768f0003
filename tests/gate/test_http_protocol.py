"""What the gate's HTTP protocol adds to uvicorn's: replies in one write, bodies without waiting, no tokens in logs."""

import asyncio
import gc
import logging
import socket

import pytest

from gate_integration.intake.http_protocol import Exchange
from storage.database import Database
from tests.gate import support
from tests.gate.conftest import Gate
from tests.gate.support import NOON, as_json, event, exchange, post, raw_of, request


@pytest.mark.asvs("v5.0.0-4.2.1")
async def test_pipelined_and_kept_alive_requests_are_answered_each(gate: Gate) -> None:
    one = request(f"/gate/hikvision/{gate.token}", as_json(event(1, NOON)))
    with socket.create_connection(("127.0.0.1", gate.port), timeout=10) as connection:
        connection.sendall(one + one)
        got = b""
        while got.count(b"HTTP/1.1 200") < 2 or not got.endswith(b"OK"):
            got += connection.recv(65536)
    assert gate.intake.counters["accepted"] == 2


async def test_a_body_in_pieces_old_http_and_expectations_are_answered_as_any(gate: Gate, database: Database) -> None:
    path, body = f"/gate/hikvision/{gate.token}", as_json(event(1, NOON))
    head, _, _ = request(path, body).partition(b"\r\n\r\n")
    with socket.create_connection(("127.0.0.1", gate.port), timeout=10) as connection:
        for piece in (head[:30], head[30:] + b"\r\n\r\n", body[:50], body[50:]):
            connection.sendall(piece)
            await asyncio.sleep(0.05)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK\r\n")
        connection.sendall(head + b"\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert connection.recv(65536).endswith(b"\r\n\r\nOK")
        connection.sendall(request(path, body).replace(b"HTTP/1.1", b"HTTP/1.0", 1))
        last = b""
        while chunk := connection.recv(65536):
            last += chunk
    assert b"connection: close\r\n" in last
    assert last.endswith(b"\r\n\r\nOK")
    assert {row.body for row in await raw_of(database, gate.device_id)} == {body}
    assert gate.intake.counters["accepted"] == 3


@pytest.mark.asvs("v5.0.0-1.4.3")
async def test_a_request_leaves_nothing_to_the_garbage_collector(gate: Gate) -> None:
    gc.collect()
    gc.disable()
    try:
        for number in range(5):
            assert post(gate.port, gate.token, as_json(event(number, NOON))) == 200
            assert post(gate.port, "unknown", b"{}") == 404
        await asyncio.sleep(0.05)
        assert [left for left in gc.get_objects() if type(left) is Exchange] == []
    finally:
        gc.enable()


async def test_a_reply_waits_while_the_device_does_not_read(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Exchange, "answer", lambda *_: False)  # as it says when writing is paused
    monkeypatch.setattr(Exchange, "whole_body", lambda _: None)
    for number in range(2):
        reply = exchange(gate.port, request(f"/gate/hikvision/{gate.token}", as_json(event(number, NOON))))
        assert reply.startswith(b"HTTP/1.1 200 OK\r\n")
        assert reply.endswith(b"\r\n\r\nOK")
    assert gate.intake.counters["accepted"] == 2


@pytest.mark.asvs("v5.0.0-14.2.1")
async def test_the_access_log_never_holds_a_token(gate: Gate) -> None:
    lines: list[str] = []

    class Keep(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            lines.append(record.getMessage())

    handler = Keep()
    log = logging.getLogger("uvicorn.access")
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        assert post(gate.port, gate.token, as_json(event(1, NOON))) == 200
        assert post(gate.port, "someone-elses-token", b"{}") == 404
        assert support.status(exchange(gate.port, request("/healthz", b""))) == 404
    finally:
        log.removeHandler(handler)
    assert len(lines) == 1
    assert "/healthz" in lines[0]
