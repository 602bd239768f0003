"""The deleting job: class by class, batch by batch, each batch a transaction, each run with its proof."""

import logging
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from storage.audit import service as audit
from storage.audit.service import Actor
from storage.clock import local_day
from storage.database import Database, Role, SystemScope
from storage.holds.reach import Cover, Reach, wait_for_approvals
from storage.ids import new_id
from storage.retention.classes import Due, Removed, Retention, Tools
from storage.retention.models import DeletionBatch, DeletionRun
from storage.retention.periods import Window, windows
from storage.retention.proof import batch_digest, run_digest
from storage.rules.service import in_force
from storage.rules.values import Rules

log = logging.getLogger("ruhu.retention")

BATCH = 500
_ONE_RUN = "SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 0))"


@dataclass(frozen=True, slots=True)
class Plan:
    """All classes in the order in which they run, and how far holds reach."""

    classes: tuple[Retention, ...]
    reach: Reach = field(default_factory=Reach)


@dataclass(frozen=True, slots=True)
class Force:
    """The rules in force on a day: the country's, and those of each estate."""

    nationwide: Rules
    estates: Mapping[uuid.UUID, Rules]


async def rules_in_force(session: AsyncSession, *, now: datetime) -> Force:
    """Reads the rules once for each division that has an estate within the session's scope."""
    day = local_day(now)
    places = (await session.execute(text("SELECT id, division_code FROM estate"))).all()
    by_division = {code: await in_force(session, division_code=code, on=day) for code in {code for _, code in places}}
    return Force(
        await in_force(session, division_code="", on=day),
        {estate: by_division[code] for estate, code in places},
    )


def windows_of(retention: Retention, force: Force, now: datetime) -> tuple[Window, ...]:
    """The windows of a class."""
    return windows(retention.described.rule, nationwide=force.nationwide, estates=force.estates, now=now)


async def run_all(
    database: Database, *, plan: Plan, tools: Tools, now: datetime, actor: Actor, only: str | None = None,
    batch: int = BATCH, quiet: bool = False,
) -> list[DeletionRun]:  # fmt: skip
    """Runs every class, or the one named; classes that another process is at are left to it.

    What fails in one class stops no other: its run has the error, and its next run goes on. With `quiet` a class in
    which nothing is due leaves no run behind.
    """
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        force = await rules_in_force(session, now=now)
    done: list[DeletionRun] = []
    for retention in plan.classes:
        if only in {None, retention.described.code}:
            run = await run_class(
                database, retention=retention, reach=plan.reach, tools=tools, now=now, actor=actor, batch=batch,
                quiet=quiet, force=force,
            )  # fmt: skip
            if run is not None:
                done.append(run)
    return done


async def run_class(
    database: Database, *, retention: Retention, reach: Reach, tools: Tools, now: datetime, actor: Actor,
    batch: int = BATCH, quiet: bool = False, force: Force | None = None,
) -> DeletionRun | None:  # fmt: skip
    """One run over one class, or None while another process runs it, or when nothing is due and it is to be `quiet`.

    The lock lives in a transaction of its own that does nothing else: when this process dies, so does the lock, and
    whoever comes next goes on with the unfinished run, whose batches stand.
    """
    code = retention.described.code
    async with database.transaction(Role.SYSTEM, SystemScope()) as guard:
        if not await guard.scalar(text(_ONE_RUN), {"name": f"ruhu-retention/{code}"}):
            return None
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            found = windows_of(retention, force or await rules_in_force(session, now=now), now)
            due = Due(now, found, await reach.cover(session, now=now) if quiet else Cover())
            if quiet and (counted := await retention.count(session, due=due)).overdue == counted.held:
                return None
            run_id = await begin(session, code=code, due=due)
        error: str | None = None
        try:
            await batches(database, run_id, retention, due, reach, tools, batch)
        except Exception as failed:  # noqa: BLE001 - whatever it is, the run must say so and the other classes go on
            error = type(failed).__name__
            log.error("retention %s: %s", code, error)  # noqa: TRY400 - values stay out of the log
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            due = Due(now, due.windows, await reach.cover(session, now=now))
            return await finish(session, run_id=run_id, retention=retention, due=due, error=error, actor=actor)


