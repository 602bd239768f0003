"""One cell of a spreadsheet as the text a person meant: numbers, dates and errors as spreadsheets keep them."""

import math
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from inspection.registry.imports.headings import SECRET, Column

DATES: Final = frozenset({Column.LEASE_FROM, Column.LEASE_TO, Column.MOVED_IN, Column.MOVED_OUT})
FIRST_SERIAL, LAST_SERIAL = 18_000, 74_000  # days since 1899-12-30: 1949 to 2102
SERIAL_BEGINS: Final = date(1899, 12, 30)
LATER_BY: Final = 1462  # days, in a workbook that counts from 1904
EXACT_BELOW: Final = 10**15  # a spreadsheet keeps fifteen digits of a number


@dataclass(frozen=True, slots=True)
class Formula:
    """A cell that holds a formula, whatever it comes to."""


class NumberOf1904(float):
    """A number of a workbook that counts days from 1904, as spreadsheets of old Macintoshes did."""


@dataclass(frozen=True, slots=True)
class Failed:
    """A cell that holds an error such as #N/A."""

    shown: str


Value = str | bool | int | float | datetime | date | time | timedelta | Formula | Failed | None


def as_text(value: Value, column: Column | None) -> tuple[str, str]:
    """The cell's text, and the code of what is wrong with it or ""."""
    match value:
        case None:
            return "", ""
        case str():
            return value, ""
        case Formula():
            return "", "formula-cell"
        case Failed():
            return value.shown, "error-cell"
        case bool():
            return str(value).upper(), ""
        case int() | float():
            return number_text(value, column)
        case datetime() | date():
            return date_text(value, column)
    return str(value), "became-date"


def number_text(value: float, column: Column | None) -> tuple[str, str]:
    """A number; ID numbers have lost digits by being one, so they become what the checker refuses."""
    if column in SECRET:
        return f"{float(value):.5E}", ""
    if not math.isfinite(value):
        return "", "error-cell"
    if abs(value) >= EXACT_BELOW:
        return f"{float(value):.5E}", "number-rounded"
    if value != int(value):
        return repr(value), ""
    serial = int(value) + (LATER_BY if isinstance(value, NumberOf1904) else 0)
    if column in DATES and FIRST_SERIAL <= serial <= LAST_SERIAL:
        return (SERIAL_BEGINS + timedelta(days=serial)).isoformat(), ""
    return str(int(value)), ""


def date_text(value: date, column: Column | None) -> tuple[str, str]:
    """A date; outside the columns of dates it is what a spreadsheet made of "3-1"."""
    text = value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    return text, "" if column in DATES or column is None else "became-date"
