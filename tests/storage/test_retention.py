"""What is overdue goes, the rest stays; every run proves it, and a run that dies is gone on with."""

import asyncio
import json
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import create_engine, select, text

from api.retention import RULES, publish_period, run_hourly
from api.upgrade import publish_shipped
from gate_integration.intake.models import EventKey, PassEvent, RawDelivery
from gate_integration.intake.retention import DELIVERIES
from gate_integration.sightings.models import Sighting
from gate_integration.sightings.retention import EVENTS
from storage.audit.models import AuditEntry
from storage.clock import SimulatedClock
from storage.database import Database, DatabaseUrls, Role, SystemScope
from storage.ids import new_id
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore, ObjectMissing
from storage.outbox import OutboxFact
from storage.retention.models import DeletionBatch, DeletionRun
from storage.retention.proof import batch_digest, run_digest
from storage.rules.service import WrongJurisdiction
from storage.rules.values import BelowMinimum, RuleDefault, check_minimums
from storage.vault.service import Vault
from tests.storage.retained import Keeper

NOW = datetime(2026, 9, 1, 2, tzinfo=UTC)
TICK = timedelta(microseconds=1)
ROOT = Path(__file__).resolve().parents[2]


@pytest_asyncio.fixture(loop_scope="session")
async def keeper(database: Database, vault: Vault, tmp_path: Path) -> AsyncIterator[Keeper]:
    """An estate with objects in a folder of its own."""
    objects = Objects(FilesystemStore(tmp_path / "objects"), vault)
    made = await Keeper.make(database, vault, objects, now=NOW - timedelta(days=400))
    await made.clear(now=NOW + timedelta(days=1000))
    yield made
    objects.close()


async def batches_of(database: Database, run: DeletionRun) -> list[DeletionBatch]:
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        rows = await session.scalars(
            select(DeletionBatch).where(DeletionBatch.run_id == run.id).order_by(DeletionBatch.position)
        )
        return list(rows)


async def test_what_reaches_the_boundary_goes_and_what_is_a_moment_younger_stays(keeper: Keeper) -> None:
    cutoff = NOW - timedelta(days=180)
    old = await keeper.passes(cutoff - timedelta(days=3), cutoff)
    young = await keeper.passes(cutoff + TICK, NOW)
    (run,) = await keeper.run("events", now=NOW)
    assert (run.rows, run.remaining, run.held, run.error) == (6, 0, 0, None)
    assert (run.cutoff, run.started_at, run.finished_at) == (cutoff, NOW, NOW)
    assert run.digest == run_digest([batch_digest(old)])
    assert await keeper.ids(PassEvent) == set(young)
    assert len(await keeper.ids(Sighting)) == 2
    async with keeper.database.transaction(Role.SYSTEM, SystemScope()) as session:
        keys = await session.scalars(select(EventKey.pass_event_id).where(EventKey.estate_id == keeper.world.estate_id))
        assert set(keys) == set(young)
        noted = (await session.scalars(select(AuditEntry).where(AuditEntry.object_id == run.id))).one()
    assert noted.action == "retention.run"
    (again,) = await keeper.run("events", now=NOW)
    assert (again.rows, again.remaining, again.digest) == (0, 0, run_digest([]))


async def test_batches_have_their_own_digests(keeper: Keeper) -> None:
    old = await keeper.passes(*(NOW - timedelta(days=200, minutes=-n) for n in range(5)))
    (run,) = await keeper.run("events", now=NOW, batch=2)
    found = await batches_of(keeper.database, run)
    parts = [old[0:2], old[2:4], old[4:5]]
    assert [one.digest for one in found] == [batch_digest(part) for part in parts]
    assert run.digest == run_digest(batch_digest(part) for part in parts)
    assert [one.rows for one in found] == [6, 6, 3]


