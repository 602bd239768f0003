"""How long lists of terminals, and what people said about them, are kept."""

from sqlalchemy import ColumnElement

from gate_integration.terminal_people.models import EntryState, TerminalEntry, TerminalList
from storage.holds.reach import Cover
from storage.retention.classes import Described, RowRetention
from storage.rules.values import RuleDefault

OURS = "内部管理参数：处理目的实现后不再需要（个人信息保护法 19、47），须由法律顾问确认"
CLOSED = RuleDefault("retention.terminal_closed_days", 30, "calendar_day", OURS)
OPEN = RuleDefault("retention.terminal_open_days", 90, "calendar_day", OURS)
LISTS = RuleDefault("retention.terminal_list_days", 365, "calendar_day", OURS)
RULES = (CLOSED, OPEN, LISTS)
UNDECIDED = (EntryState.OPEN, EntryState.NOTED)


def held(cover: Cover) -> ColumnElement[bool]:
    """An entry of a held estate, device or person."""
    return cover.any_of(
        estates=TerminalEntry.estate_id, devices=TerminalEntry.device_id, people=TerminalEntry.person_id
    )


CLASSES: tuple[RowRetention, ...] = (
    RowRetention(
        described=Described(
            "access.terminal_closed", "设备名单中已消失的条目", "entries that are gone from a terminal",
            "经人确认消失之时", "when a person confirmed it", CLOSED,
        ),
        key=TerminalEntry.id, clock=TerminalEntry.closed_at, estate=TerminalEntry.estate_id, held=held,
    ),
    RowRetention(
        described=Described(
            "access.terminal_open", "未对应到登记人员的设备条目", "entries of a terminal that mean nobody so far",
            "最近一次出现在名单之时", "when a list last had it", OPEN,
        ),
        key=TerminalEntry.id, clock=TerminalEntry.last_listed_at, estate=TerminalEntry.estate_id, held=held,
        where=lambda _: TerminalEntry.state.in_(UNDECIDED),
    ),
    RowRetention(
        described=Described(
            "access.terminal_lists", "设备名单的接收记录（不含人员）", "that lists were received, without contents",
            "接收之时", "when it was received", LISTS,
        ),
        key=TerminalList.id, clock=TerminalList.created_at, estate=TerminalList.estate_id,
        held=lambda cover: cover.any_of(estates=TerminalList.estate_id, devices=TerminalList.device_id),
    ),
)  # fmt: skip
