"""The worker: drains deliveries, runs jobs, watches timers. Any number of workers share the work."""

import asyncio
import contextlib
import logging
import os
import signal
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import asdict
from datetime import timedelta

from procrastinate import App, RetryStrategy
from procrastinate.exceptions import UniqueViolation
from procrastinate.jobs import Status
from sqlalchemy.ext.asyncio import AsyncSession

from api.backups import scheduled_backup, scheduled_drill
from api.erasure import carry_out_in
from api.house import House
from api.keys import rewrap_in
from api.metrics.page import MetricsPage
from api.metrics.process import Metrics
from api.retention import run_daily, run_hourly
from api.sealing import make_sealer
from api.serving import serving
from api.wiring import make_engine
from gate_integration.bulk_enrolment import jobs as photos
from gate_integration.bulk_enrolment.service import APPLY_TASK as APPLY_PHOTOS
from gate_integration.bulk_enrolment.service import CHECK_TASK as CHECK_PHOTOS
from gate_integration.devices import service as devices
from gate_integration.enrolment import jobs as enrolment
from gate_integration.enrolment.counting import StoredFaces
from gate_integration.intake import jobs as intake
from gate_integration.intake.drain import Drainer
from gate_integration.intake.reader import ReadResult
from gate_integration.occupancy import service as occupancy
from gate_integration.sightings.pseudonyms import forget_without_basis
from gate_integration.sightings.service import SightingService
from inspection.cases import periods as cases
from inspection.filing import service as filing
from inspection.registry.consents import jobs as consents
from inspection.registry.imports import jobs as imports
from inspection.registry.imports.service import APPLY_TASK, CHECK_TASK
from inspection.registry.places import queries as places
from inspection.rights.service import ERASE_TASK
from inspection.users import jobs as users
from storage import timers
from storage.database import Role, SystemScope
from storage.jobs import job_app
from storage.live import queries as live
from storage.objects.jobs import delete_bytes
from storage.objects.service import DELETE_BYTES
from storage.settings import ClockKind
from storage.vault.rotation import REWRAP

log = logging.getLogger("ruhu.worker")

Task = Callable[[AsyncSession], Awaitable[object]]

INTERVALS = {
    "devices.mark_silent": timedelta(minutes=5),
    "consents.expire": timedelta(hours=1),
    "consents.apply_withdrawals": timedelta(hours=1),
    "occupancy.evaluate": timedelta(hours=24),
    "pseudonyms.forget": timedelta(hours=24),
    "cases.mark_overdue": timedelta(hours=1),
    "cases.recompute_deadlines": timedelta(hours=24),
    DELETE_BYTES: timedelta(hours=1),
    "retention.run": timedelta(hours=24),
    "retention.run_hourly": timedelta(hours=1),
    "intake.ensure_partitions": timedelta(hours=24),
    "users.forget": timedelta(hours=1),
    live.FORGET: timedelta(hours=1),
    "registry.sweep_imports": timedelta(minutes=10),
    "enrolment.sweep_photos": timedelta(minutes=10),
    ERASE_TASK: timedelta(hours=1),
    "filing.count": timedelta(hours=24),
    REWRAP: timedelta(hours=1),
    "backup.run": timedelta(hours=24),
    "backup.drill": timedelta(days=7),
}
TICK_S = {ClockKind.SYSTEM: 20.0, ClockKind.SIMULATED: 0.1}
STALLED_S = 120
AGAIN = RetryStrategy(max_attempts=6, exponential_wait=4)
"""After 4, 16, 64 … seconds: an outage of minutes must not use up the tries of a job."""


