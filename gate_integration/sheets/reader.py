"""A CSV or XLSX file as rows of text under its own headings. Whatever the bytes: rows, or `Unreadable`."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from inspection.registry.imports.cells import as_text
from inspection.registry.imports.reader import (
    CONTROL,
    DELIMITERS,
    MOST_BLANK_ROWS,
    Record,
    decode,
    is_blank,
    peek,
    text_records,
    texts,
)
from inspection.registry.imports.workbook import Unreadable, Workbook, is_workbook

MOST_COLUMNS: Final = 200


class NoHeadings(Unreadable):
    """No row looks like the headings asked for; `found` is the first row there is."""

    def __init__(self, found: tuple[str, ...]) -> None:
        super().__init__("no-headings" if found else "empty-file")
        self.found = found


@dataclass(frozen=True, slots=True)
class Row:
    """A row below the headings; `number` counts as a spreadsheet does. `faults`: (heading, code) of bad cells."""

    number: int
    cells: dict[str, str]
    faults: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """The headings in their plain form (see `plain`) and the rows below them."""

    headings: tuple[str, ...]
    rows: list[Row]


def plain(heading: str) -> str:
    """A heading as it is compared: plain width, no blanks, no star, no remark in brackets, small letters."""
    return "".join(unicodedata.normalize("NFKC", heading).split()).strip("*").split("(", 1)[0].lower()


def read_sheet(content: bytes, *, fits: Callable[[Sequence[str]], bool], most_rows: int) -> Sheet:
    """Opens a file by its content and takes the first row whose headings `fits` accepts.

    Raises `Unreadable` with the code and row of what is wrong, `NoHeadings` with what was found instead.
    """
    found: tuple[str, ...] = ()
    for records in sources(content):
        first = peek(records)
        for position, (_, cells) in enumerate(first):
            headings = tuple(plain(text) for text in texts(cells[:MOST_COLUMNS]))
            if fits(headings):
                return Sheet(headings, take(headings, chain(first[position + 1 :], records), most_rows))
        if first and not found:
            found = tuple(text for text in texts(first[0][1][:MOST_COLUMNS]) if text)
    raise NoHeadings(found)


def sources(content: bytes) -> Iterator[Iterator[Record]]:
    """The tables of a file: the visible sheets of a workbook, or the one text."""
    if is_workbook(content):
        book = Workbook(content)
        for name in book.visible():
            yield book.rows(name)
        return
    decoded = decode(content)
    if decoded is None:
        raise Unreadable("unknown-encoding")
    lines = [line for line in decoded[0].splitlines() if line.strip()]
    if lines:
        # The headings have the most cells of the first lines: titles above them have one.
        delimiter = max(DELIMITERS, key=lambda mark: max(line.count(mark) for line in lines[:30]))
        yield text_records(decoded[0], delimiter)


def take(headings: tuple[str, ...], records: Iterator[Record], most_rows: int) -> list[Row]:
    """The rows that are not blank."""
    rows: list[Row] = []
    last = 0
    for number, cells in records:
        if is_blank(cells):
            if last and number - last > MOST_BLANK_ROWS:
                raise Unreadable("too-many-blank-rows", last + 1)
            continue
        last = number
        if len(rows) >= most_rows:
            raise Unreadable("too-many-rows", number)
        named: dict[str, str] = {}
        faults: list[tuple[str, str]] = []
        for heading, cell in zip(headings, cells, strict=False):
            text, code = as_text(cell, None)
            if not code and CONTROL.search(text):
                code = "bad-characters"
            if heading:
                named.setdefault(heading, CONTROL.sub("", text).strip())
                if code:
                    faults.append((heading, code))
        rows.append(Row(number, named, tuple(faults)))
    return rows
