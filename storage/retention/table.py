"""The table of classes as Markdown, for the documentation and for the person who answers for it."""

from collections.abc import Iterable

from storage.retention.classes import Described
from storage.retention.periods import HOURS

HEAD = (
    "| 类别 class | 内容 what | 期限 period | 起算 counts from | 依据 source | 法定最短 minimum |",
    "|---|---|---|---|---|---|",
)


def markdown(classes: Iterable[Described]) -> str:
    """One line for each class, in the order in which they run; periods as this release ships them."""
    return "\n".join([*HEAD, *(line(one) for one in classes)]) + "\n"


def line(one: Described) -> str:
    """A class in one line."""
    rule = one.rule
    unit = "小时 h" if rule.unit == HOURS else "天 d"
    minimum = "–" if rule.minimum is None else f"{rule.minimum} {unit}（{rule.minimum_source}）"
    return (
        f"| `{one.code}` | {one.title_zh}<br>{one.title_en} | {rule.value} {unit}<br>`{rule.key}` "
        f"| {one.counts_zh}<br>{one.counts_en} | {rule.source} | {minimum} |"
    )
