"""How long sessions are kept: they are the log of who signed in."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.users.models import RefreshFamily, RefreshToken
from storage.retention.classes import Described, Removed, RowRetention, Tools
from storage.rules.values import RuleDefault

SIX_MONTHS = 184  # the longest six months of a year
LOGS_LAW = "网络安全法（2025修正）第二十三条：网络日志留存不少于六个月"
SESSIONS = RuleDefault("retention.session_days", SIX_MONTHS, "calendar_day", LOGS_LAW, SIX_MONTHS, LOGS_LAW)
RULES = (SESSIONS,)


async def delete_families(session: AsyncSession, ids: Sequence[uuid.UUID], tools: Tools, now: datetime) -> Removed:
    """A session with all its refresh tokens."""
    del tools, now
    rows = 0
    for statement in (
        delete(RefreshToken).where(RefreshToken.family_id.in_(ids)).returning(RefreshToken.id),
        delete(RefreshFamily).where(RefreshFamily.id.in_(ids)).returning(RefreshFamily.id),
    ):
        rows += len((await session.scalars(statement.execution_options(synchronize_session=False))).all())
    return Removed(ids=ids, rows=rows)


CLASSES: tuple[RowRetention, ...] = (
    RowRetention(
        described=Described(
            "sessions", "登录会话与刷新令牌", "sessions and refresh tokens",
            "会话结束或到期之时", "when the session ended or expired", SESSIONS,
        ),
        key=RefreshFamily.id, clock=func.least(RefreshFamily.ended_at, RefreshFamily.expires_at),
        act=delete_families,
    ),
)  # fmt: skip
