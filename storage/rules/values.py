"""Parameters as they are published and as they are in force."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from storage.problems import Invalid


class BelowMinimum(Invalid):
    """A period shorter than the law allows was to be published."""

    code = "below-legal-minimum"
    title_zh = "保存期限短于法律规定的最短期限"
    title_en = "The period is shorter than the law allows"


@dataclass(frozen=True, slots=True)
class RuleDefault:
    """A parameter as it is published: key, value, unit and source; `minimum` is the law's, with its own source."""

    key: str
    value: Any
    unit: str
    source: str
    minimum: int | None = None
    minimum_source: str = ""


@dataclass(frozen=True, slots=True)
class Rules:
    """The parameters in force somewhere on some day, and the versions they come from."""

    values: Mapping[str, Any]
    version: str


def check_minimums(values: Collection[RuleDefault]) -> None:
    """Raises `BelowMinimum`, naming key, value, minimum and source, for the first value below its minimum."""
    for row in values:
        if row.minimum is not None and row.value < row.minimum:
            raise BelowMinimum(
                f"{row.key} = {row.value}，最短 {row.minimum}（{row.minimum_source}）",
                f"{row.key} = {row.value}, at least {row.minimum} ({row.minimum_source})",
                key=row.key, minimum=row.minimum,
            )  # fmt: skip
