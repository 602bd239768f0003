"""A gate server on a real socket, devices to talk to it, and bodies as a Hikvision terminal sends them."""

import json
import socket
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices import service
from gate_integration.devices.models import GateLevel
from gate_integration.devices.schemas import DeviceInput, ProfileInput
from gate_integration.intake.drain import Drainer
from gate_integration.intake.gate_app import make_gate_app
from gate_integration.intake.http_protocol import GateHttpProtocol
from gate_integration.intake.intake import Intake
from gate_integration.intake.models import PassEvent, RawDelivery
from gate_integration.intake.ports import NewPass
from storage import settings as settings_module
from storage.audit.service import Actor
from storage.clock import Clock
from storage.database import Database, DatabaseUrls, Role, SystemScope
from storage.objects.service import Objects
from storage.settings import Settings
from storage.vault.service import Vault
from tests.factories import World

ACTOR = Actor.system("test")
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01" + bytes(range(256)) * 8 + b"\xff\xd9"


class Watcher:
    """A sighter that remembers what it was given."""

    def __init__(self) -> None:
        self.seen: list[NewPass] = []

    async def sight(self, session: AsyncSession, *, events: Sequence[NewPass], now: datetime) -> None:
        assert session.in_transaction()
        assert now.tzinfo is not None
        self.seen.extend(events)


def gate_settings(tmp_path: Path, **changes: Any) -> Settings:
    """Settings with small limits."""
    made = settings_module.load({"RUHU_DATA": str(tmp_path / "data")})
    return replace(made, gate_body_limit=256 * 1024, gate_read_timeout_s=1.5, **changes)


async def add_device(
    database: Database, vault: Vault, world: World, *, now: datetime, capture_mode: str = "identity",
    direction: str = "in", profile: ProfileInput | None = None,
) -> tuple[uuid.UUID, str]:  # fmt: skip
    """A device at the entrance, and its token."""
    async with database.transaction(Role.APP, world.scope) as session:
        made = await service.add_device(
            session,
            data=DeviceInput(
                estate_id=world.estate_id, name="一单元门", serial=f"SN{uuid.uuid4().hex[:12]}",
                capture_mode=capture_mode, level=GateLevel.ENTRANCE, entrance_id=world.entrance_id,
                direction=direction, profile=profile or ProfileInput(),
            ),  # type: ignore[arg-type]  # literals of the schema
            vault=vault, actor=ACTOR, now=now,
        )  # fmt: skip
    return made.device.id, made.token


@contextmanager
def live_gate(
    urls: DatabaseUrls, vault: Vault, objects: Objects, clock: Clock, settings: Settings, *, idle_timeout_s: float = 0.6
) -> Iterator[tuple[int, Intake]]:
    """The gate app alone under uvicorn in a thread; gives its port and intake."""
    intake = Intake(
        urls=urls, clock=clock, vault=vault, objects=objects, settings=settings, idle_timeout_s=idle_timeout_s
    )
    config = uvicorn.Config(
        make_gate_app(intake), host="127.0.0.1", port=0, http=GateHttpProtocol, loop="uvloop", log_level="warning",
        lifespan="on",
    )  # fmt: skip
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    end = time.monotonic() + 20
    while not server.started:
        assert thread.is_alive(), "the gate did not start"
        assert time.monotonic() < end, "the gate did not start in time"
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1], intake
    finally:
        server.should_exit = True
        thread.join(20)


