"""How long an archive of photographs, and what was found in it, is kept."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.bulk_enrolment.models import PhotoImport, PhotoImportLine, PhotoImportPiece
from storage.retention.classes import Described, Removed, RowRetention, Tools
from storage.rules.values import RuleDefault

OURS = "内部管理参数：处理目的实现后不再需要（个人信息保护法 19、47），须由法律顾问确认"
ARCHIVE = RuleDefault("retention.photo_archive_days", 7, "calendar_day", OURS)
"""The archive itself, when nobody confirms it; one that was applied or given up is destroyed at once."""
ENDED = RuleDefault("retention.photo_import_days", 90, "calendar_day", OURS)
RULES = (ARCHIVE, ENDED)


async def act(session: AsyncSession, ids: Sequence[uuid.UUID], tools: Tools, now: datetime) -> Removed:
    """Lines and header go together; the audit log keeps who handed in and confirmed what."""
    del tools, now
    for table in (PhotoImportLine, PhotoImportPiece):
        await session.execute(
            delete(table).where(table.import_id.in_(ids)).execution_options(synchronize_session=False)
        )
    await session.execute(
        delete(PhotoImport).where(PhotoImport.id.in_(ids)).execution_options(synchronize_session=False)
    )
    return Removed(ids=ids, rows=len(ids))


CLASSES: tuple[RowRetention, ...] = (
    RowRetention(
        described=Described(
            "enrolment.photo_imports", "照片导入的检查结果", "what was found in archives of photographs",
            "导入结束之时", "when the import ended", ENDED,
        ),
        key=PhotoImport.id, clock=PhotoImport.ended_at, estate=PhotoImport.estate_id,
        held=lambda cover: cover.any_of(estates=PhotoImport.estate_id), act=act,
    ),
)  # fmt: skip
