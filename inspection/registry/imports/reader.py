"""From bytes to rows of named cells, as a stream. Whatever the bytes, what comes out is a table with issues."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Final

from inspection.registry.imports.cells import Value, as_text
from inspection.registry.imports.headings import ADDRESS, REQUIRED, Column, column_of
from inspection.registry.imports.report import Issue, issue
from inspection.registry.imports.workbook import Unreadable, Workbook, is_workbook

MOST_ROWS: Final = 120_000
MOST_BLANK_ROWS: Final = 20_000  # in a row: a sheet formatted to its end
LOOK_FOR_HEADINGS: Final = 30  # rows that are not blank: titles and remarks stand above the headings
CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")
DELIMITERS: Final = (",", "\t", ";", "，")
Record = tuple[int, Sequence[Value]]


@dataclass(frozen=True, slots=True)
class RawRow:
    """One row of text; `row` counts as a spreadsheet does. Columns the file lacks are not in `cells`."""

    row: int
    cells: dict[Column, str]


@dataclass(slots=True)
class Table:
    """The file as text. `rows` is read once; `issues` and `count` are complete when it has been.

    `encoding`: of a text file; `xlsx/` and the sheet's name of a workbook. `expected`: about how many rows there are.
    """

    encoding: str = ""
    expected: int = 0
    columns: tuple[Column | None, ...] = ()
    heading_row: int = 0
    count: int = 0
    rows: Iterator[RawRow] = field(default_factory=lambda: iter(()))
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


def read(content: bytes, *, sheet: str = "") -> Table:
    """Opens a file: a workbook by its content, else text. `sheet` names a sheet of a workbook."""
    table = Table()
    try:
        if is_workbook(content):
            open_workbook(table, content, sheet)
        else:
            open_text(table, content)
    except Unreadable as error:
        table.issues.append(issue(error.code, error.row))
    return table


def open_text(table: Table, content: bytes) -> None:
    """Takes the file as comma-separated text. Raises `Unreadable`."""
    decoded = decode(content)
    if decoded is None:
        raise Unreadable("unknown-encoding")
    text, table.encoding = decoded
    if not text.strip():
        raise Unreadable("empty-file")
    table.expected = text.count("\n")
    first = next(line for line in text.splitlines() if line.strip())
    delimiter = max(DELIMITERS, key=first.count)
    begin(table, text_records(text, delimiter))


def text_records(text: str, delimiter: str) -> Iterator[Record]:
    """The records of a text; an apostrophe that keeps a spreadsheet from calculating is no part of the cell."""
    records = enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter), start=1)
    number = 0
    try:
        for number, cells in records:
            yield number, [cell.strip().removeprefix("'") for cell in cells]
    except csv.Error:
        raise Unreadable("bad-csv", number + 1) from None


def open_workbook(table: Table, content: bytes, sheet: str) -> None:
    """Takes the sheet named, or the first one that has the headings. Raises `Unreadable`."""
    book = Workbook(content)
    if sheet and sheet not in book.sheets:
        raise Unreadable("unknown-sheet")
    best, most = "", -1
    for name in [sheet] if sheet else book.visible():
        found = heading_of(peek(book.rows(name)))
        if found is not None and found[1] > most:
            best, most = name, found[1]
        if most >= len(Column):  # complete: no need to look at the other sheets
            break
    if not best:
        raise Unreadable("no-headings" if any(peek(book.rows(n)) for n in book.visible()) else "empty-file")
    table.encoding = f"xlsx/{best}"
    marks = book.marks(best)
    table.expected = marks.rows
    begin(table, book.rows(best))
    below = [row for row in marks.hidden if row > table.heading_row]
    if below:
        table.issues.append(issue("hidden-rows", below[0], value=str(len(below))))
    table.issues += [
        issue("merged-cells", first, value=named) for first, last, named in marks.merged if last > table.heading_row
    ]


def texts(cells: Sequence[Value]) -> list[str]:
    """Cells as headings have them."""
    return [as_text(cell, None)[0].strip() for cell in cells]


def is_blank(cells: Sequence[Value]) -> bool:
    """Whether nothing stands in a row."""
    return all(cell is None or (isinstance(cell, str) and not cell.strip()) for cell in cells)


def peek(records: Iterator[Record]) -> list[Record]:
    """The first rows that are not blank, of those not too far down."""
    found: list[Record] = []
    for number, cells in records:
        if not is_blank(cells):
            found.append((number, cells))
        if len(found) == LOOK_FOR_HEADINGS or number > MOST_BLANK_ROWS:
            break
    return found


def heading_of(first: list[Record]) -> tuple[int, int] | None:
    """Which of the first rows holds the headings, and how good it is; None when none looks like it.

    A row with everything needed is taken at once, else the one with most known headings, two at least.
    """
    best: tuple[int, int] | None = None
    for position, (_, cells) in enumerate(first):
        known = {column_of(text) for text in texts(cells)} - {None}
        if known.issuperset(REQUIRED):
            return position, len(Column)
        if len(known) >= 2 and (best is None or len(known) > best[1]):
            best = (position, len(known))
    return best


def begin(table: Table, records: Iterator[Record]) -> None:
    """Finds the headings and leaves the rows below them to be read. Raises `Unreadable`."""
    first = peek(records)
    found = heading_of(first)
    if found is None:
        raise Unreadable("no-headings" if first else "empty-file")
    number, cells = first[found[0]]
    read_headings(table, number, texts(cells))
    if not any(i.code == "missing-heading" for i in table.issues):  # else every row would repeat it
        table.rows = rows(table, chain(first[found[0] + 1 :], records))


def read_headings(table: Table, number: int, cells: list[str]) -> None:
    """Takes a row as the headings."""
    table.heading_row = number
    table.columns = tuple(column_of(cell) for cell in cells)
    for column, cell in zip(table.columns, cells, strict=True):
        if column is None and cell:
            table.issues.append(issue("unknown-heading", number, value=cell))
        elif column is not None and table.columns.count(column) > 1:
            table.issues.append(issue("duplicate-heading", number, column))
    missing = [column for column in REQUIRED if column not in table.columns]
    if Column.UNIT_CODE not in table.columns and not all(column in table.columns for column in ADDRESS):
        missing.append(Column.UNIT_CODE)
    table.issues.extend(issue("missing-heading", number, column) for column in missing)


def rows(table: Table, records: Iterator[Record]) -> Iterator[RawRow]:
    """The rows below the headings; what is wrong with the file's form goes to `table.issues`."""
    last = table.heading_row
    try:
        for number, cells in records:
            if is_blank(cells):
                if number - last > MOST_BLANK_ROWS:
                    table.issues.append(issue("too-many-blank-rows", last + 1))
                    return
                continue
            last = number
            if table.count >= MOST_ROWS:
                table.issues.append(issue("too-many-rows", number))
                return
            table.count += 1
            yield read_row(table, number, cells)
    except Unreadable as error:
        table.issues.append(issue(error.code, error.row))
    if not table.count and not any(i.code in {"bad-csv", "bad-xlsx"} for i in table.issues):
        table.issues.append(issue("no-rows", 0))


def read_row(table: Table, number: int, cells: Sequence[Value]) -> RawRow:
    """Names the cells of a row; a missing one is blank."""
    if not is_blank(cells[len(table.columns) :]):
        table.issues.append(issue("too-many-cells", number))
    padded = [*cells, *[None] * (len(table.columns) - len(cells))]
    named: dict[Column, str] = {}
    for column, cell in zip(table.columns, padded, strict=False):
        if column is None:
            continue
        text, code = as_text(cell, column)
        if not code and CONTROL.search(text):
            code = "bad-characters"
        if code:
            table.issues.append(issue(code, number, column, text))
        named[column] = CONTROL.sub("", text).strip()
    return RawRow(number, named)
