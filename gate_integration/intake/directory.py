"""The devices behind tokens, as the intake may know them, remembered for a few seconds."""

import asyncio
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import asyncpg

from storage.vault import crypto
from storage.vault.service import Vault

TTL_S = 5.0
REMEMBERED = 4096
LOOKUPS_AT_ONCE = 2
TOKEN_CHARS = 200

_LOOKUP = (
    "SELECT device_id, estate_id, vendor, capture_mode, basis, estate_key FROM ruhu_intake_device($1::bytea, $2::date)"
)


@dataclass(frozen=True, slots=True)
class IntakeDevice:
    """What storing a delivery asks for. `estate_key` opened, None while the estate has none yet."""

    device_id: uuid.UUID
    estate_id: uuid.UUID
    vendor: str
    capture_mode: str
    basis: bool
    estate_key: bytes | None
    hash_key: bytes


@dataclass(slots=True)
class _Entry:
    device: IntakeDevice | None
    today: date
    until: float  # by the monotonic clock


class DeviceDirectory:
    """Finds devices by token. Found and not found are remembered alike, at most `REMEMBERED` of both.

    The same work is done for every token: a keyed hash, a look into memory, a question to the database. What is
    compared is a keyed hash, so the time a comparison takes tells nothing about a token.
    """

    def __init__(self, pool: Callable[[], "asyncpg.Pool[asyncpg.Record] | None"], vault: Vault) -> None:
        self.pool = pool
        self.vault = vault
        self.entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self.turn = asyncio.Semaphore(LOOKUPS_AT_ONCE)

    async def find(self, token: str, *, today: date) -> IntakeDevice | None:
        """The standing device of a token; None when there is none.

        Raises what asyncpg raises when the database cannot be asked.
        """
        key = crypto.blind_index(self.vault.device_token_key, token[:TOKEN_CHARS])
        entry = self._remembered(key, today)
        if entry is None:
            async with self.turn:
                entry = self._remembered(key, today)  # somebody before us in the queue may have asked the same
                if entry is None:
                    entry = await self._ask(key, today)
        return entry.device if len(token) <= TOKEN_CHARS else None

    def _remembered(self, key: bytes, today: date) -> _Entry | None:
        entry = self.entries.get(key)
        if entry is None or entry.until <= time.monotonic() or entry.today != today:
            return None
        return entry

    async def _ask(self, key: bytes, today: date) -> _Entry:
        pool = self.pool()
        if pool is None:
            raise asyncpg.InterfaceError("the intake is closed")
        asked = time.monotonic()
        row = await pool.fetchrow(_LOOKUP, key, today)
        device = None
        if row is not None:
            estate = row["estate_id"]
            wrapped = row["estate_key"]
            device = IntakeDevice(
                device_id=row["device_id"],
                estate_id=estate,
                vendor=row["vendor"],
                capture_mode=row["capture_mode"],
                basis=row["basis"],
                estate_key=self.vault.open_estate_key(estate, wrapped) if wrapped is not None else None,
                hash_key=crypto.derive(self.vault.redaction_key, f"estate/{estate}"),
            )
        entry = _Entry(device, today, asked + TTL_S)
        self.entries[key] = entry
        self.entries.move_to_end(key)
        while len(self.entries) > REMEMBERED:
            self.entries.popitem(last=False)
        return entry
