"""The worker: what fails, or dies, stops nothing else."""

import uuid
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from api.house import House
from api.worker import INTERVALS, Worker
from gate_integration.occupancy import service as occupancy
from storage.clock import SimulatedClock
from storage.database import Database, Role, SystemScope
from storage.jobs import defer
from storage.objects.service import Objects
from storage.settings import Settings
from storage.vault.service import Vault
from tests.factories import make_world
from tests.fakes import StillEngine


@pytest.fixture
def worker(
    database: Database, vault: Vault, objects: Objects, clock: SimulatedClock, test_settings: Settings, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Worker:  # fmt: skip
    monkeypatch.setattr("api.worker.make_engine", lambda _: StillEngine())
    return Worker(
        House(replace(test_settings, data_dir=tmp_path), clock, database.urls, database, vault, objects, None)
    )


async def test_the_job_of_a_dead_worker_runs_again(worker: Worker, database: Database) -> None:
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        await defer(session, task="consents.apply_withdrawals", lock="dead")
        await session.execute(text("UPDATE procrastinate_jobs SET status = 'doing' WHERE lock = 'dead'"))
    async with worker.app.open_async():
        await worker.retry_stalled()
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        state = await session.scalar(text("SELECT status FROM procrastinate_jobs WHERE lock = 'dead'"))
        await session.execute(text("DELETE FROM procrastinate_jobs WHERE lock = 'dead'"))
    assert state == "todo"


async def test_the_job_of_a_dead_worker_gives_way_to_the_next_of_its_kind(worker: Worker, database: Database) -> None:
    """Two of one lock cannot wait: the dead one would hold the lock for ever, and no other would ever be done."""
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        await defer(session, task="consents.apply_withdrawals", lock="twice")
        await session.execute(text("UPDATE procrastinate_jobs SET status = 'doing' WHERE lock = 'twice'"))
        await defer(session, task="consents.apply_withdrawals", lock="twice")
    async with worker.app.open_async():
        await worker.retry_stalled()
        found = await worker.app.job_manager.fetch_job(None, await worker.app.job_manager.register_worker())
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        states = list(await session.scalars(text("SELECT status::text FROM procrastinate_jobs WHERE lock = 'twice'")))
        await session.execute(text("DELETE FROM procrastinate_jobs WHERE lock = 'twice'"))
    assert found is not None
    assert found.lock == "twice"
    assert states == ["doing"]


async def test_jobs_go_on_after_the_queue_gave_up(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[bool] = []

    async def lost(**_: Any) -> None:
        runs.append(True)
        if len(runs) == 3:
            worker.stopping.set()
        elif len(runs) == 2:
            raise ConnectionError

    monkeypatch.setattr(worker.app, "run_worker_async", lost)
    await worker.run_jobs()
    assert len(runs) == 3


async def test_watching_timers_looks_after_dead_workers_itself(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    async def seen() -> None:
        worker.stopping.set()

    monkeypatch.setattr(worker, "retry_stalled", seen)
    await worker.watch_timers()
    assert "jobs.retry_stalled" not in INTERVALS


async def test_one_estate_that_fails_stops_no_other(
    worker: Worker, database: Database, vault: Vault, clock: SimulatedClock, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    worlds = [await make_world(database, vault, now=clock.now()) for _ in range(2)]
    judged: set[uuid.UUID] = set()

    async def judge(session: Any, *, estate_id: uuid.UUID, now: datetime) -> None:
        assert session.in_transaction()
        assert now == clock.now()
        judged.add(estate_id)
        if estate_id == worlds[0].estate_id:
            raise KeyError("a name that must not reach a log")

    monkeypatch.setattr(occupancy, "evaluate_estate", judge)
    with pytest.raises(KeyError):
        await worker.evaluate()
    assert judged >= {world.estate_id for world in worlds}
    assert "must not reach" not in caplog.text
