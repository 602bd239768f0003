"""Jobs: notices, timers, clean-up. Arguments are ids only; a job is put in by the transaction that wants it."""

import json
from typing import Any

from procrastinate import App, PsycopgConnector
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from storage.database import DatabaseUrls, Role


def job_app(urls: DatabaseUrls) -> App:
    """The worker's side of the queue; tasks are registered on it by whoever wires the worker."""
    return App(
        connector=PsycopgConnector(
            conninfo=urls.by_role[Role.SYSTEM].replace("postgres://", "postgresql://", 1), min_size=1, max_size=8
        )
    )


async def defer(session: AsyncSession, *, task: str, lock: str | None = None, **ids: Any) -> None:  # noqa: ANN401
    """Puts a job into the queue with the session's transaction.

    With `lock`, one such job waits at a time: a further one is not added while it has not begun.
    """
    await session.execute(
        text(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args) "
            "VALUES ('default', :task, :lock, :lock, CAST(:args AS jsonb)) ON CONFLICT DO NOTHING"
        ),
        {"task": task, "lock": lock, "args": json.dumps(ids, default=str)},
    )


async def waiting(session: AsyncSession) -> int:
    """How many jobs wait to be done now, or are being done."""
    count = await session.scalar(
        text(
            "SELECT count(*) FROM procrastinate_jobs WHERE status = 'doing' "
            "OR (status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now()))"
        )
    )
    return int(count or 0)