async def test_a_killed_run_is_gone_on_with(
    keeper: Keeper, urls: DatabaseUrls, master_key: bytes, tmp_path: Path
) -> None:
    """The process hangs at a row that somebody else holds; it is killed there, and what it had done stands."""
    old = await keeper.passes(*(NOW - timedelta(days=200, minutes=-n) for n in range(4)))
    async with keeper.database.transaction(Role.SYSTEM, SystemScope()) as other:
        await other.execute(select(PassEvent.id).where(PassEvent.id == old[1]).with_for_update())
        process = subprocess.Popen(  # noqa: ASYNC220 - a process to kill
            [sys.executable, "-m", "tests.storage.retention_process",
             json.dumps({str(role): url for role, url in urls.by_role.items()}), str(tmp_path / "objects"),
             master_key.hex(), "events", NOW.isoformat()], cwd=ROOT,
        )  # fmt: skip
        while await keeper.ids(PassEvent) != {old[1]}:
            assert process.poll() is None
            await asyncio.sleep(0.05)
        async with keeper.database.transaction(Role.SYSTEM, SystemScope()) as session:
            left = (await session.scalars(select(DeletionRun).where(DeletionRun.finished_at.is_(None)))).one()
        assert await keeper.run("events", now=NOW) == [], "one process at a time"
        process.kill()
        process.wait()
    done: list[DeletionRun] = []
    while not done:  # the server notices the death of its client in its own time
        done = await keeper.run("events", now=NOW)
        await asyncio.sleep(0.05)
    assert (done[0].id, done[0].rows, done[0].remaining, done[0].error) == (left.id, 12, 0, None)
    assert done[0].digest == run_digest(batch_digest([one]) for one in (old[0], old[2], old[3], old[1]))
    assert await keeper.ids(PassEvent) == set()


async def test_two_runs_at_once_delete_once(keeper: Keeper) -> None:
    await keeper.passes(*(NOW - timedelta(days=200, minutes=-n) for n in range(20)))
    answers = await asyncio.gather(*(keeper.run("events", now=NOW, batch=3) for _ in range(3)))
    runs = [run for answer in answers for run in answer]
    assert sum(run.rows for run in runs) == 60
    assert await keeper.ids(PassEvent) == set()
    assert all(run.remaining == 0 for run in runs)


async def test_a_picture_loses_its_key_first_and_its_bytes_then(keeper: Keeper) -> None:
    await keeper.passes(NOW - timedelta(days=7), NOW - timedelta(days=7) + TICK)
    old, young = await keeper.pictures()
    (run,) = await keeper.run("snapshots", now=NOW)
    assert (run.rows, run.objects, run.bytes, run.remaining) == (0, 1, old.size, 0)
    old, young = await keeper.pictures()
    assert (old.wrapped_key, old.destroyed_at, old.bytes_deleted_at) == (None, NOW, None)
    assert young.wrapped_key is not None
    async with keeper.database.transaction(Role.SYSTEM, SystemScope()) as session:
        assert await session.scalar(
            text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'objects.delete_bytes'")
        )
    (bytes_run,) = await keeper.run("objects.bytes", now=NOW)
    assert bytes_run.remaining == 0
    with pytest.raises(ObjectMissing):
        keeper.objects.store.get(str(old.id))
    assert keeper.objects.store.get(str(young.id))
    assert (await keeper.pictures())[0].bytes_deleted_at == NOW


async def test_a_store_that_fails_leaves_nothing_half_deleted(keeper: Keeper, tmp_path: Path) -> None:
    await keeper.passes(NOW - timedelta(days=30))
    folder = tmp_path / "objects"
    folder.rename(tmp_path / "aside")
    folder.write_bytes(b"")  # a file where the store has its folder: whatever is asked of it fails
    (keys,) = await keeper.run("snapshots", now=NOW)
    (failed,) = await keeper.run("objects.bytes", now=NOW)
    assert (keys.error, keys.remaining) == (None, 0)
    assert (failed.error, failed.remaining) == ("StoreFailed", 1)
    (row,) = await keeper.pictures()
    assert (row.wrapped_key, row.bytes_deleted_at) == (None, None)
    folder.unlink()
    (tmp_path / "aside").rename(folder)
    assert keeper.objects.store.get(str(row.id))
    (done,) = await keeper.run("objects.bytes", now=NOW + timedelta(days=1))
    assert (done.error, done.remaining, done.objects, done.bytes) == (None, 0, 1, row.size)
    with pytest.raises(ObjectMissing):
        keeper.objects.store.get(str(row.id))