def event(
    serial: int | None, at: datetime | None, *, minor: int = 75, major: int = 5, live: bool = True, **inner: Any
) -> dict[str, Any]:
    """An access event as a terminal tells it."""
    body: dict[str, Any] = {
        "ipAddress": "192.0.2.10", "eventType": "AccessControllerEvent", "eventState": "active",
        "AccessControllerEvent": {
            "deviceName": "Access Controller", "majorEventType": major, "subEventType": minor, "currentEvent": live,
            **inner,
        },
    }  # fmt: skip
    if serial is not None:
        body["AccessControllerEvent"]["serialNo"] = serial
    if at is not None:
        body["dateTime"] = (at + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S+08:00")
    return body


def as_json(what: dict[str, Any]) -> bytes:
    """A bare JSON body."""
    return json.dumps(what, indent="\t").encode()


def as_xml(serial: int, at: datetime) -> bytes:
    """The same event as XML."""
    when = (at + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S+08:00")
    return (
        f'<?xml version="1.0" encoding="UTF-8"?><EventNotificationAlert version="2.0" '
        f'xmlns="http://www.isapi.org/ver20/XMLSchema"><dateTime>{when}</dateTime>'
        f"<eventType>AccessControllerEvent</eventType><AccessControllerEvent><majorEventType>5</majorEventType>"
        f"<subEventType>75</subEventType><employeeNoString>7</employeeNoString><serialNo>{serial}</serialNo>"
        f"<currentEvent>true</currentEvent></AccessControllerEvent></EventNotificationAlert>"
    ).encode()


def as_multipart(what: dict[str, Any], *pictures: bytes) -> bytes:
    """The usual push: JSON and pictures."""
    parts = [
        b'--MIME_boundary\r\nContent-Disposition: form-data; name="AccessControllerEvent"\r\n'
        b"Content-Type: application/json\r\n\r\n" + as_json(what) + b"\r\n"
    ]
    parts += [
        b'--MIME_boundary\r\nContent-Disposition: form-data; name="Picture"; filename="Picture.jpg"\r\n'
        b"Content-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(picture) + picture + b"\r\n"
        for picture in pictures
    ]
    return b"".join(parts) + b"--MIME_boundary--\r\n"


MULTIPART = "multipart/form-data; boundary=MIME_boundary"


def request(path: str, body: bytes, content_type: str = "application/json", *, method: str = "POST") -> bytes:
    """A request as bytes."""
    return (
        f"{method} {path} HTTP/1.1\r\nHost: gate\r\nContent-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def exchange(port: int, raw: bytes, *, half_close: bool = False) -> bytes:
    """Sends bytes on a fresh connection and reads one reply; empty when the server closed without one."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        connection.sendall(raw)
        if half_close:
            connection.shutdown(socket.SHUT_WR)
        got = b""
        while True:
            try:
                chunk = connection.recv(65536)
            except ConnectionResetError:
                return got
            got += chunk
            head, found, rest = got.partition(b"\r\n\r\n")
            if not chunk or (found and len(rest) >= _length(head)):
                return got


def _length(head: bytes) -> int:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return int(line.split(b":")[1])
    return 0


def status(reply: bytes) -> int:
    """The status of a reply."""
    return int(reply.split(b" ", 2)[1])


def post(port: int, token: str, body: bytes, content_type: str = "application/json") -> int:
    """Posts a delivery; 0 when the connection was closed without a reply."""
    reply = exchange(port, request(f"/gate/hikvision/{token}", body, content_type))
    return status(reply) if reply else 0


async def drain(database: Database, clock: Clock, vault: Vault, sighter: Watcher | None = None) -> Drainer:
    """Drains everything that waits."""
    drainer = Drainer(database=database, clock=clock, vault=vault, sighter=sighter or Watcher())
    while await drainer.drain_once():
        pass
    return drainer


async def events_of(database: Database, device_id: uuid.UUID) -> list[PassEvent]:
    """The stored events of a device in the order they were stored."""
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        return list(
            await session.scalars(select(PassEvent).where(PassEvent.device_id == device_id).order_by(PassEvent.id))
        )


async def count(database: Database, column: Any, *where: Any) -> int:
    """How many rows."""
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        return await session.scalar(select(func.count(column)).where(*where)) or 0


async def raw_of(database: Database, device_id: uuid.UUID) -> list[RawDelivery]:
    """The stored deliveries of a device in the order they came."""
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        rows = await session.scalars(
            select(RawDelivery).where(RawDelivery.device_id == device_id).order_by(RawDelivery.id)
        )
        return list(rows)


NOON = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
