"""From bytes to rows of named cells. Whatever the bytes, the answer is a table with issues, never an exception."""

import csv
import io
import re
from dataclasses import dataclass, field
from typing import Final

from inspection.registry.imports.headings import ADDRESS, REQUIRED, Column, column_of
from inspection.registry.imports.report import Issue, issue

MOST_ROWS: Final = 50_000
CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
DELIMITERS: Final = (",", "\t", ";", "，")


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row of text; `row` counts as a spreadsheet does. Columns the file lacks are not in `cells`."""

    row: int
    cells: dict[Column, str]


@dataclass(slots=True)
class Table:
    """The file as text: its encoding, its rows, and what was wrong with its form."""

    encoding: str = ""
    columns: tuple[Column | None, ...] = ()
    rows: list[RawRow] = field(default_factory=list)
    issues: list[Issue] = field(default_factory=list)


def decode(content: bytes) -> tuple[str, str] | None:
    """The text and its encoding: UTF-8, with or without byte order mark, or GB18030; None when it is neither."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None
    for encoding in ("utf-8", "gb18030"):
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return text.removeprefix("\ufeff"), encoding
    return None


def read(content: bytes) -> Table:
    """Reads a file. A table without rows has an issue that says why."""
    decoded = decode(content)
    if decoded is None:
        return Table(issues=[issue("unknown-encoding", 0)])
    text, encoding = decoded
    table = Table(encoding=encoding)
    if not text.strip():
        table.issues.append(issue("empty-file", 0))
        return table
    first = text.lstrip().split("\n", 1)[0]
    records = csv.reader(io.StringIO(text, newline=""), delimiter=max(DELIMITERS, key=first.count))
    number = 0
    try:
        for number, cells in enumerate(records, start=1):
            if not any(cell.strip() for cell in cells):
                continue
            if not table.columns:
                read_headings(table, number, cells)
            elif len(table.rows) >= MOST_ROWS:
                table.issues.append(issue("too-many-rows", number))
                break
            else:
                read_row(table, number, cells)
    except csv.Error:
        table.issues.append(issue("bad-csv", number + 1))
    if not table.rows and not table.issues:
        table.issues.append(issue("no-rows", 0))
    return table


def read_headings(table: Table, number: int, cells: list[str]) -> None:
    """Takes the first row that is not blank as the headings."""
    table.columns = tuple(column_of(cell) for cell in cells)
    for column, cell in zip(table.columns, cells, strict=True):
        if column is None and cell.strip():
            table.issues.append(issue("unknown-heading", number, value=cell))
        elif column is not None and table.columns.count(column) > 1:
            table.issues.append(issue("duplicate-heading", number, column))
    missing = [column for column in REQUIRED if column not in table.columns]
    if Column.UNIT_CODE not in table.columns and not all(column in table.columns for column in ADDRESS):
        missing.append(Column.UNIT_CODE)
    table.issues.extend(issue("missing-heading", number, column) for column in missing)


def read_row(table: Table, number: int, cells: list[str]) -> None:
    """Names the cells of a row; a missing one is blank."""
    if any(cell.strip() for cell in cells[len(table.columns) :]):
        table.issues.append(issue("too-many-cells", number))
    padded = cells + [""] * (len(table.columns) - len(cells))
    named: dict[Column, str] = {}
    for column, cell in zip(table.columns, padded, strict=False):
        if column is None:
            continue
        if CONTROL.search(cell):
            table.issues.append(issue("bad-characters", number, column, cell))
        named[column] = CONTROL.sub("", cell).strip().removeprefix("'").strip()
    table.rows.append(RawRow(number, named))
