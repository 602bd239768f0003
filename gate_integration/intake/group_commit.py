"""Durable storing of many concurrent deliveries: they queue in the process, one INSERT takes all that wait, and each
caller goes on only after the COMMIT that holds its own row.

The role of the connection may insert and nothing else.
"""

import asyncio
import contextlib
import logging
import uuid
from collections import deque
from dataclasses import dataclass
from datetime import datetime

import asyncpg

log = logging.getLogger("ruhu.intake")

BATCH_ROWS = 256
BATCH_BYTES = 32 * 1024 * 1024
QUEUE_ROWS = 2048
COMMAND_TIMEOUT_S = 20.0
LOOKUP_CONNECTIONS = 2
_SESSION = {"application_name": "ruhu intake", "jit": "off"}
_ROW_FAULTS = ("22", "23", "54")  # SQLSTATE classes that name the data of a row, not the state of the server

# One statement is one transaction, and one way to the server and back.
_DELIVERIES = """
WITH given AS (
  SELECT * FROM unnest($1::uuid[], $2::timestamptz[], $3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::bytea[],
                       $8::bool[], $9::text[], $10::bool[]{more_values})
    AS g(id, received_at, estate_id, device_id, protocol, content_type, body, sealed, cutouts, live{more_names})
){messages}, delivered AS (
  INSERT INTO raw_delivery (id, received_at, estate_id, device_id, protocol, content_type, body, sealed, cutouts)
  SELECT id, received_at, estate_id, device_id, protocol, content_type, body, sealed, cutouts::jsonb FROM {rows}
){objects}{pending}
  INSERT INTO raw_pending (delivery_id, received_at, estate_id, device_id, live, attempts)
  SELECT id, received_at, estate_id, device_id, live, 0 FROM {rows}
{end}"""
# A message with a name that was taken before is left out, and its pictures with it.
_MESSAGES = """, taken AS (
  INSERT INTO webhook_message (delivery_id, estate_id, device_id, key_id, digest, received_at)
  SELECT id, estate_id, device_id, key_id, digest, received_at FROM given WHERE digest IS NOT NULL
  ON CONFLICT DO NOTHING RETURNING delivery_id
), fresh AS (
  SELECT * FROM given WHERE digest IS NULL OR id IN (SELECT delivery_id FROM taken)
)"""
_OBJECTS = """, stored AS (
  INSERT INTO stored_object (id, estate_id, kind, content_type, size, digest, wrapped_key, created_at, expires_at)
  SELECT o.id, o.estate_id, 'snapshot', o.content_type, o.size, o.digest, o.wrapped_key, o.created_at, o.expires_at
    FROM unnest({values}) AS o(id, estate_id, content_type, size, digest, wrapped_key, created_at, expires_at, of)
   WHERE o.of IN (SELECT id FROM {rows})
)"""
_OBJECT_TYPES = ("uuid", "uuid", "text", "bigint", "bytea", "bytea", "timestamptz", "timestamptz", "uuid")


def statement(*, messages: bool, objects: bool) -> str:
    """The INSERT for rows of which some have names of messages, or objects. Gives back which messages are new."""
    first = 13 if messages else 11
    rows = "fresh" if messages else "given"
    values = ", ".join(f"${first + n}::{kind}[]" for n, kind in enumerate(_OBJECT_TYPES))
    return _DELIVERIES.format(
        more_values=", $11::uuid[], $12::bytea[]" if messages else "",
        more_names=", key_id, digest" if messages else "",
        messages=_MESSAGES if messages else "",
        objects=_OBJECTS.format(values=values, rows=rows) if objects else "",
        rows=rows,
        pending=", pending AS (" if messages else "",
        end=") SELECT delivery_id FROM taken" if messages else "",
    )


STATEMENTS = {(m, o): statement(messages=m, objects=o) for m in (False, True) for o in (False, True)}


class StoringFailed(Exception):
    """A delivery is not stored, or nobody knows whether it is: it must not be acknowledged."""


@dataclass(frozen=True, slots=True)
class ObjectRow:
    """The row of a snapshot whose sealed bytes are durable already."""

    id: uuid.UUID
    content_type: str
    size: int
    digest: bytes
    wrapped_key: bytes
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class MessageRow:
    """The name of a signed message: which key signed it, and what tells it from others."""

    key_id: uuid.UUID
    digest: bytes


@dataclass(slots=True)  # not frozen: one is made for every delivery, and a frozen one is made three times slower
class DeliveryRow:
    """A delivery as it is stored; `cutouts` is JSON text. Never changed after it was made."""

    id: uuid.UUID
    received_at: datetime
    estate_id: uuid.UUID
    device_id: uuid.UUID
    protocol: str
    content_type: str
    body: bytes | None
    sealed: bool
    cutouts: str
    live: bool
    objects: tuple[ObjectRow, ...] = ()
    message: MessageRow | None = None


_Waiting = tuple[DeliveryRow, "asyncio.Future[bool]"]