def stored_at(moment: datetime) -> uuid.UUID:
    """An id as if it were made then (RFC 9562: the first 48 bits are milliseconds)."""
    return uuid.UUID(int=new_id().int & ((1 << 80) - 1) | int(moment.timestamp() * 1000) << 80)


async def test_bytes_without_a_row_are_orphans_after_a_day(keeper: Keeper) -> None:
    async with keeper.database.transaction(Role.SYSTEM, SystemScope()) as session:
        machine = await session.scalar(text("SELECT now()"))
    assert isinstance(machine, datetime)
    store = keeper.objects.store
    old, young = (str(stored_at(machine - age)) for age in (timedelta(hours=25), timedelta(hours=1)))
    for key in (old, young, "audit-heads/head-1"):
        store.put(key, b"bytes")
    (run,) = await keeper.run("objects.orphans", now=NOW)
    assert (run.objects, run.remaining, run.digest) == (1, 0, run_digest([batch_digest([uuid.UUID(old)])]))
    assert sorted(store.keys("")) == [young]
    assert list(store.keys("audit-heads")) == ["audit-heads/head-1"]


def publish(urls: DatabaseUrls, jurisdiction: str, rule: RuleDefault, value: int, since: date) -> None:
    publish_period(
        urls, rule=rule, amount=value, jurisdiction=jurisdiction, effective_from=since, source="测试", now=NOW
    )


async def test_a_changed_period_counts_from_its_day_and_in_its_place(
    database: Database, vault: Vault, keeper: Keeper, urls: DatabaseUrls
) -> None:
    there = await Keeper.make(
        database, vault, keeper.objects, now=NOW - timedelta(days=400), division_code="999977001001"
    )
    publish(urls, "999977", EVENTS, 90, date(2026, 9, 5))
    here_old, there_old = [await one.passes(NOW - timedelta(days=100)) for one in (keeper, there)]
    await keeper.run("events", now=NOW)
    assert await there.ids(PassEvent) == set(there_old)
    (run,) = await keeper.run("events", now=NOW + timedelta(days=5))
    assert await there.ids(PassEvent) == set()
    assert await keeper.ids(PassEvent) == set(here_old)
    local = next(one for one in run.periods if one["amount"] == 90)
    assert str(there.world.estate_id) in local["estates"]
    assert local["rule_version"].endswith("999977/1")
    assert (run.remaining, run.rows) == (0, 3)


def test_a_period_below_the_laws_is_not_published(urls: DatabaseUrls) -> None:
    publish_shipped(urls, now=NOW)
    check_minimums(RULES)
    with pytest.raises(BelowMinimum) as refused:
        publish(urls, "999976", DELIVERIES, 183, date(2026, 9, 5))
    assert refused.value.extra == {"key": "retention.deliveries_days", "minimum": 184}
    assert "网络安全法" in refused.value.detail_zh
    with pytest.raises(WrongJurisdiction):
        publish(urls, "", EVENTS, 90, date(2026, 9, 5))
    publish(urls, "999976", DELIVERIES, 184, date(2026, 9, 5))
    publish(urls, "999976", EVENTS, 100, date(2026, 9, 6))
    engine = create_engine(urls.sqlalchemy(Role.OWNER, "psycopg"))
    with engine.begin() as connection:
        kept = connection.execute(
            text("SELECT v.key, v.value FROM rule_set s JOIN rule_value v ON v.rule_set_id = s.id "
                 "WHERE s.jurisdiction = '999976' AND s.version = 2 ORDER BY v.key")
        ).all()  # fmt: skip
    engine.dispose()
    assert [tuple(row) for row in kept] == [("retention.deliveries_days", 184), ("retention.sightings_days", 100)]


