"""Webhook devices and the keys of their senders, remembered for a few seconds."""

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import asyncpg

from gate_integration.intake import directory
from gate_integration.intake.directory import IntakeDevice
from gate_integration.protocols.standard_webhooks import SigningKey
from gate_integration.webhook_keys.keys import open_key
from storage.vault import crypto
from storage.vault.service import Vault

_LOOKUP = (
    "SELECT estate_id, vendor, capture_mode, basis, estate_key, key_id, kind, sealed, public_key, valid_from,"
    " valid_until FROM ruhu_intake_webhook($1::uuid, $2::date)"
)


@dataclass(frozen=True, slots=True)
class WebhookDevice:
    """A device and the keys that were not revoked, newest first; their times are judged with each request."""

    device: IntakeDevice
    keys: tuple[SigningKey, ...]


@dataclass(frozen=True, slots=True)
class _Entry:
    found: WebhookDevice | None
    today: date
    until: float  # by the monotonic clock


class WebhookDirectory:
    """Finds webhook devices by id. Found and not found are remembered alike, a bounded number of both."""

    def __init__(self, pool: Callable[[], "asyncpg.Pool[asyncpg.Record] | None"], vault: Vault) -> None:
        self.pool = pool
        self.vault = vault
        self.entries: OrderedDict[uuid.UUID, _Entry] = OrderedDict()
        self.turn = asyncio.Semaphore(directory.LOOKUPS_AT_ONCE)

    async def find(self, device_id: uuid.UUID, *, today: date) -> WebhookDevice | None:
        """The standing webhook device of an id; None when there is none.

        Raises what asyncpg raises when the database cannot be asked.
        """
        entry = self._remembered(device_id, today)
        if entry is None:
            async with self.turn:
                entry = self._remembered(device_id, today) or await self._ask(device_id, today)
        return entry.found

    def _remembered(self, device_id: uuid.UUID, today: date) -> _Entry | None:
        entry = self.entries.get(device_id)
        if entry is None or entry.until <= time.monotonic() or entry.today != today:
            return None
        return entry

    async def _ask(self, device_id: uuid.UUID, today: date) -> _Entry:
        pool = self.pool()
        if pool is None:
            raise asyncpg.InterfaceError("the intake is closed")
        asked = time.monotonic()
        rows = await pool.fetch(_LOOKUP, device_id, today)
        entry = _Entry(self._made(device_id, rows) if rows else None, today, asked + directory.TTL_S)
        self.entries[device_id] = entry
        self.entries.move_to_end(device_id)
        while len(self.entries) > directory.REMEMBERED:
            self.entries.popitem(last=False)
        return entry

    def _made(self, device_id: uuid.UUID, rows: list[asyncpg.Record]) -> WebhookDevice:
        first = rows[0]
        estate, wrapped = first["estate_id"], first["estate_key"]
        estate_key = self.vault.open_estate_key(estate, wrapped) if wrapped is not None else None
        device = IntakeDevice(
            device_id=device_id,
            estate_id=estate,
            vendor=first["vendor"],
            capture_mode=first["capture_mode"],
            basis=first["basis"],
            estate_key=estate_key,
            hash_key=crypto.derive(self.vault.redaction_key, f"estate/{estate}"),
        )
        opened = [
            open_key(
                estate_key, key_id=row["key_id"], kind=row["kind"], sealed=row["sealed"],
                public_key=row["public_key"], valid_from=row["valid_from"], valid_until=row["valid_until"],
            )
            for row in rows
            if row["key_id"] is not None
        ]  # fmt: skip
        return WebhookDevice(device, tuple(key for key in opened if key is not None))
