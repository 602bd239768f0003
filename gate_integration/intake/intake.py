"""The intake of one process: takes a request body, clears it of pictures, stores it durably."""

import json
from datetime import timedelta
from typing import Any

from gate_integration.devices.models import CaptureMode
from gate_integration.intake.counters import fresh_counters
from gate_integration.intake.directory import DeviceDirectory, IntakeDevice
from gate_integration.intake.group_commit import DeliveryRow, GroupCommit, ObjectRow, StoringFailed
from gate_integration.intake.redact import Cutout, redact
from storage.clock import Clock, local_day
from storage.database import DatabaseUrls, Role
from storage.ids import new_id
from storage.objects.service import Objects
from storage.objects.store import ObjectExists, StoreFailed
from storage.settings import Settings
from storage.vault import crypto
from storage.vault.service import Vault

PICTURES_A_DELIVERY = 8
PICTURE_BYTES = 16 * 1024 * 1024
CONTENT_TYPES = {"jpeg": "image/jpeg", "png": "image/png"}

_WORD = 24  # bytes behind the name in which its value stands


def looks_live(body: bytes) -> bool:
    """Whether a delivery goes before replayed history in the queue. A hint for the order alone; the parser decides."""
    if _value_follows(body, b"currentEvent", b"true"):
        return True
    return not (
        _value_follows(body, b"currentEvent", b"false") or _value_follows(body, b"isDataRetransmission", b"true")
    )


def _value_follows(body: bytes, name: bytes, value: bytes) -> bool:
    at = body.find(name)
    while at >= 0:
        end = at + len(name)
        if body[at - 1 : at] != b"/" and value in body[end : end + _WORD]:
            return True
        at = body.find(name, end)
    return False


class Intake:
    """Authenticates, redacts and stores deliveries.

    The settings bound a body and the time a request may take; `idle_timeout_s` bounds the silence within one.
    `snapshot_days`: how long an unlinked snapshot is kept (a rule-set value). `counters` is for metrics.
    """

    def __init__(
        self,
        *,
        urls: DatabaseUrls,
        clock: Clock,
        vault: Vault,
        objects: Objects,
        settings: Settings,
        snapshot_days: int = 7,
        idle_timeout_s: float = 10.0,
        flushers: int = 1,
    ) -> None:
        self.objects = objects
        self.clock = clock
        self.kept = timedelta(days=snapshot_days)
        self.body_limit = settings.gate_body_limit
        self.read_timeout_s = settings.gate_read_timeout_s
        self.idle_timeout_s = idle_timeout_s
        self.counters = fresh_counters()
        self.store = GroupCommit(urls.by_role[Role.INTAKE], flushers=flushers)
        self.directory = DeviceDirectory(lambda: self.store.pool, vault)

    async def start(self) -> None:
        """Connects to the database; raises when it cannot."""
        await self.store.start()

    async def stop(self) -> None:
        """Stores what was taken and waits, then disconnects."""
        await self.store.stop()

    async def find(self, vendor: str, token: str) -> IntakeDevice | None:
        """The device that a token stands for, if it speaks this vendor's protocol."""
        device = await self.directory.find(token, today=local_day(self.clock.now()))
        return device if device is not None and device.vendor == vendor else None

    async def accept(self, device: IntakeDevice, *, content_type: str, body: bytes) -> None:
        """Returns when the delivery is durable; raises `StoringFailed`, and then nothing may be acknowledged."""
        delivery_id = new_id()
        now = self.clock.now()
        redaction = redact(body, content_type, hash_key=device.hash_key)
        stored: bytes | None = redaction.body
        objects: dict[int, ObjectRow] = {}
        if not redaction.cleared:
            stored = None
            if device.estate_key is not None:
                stored = crypto.seal(device.estate_key, body, place=f"delivery/{delivery_id}")
        elif redaction.cutouts and device.capture_mode == CaptureMode.SNAPSHOT and device.basis:
            objects = await self._keep(device, redaction.cutouts)
        cutouts: list[dict[str, Any]] = [
            {"kind": c.kind, "length": c.length, "digest": c.digest,
             "object_id": str(objects[n].id) if n in objects else None}
            for n, c in enumerate(redaction.cutouts)
        ]  # fmt: skip
        await self.store.submit(
            DeliveryRow(
                id=delivery_id,
                received_at=now,
                estate_id=device.estate_id,
                device_id=device.device_id,
                protocol=device.vendor,
                content_type=content_type[:300],
                body=stored,
                sealed=not redaction.cleared,
                cutouts=json.dumps(cutouts) if cutouts else "[]",
                live=looks_live(redaction.body),
                objects=tuple(objects.values()),
            )
        )
        self.counters["accepted"] += 1
        self.counters["uncleared"] += not redaction.cleared
        self.counters["pictures"] += len(objects)

    async def _keep(self, device: IntakeDevice, cutouts: tuple[Cutout, ...]) -> dict[int, ObjectRow]:
        """Seals pictures into the object store, durably, and gives back their rows by position of the cut-out."""
        kept: dict[int, ObjectRow] = {}
        if device.estate_key is None:
            return kept
        expires = self.clock.now() + self.kept
        for position, cutout in enumerate(cutouts):
            content_type = CONTENT_TYPES.get(cutout.kind)
            if content_type is None or cutout.length > PICTURE_BYTES or len(kept) >= PICTURES_A_DELIVERY:
                continue
            sealed = self.objects.seal(cutout.data, wrapping_key=device.estate_key)
            try:
                await self.objects.write(sealed)
            except (StoreFailed, ObjectExists) as error:
                raise StoringFailed(type(error).__name__) from error
            kept[position] = ObjectRow(sealed.id, content_type, sealed.size, sealed.digest, sealed.wrapped_key, expires)
        return kept
