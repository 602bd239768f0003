"""A webhook device and senders that know nothing of us: `standardwebhooks` signs, `cloudevents` makes the bodies."""

import json
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from cloudevents.core.bindings.http import to_binary, to_structured
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from standardwebhooks import Webhook

from gate_integration.devices import service
from gate_integration.devices.models import Direction, GateLevel
from gate_integration.devices.schemas import DeviceInput, ProfileInput
from gate_integration.protocols.webhook import PASS
from storage.database import Database, Role
from storage.vault.service import Vault
from tests.factories import World
from tests.gate import support
from tests.gate.support import NOON

SOURCE = "/gates/acme/7"
STRUCTURED, BATCH = "application/cloudevents+json", "application/cloudevents-batch+json"


@dataclass
class Sender:
    """Somebody with a device id and a secret. `port` 0: not yet connected."""

    device_id: uuid.UUID
    secret: str
    port: int = 0

    def headers(self, body: bytes, *, message_id: str, at: datetime) -> dict[str, str]:
        """Signed headers; the library takes a moment without zone as UTC."""
        signature = Webhook(self.secret).sign(message_id, at, body.decode())
        return {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature,
        }

    def send(
        self, body: bytes, content_type: str = STRUCTURED, *, message_id: str | None = None, at: datetime = NOON,
        more: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, Any]]:  # fmt: skip
        """Signs and posts a body; gives status and answer."""
        signed = self.headers(body, message_id=message_id or f"msg_{uuid.uuid4().hex}", at=at)
        return post(self.port, self.device_id, body, content_type, {**signed, **(more or {})})


def post(
    port: int, device_id: object, body: bytes, content_type: str, headers: dict[str, str], *, method: str = "POST"
) -> tuple[int, dict[str, Any]]:
    """A request with headers as given, over a fresh connection."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    kind = f"Content-Type: {content_type}\r\n" if content_type else ""
    head = f"{method} /gate/webhook/{device_id} HTTP/1.1\r\nHost: gate\r\n{kind}Content-Length: {len(body)}\r\n{lines}"
    reply = support.exchange(port, head.encode() + b"\r\n" + body)
    return support.status(reply), json.loads(reply.partition(b"\r\n\r\n")[2])


def pass_event(number: object, *, kind: str = PASS, at: datetime | None = NOON, **data: Any) -> CloudEvent:
    """An event as the library of CloudEvents makes it."""
    told: dict[str, Any] = {"outcome": "pass", "credential": "face", **data}
    if at is not None:
        told.setdefault("time", (at + timedelta(hours=8)).strftime("%Y-%m-%dT%H:%M:%S+08:00"))
    attributes = {"id": str(number), "source": SOURCE, "type": kind, "specversion": "1.0",
                  "time": at or datetime(2026, 1, 1, tzinfo=UTC), "datacontenttype": "application/json"}  # fmt: skip
    return CloudEvent(attributes, told)


def structured(event: CloudEvent) -> bytes:
    """Structured mode."""
    made = to_structured(event, JSONFormat())
    assert made.headers["content-type"].startswith(STRUCTURED)
    return bytes(made.body)


def binary(event: CloudEvent) -> tuple[bytes, str, dict[str, str]]:
    """Binary mode: body, content type, headers."""
    made = to_binary(event, JSONFormat())
    headers = {name.lower(): value for name, value in made.headers.items()}
    return bytes(made.body), headers.pop("content-type"), headers


def batch(*events: CloudEvent) -> bytes:
    """A batch."""
    return b"[" + b",".join(structured(event) for event in events) + b"]"


async def add_sender(
    database: Database, vault: Vault, world: World, *, now: datetime,
    capture_mode: Literal["identity", "snapshot"] = "identity", profile: ProfileInput | None = None,
    direction: Direction = Direction.BOTH,
) -> Sender:  # fmt: skip
    """A webhook device at the entrance, and its first secret."""
    async with database.transaction(Role.APP, world.scope) as session:
        made = await service.add_device(
            session,
            data=DeviceInput(
                estate_id=world.estate_id, name="门禁平台", vendor="webhook", serial=f"WH{uuid.uuid4().hex[:12]}",
                capture_mode=capture_mode, level=GateLevel.ENTRANCE, entrance_id=world.entrance_id,
                direction=direction, profile=profile or ProfileInput(),
            ),
            vault=vault, actor=support.ACTOR, now=now,
        )  # fmt: skip
    assert made.path == f"/gate/webhook/{made.device.id}"
    return Sender(made.device.id, made.token)
