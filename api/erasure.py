"""Carrying out erasures over the whole house: ledger first, then every noun in one transaction, then the ledger again.

A crash at any point leaves something that the next run finishes: an intent in the ledger without its `done`, and a
request that still waits. A restore replays the ledger before anybody is served.
"""

import asyncio
import logging
import uuid
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from api.house import House
from gate_integration.bulk_enrolment import erasure as archives
from gate_integration.enrolment import erasure as faces
from gate_integration.intake import erasure as passages
from gate_integration.removals import erasure as devices
from gate_integration.sightings import erasure as sightings
from gate_integration.terminal_people import erasure as terminals
from inspection.leads import erasure as leads
from inspection.registry.consents import erasure as consents
from inspection.registry.households import erasure as register
from inspection.registry.imports import erasure as imports
from inspection.rights import erasure as requests
from inspection.rights import queries
from inspection.rights.grounds import Ground, kept
from inspection.rights.models import State
from inspection.rights.service import standing_grounds
from inspection.visits import erasure as visits
from storage.audit.service import Actor
from storage.clock import Clock
from storage.database import Database, Role, SystemScope
from storage.erasure import records
from storage.erasure.ledger import Ledger
from storage.erasure.lines import Stage, unconfirmed
from storage.erasure.models import Tombstone
from storage.erasure.parts import Part
from storage.erasure.service import (
    Eraser,
    ReplayReport,
    Subject,
    Tools,
    erase_subject,
    intent,
    ledger_replayed,
    replay_ledger,
)
from storage.holds.reach import wait_for_approvals
from storage.objects.service import Objects
from storage.settings import Settings, SettingsError
from storage.vault.service import Vault

log = logging.getLogger("ruhu.erasure")

NOT_REPLAYED: Final = (
    "数据库刚从备份恢复，尚未重放删除台账: the database was restored and the erasure ledger was not replayed since; "
    "run `ruhu person replay`"
)
# In this order: who has to know entries, sightings, households or the name runs before whoever takes them away.
ERASERS: Final[tuple[Eraser, ...]] = (
    passages.erase,
    sightings.erase,
    archives.erase,
    faces.erase,
    devices.erase,
    terminals.erase,
    visits.erase,
    leads.erase,
    consents.erase,
    requests.erase,
    imports.erase,
    register.erase,
    records.erase,
)


@dataclass(frozen=True, slots=True)
class Carried:
    """What one run did. `confirmed`: intents of a run that died, whose erasure had been committed."""

    erased: int = 0
    unchanged: int = 0
    confirmed: int = 0


class Erasure:
    """Erases people, over one database and its objects."""

    def __init__(self, *, database: Database, settings: Settings, clock: Clock, vault: Vault, objects: Objects) -> None:
        self.database = database
        self.clock = clock
        self.ledger = Ledger(settings.ledger_dir, objects.store)
        self.tools = Tools(vault, objects)

    @classmethod
    def of(cls, house: House) -> "Erasure":
        """Over a house."""
        return cls(
            database=house.database, settings=house.settings, clock=house.clock, vault=house.vault,
            objects=house.objects,
        )  # fmt: skip

    async def carry_out(self) -> Carried:
        """Carries out what was approved, and goes on with what had to wait for a ground that is gone now."""
        confirmed = await self.settle()
        async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
            waiting = await queries.to_carry_out(session)
        erased = unchanged = 0
        failed: list[Exception] = []
        for request_id in waiting:
            try:
                done = await self.one(request_id)
            except Exception as error:  # noqa: BLE001 - one person who cannot be erased must not stop the others
                log.error("request %s was not carried out: %s", request_id, type(error).__name__)  # noqa: TRY400 - no values
                failed.append(error)
                continue
            erased, unchanged = erased + done, unchanged + (not done)
        if failed:
            raise failed[0]
        return Carried(erased, unchanged, confirmed)

    async def one(self, request_id: uuid.UUID) -> bool:
        """One request; False when nothing more may go today."""
        now = self.clock.now()
        async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
            found = await self.wanted(session, request_id, now)
            if found is None:
                return False
            subject, grounds = found
            # With the request and the holds locked: what the ledger says is what is then done, or died half way. A
            # restore would carry out an intent that a hold had overtaken.
            await self.ledger.append(intent(subject, now))
            proofs = await erase_subject(
                session, subject=subject, erasers=ERASERS, tools=self.tools, actor=Actor.system("worker"),
                action="person.erased", now=now,
            )  # fmt: skip
            row = await queries.locked(session, request_id)
            assert row is not None  # noqa: S101 - locked above
            row.kept, row.carried_out_at = [str(ground) for ground in grounds], now
            row.proof = [*row.proof, *(msgspec.to_builtins(proof) for proof in proofs)]
            row.state = State.PARTLY_DONE if subject.kept else State.DONE
        await self.ledger.append(intent(subject, now, Stage.DONE))
        return True

    async def wanted(
        self, session: AsyncSession, request_id: uuid.UUID, now: datetime
    ) -> tuple[Subject, tuple[Ground, ...]] | None:
        """Whom a request erases today and on which grounds parts stay; None when no part more can go than went."""
        row = await queries.locked(session, request_id)
        if row is None or row.state not in queries.UNFINISHED:
            return None
        is_held = await held(session, row.person_id, now)
        grounds = await standing_grounds(session, row=row, held=is_held, now=now)
        subject = Subject(row.person_id, row.estate_id, row.id, kept(grounds))
        before = await session.get(Tombstone, row.person_id)
        if row.state == State.PARTLY_DONE and before is not None and subject.kept >= {Part(p) for p in before.kept}:
            return None
        return subject, grounds

    async def settle(self) -> int:
        """Confirms in the ledger what a run committed that died before it could say so."""
        open_ones = unconfirmed((await self.ledger.read()).entries)
        confirmed = 0
        for entry in open_ones:
            async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
                stone = await session.get(Tombstone, entry.subject_id)
            if stone is not None and stone.request_id == entry.request_id and set(stone.kept) <= set(entry.kept):
                subject = Subject(
                    entry.subject_id, entry.estate_id, entry.request_id, frozenset(Part(part) for part in entry.kept)
                )
                await self.ledger.append(intent(subject, self.clock.now(), Stage.DONE))
                confirmed += 1
        return confirmed

    async def replay(self) -> ReplayReport:
        """Erases again whom a restore brought back. Before serving, after every restore."""
        return await replay_ledger(
            self.database, ledger=self.ledger, erasers=ERASERS, tools=self.tools, now=self.clock.now()
        )


async def carry_out_in(house: House) -> None:
    """The worker's job."""
    await Erasure.of(house).carry_out()


async def held(session: AsyncSession, person_id: uuid.UUID, now: datetime) -> bool:
    """Whether a legal hold that works at `now` reaches the person; none comes into force until the transaction ends."""
    from api.retention import REACH

    await wait_for_approvals(session)
    return person_id in (await REACH.cover(session, now=now)).people


async def demand_replayed(house: House) -> None:
    """Raises `SettingsError` when the database was restored and the ledger has not been replayed since."""
    async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        ready = await ledger_replayed(session)
    if not ready:
        raise SettingsError([NOT_REPLAYED])


def check_replayed(house: House) -> None:
    """`demand_replayed` before any loop runs; its connections are closed again."""

    async def check() -> None:
        try:
            await demand_replayed(house)
        finally:
            await house.database.dispose()

    asyncio.run(check())


def told(report: ReplayReport) -> dict[str, object]:
    """A replay's report as JSON-ready values."""
    return {**asdict(report), "damage": [asdict(one) for one in report.damage]}
