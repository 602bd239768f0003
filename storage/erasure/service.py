"""Erasing one person: the tombstone, then every noun's eraser in turn, in the caller's transaction."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from storage.audit.service import Actor, record
from storage.database import Database, Role, SystemScope
from storage.deployment import current_epoch
from storage.erasure.ledger import Ledger
from storage.erasure.lines import Damage, Entry, Stage, to_replay
from storage.erasure.models import ErasureReplay, Tombstone
from storage.erasure.parts import Part
from storage.objects.service import Objects
from storage.vault.service import Vault


@dataclass(frozen=True, slots=True)
class Subject:
    """Whom to erase, by which request, and what has to stay."""

    subject_id: uuid.UUID
    estate_id: uuid.UUID
    request_id: uuid.UUID
    kept: frozenset[Part]

    def keeps(self, part: Part) -> bool:
        """Whether a part stays for now."""
        return part in self.kept


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the proof: how many of what were destroyed, or stay and why. Codes and counts only."""

    noun: str
    done: str
    count: int
    kept_why: str | None = None


@dataclass(frozen=True, slots=True)
class Tools:
    """What erasers work with."""

    vault: Vault
    objects: Objects


Eraser = Callable[[AsyncSession, Subject, Tools, datetime], Awaitable[list[Proof]]]
"""Erases what one noun holds of a person; doing it again finds nothing and is no error."""


@dataclass(frozen=True, slots=True)
class ReplayReport:
    """What a replay did. `unknown`: people of the ledger whom the restored database does not hold."""

    entries: int
    erased: int
    unchanged: int
    unknown: int
    damage: tuple[Damage, ...]


async def erase_subject(
    session: AsyncSession,
    *,
    subject: Subject,
    erasers: Sequence[Eraser],
    tools: Tools,
    actor: Actor,
    action: str,
    now: datetime,
) -> list[Proof]:
    """Writes the tombstone and runs the erasers in their order; the proof is in the audit log too."""
    kept = sorted(str(part) for part in subject.kept)
    row = {"estate_id": subject.estate_id, "request_id": subject.request_id, "erased_at": now, "kept": kept}
    await session.execute(
        insert(Tombstone)
        .values(subject_id=subject.subject_id, **row)
        .on_conflict_do_update(index_elements=["subject_id"], set_=row)
    )
    proofs: list[Proof] = []
    for eraser in erasers:
        proofs += await eraser(session, subject, tools, now)
        await session.flush()
    record(
        session, at=now, actor=actor, action=action, object_kind="person", object_id=subject.subject_id,
        estate_id=subject.estate_id, request_id=str(subject.request_id), kept=kept,
        proof=[msgspec.to_builtins(proof) for proof in proofs],
    )  # fmt: skip
    return proofs


async def replay_ledger(
    database: Database, *, ledger: Ledger, erasers: Sequence[Eraser], tools: Tools, now: datetime
) -> ReplayReport:
    """Erases again everybody of the ledger whom a restored database holds, each in a transaction of their own.

    Whoever is erased already, to the same extent, is left alone: it may be run at every start. The ledger's damage is
    reported and does not keep the readable rest from being replayed. At its end the epoch counts as replayed.
    """
    told = await ledger.read()
    wanted = to_replay(told.entries)
    erased = unchanged = unknown = 0
    for entry in wanted:
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            tombstone = await session.get(Tombstone, entry.subject_id)
            if tombstone is not None and set(tombstone.kept) <= set(entry.kept):
                unchanged += 1
                continue
            subject = Subject(
                entry.subject_id, entry.estate_id, entry.request_id, frozenset(Part(part) for part in entry.kept)
            )
            if not await known(session, subject_id=entry.subject_id):
                unknown += 1
                continue
            await erase_subject(
                session, subject=subject, erasers=erasers, tools=tools, actor=Actor.system("restore"),
                action="person.erased-again", now=now,
            )  # fmt: skip
            erased += 1
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        row = {"at": now, "entries": len(wanted), "erased": erased}
        await session.execute(
            insert(ErasureReplay)
            .values(epoch=await current_epoch(session), **row)
            .on_conflict_do_update(index_elements=["epoch"], set_=row)
        )
    return ReplayReport(len(wanted), erased, unchanged, unknown, told.damage)


async def known(session: AsyncSession, *, subject_id: uuid.UUID) -> bool:
    """Whether the database holds a person of that id: each has a key, destroyed or not."""
    from storage.vault.models import SubjectKey

    return await session.get(SubjectKey, subject_id) is not None


async def ledger_replayed(session: AsyncSession) -> bool:
    """Whether the database may be served: it was never restored, or the ledger was replayed since."""
    epoch = await current_epoch(session)
    return epoch == 1 or await session.scalar(select(ErasureReplay.epoch).where(ErasureReplay.epoch == epoch)) == epoch


def intent(subject: Subject, now: datetime, stage: Stage = Stage.INTENT) -> Entry:
    """The ledger's entry for an erasure."""
    kept = tuple(sorted(str(part) for part in subject.kept))
    return Entry(stage, subject.subject_id, subject.estate_id, subject.request_id, kept, now)
