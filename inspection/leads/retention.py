"""How long leads that became nothing are kept."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ARRAY, ColumnElement, Text, and_, exists, false, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.leads.models import Lead, LeadStatus
from storage.holds.reach import Cover
from storage.retention.classes import Described, Removed, RowRetention, Tools
from storage.retention.ground import destroy_objects
from storage.rules.values import RuleDefault

NOTHING = RuleDefault(
    "retention.unfounded_lead_days", 365, "calendar_day",
    "行诉解释 64：起诉期限自知道内容起最长一年，期间须能说明作过何种处理；"
    "此后无保存必要（个人信息保护法 19、47），须由法律顾问确认",
)  # fmt: skip
RULES = (NOTHING,)
DESTROYED = "destroyed_at"
GONE_ZH, GONE_EN = "（已按保存期限删除）", "(deleted at the end of its retention period)"


def shows_held(cover: Cover) -> ColumnElement[bool]:
    """The frozen evidence of a lead shows a picture that is held. Never NULL."""
    if not cover.objects:
        return false()
    held = literal([str(one) for one in sorted(cover.objects)], ARRAY(Text()))
    return func.coalesce(Lead.evidence["pictures_kept"].has_any(held), false())


async def pictures_of(session: AsyncSession, lead_ids: Sequence[uuid.UUID]) -> list[uuid.UUID]:
    """Pictures that the frozen evidence of these leads keeps, and that of no other lead."""
    kept: set[str] = set()
    for evidence in await session.scalars(
        select(Lead.evidence).where(Lead.id.in_(lead_ids), Lead.evidence.is_not(None))
    ):
        kept.update((evidence or {}).get("pictures_kept", ()))
    return [
        uuid.UUID(one)
        for one in sorted(kept)
        if not await session.scalar(
            select(exists().where(Lead.id.not_in(lead_ids), Lead.evidence["pictures_kept"].contains([one])))
        )
    ]


async def empty(session: AsyncSession, ids: Sequence[uuid.UUID], tools: Tools, now: datetime) -> Removed:
    """Destroys the frozen evidence, its pictures and every word of a lead.

    What stays says that there was one, of which rule, and how a person decided: the precision of rules is counted
    from that. A picture that another lead keeps too stays with that one.
    """
    count, size = await destroy_objects(session, await pictures_of(session, ids), tools, now)
    await session.execute(
        update(Lead)
        .where(Lead.id.in_(ids))
        .values(
            evidence={DESTROYED: now.isoformat()}, summary_zh=GONE_ZH, summary_en=GONE_EN, decision_reason=None,
            discrepancy_ids=[],
        )
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return Removed(ids=ids, rows=len(ids), objects=count, bytes=size)


CLASSES: tuple[RowRetention, ...] = (
    RowRetention(
        described=Described(
            "leads.unfounded", "未成案的线索及其证据副本", "leads that became nothing, with their evidence",
            "不予受理或撤回之时；规则与结论留作统计",
            "when dismissed or withdrawn; rule and outcome stay to be counted",
            NOTHING,
        ),
        key=Lead.id, clock=func.coalesce(Lead.decided_at, Lead.created_at), estate=Lead.estate_id,
        where=lambda _: and_(
            Lead.status.in_((LeadStatus.DISMISSED, LeadStatus.WITHDRAWN)),
            or_(Lead.evidence.is_(None), ~Lead.evidence.has_key(DESTROYED)),
        ),
        held=lambda cover: or_(
            cover.any_of(estates=Lead.estate_id, households=Lead.household_id, units=Lead.unit_id), shows_held(cover)
        ),
        act=empty,
    ),
)  # fmt: skip
