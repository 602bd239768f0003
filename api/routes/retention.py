"""What is kept how long, and the proof that the rest is gone."""

from typing import Annotated

from litestar import get
from litestar.params import QueryParameter

from api.access import Work, requires
from api.paging import AfterMoment, Cursor, Limit, Page, decode_cursor, paged
from api.retention import retention_plan
from inspection.users.models import UserRole
from storage.retention import reading
from storage.retention.reading import ClassView, RunView

READS = requires(UserRole.ADMINISTRATOR, UserRole.MANAGER, UserRole.AUDITOR)
Division = Annotated[str, QueryParameter(max_length=12, pattern=r"^[0-9]*$")]
ClassCode = Annotated[str | None, QueryParameter(max_length=64, pattern=r"^[a-z._]+$")]


@get(
    "/api/v1/retention/classes", guards=[READS], tags=["retention"], operation_id="listRetentionClasses",
    summary="保存期限 / What is kept how long",
)  # fmt: skip
async def list_classes(work: Work, division_code: Division = "") -> list[ClassView]:
    """Every class with its period in a division (empty: the country), its source, and the next published change."""
    plan = retention_plan(work.context.objects)
    async with work.transaction() as session:
        return await reading.classes(session, known=plan.classes, division_code=division_code, now=work.now)


@get(
    "/api/v1/retention/runs", guards=[READS], tags=["retention"], operation_id="listDeletionRuns",
    summary="删除记录及证明 / Runs of the deleting job",
)  # fmt: skip
async def list_runs(
    work: Work, class_code: ClassCode = None, cursor: Cursor = None, limit: Limit = 50
) -> Page[RunView]:
    """Runs with counts, digest and what remained, newest first; of all estates together, and nobody is named."""
    before = decode_cursor(cursor, AfterMoment)
    async with work.transaction() as session:
        rows = await reading.runs(session, class_code=class_code, before=before, limit=limit + 1)
    return paged(rows, limit=limit, key=lambda row: (row.started_at, row.id))


handlers = [list_classes, list_runs]
