"""What an operator asks of the database: a fixed set of statements, each bounded, in one read-only transaction.

What grows with time is asked for the last `RECENT` only, through the time that ids carry (RFC 9562, UUIDv7).
"""

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from storage.audit.state import SealingState, sealing_state

RECENT = timedelta(minutes=10)
DEVICES = 5000
COUNTED = 100_000
STATEMENT_MS = 5000

_DEVICES = text(
    "SELECT d.id, d.estate_id, c.last_event_at, c.last_contact_at, "
    "  EXISTS (SELECT 1 FROM device_outage o WHERE o.device_id = d.id AND o.ended_at IS NULL AND o.reason = 'silence') "
    "    AS silent "
    "FROM gate_device d LEFT JOIN device_contact c ON c.device_id = d.id WHERE d.retired_at IS NULL "
    "ORDER BY d.id LIMIT :devices"
)
_QUEUE = text(
    "SELECT live, count(*) AS waiting, min(received_at) AS oldest, count(*) FILTER (WHERE attempts > 0) AS tried "
    "FROM (SELECT live, received_at, attempts FROM raw_pending LIMIT :counted) AS q GROUP BY live"
)
_DELIVERIES = text(
    "SELECT protocol, CASE WHEN sealed THEN 'sealed' ELSE 'cleared' END AS verdict, count(*) AS number "
    "FROM raw_delivery WHERE id >= :bound AND received_at >= :since GROUP BY 1, 2"
)
_PROBLEMS = text(
    "SELECT parser, code, count(*) AS number FROM delivery_problem WHERE id >= :bound AND resolved_at IS NULL "
    "GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 50"
)
_BANDS = text("SELECT band, count(*) AS number FROM sighting WHERE id >= :bound GROUP BY 1")
_JOBS = text(
    "SELECT j.status::text AS state, count(*) AS number, extract(epoch FROM now() - min(e.at))::float AS age "
    "FROM procrastinate_jobs j "
    "LEFT JOIN procrastinate_events e ON e.job_id = j.id AND e.type = 'deferred' "
    "WHERE j.scheduled_at IS NULL OR j.scheduled_at <= now() GROUP BY 1"
)
_TIMERS = text("SELECT name, last_run_at FROM timer")
_RETENTION = text(
    "SELECT DISTINCT ON (class_code) class_code, finished_at, remaining, error IS NOT NULL AS failed FROM deletion_run "
    "ORDER BY class_code, started_at DESC"
)
_BACKUP = text(
    "SELECT (SELECT max(taken_at) FROM backup) AS taken, (SELECT max(at) FROM backup_drill WHERE passed) AS passed, "
    "(SELECT passed FROM backup_drill ORDER BY at DESC LIMIT 1) AS last_passed"
)
_LEADS = text(
    "SELECT count(*) AS number, min(created_at) AS oldest FROM lead WHERE status = 'new'"
)  # fmt: skip

Rows = Sequence[Any]


@dataclass(frozen=True, slots=True)
class Answers:
    """The answers of one moment."""

    sealing: SealingState
    devices: Rows
    queue: Rows
    deliveries: Rows
    problems: Rows
    bands: Rows
    jobs: Rows
    timers: Rows
    retention: Rows
    backup: Rows
    leads: Rows


def id_at(moment_s: float) -> uuid.UUID:
    """The smallest id that is made at a moment of the machine's clock, in seconds since 1970."""
    return uuid.UUID(int=int(moment_s * 1000) << 80)


async def ask(session: AsyncSession, *, now: datetime) -> Answers:
    """Asks everything. Ids carry the machine's clock, everything else the house's."""
    await session.execute(text(f"SET LOCAL statement_timeout = {STATEMENT_MS}"))
    bound = id_at(time.time() - RECENT.total_seconds())
    given = {"devices": DEVICES, "counted": COUNTED, "bound": bound, "since": now - RECENT}
    found: list[Rows] = []
    for statement in (
        _DEVICES, _QUEUE, _DELIVERIES, _PROBLEMS, _BANDS, _JOBS, _TIMERS, _RETENTION, _BACKUP, _LEADS,
    ):  # fmt: skip
        wanted = {name: value for name, value in given.items() if f":{name}" in statement.text}
        found.append((await session.execute(statement, wanted)).all())
    return Answers(await sealing_state(session, now=now), *found)
