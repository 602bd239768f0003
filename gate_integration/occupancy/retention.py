"""How long cleared discrepancies are kept."""

from sqlalchemy import exists

from gate_integration.occupancy.models import Discrepancy
from inspection.leads.models import Lead, LeadStatus
from storage.retention.classes import Described, RowRetention
from storage.rules.values import RuleDefault

CLEARED = RuleDefault(
    "retention.cleared_discrepancy_days", 365, "calendar_day",
    "行诉解释 64：起诉期限自知道内容起最长一年，期间须能说明系统提示过什么；须由法律顾问确认",
)  # fmt: skip
RULES = (CLEARED,)


CLASSES: tuple[RowRetention, ...] = (
    RowRetention(
        described=Described(
            "discrepancies", "已消除的疑点", "cleared discrepancies",
            "消除之时；该户有未办结线索的除外", "when it cleared, unless the household has an open lead", CLEARED,
        ),
        key=Discrepancy.id, clock=Discrepancy.cleared_at, estate=Discrepancy.estate_id,
        where=lambda _: ~exists().where(
            Lead.household_id == Discrepancy.household_id, Lead.status.in_((LeadStatus.NEW, LeadStatus.ACCEPTED))
        ),
        held=lambda cover: cover.any_of(
            estates=Discrepancy.estate_id, households=Discrepancy.household_id, units=Discrepancy.unit_id
        ),
    ),
)  # fmt: skip
