"""What operators and the office want to know about the machinery: backlog and counts."""

import uuid
from datetime import datetime

import msgspec
from litestar import get
from litestar.params import FromPath

from api.access import Work, requires
from gate_integration.sightings import statistics
from inspection.users.models import UserRole
from storage.jobs import waiting


class Backlog(msgspec.Struct, kw_only=True):
    """What has been accepted and not been worked on. `oldest_at`: arrival of the oldest waiting delivery."""

    deliveries: int
    oldest_at: datetime | None
    jobs: int
    intake: dict[str, int]


class EstateCounts(msgspec.Struct, kw_only=True):
    """Counts of an estate since its beginning; `duplicates`: copies that made no second event."""

    events: int
    duplicates: int
    problems: int
    sightings: dict[str, int]


@get(
    "/api/v1/operation/backlog", guards=[requires(UserRole.ADMINISTRATOR, UserRole.MANAGER, UserRole.AUDITOR)],
    tags=["operation"], operation_id="backlog", summary="待处理量 / Backlog",
)  # fmt: skip
async def backlog(work: Work) -> Backlog:
    """Deliveries of the caller's estates that wait to be read, and jobs that wait or run."""
    async with work.transaction() as session:
        count, oldest = await statistics.pending(session)
        jobs = await waiting(session)
    return Backlog(deliveries=count, oldest_at=oldest, jobs=jobs, intake=work.context.intake_counters())


@get(
    "/api/v1/estates/{estate_id:uuid}/counts",
    guards=[requires(UserRole.ADMINISTRATOR, UserRole.MANAGER, UserRole.AUDITOR)], tags=["operation"],
    operation_id="estateCounts", summary="小区通行统计 / Counts of an estate",
)  # fmt: skip
async def estate_counts(estate_id: FromPath[uuid.UUID], work: Work) -> EstateCounts:
    """Events, duplicates, unread parts and sightings by band; counts alone, nobody is named."""
    async with work.transaction() as session:
        counts = await statistics.of_estate(session, estate_id=estate_id)
    return EstateCounts(
        events=counts.events, duplicates=counts.duplicates, problems=counts.problems, sightings=counts.sightings
    )


handlers = [backlog, estate_counts]
