"""问题（整改）清单: its columns, its cells as text, its totals. Pure.

The columns follow what such lists ask for in practice: every item with its problem, its responsible unit and person,
its deadline and what became of it. The public one has counts and kinds, and nothing that leads to a household.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from inspection.documents.vocabulary import Audience
from inspection.documents.wording import broken, clean, day, flat

Cell = str | date | int | None
TITLE: Final = "公共租赁住房问题（整改）清单"


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A substantiated problem. `settled`: put right and checked; `ended_on`: when its case ended in whatever way."""

    case_number: str
    estate: str
    address: str
    tenants: Sequence[str]
    source: str
    violation: str
    found: str
    found_on: date
    document: str | None
    due_on: date | None
    state: str
    settled: bool
    overdue: bool
    ended_on: date | None
    unit: str | None
    responsible: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column: heading, width in characters of a sheet, share of a page, whether the public list has it."""

    heading: str
    width: int
    share: float
    public: bool


COLUMNS: Final = (
    Column("序号", 6, 0.7, True),
    Column("案号", 30, 2.2, False),
    Column("小区（项目）", 20, 1.6, True),
    Column("房屋坐落", 32, 2.2, False),
    Column("承租人", 16, 1.2, False),
    Column("问题来源", 12, 1.1, False),
    Column("问题类型", 24, 1.8, True),
    Column("查实情况", 48, 3.6, False),
    Column("查实日期", 16, 1.6, True),
    Column("整改文书", 26, 1.9, False),
    Column("整改期限", 16, 1.6, True),
    Column("整改状态", 14, 1.2, True),
    Column("办结日期", 16, 1.6, True),
    Column("是否逾期", 10, 0.9, True),
    Column("责任单位", 26, 1.8, True),
    Column("责任人", 12, 1.1, False),
)


def columns(audience: Audience) -> list[Column]:
    """The columns of a list for somebody."""
    return [column for column in COLUMNS if audience is Audience.INTERNAL or column.public]


def cells(item: Item, *, position: int, audience: Audience) -> list[Cell]:
    """A row; its texts are cleaned, and never a formula: whoever writes them writes strings."""
    every: list[Cell] = [
        position, flat(item.case_number), flat(item.estate), flat(item.address),
        "、".join(flat(name) for name in item.tenants), item.source, item.violation, clean(item.found), item.found_on,
        item.document, item.due_on, item.state, item.ended_on, "是" if item.overdue else "否",
        None if item.unit is None else flat(item.unit), flat(item.responsible),
    ]  # fmt: skip
    return [cell for cell, column in zip(every, COLUMNS, strict=True) if audience is Audience.INTERNAL or column.public]


def shown(cell: Cell) -> str:
    """A cell as a page shows it."""
    if cell is None:
        return "—"
    return day(cell) if isinstance(cell, date) else broken(str(cell))


@dataclass(frozen=True, slots=True)
class Totals:
    """What a list adds up to."""

    all: int
    settled: int
    overdue: int

    @classmethod
    def of(cls, items: Sequence[Item]) -> "Totals":
        """Counted over the items."""
        return cls(len(items), sum(item.settled for item in items), sum(item.overdue for item in items))

    @property
    def rate(self) -> float:
        """整改到位率: settled of all, from 0 to 1; 0 for an empty list."""
        return self.settled / self.all if self.all else 0.0

    @property
    def words(self) -> str:
        """On one line."""
        done = f"已整改到位（销号）{self.settled}件，整改到位率{self.rate:.2%}"
        return f"合计{self.all}件，{done}，逾期{self.overdue}件。"


def page(
    items: Sequence[Item], *, audience: Audience, authority: str, scope: str, made_on: date, stamp: int
) -> dict[str, Any]:
    """The list as content for the ledger's template."""
    shape = columns(audience)
    return {
        "title": TITLE if audience is Audience.INTERNAL else f"{TITLE}（公开版）",
        "authority": authority,
        "scope": scope,
        "made": f"生成日期：{day(made_on)}",
        "note": "内部资料，注意保护个人信息。" if audience is Audience.INTERNAL else "本清单不含个人信息。",
        "headings": [column.heading for column in shape],
        "widths": [column.share for column in shape],
        "rows": [
            [shown(cell) for cell in cells(item, position=position, audience=audience)]
            for position, item in enumerate(items, start=1)
        ],
        "totals": [Totals.of(items).words],
        "stamp": stamp,
    }