class Worker:
    """Everything a worker process does, over one house."""

    def __init__(self, house: House, *, drainers: int = 1, jobs: int = 2) -> None:
        self.house = house
        self.drainers = drainers
        self.jobs = jobs
        self.stopping = asyncio.Event()
        self.engine = make_engine(house)
        self.sighter = SightingService(engine=self.engine, vault=house.vault, objects=house.objects)
        self.app = job_app(house.urls)
        self.register(self.app)

    def tasks(self) -> dict[str, Task]:
        """The work of each job: a function of a session over all estates, in one transaction."""
        house = self.house

        def now_of(work: Callable[..., Awaitable[object]], **fixed: object) -> Task:
            return lambda session: work(session, now=house.clock.now(), **fixed)

        return {
            "devices.mark_silent": now_of(devices.mark_silent),
            "consents.expire": now_of(consents.expire),
            "consents.apply_withdrawals": now_of(enrolment.apply_withdrawals, vault=house.vault, objects=house.objects),
            "pseudonyms.forget": now_of(forget_without_basis, vault=house.vault),
            "cases.mark_overdue": now_of(cases.mark_overdue),
            "cases.recompute_deadlines": now_of(cases.recompute_deadlines),
            DELETE_BYTES: now_of(delete_bytes, objects=house.objects),
            "intake.ensure_partitions": now_of(intake.ensure_partitions),
            "users.forget": now_of(users.forget),
            live.FORGET: now_of(live.forget),
            "registry.sweep_imports": now_of(imports.sweep),
            "enrolment.sweep_photos": now_of(photos.sweep, objects=house.objects),
            "filing.count": now_of(filing.count, enrolled=StoredFaces()),
        }

    def register(self, app: App) -> None:
        """Makes the jobs known to the queue."""
        for name, task in self.tasks().items():

            async def run(*, work: Task = task, **_: object) -> None:
                async with self.house.database.transaction(Role.SYSTEM, SystemScope()) as session:
                    await work(session)

            app.task(name=name, queue="default", retry=AGAIN)(run)

        app.task(name="occupancy.evaluate", queue="default", retry=AGAIN)(self.evaluate)
        app.task(name=CHECK_TASK, queue="default", retry=AGAIN)(self.check_import)
        app.task(name=APPLY_TASK, queue="default", retry=AGAIN)(self.apply_import)
        app.task(name=CHECK_PHOTOS, queue="default", retry=AGAIN)(self.check_photos)
        app.task(name=APPLY_PHOTOS, queue="default", retry=AGAIN)(self.apply_photos)
        for name, run_retention in (("retention.run", run_daily), ("retention.run_hourly", run_hourly)):
            app.task(name=name, queue="default", retry=AGAIN)(self.over_house(run_retention))
        app.task(name=REWRAP, queue="default", retry=AGAIN)(self.over_house(rewrap_in))
        app.task(name=ERASE_TASK, queue="default", retry=AGAIN)(self.over_house(carry_out_in))
        for name, run_backup in (("backup.run", scheduled_backup), ("backup.drill", scheduled_drill)):
            app.task(name=name, queue="default", retry=2)(self.over_house(run_backup))

    def workshop(self) -> imports.Workshop:
        """What imports of the register work with."""
        house = self.house
        return imports.Workshop(house.database, house.vault, house.objects, house.clock)

    async def check_import(self, *, import_id: str, **_: object) -> None:
        """Checks a file of the register."""
        await self.workshop().check(import_id=uuid.UUID(import_id))

    async def apply_import(self, *, import_id: str, **_: object) -> None:
        """Applies a file that somebody confirmed."""
        await self.workshop().apply(import_id=uuid.UUID(import_id))

    def darkroom(self) -> photos.Workshop:
        """What archives of photographs work with."""
        house = self.house
        return photos.Workshop(house.database, house.vault, house.objects, house.clock, self.engine)

    async def check_photos(self, *, import_id: str, **_: object) -> None:
        """Checks an archive of photographs."""
        await self.darkroom().check(import_id=uuid.UUID(import_id))

    async def apply_photos(self, *, import_id: str, **_: object) -> None:
        """Enrols what somebody confirmed."""
        await self.darkroom().apply(import_id=uuid.UUID(import_id))

    def over_house(self, work: Callable[[House], Awaitable[None]]) -> Callable[..., Awaitable[None]]:
        """A job that opens its own transactions."""

        async def run(**_: object) -> None:
            await work(self.house)

        return run

    async def retry_stalled(self) -> None:
        """Puts jobs of workers that died back into the queue.

        No job itself: one whose worker died would wait for its own lock for ever, and every other job with it.
        """
        manager = self.app.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_S):
            try:
                await manager.retry_job(job)
            except UniqueViolation:
                # The next one of the kind waits already, for the lock that this one would hold for ever.
                if job.id is not None:
                    await manager.finish_job_by_id_async(job_id=job.id, status=Status.FAILED, delete_job=True)

    async def evaluate(self, **_: object) -> None:
        """Judges every estate, each in a transaction of its own."""
        database, now = self.house.database, self.house.clock.now()
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            estates = await places.estate_ids(session)
        failed: list[Exception] = []
        for estate_id in estates:
            try:
                async with database.transaction(Role.SYSTEM, SystemScope()) as session:
                    await occupancy.evaluate_estate(session, estate_id=estate_id, now=now)
            except Exception as error:  # noqa: BLE001 - one estate that cannot be judged must not stop the others
                log.error("estate %s was not judged: %s", estate_id, type(error).__name__)  # noqa: TRY400 - no values
                failed.append(error)
        if failed:
            raise failed[0]

    async def watch_timers(self) -> None:
        """Puts due jobs into the queue, by the house's clock; those of dead workers too, by the machine's."""
        pause = TICK_S[self.house.settings.clock]
        loop = asyncio.get_running_loop()
        look_again = loop.time()
        while not self.stopping.is_set():
            try:
                if loop.time() >= look_again:
                    look_again = loop.time() + STALLED_S
                    await self.retry_stalled()
                async with self.house.database.transaction(Role.SYSTEM, SystemScope()) as session:
                    await timers.defer_due(session, intervals=INTERVALS, now=self.house.clock.now())
            except Exception as error:  # noqa: BLE001 - a database that restarts must not end the worker
                log.error("timers: %s", type(error).__name__)  # noqa: TRY400 - values stay out of the log
                await asyncio.sleep(1)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), pause)

    async def run_jobs(self) -> None:
        """Runs jobs until it is cancelled. The queue's worker gives up when it loses the database: a new one begins."""
        while not self.stopping.is_set():
            try:
                await self.app.run_worker_async(
                    concurrency=self.jobs, install_signal_handlers=False, listen_notify=True,
                    fetch_job_polling_interval=5 if self.house.settings.clock is ClockKind.SYSTEM else 0.3,
                    delete_jobs="successful",
                )  # fmt: skip
            except Exception as error:  # noqa: BLE001 - a database that restarts must not end the worker
                log.error("jobs: %s", type(error).__name__)  # noqa: TRY400 - values stay out of the log
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.stopping.wait(), 1)

    def stop(self) -> None:
        """Asked once: finishes what is at hand. Asked again: ends at once; what was not committed is done anew."""
        if self.stopping.is_set():
            os._exit(1)
        self.stopping.set()

    @contextlib.asynccontextmanager
    async def measured(self, drainers: Sequence[Drainer]) -> AsyncIterator[None]:
        """Answers for metrics at an address of its own, where one is set."""
        operation = self.house.settings.operation
        if not operation.metrics_port:
            yield
            return
        metrics = Metrics(self.house.database)
        metrics.count(
            "ruhu_drained", "What was read from deliveries since the worker began", "what",
            lambda: {name: sum(asdict(d.total)[name] for d in drainers) for name in asdict(ReadResult())},
        )  # fmt: skip
        page = MetricsPage(metrics.registry, token=operation.metrics_token)
        async with serving(page, host=operation.metrics_host, port=operation.metrics_port):
            yield

    async def run(self) -> None:
        """Works until SIGTERM or SIGINT, then finishes what it is at."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.stop)
        house = self.house
        drainers = [
            Drainer(
                database=house.database, clock=house.clock, vault=house.vault, sighter=self.sighter
            )
            for _ in range(self.drainers)
        ]  # fmt: skip
        async with self.app.open_async(), self.measured(drainers):
            jobs = asyncio.create_task(self.run_jobs())
            others = [asyncio.create_task(d.run(self.stopping)) for d in drainers]
            others.append(asyncio.create_task(self.watch_timers()))
            others.append(asyncio.create_task(make_sealer(house).run(self.stopping)))
            stop = asyncio.create_task(self.stopping.wait())
            await asyncio.wait([stop, jobs, *others], return_when=asyncio.FIRST_COMPLETED)
            self.stopping.set()
            await asyncio.gather(*others)
            jobs.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await jobs