async def begin(session: AsyncSession, *, code: str, due: Due) -> uuid.UUID:
    """The run to go on with: the newest one when it was left unfinished, else a new one; its windows are today's."""
    run = await session.scalar(
        select(DeletionRun)
        .where(DeletionRun.class_code == code, DeletionRun.finished_at.is_(None))
        .order_by(DeletionRun.started_at.desc(), DeletionRun.id.desc())
        .limit(1)
    )
    if run is None:
        run = DeletionRun(id=new_id(), class_code=code, started_at=due.now, rows=0, objects=0, bytes=0)
        session.add(run)
    run.cutoff, run.rule_version, run.periods = due.cutoff, due.windows[0].rule_version, described(due.windows)
    return run.id


def described(found: Sequence[Window]) -> list[dict[str, object]]:
    """Windows as they stand in a run; `estates` None: all."""
    return [
        {"amount": one.amount, "cutoff": one.cutoff.isoformat(), "rule_version": one.rule_version,
         "estates": None if one.estates is None else [str(estate) for estate in one.estates]}
        for one in found
    ]  # fmt: skip


async def batches(
    database: Database, run_id: uuid.UUID, retention: Retention, due: Due, reach: Reach, tools: Tools, batch: int
) -> None:
    """Destroys until nothing is left, and at the end waits for what others have locked.

    What is held is looked up anew for each batch, behind the lock that approvals of holds wait for.
    """
    wait = False
    while True:
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            await wait_for_approvals(session)
            now = Due(due.now, due.windows, await reach.cover(session, now=due.now))
            removed = await retention.destroy(session, due=now, limit=batch, wait=wait, tools=tools)
            if removed.ids or removed.digest is not None:
                await note(session, run_id=run_id, removed=removed, at=due.now)
            elif wait:
                return
            else:
                wait = True


async def note(session: AsyncSession, *, run_id: uuid.UUID, removed: Removed, at: datetime) -> None:
    """Writes a batch down, with the deletion itself."""
    run = await session.get_one(DeletionRun, run_id, with_for_update=True)
    position = await session.scalar(
        select(func.coalesce(func.max(DeletionBatch.position), 0) + 1).where(DeletionBatch.run_id == run_id)
    )
    session.add(
        DeletionBatch(
            run_id=run_id, position=position or 1, at=at, rows=removed.rows, objects=removed.objects,
            bytes=removed.bytes, digest=removed.digest or batch_digest(removed.ids),
        )
    )  # fmt: skip
    run.rows += removed.rows
    run.objects += removed.objects
    run.bytes += removed.bytes


async def finish(
    session: AsyncSession, *, run_id: uuid.UUID, retention: Retention, due: Due, error: str | None, actor: Actor
) -> DeletionRun:
    """Counts what is left by the same condition, and closes the run with its proof and an audit row."""
    run = await session.get_one(DeletionRun, run_id)
    digests = await session.scalars(
        select(DeletionBatch.digest).where(DeletionBatch.run_id == run_id).order_by(DeletionBatch.position)
    )
    counted = await retention.count(session, due=due)
    run.finished_at = due.now
    run.held, run.remaining = counted.held, counted.overdue - counted.held
    run.digest, run.error = run_digest(digests), error
    audit.record(
        session, at=due.now, actor=actor, action="retention.run", object_kind="deletion_run", object_id=run.id,
        class_code=run.class_code, rows=run.rows, objects=run.objects, bytes=run.bytes, held=run.held,
        remaining=run.remaining, digest=run.digest.hex(), error=error,
    )  # fmt: skip
    return run