class _Line:
    """The connection of a flusher, made when it is first asked for and made again after it broke. None of a pool's:
    taking one of those and giving it back is a way to the server and back of its own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.connection: asyncpg.Connection[asyncpg.Record] | None = None

    async def fetch(self, statement: str, columns: list[list[object]]) -> list[asyncpg.Record]:
        """One statement, one transaction."""
        connection = self.connection
        if connection is None or connection.is_closed():
            connection = self.connection = await asyncpg.connect(
                self.url, timeout=COMMAND_TIMEOUT_S, command_timeout=COMMAND_TIMEOUT_S, server_settings=_SESSION
            )
        try:
            return await connection.fetch(statement, *columns)
        except (asyncpg.PostgresError, asyncpg.DataError):
            raise  # the statement was refused; the connection is as good as before, or closed
        except BaseException:
            connection.terminate()
            raise

    async def hang_up(self) -> None:
        """Closes the connection."""
        if self.connection is not None:
            with contextlib.suppress(TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                await self.connection.close(timeout=COMMAND_TIMEOUT_S)


class GroupCommit:
    """A bounded queue, a few flushers with a connection each, and a pool for lookups; all of the intake role."""

    def __init__(self, url: str, *, flushers: int = 1, queue_rows: int = QUEUE_ROWS) -> None:
        self.url = url.replace("postgres://", "postgresql://", 1)
        self.flushers = flushers
        self.room = asyncio.Semaphore(queue_rows)
        self.queue: deque[_Waiting] = deque()
        self.wake = asyncio.Event()
        self.tasks: list[asyncio.Task[None]] = []
        self.pool: asyncpg.Pool[asyncpg.Record] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        self.closing = False

    async def start(self) -> None:
        """Connects and begins to flush."""
        self.loop = asyncio.get_running_loop()
        self.pool = await asyncpg.create_pool(
            self.url,
            min_size=1,
            max_size=LOOKUP_CONNECTIONS,
            command_timeout=COMMAND_TIMEOUT_S,
            server_settings=_SESSION,
        )
        self.closing = False
        self.tasks = [asyncio.create_task(self._flush(), name=f"intake-flusher-{n}") for n in range(self.flushers)]

    async def stop(self) -> None:
        """Stores what still waits, then closes the connections. New rows are refused from now on."""
        self.closing = True
        self.wake.set()
        await asyncio.gather(*self.tasks)
        self.tasks = []
        if self.pool is not None:
            with contextlib.suppress(TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError):
                async with asyncio.timeout(COMMAND_TIMEOUT_S):
                    await self.pool.close()
            self.pool = None

    async def submit(self, row: DeliveryRow) -> bool:
        """Returns when the row is committed: whether it was stored now, or (a message) had been before.

        Waits while the queue is full. Raises `StoringFailed`.
        """
        if self.closing or not self.tasks or self.loop is None:
            raise StoringFailed("the intake is closed")
        async with self.room:
            done: asyncio.Future[bool] = self.loop.create_future()
            self.queue.append((row, done))
            self.wake.set()
            return await done

    async def _flush(self) -> None:
        line = _Line(self.url)
        try:
            while True:
                await self.wake.wait()
                batch = self._take()
                if batch:
                    await self._store(batch, line)
                elif self.closing:
                    return
                else:
                    self.wake.clear()
        finally:
            await line.hang_up()

    def _take(self) -> list[_Waiting]:
        """What waits, up to the limits of one statement; callers that went away are passed over."""
        batch: list[_Waiting] = []
        size = 0
        while self.queue and len(batch) < BATCH_ROWS and size < BATCH_BYTES:
            waiting = self.queue.popleft()
            if not waiting[1].done():
                batch.append(waiting)
                size += len(waiting[0].body or b"")
        return batch

    async def _store(self, batch: list[_Waiting], line: _Line) -> None:
        """Stores a batch. A row the server cannot take is found by halving: its neighbours are stored without it."""
        try:
            known = await self._insert([row for row, _ in batch], line)
        except Exception as error:  # noqa: BLE001 - whatever it was, every caller must hear that nothing is promised
            code = getattr(error, "sqlstate", None) or ""
            if len(batch) > 1 and (code.startswith(_ROW_FAULTS) or isinstance(error, asyncpg.DataError)):
                middle = len(batch) // 2
                await self._store(batch[:middle], line)
                await self._store(batch[middle:], line)
                return
            log.warning("storing %d deliveries failed: %s %s", len(batch), type(error).__name__, code)
            for _, done in batch:
                if not done.done():
                    done.set_exception(StoringFailed(type(error).__name__))
        else:
            for row, done in batch:
                if not done.done():
                    done.set_result(row.id not in known)

    @staticmethod
    async def _insert(rows: list[DeliveryRow], line: _Line) -> set[uuid.UUID]:
        """Gives back the ids of messages that were taken before."""
        columns: list[list[object]] = [
            [r.id for r in rows],
            [r.received_at for r in rows],
            [r.estate_id for r in rows],
            [r.device_id for r in rows],
            [r.protocol for r in rows],
            [r.content_type for r in rows],
            [r.body for r in rows],
            [r.sealed for r in rows],
            [r.cutouts for r in rows],
            [r.live for r in rows],
        ]
        messages = any(r.message is not None for r in rows)
        if messages:
            columns += [
                [r.message.key_id if r.message is not None else None for r in rows],
                [r.message.digest if r.message is not None else None for r in rows],
            ]
        pictures = [(r, o) for r in rows for o in r.objects]
        if pictures:
            columns += [
                [o.id for _, o in pictures],
                [r.estate_id for r, _ in pictures],
                [o.content_type for _, o in pictures],
                [o.size for _, o in pictures],
                [o.digest for _, o in pictures],
                [o.wrapped_key for _, o in pictures],
                [r.received_at for r, _ in pictures],
                [o.expires_at for _, o in pictures],
                [r.id for r, _ in pictures],
            ]
        found = await line.fetch(STATEMENTS[messages, bool(pictures)], columns)
        return {r.id for r in rows if r.message is not None} - {row[0] for row in found}
