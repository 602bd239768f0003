"""What the database and the object store know, as metrics; asked at most every ten seconds."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

import asyncpg
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy.exc import SQLAlchemyError

from api.condition import StoreState, StoreWatch
from api.metrics import queries
from storage.clock import Clock
from storage.database import Database, Role, SystemScope

log = logging.getLogger("ruhu.metrics")

EVERY_S = 10.0
BANDS = ("match", "review", "no_match", "unusable")
RECENT = f"in the last {int(queries.RECENT.total_seconds() // 60)} minutes"


class Facts(Collector):
    """Remembers the last answers. Where the database does not answer, `ruhu_database_up` is 0 and nothing is said."""

    def __init__(self, database: Database, clock: Clock, store: StoreWatch) -> None:
        self.database = database
        self.clock = clock
        self.store = store
        self.answers: queries.Answers | None = None
        self.asked: datetime | None = None
        self.store_state: StoreState | None = None
        self.until = 0.0

    async def refresh(self) -> None:
        """Asks again if the answers are old."""
        loop = asyncio.get_running_loop()
        if loop.time() < self.until:
            return
        try:
            async with asyncio.timeout(queries.STATEMENT_MS / 1000 * 2):
                async with self.database.transaction(Role.SYSTEM, SystemScope()) as session:
                    self.asked = self.clock.now()
                    self.answers = await queries.ask(session, now=self.asked)
        except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            self.answers = None
            log.warning("metrics: the database did not answer: %s", type(error).__name__)
        self.store_state = await self.store.state()
        self.until = loop.time() + EVERY_S

    def collect(self) -> Iterator[Metric]:
        """Everything that is known."""
        yield GaugeMetricFamily("ruhu_database_up", "Whether the database answered", value=self.answers is not None)
        if self.store_state is not None:
            yield GaugeMetricFamily("ruhu_object_store_up", "Whether a small object was stored, read and removed",
                                    value=self.store_state.works)  # fmt: skip
            yield GaugeMetricFamily("ruhu_object_store_check_seconds", "How long that took",
                                    value=self.store_state.seconds)  # fmt: skip
        if self.answers is not None and self.asked is not None:
            yield from of_devices(self.answers, self.asked)
            yield from of_gate(self.answers, self.asked)
            yield from of_work(self.answers, self.asked)
            yield from of_safety(self.answers, self.asked)


def age(now: datetime, moment: Any) -> float:  # noqa: ANN401 - a column
    """Seconds since; 0 for nothing, and for what lies ahead of the clock."""
    return 0.0 if moment is None else max((now - moment).total_seconds(), 0.0)


def family(name: str, text: str, labels: tuple[str, ...], rows: Sequence[tuple[tuple[str, ...], float]]) -> Metric:
    """A gauge with labels."""
    made = GaugeMetricFamily(name, text, labels=labels)
    for values, number in rows:
        made.add_metric(values, number)
    return made


def of_devices(answers: queries.Answers, now: datetime) -> Iterator[Metric]:
    """Each device: the age of its last event and of the last contact, whether it is silent."""
    names = ("device", "estate")
    rows: list[Any] = list(answers.devices)
    ids = {row.id: (str(row.id), str(row.estate_id)) for row in rows}
    yield family(
        "ruhu_device_last_event_age_seconds", "Since the device's last event; no line before the first", names,
        [(ids[row.id], age(now, row.last_event_at)) for row in rows if row.last_event_at is not None],
    )  # fmt: skip
    yield family(
        "ruhu_device_last_contact_age_seconds", "Since anything was heard of the device", names,
        [(ids[row.id], age(now, row.last_contact_at)) for row in rows if row.last_contact_at is not None],
    )  # fmt: skip
    yield family(
        "ruhu_device_silent", "1 while a device is silent for longer than its rhythm", names,
        [(ids[row.id], float(row.silent)) for row in rows],
    )  # fmt: skip
    yield GaugeMetricFamily("ruhu_devices", f"Devices in use, shown up to {queries.DEVICES}", value=len(rows))


def of_gate(answers: queries.Answers, now: datetime) -> Iterator[Metric]:
    """Deliveries, the queue, problems, recognition."""
    queue: dict[bool, Any] = {bool(getattr(row, "live", False)): row for row in answers.queue}
    kinds = {True: "live", False: "replay"}
    yield family(
        "ruhu_drain_waiting", f"Deliveries that wait to be read, counted up to {queries.COUNTED}", ("kind",),
        [((name,), float(queue[live].waiting) if live in queue else 0.0) for live, name in kinds.items()],
    )  # fmt: skip
    yield family(
        "ruhu_drain_lag_seconds", "Age of the oldest delivery that waits", ("kind",),
        [((name,), age(now, queue[live].oldest) if live in queue else 0.0) for live, name in kinds.items()],
    )  # fmt: skip
    yield GaugeMetricFamily(
        "ruhu_drain_put_off", "Deliveries that could not be read and are tried again",
        value=sum(row.tried for row in queue.values()),
    )  # fmt: skip
    yield family(
        "ruhu_deliveries_recent", f"Deliveries stored {RECENT}; sealed: could not be cleared of pictures",
        ("protocol", "verdict"), [((str(row[0]), str(row[1])), float(str(row[2]))) for row in answers.deliveries],
    )  # fmt: skip
    yield family(
        "ruhu_delivery_problems_recent", f"Open parse problems {RECENT}", ("parser", "code"),
        [((str(row[0]), str(row[1])), float(str(row[2]))) for row in answers.problems],
    )  # fmt: skip
    bands = dict.fromkeys(BANDS, 0.0) | {str(row[0]): float(str(row[1])) for row in answers.bands if row[0]}
    yield family("ruhu_sightings_recent", f"Sightings {RECENT} by band", ("band",),
                 [((name,), number) for name, number in sorted(bands.items())])  # fmt: skip


def of_work(answers: queries.Answers, now: datetime) -> Iterator[Metric]:
    """Jobs, timers, what waits for people."""
    jobs: list[Any] = list(answers.jobs)
    states = dict.fromkeys(("todo", "doing", "failed"), 0.0) | {row.state: float(row.number) for row in jobs}
    yield family("ruhu_jobs", "Jobs that are due, run or failed", ("state",),
                 [((name,), number) for name, number in sorted(states.items())])  # fmt: skip
    waiting = [row.age for row in jobs if row.state == "todo" and row.age is not None]
    yield GaugeMetricFamily(
        "ruhu_job_oldest_age_seconds", "Since the oldest job that is due came into the queue, by the database's clock",
        value=max(waiting, default=0.0),
    )  # fmt: skip
    yield family("ruhu_timer_age_seconds", "Since a timer last went off", ("timer",),
                 [((str(row[0]),), age(now, row[1])) for row in answers.timers])  # fmt: skip
    leads: Any = answers.leads[0]
    yield GaugeMetricFamily("ruhu_leads_waiting", "Leads that nobody has decided", value=leads.number)
    yield GaugeMetricFamily("ruhu_lead_oldest_age_seconds", "Age of the oldest of them", value=age(now, leads.oldest))


def of_safety(answers: queries.Answers, now: datetime) -> Iterator[Metric]:
    """Audit, retention, backups."""
    sealing = answers.sealing
    yield GaugeMetricFamily("ruhu_audit_unsealed", "Audit rows that are not chained yet", value=sealing.unsealed)
    yield GaugeMetricFamily("ruhu_audit_sealing_lag_seconds", "Age of the oldest of them",
                            value=0.0 if sealing.oldest is None else sealing.oldest.total_seconds())  # fmt: skip
    yield GaugeMetricFamily("ruhu_audit_heads_uncopied", "Heads since the newest copy outside the database",
                            value=sealing.uncopied)  # fmt: skip
    runs: list[Any] = list(answers.retention)
    finished = [((row.class_code,), age(now, row.finished_at)) for row in runs if row.finished_at is not None]
    yield family("ruhu_retention_age_seconds", "Since a class was last deleted from", ("class",), finished)
    yield family("ruhu_retention_overdue", "Rows that should be gone and are not", ("class",),
                 [((row.class_code,), float(row.remaining or 0)) for row in runs])  # fmt: skip
    yield family("ruhu_retention_failed", "1 where the last run ended with an error", ("class",),
                 [((row.class_code,), float(row.failed)) for row in runs])  # fmt: skip
    backup: Any = answers.backup[0]
    if backup.taken is not None:
        yield GaugeMetricFamily("ruhu_backup_age_seconds", "Since the last backup; no line before the first",
                                value=age(now, backup.taken))  # fmt: skip
    if backup.passed is not None:
        yield GaugeMetricFamily("ruhu_backup_drill_age_seconds", "Since a trial restore last passed",
                                value=age(now, backup.passed))  # fmt: skip
    if backup.last_passed is not None:
        yield GaugeMetricFamily("ruhu_backup_drill_passed", "Whether the last trial restore passed",
                                value=backup.last_passed)  # fmt: skip
