"""How long the log says what tells of a person. The rows and the chain stay for good."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.audit.models import AuditEntry, AuditPayload
from storage.audit.service import ERASED, erase_payloads_of
from storage.retention.classes import Described, Removed, RowRetention, Tools
from storage.rules.values import RuleDefault

THREE_YEARS = 1096  # with a leap year in them
LAW = "人脸识别技术应用安全管理办法 9、个人信息保护法 56、网络数据安全管理条例 12：处理记录保存不少于三年"
PAYLOADS = RuleDefault(
    "retention.audit_payload_days",
    2558,
    "calendar_day",
    "与认定违规的案件同期，使查看与处理的理由在此期间可以核查；个人信息保护法 19，须由法律顾问确认",
    THREE_YEARS,
    LAW,
)
RULES = (PAYLOADS,)

_AT = select(AuditEntry.at).where(AuditEntry.id == AuditPayload.entry_id).scalar_subquery()
_ESTATE = select(AuditEntry.estate_id).where(AuditEntry.id == AuditPayload.entry_id).scalar_subquery()
_ACTION = select(AuditEntry.action).where(AuditEntry.id == AuditPayload.entry_id).scalar_subquery()


async def erase(session: AsyncSession, ids: Sequence[uuid.UUID], tools: Tools, now: datetime) -> Removed:
    """Salt and payload go; verification counts them by the entry that says how many went."""
    del tools
    return Removed(ids=ids, rows=await erase_payloads_of(session, entry_ids=ids, now=now))


# One period for the whole log: many of its rows belong to no estate.
CLASSES: tuple[RowRetention, ...] = (
    RowRetention(
        described=Described(
            "audit.payloads", "审计记录中的理由与个人内容", "reasons and personal content of the audit log",
            "记录之时；链和记录本身保留", "when it was recorded; the rows and the chain stay", PAYLOADS,
        ),
        key=AuditPayload.entry_id, clock=_AT, where=lambda _: _ACTION != ERASED,
        held=lambda cover: cover.any_of(estates=_ESTATE, people=AuditPayload.subject_id), act=erase, locks=False,
    ),
)  # fmt: skip
