"""Real processes: what they log, what they measure, how they end."""

import asyncio
import base64
import hashlib
import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from prometheus_client.parser import text_string_to_metric_families

from inspection.users.models import ScopeLevel, UserRole
from storage.clock import SystemClock
from storage.postgres.lease import Lease
from tests.api.conftest import PASSWORD, PASSWORD_HASH
from tests.api.running import TOKEN, Running, free_port
from tests.api.streams import follow
from tests.conftest import ROOT
from tests.factories import World, make_user, make_world
from tests.gate import support
from tests.storage.backups import Site, drop, site

NOW = SystemClock().now()
ID_NUMBER = "999999199001011237"
PHONE = "13900001234"
SECRETS = {
    "wrong password": "wrong-password-of-somebody", "name": "欧阳测试甲", "name at a gate": "上官测试乙",
    "id number": ID_NUMBER, "phone": PHONE, "unknown token": "token-that-nobody-knows-77", "note": "不可外传的说明",
    "query": "诸葛测试丙", "login": "login-that-is-no-user",
}  # fmt: skip


class House:
    """The processes, the place they serve and who is signed in."""

    def __init__(self, running: Running, place: Site, world: World, token: str) -> None:
        self.running, self.place, self.world, self.token = running, place, world, token
        self.client = httpx.AsyncClient(base_url=running.url, timeout=30)

    async def sign_in(self, login: str) -> dict[str, str]:
        answer = await self.client.post("/api/v1/session", json={"login": login, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        self.client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        found: dict[str, str] = answer.json()
        return found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(cluster: Lease, template: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    folder: Path = tmp_path_factory.mktemp("processes")
    place = site(cluster, folder, template=template)
    async with place.house() as opened:
        world = await make_world(opened.database, opened.vault, now=NOW, flats=2, division_code="999999001001")
        await make_user(
            opened.database, now=NOW, role=UserRole.MANAGER, level=ScopeLevel.ALL, code="", login="chief",
            password_hash=PASSWORD_HASH,
        )  # fmt: skip
        _, token = await support.add_device(opened.database, opened.vault, world, now=NOW)
    running = Running(place.environment, folder)
    running.start("serve", RUHU_DRAIN_S="2")
    running.start("worker")
    try:
        await asyncio.to_thread(running.wait)
        found = House(running, place, world, token)
        yield found
        await found.client.aclose()
    finally:
        running.kill()
        drop(place)


async def lived_through(house: House) -> list[str]:
    """A day at work, with everything that goes wrong; gives back the secrets that were made."""
    client, estate = house.client, house.world.estate_id
    for login in ("chief", SECRETS["login"]):
        await client.post("/api/v1/session", json={"login": login, "password": SECRETS["wrong password"]})
    tokens = await house.sign_in("chief")
    base = f"/api/v1/estates/{estate}"
    named = {"X-Request-ID": ID_NUMBER}
    answer = await client.get(f"{base}/households", params={"text": SECRETS["query"]}, headers=named)
    assert answer.status_code == 200
    assert answer.headers["x-request-id"] != ID_NUMBER
    given = uuid.uuid4().hex
    assert (await client.get("/api/v1/me", headers={"X-Request-ID": given})).headers["x-request-id"] == given
    await client.get(f"/api/v1/nowhere/{ID_NUMBER}", params={"id_number": ID_NUMBER})
    member = {
        "name": SECRETS["name"], "id_number": ID_NUMBER, "phone": PHONE, "role": "member",
        "valid_from": "2026-01-01", "note": SECRETS["note"],
    }  # fmt: skip
    await client.post(f"/api/v1/households/{house.world.households[0]}/members", json=member)
    member.pop("note")
    for _ in range(2):
        await client.post(f"/api/v1/households/{house.world.households[0]}/members", json=member)
    await client.post(f"/api/v1/households/{house.world.households[0]}/members", content=ID_NUMBER.encode())
    picture = f"kein Bild {SECRETS['name']}".encode()
    digest = f"sha-256=:{base64.b64encode(hashlib.sha256(picture).digest()).decode()}:"
    await client.put(
        f"/api/v1/visits/{uuid.uuid4()}/photos/{uuid.uuid4()}", content=picture,
        headers={"Content-Digest": digest, "Content-Type": "image/jpeg"},
    )  # fmt: skip
    # A statement that fails in the database, with a value in it; and one that a trigger refuses with the value said.
    house.place.rows("ALTER TABLE household RENAME TO household_away")
    broken = await client.get(f"{base}/households", params={"text": SECRETS["query"]})
    house.place.rows("ALTER TABLE household_away RENAME TO household")
    assert broken.status_code in {500, 503}
    assert "household" not in broken.text
    port = house.running.port
    for serial in range(1, 6):
        body = support.as_json(support.event(serial, NOW, name=SECRETS["name at a gate"], employeeNoString=ID_NUMBER))
        assert await asyncio.to_thread(support.post, port, house.token, body) == 200
    assert await asyncio.to_thread(support.post, port, SECRETS["unknown token"], body) == 404
    assert await asyncio.to_thread(support.post, port, house.token, b"{" + SECRETS["name"].encode()) == 200
    await client.post("/api/v1/session/refresh", json={"refresh_token": tokens["refresh_token"] + "x"})
    return [tokens["access_token"], tokens["refresh_token"], house.token]


async def scraped(url: str, **headers: str) -> dict[str, Any]:
    """The families of a page, by name."""
    async with httpx.AsyncClient(timeout=30) as client:
        answer = await client.get(url, headers=headers)
    assert answer.status_code == 200, answer.text
    return {family.name: family for family in text_string_to_metric_families(answer.text)}


def value(families: dict[str, Any], family: str, sample: str = "", **labels: str) -> float:
    """One number."""
    found: list[float] = [
        s.value for s in families[family].samples
        if s.name == (sample or s.name) and labels.items() <= s.labels.items()
    ]  # fmt: skip
    return sum(found)


async def drained(house: House) -> None:
    """Until the worker has read everything."""
    while house.place.count("raw_pending"):  # noqa: ASYNC110 - another process does it
        await asyncio.sleep(0.1)


async def test_metrics_answer_an_operators_questions(house: House) -> None:
    """And lines tell nothing: the day is lived through here, its lines are read in the last test."""
    house.client.secrets = await lived_through(house)  # type: ignore[attr-defined]  # for the last test
    await drained(house)
    url = f"{house.running.url}/metrics"
    async with httpx.AsyncClient() as anonymous:
        for headers in ({}, {"Authorization": "Bearer x"}):
            assert (await anonymous.get(url, headers=headers)).status_code == 401
    bearer = {"Authorization": f"Bearer {TOKEN}"}
    families = await scraped(url, **bearer)
    assert value(families, "ruhu_gate_requests", "ruhu_gate_requests_total", verdict="accepted") == 6
    assert value(families, "ruhu_gate_requests", "ruhu_gate_requests_total", verdict="unknown_token") == 1
    assert value(families, "ruhu_http_request_duration_seconds", "ruhu_http_request_duration_seconds_count") > 8
    routes = {s.labels.get("route") for s in families["ruhu_http_request_duration_seconds"].samples}
    assert "/api/v1/estates/{estate_id}/households" in {str(route).replace(":uuid", "") for route in routes}
    assert value(families, "ruhu_database_up") == value(families, "ruhu_object_store_up") == 1
    device = families["ruhu_device_last_event_age_seconds"].samples[0]
    assert device.labels["estate"] == str(house.world.estate_id)
    assert value(families, "ruhu_deliveries_recent", protocol="hikvision", verdict="cleared") >= 5
    assert value(families, "ruhu_delivery_problems_recent") >= 1
    assert value(families, "ruhu_drain_waiting") == 0
    for name in (
        "ruhu_device_silent", "ruhu_drain_lag_seconds", "ruhu_sightings_recent", "ruhu_jobs",
        "ruhu_job_oldest_age_seconds", "ruhu_timer_age_seconds", "ruhu_audit_sealing_lag_seconds",
        "ruhu_retention_overdue", "ruhu_db_connections_in_use", "ruhu_live_streams", "ruhu_leads_waiting",
        "process_resident_memory_bytes", "ruhu_object_store_check_seconds",
    ):  # fmt: skip
        assert name in families, name
    worker = await scraped(f"http://127.0.0.1:{house.running.metrics_port}/metrics", **bearer)
    assert value(worker, "ruhu_drained", "ruhu_drained_total", what="events") == 5
    assert "process_resident_memory_bytes" in worker


async def test_readiness_says_what_is_wrong(house: House) -> None:
    answer = (await house.client.get("/readyz")).json()
    assert answer["status"] == "ok"
    assert set(answer["checks"].values()) == {"ok"}
    house.place.rows("UPDATE alembic_version SET version_num = '0001'")
    wrong = await house.client.get("/readyz")
    house.place.rows("UPDATE alembic_version SET version_num = %s", newest())
    assert (wrong.status_code, wrong.json()["code"]) == (503, "not-ready")
    assert wrong.json()["extra"]["checks"]["migrations"].startswith("0001 ")
    house.place.rows("INSERT INTO restore_epoch (epoch, began_at) VALUES (2, now())")
    restored = await house.client.get("/readyz")
    house.place.rows("DELETE FROM restore_epoch WHERE epoch = 2")
    assert restored.json()["extra"]["checks"]["restore"] == "restart-needed"
    assert (await house.client.get("/healthz")).status_code == 200


def newest() -> str:
    from storage.migrations import runner

    return runner.newest()


class Poster(threading.Thread):
    """Posts events until nobody answers any more."""

    def __init__(self, port: int, token: str, first: int) -> None:
        super().__init__(daemon=True)
        self.port, self.token, self.first = port, token, first
        self.acknowledged: list[int] = []

    def run(self) -> None:
        for serial in range(self.first, self.first + 100_000):
            try:
                answer = support.post(self.port, self.token, support.as_json(support.event(serial, NOW)))
            except OSError:
                return
            if answer == 200:
                self.acknowledged.append(serial)
            time.sleep(random.random() / 50)


async def test_a_server_that_is_told_to_end_finishes_what_it_began(house: House) -> None:
    """/readyz first, streams at once, uploads that are under way, events of gates; nothing acknowledged is lost."""
    running = house.running
    posters = [Poster(running.port, house.token, 1000 + 100_000 * n) for n in range(3)]
    for poster in posters:
        poster.start()
    body = support.as_json(support.event(900, NOW))
    raw = support.request(f"/gate/hikvision/{house.token}", body)
    bearer = house.client.headers["Authorization"]
    upload = json.dumps({"reason": "a reason that is long enough"}).encode()
    slow_head = (
        f"POST /api/v1/leads/{uuid.uuid4()}/dismiss HTTP/1.1\r\nHost: x\r\nAuthorization: {bearer}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(upload)}\r\n\r\n"
    ).encode()
    gate = socket.create_connection(("127.0.0.1", running.port), timeout=30)
    people = socket.create_connection(("127.0.0.1", running.port), timeout=30)
    gate.sendall(raw[:-10])
    people.sendall(slow_head + upload[:3])
    async with follow(house.client) as stream:
        assert (await stream.next()).event == "ready"
        running.processes["serve"].send_signal(signal.SIGTERM)
        told = await stream.next()
        assert (told.event, told.data) == ("end", {"reason": "restart"})
    leaving = await house.client.get("/readyz")
    assert (leaving.status_code, leaving.json()["extra"]["checks"]["process"]) == (503, "stopping")
    while True:  # until no connection is taken any more
        try:
            socket.create_connection(("127.0.0.1", running.port), timeout=5).close()
        except OSError:
            break
        await asyncio.sleep(0.05)
    gate.sendall(raw[-10:])
    people.sendall(upload[3:])
    receipt = (await asyncio.to_thread(read_all, gate)).lower()
    assert receipt.startswith(b"http/1.1 200")
    assert b"connection: close" in receipt
    assert (await asyncio.to_thread(read_all, people)).startswith(b"HTTP/1.1 404")
    assert running.processes.pop("serve").wait(60) == 0
    for poster in posters:
        poster.join(30)
    acknowledged = [serial for poster in posters for serial in poster.acknowledged]
    assert acknowledged
    await drained(house)
    stored = {row[0] for row in house.place.rows("SELECT counter FROM pass_event WHERE counter >= 900")}
    assert {900, *acknowledged} <= stored
    assert house.place.rows("SELECT count(*) - count(DISTINCT (device_id, counter)) FROM pass_event") == [(0,)]


def read_all(connection: socket.socket) -> bytes:
    with connection:
        got = b""
        while chunk := connection.recv(65536):
            got += chunk
        return got


def test_a_second_signal_ends_at_once() -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.api.stubborn", str(port)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        while True:
            try:
                client = socket.create_connection(("127.0.0.1", port), timeout=30)
                break
            except OSError:
                assert process.poll() is None
                time.sleep(0.05)
        with client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            process.send_signal(signal.SIGTERM)
            assert process.stdout.readline() == "stopping\n"
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            assert process.wait(30) == 1
    finally:
        process.kill()
        process.communicate()


async def test_a_worker_that_is_told_to_end_finishes_its_batch(house: House) -> None:
    assert await asyncio.to_thread(house.running.end, "worker", signal.SIGTERM) == 0
    assert house.place.rows("SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing'") == [(0,)]


def test_lines_are_json_and_tell_nothing_of_anybody(house: House) -> None:
    secrets = SECRETS | {f"made {n}": made for n, made in enumerate(house.client.secrets)}  # type: ignore[attr-defined]  # set above
    secrets |= {"password": PASSWORD, "metrics token": TOKEN}
    output = house.running.output("serve") + house.running.output("worker")
    told = {name for name, secret in secrets.items() if secret in output or json.dumps(secret)[1:-1] in output}
    assert not told
    lines = [json.loads(line) for line in output.splitlines()]
    assert all({"ts", "level", "logger", "event"} <= line.keys() for line in lines)
    requests = [line for line in lines if line["logger"] == "ruhu.access"]
    assert all({"method", "route", "status", "ms", "request"} <= line.keys() for line in requests)
    assert all("?" not in line["route"] and "gate" not in line["route"] for line in requests)
    assert any(line.get("user") for line in requests)
    assert any(line["status"] >= 500 and line["level"] == "warning" for line in requests)
    assert not [line for line in requests if line["route"] in {"/healthz", "/readyz"}]