async def partitions(database: Database) -> set[str]:
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        return set(
            await session.scalars(
                text("SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
                     "WHERE i.inhparent = 'raw_delivery'::regclass")
            )
        )  # fmt: skip


async def test_a_month_of_deliveries_is_dropped_as_a_whole(keeper: Keeper) -> None:
    months = (date(2025, 11, 1), date(2026, 2, 1), date(2026, 3, 1))
    async with keeper.database.transaction(Role.SYSTEM, SystemScope()) as session:
        for month in months:
            await session.execute(text("SELECT ruhu_ensure_partition(:month)"), {"month": month})
    whole = await keeper.deliveries(*(datetime(2025, 11, day, tzinfo=UTC) for day in (3, 4, 5)))
    cutoff = NOW - timedelta(days=184)
    single = await keeper.deliveries(cutoff)
    stay = await keeper.deliveries(cutoff + TICK, NOW)
    (run,) = await keeper.run("deliveries", now=NOW)
    assert (run.rows, run.bytes, run.remaining) == (4, 8, 0)
    assert run.digest == run_digest([batch_digest(whole), batch_digest([]), batch_digest(single)])
    assert await keeper.ids(RawDelivery) == set(stay)
    assert not {"raw_delivery_202511", "raw_delivery_202602"} & await partitions(keeper.database)
    assert {"raw_delivery_202603", "raw_delivery_default"} <= await partitions(keeper.database)


async def test_facts_and_jobs_that_are_done_go_and_open_ones_stay(keeper: Keeper) -> None:
    async with keeper.database.transaction(Role.SYSTEM, SystemScope()) as session:
        for processed in (NOW - timedelta(days=30), NOW - timedelta(days=30) + TICK, None):
            session.add(
                OutboxFact(id=new_id(), estate_id=keeper.world.estate_id, kind="test", payload={},
                           created_at=NOW - timedelta(days=400), processed_at=processed)
            )  # fmt: skip
        for status in ("todo", "failed"):
            await session.execute(
                text("INSERT INTO procrastinate_jobs (queue_name, task_name, status) "
                     "VALUES ('default', 'test.retention', CAST(:status AS procrastinate_job_status))"),
                {"status": status},
            )  # fmt: skip
        await session.execute(text("UPDATE procrastinate_events SET at = :at"), {"at": NOW - timedelta(days=31)})
    (facts,) = await keeper.run("outbox", now=NOW)
    (jobs,) = await keeper.run("jobs", now=NOW)
    assert (facts.rows, facts.remaining, jobs.rows, jobs.remaining) == (1, 0, 1, 0)
    async with keeper.database.transaction(Role.SYSTEM, SystemScope()) as session:
        left = await session.scalars(
            text("SELECT status::text FROM procrastinate_jobs WHERE task_name = 'test.retention'")
        )
        assert left.all() == ["todo"]
    assert len(await keeper.ids(OutboxFact)) == 2


async def test_the_hourly_run_is_quiet_when_nothing_is_due(keeper: Keeper, clock: SimulatedClock) -> None:
    class House:
        """What the job needs of a house."""

        database, vault, objects = keeper.database, keeper.vault, keeper.objects

    House.clock = clock  # type: ignore[attr-defined]  # the rest of a house is not looked at
    await keeper.passes(NOW - timedelta(days=7))

    async def runs() -> int:
        async with keeper.database.transaction(Role.SYSTEM, SystemScope()) as session:
            return len((await session.scalars(select(DeletionRun.id))).all())

    clock.set(NOW)
    before = await runs()
    await run_hourly(House)  # type: ignore[arg-type]  # see above
    assert await runs() == before + 1
    await run_hourly(House)  # type: ignore[arg-type]  # see above
    assert await runs() == before + 1
    assert (await keeper.pictures())[0].destroyed_at == NOW
