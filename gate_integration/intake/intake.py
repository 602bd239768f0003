"""The intake of one process: takes a request body, clears it of pictures, stores it durably."""

import json
import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

from gate_integration.devices.models import CaptureMode
from gate_integration.intake.counters import fresh_counters
from gate_integration.intake.directory import DeviceDirectory, IntakeDevice
from gate_integration.intake.group_commit import DeliveryRow, GroupCommit, MessageRow, ObjectRow, StoringFailed
from gate_integration.intake.redact import MAX_CUTOUTS, TOO_MANY, Cutout, redact
from gate_integration.intake.webhook_directory import WebhookDevice, WebhookDirectory
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
        _value_follows(body, b"currentEvent", b"false")
        or _value_follows(body, b"isDataRetransmission", b"true")
        or _value_follows(body, b'"replay"', b"true")
    )


def _value_follows(body: bytes, name: bytes, value: bytes) -> bool:
    at = body.find(name)
    while at >= 0:
        end = at + len(name)
        if body[at - 1 : at] != b"/" and value in body[end : end + _WORD]:
            return True
        at = body.find(name, end)
    return False


class TooManyPictures(Exception):
    """More cut-outs than one body may have: the sender is told to send less at once."""


class Intake:
    """Authenticates, redacts and stores deliveries.

    The settings bound a body and the time a request may take; `idle_timeout_s` bounds the silence within one.
    `snapshot_days`: how long an unlinked snapshot is kept (a rule-set value). `counters` is for metrics; `refusals`
    counts by device and address whose signatures were not believed, a bounded number of pairs.
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
        self.refusals: Counter[tuple[str, str]] = Counter()
        self.store = GroupCommit(urls.by_role[Role.INTAKE], flushers=flushers)
        self.directory = DeviceDirectory(lambda: self.store.pool, vault)
        self.webhooks = WebhookDirectory(lambda: self.store.pool, vault)
        self.webhook_tolerance_s = settings.webhook_tolerance_s

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

    async def find_webhook(self, device_id: uuid.UUID) -> WebhookDevice | None:
        """The webhook device of an id, with the keys of its sender."""
        return await self.webhooks.find(device_id, today=local_day(self.clock.now()))

    async def accept(
        self, device: IntakeDevice, *, content_type: str, body: bytes, message: MessageRow | None = None
    ) -> bool:
        """Returns when the delivery is durable: whether it is new; a message with a name that was taken before is not.

        Raises `StoringFailed`, and then nothing may be acknowledged. Raises `TooManyPictures` for a message, whose
        sender can be told so; it has as many pictures as may be cut out, since it may be a batch.
        """
        delivery_id = new_id()
        now = self.clock.now()
        redaction = redact(body, content_type, hash_key=device.hash_key)
        if message is not None and redaction.reason == TOO_MANY:
            raise TooManyPictures
        stored: bytes | None = redaction.body
        objects: dict[int, ObjectRow] = {}
        if not redaction.cleared:
            stored = None
            if device.estate_key is not None:
                stored = crypto.seal(device.estate_key, body, place=f"delivery/{delivery_id}")
        elif redaction.cutouts and device.capture_mode == CaptureMode.SNAPSHOT and device.basis:
            most = PICTURES_A_DELIVERY if message is None else MAX_CUTOUTS
            objects = await self._keep(device, redaction.cutouts, most)
        cutouts: list[dict[str, Any]] = [
            {"kind": c.kind, "length": c.length, "digest": c.digest,
             "object_id": str(objects[n].id) if n in objects else None}
            for n, c in enumerate(redaction.cutouts)
        ]  # fmt: skip
        new = await self.store.submit(
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
                message=message,
            )
        )
        if not new:
            self.counters["duplicates"] += 1
            return False
        self.counters["accepted"] += 1
        self.counters["uncleared"] += not redaction.cleared
        self.counters["pictures"] += len(objects)
        return True

    async def _keep(self, device: IntakeDevice, cutouts: tuple[Cutout, ...], most: int) -> dict[int, ObjectRow]:
        """Seals pictures into the object store, durably, and gives back their rows by position of the cut-out."""
        kept: dict[int, ObjectRow] = {}
        if device.estate_key is None:
            return kept
        expires = self.clock.now() + self.kept
        for position, cutout in enumerate(cutouts):
            content_type = CONTENT_TYPES.get(cutout.kind)
            if content_type is None or cutout.length > PICTURE_BYTES or len(kept) >= most:
                continue
            sealed = self.objects.seal(cutout.data, wrapping_key=device.estate_key)
            try:
                await self.objects.write(sealed)
            except (StoreFailed, ObjectExists) as error:
                raise StoringFailed(type(error).__name__) from error
            kept[position] = ObjectRow(sealed.id, content_type, sealed.size, sealed.digest, sealed.wrapped_key, expires)
        return kept
