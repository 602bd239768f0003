"""The worker's side of the queue: takes stored deliveries and makes pass events of them.

One transaction for a batch: a crash undoes it as a whole and the batch is read again. Any number of drainers may run;
a device is read by one at a time, in order of arrival, live deliveries before replayed history.
"""

import asyncio
import contextlib
import logging
import uuid
from datetime import timedelta

import asyncpg
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.intake import queries
from gate_integration.intake.ports import Sighter
from gate_integration.intake.queries import Claim
from gate_integration.intake.reader import PARSERS, DeliveryReader, ReadResult, problem_row
from gate_integration.protocols.records import ParseProblem
from storage.clock import Clock
from storage.database import Database, Role, SystemScope
from storage.vault.service import Vault

log = logging.getLogger("ruhu.drain")

BATCH = 200
MAX_ATTEMPTS = 5
FIRST_WAIT = timedelta(minutes=1)  # times 4 with each further try: 1, 4, 16, 64 minutes
IDLE_S = 0.2
TROUBLE_S = 5.0
UNREADABLE = "unreadable"


class Drainer:
    """Drains the queue. `total` adds up what was read since it was made."""

    def __init__(self, *, database: Database, clock: Clock, vault: Vault, sighter: Sighter) -> None:
        self.database = database
        self.clock = clock
        self.reader = DeliveryReader(vault, sighter)
        self.total = ReadResult()

    async def run(self, stop: asyncio.Event) -> None:
        """Drains until `stop` is set; trouble with the database is waited out."""
        while not stop.is_set():
            wait = 0.0
            try:
                wait = 0.0 if await self.drain_once() else IDLE_S
            except (DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
                log.warning("draining stopped for a moment: %s", type(error).__name__)
                wait = TROUBLE_S
            if wait:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), wait)

    async def drain_once(self, limit: int = BATCH) -> int:
        """Reads the next batch; gives back how many deliveries were dealt with, 0 when nothing waits.

        When the batch fails, its deliveries are read one by one, so that only the one that cannot be read stays.
        """
        claims: list[Claim] = []
        try:
            async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
                claims = await queries.claim(session, now=self.clock.now(), limit=limit)
                result = await self._read(session, claims)
        except Exception as error:
            if not claims or is_trouble(error):
                raise
            log.warning("a batch of %d deliveries is read one by one: %s", len(claims), type(error).__name__)
            return sum([await self._read_one(claim.delivery_id, claim.device_id) for claim in claims])
        self.total.add(result)
        return len(claims)

    async def _read(self, session: AsyncSession, claims: list[Claim]) -> ReadResult:
        if not claims:
            return ReadResult()
        deliveries = await queries.deliveries(session, claims)
        result = await self.reader.read(session, deliveries, now=self.clock.now())
        await queries.done(session, ids=[claim.delivery_id for claim in claims])
        return result

    async def _read_one(self, delivery_id: uuid.UUID, device_id: uuid.UUID) -> int:
        """Reads one delivery by itself; one that cannot be read waits, and in the end is left with a problem."""
        try:
            async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
                if not await queries.try_devices(session, [device_id]):
                    return 0
                result = await self._read(session, await queries.claimed(session, ids=[delivery_id]))
        except Exception as error:
            if is_trouble(error):
                raise
            await self._put_off(delivery_id, error)
            return 1
        self.total.add(result)
        return result.deliveries

    async def _put_off(self, delivery_id: uuid.UUID, error: Exception) -> None:
        """Makes a delivery wait, or leaves it with a problem beside it, off the queue: it can be replayed."""
        now = self.clock.now()
        async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
            for claim in await queries.claimed(session, ids=[delivery_id]):
                if claim.attempts + 1 < MAX_ATTEMPTS:
                    wait = FIRST_WAIT * 4**claim.attempts
                    await queries.put_off(session, delivery_id=delivery_id, until=now + wait)
                    continue
                for delivery in await queries.deliveries(session, [claim]):
                    parser = PARSERS.get(delivery.protocol, (delivery.protocol, None))[0]
                    # The kind of error only: its text may hold what the delivery holds.
                    problem = ParseProblem(UNREADABLE, f"{type(error).__name__}, {MAX_ATTEMPTS} tries")
                    session.add(problem_row(delivery, parser, problem, now))
                await queries.done(session, ids=[delivery_id])
        log.warning("a delivery cannot be read: %s", type(error).__name__)


def is_trouble(error: Exception) -> bool:
    """Whether an error tells of the database or the machine rather than of a delivery."""
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return True
    if isinstance(error, OperationalError | InterfaceError | OSError | asyncpg.InterfaceError):
        return True
    state = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    return state.startswith(("08", "40", "53", "57", "58"))
