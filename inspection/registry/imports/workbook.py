"""An XLSX file as rows of values, read as a stream. Nothing in it is executed and no link is followed.

Limits come first: what the archive unpacks to is known before anything of it is unpacked.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from openpyxl import load_workbook
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from inspection.registry.imports.cells import Failed, Formula, NumberOf1904, Value

MOST_UNPACKED: Final = 400 * 1024 * 1024  # all parts together
MOST_RATIO: Final = 200  # of a part above SMALL_PART; registers come to about 20
SMALL_PART: Final = 1024 * 1024
MOST_PARTS: Final = 2000
ZIP: Final = (b"PK\x03\x04", b"PK\x05\x06")
OLE: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ENCRYPTED_STREAM: Final = "EncryptedPackage".encode("utf-16-le")
PIECE: Final = 1 << 20
LONGEST_TAG: Final = 400
ROW_TAG: Final = re.compile(rb"<(?:\w+:)?row\b[^>]*>")
ROW_NUMBER: Final = re.compile(rb'\br="(\d+)"')
HIDDEN: Final = re.compile(rb'\bhidden="(?:1|true)"')
MERGED: Final = re.compile(rb'<(?:\w+:)?mergeCell\b[^>]*ref="([A-Z]+)(\d+):([A-Z]+)(\d+)"')


class Unreadable(Exception):
    """The file cannot be read, from `row` on (0: at all); `code` says why."""

    def __init__(self, code: str, row: int = 0) -> None:
        super().__init__(code)
        self.code = code
        self.row = row


@dataclass(frozen=True, slots=True)
class Marks:
    """What a stream of rows does not tell: how many there are, which are hidden, which cells are merged."""

    rows: int
    hidden: tuple[int, ...]
    merged: tuple[tuple[int, int, str], ...]  # first row, last row, range


def is_workbook(content: bytes) -> bool:
    """Whether the bytes are a spreadsheet program's file rather than text."""
    return content.startswith((*ZIP, OLE))


def open_archive(content: bytes) -> zipfile.ZipFile:
    """The archive within its limits. Raises `Unreadable`."""
    if content.startswith(OLE):
        raise Unreadable("encrypted-file" if ENCRYPTED_STREAM in content else "old-xls")
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
        parts = archive.infolist()
    except Exception:  # noqa: BLE001 - a broken archive raises whatever it likes
        raise Unreadable("bad-xlsx") from None
    if any(part.flag_bits & 1 for part in parts):
        raise Unreadable("encrypted-file")
    too_dense = any(
        part.file_size > SMALL_PART and part.file_size > MOST_RATIO * max(part.compress_size, 1) for part in parts
    )
    if len(parts) > MOST_PARTS or too_dense or sum(part.file_size for part in parts) > MOST_UNPACKED:
        raise Unreadable("zip-bomb")
    names = {part.filename for part in parts}
    if any(name.endswith("vbaProject.bin") for name in names):
        raise Unreadable("macro-file")
    if "xl/workbook.xml" not in names:
        raise Unreadable("bad-xlsx")
    return archive


class Workbook:
    """An opened file. Sheets that are hidden are read when they are named, not looked for."""

    def __init__(self, content: bytes) -> None:
        self.archive = open_archive(content)
        try:
            self.book = load_workbook(io.BytesIO(content), read_only=True, keep_links=False)
        except Exception:  # noqa: BLE001 - the library raises whatever a broken part leads to
            raise Unreadable("bad-xlsx") from None
        self.sheets: dict[str, Any] = {sheet.title: sheet for sheet in self.book.worksheets}

    def visible(self) -> list[str]:
        """The names of the sheets one sees."""
        return [name for name, sheet in self.sheets.items() if sheet.sheet_state == "visible"]

    def rows(self, name: str) -> Iterator[tuple[int, list[Value]]]:
        """The rows of a sheet that are there, numbered as one sees them. Raises `Unreadable`."""
        sheet = self.sheets[name]
        sheet.reset_dimensions()  # programs write what they like there
        number = 0
        try:
            for number, cells in enumerate(sheet.iter_rows(), start=1):
                yield number, [self.counted(value_of(cell)) for cell in cells]
        except Exception:  # noqa: BLE001 - as above
            raise Unreadable("bad-xlsx", number + 1) from None

    def counted(self, value: Value) -> Value:
        """A number that may be a day says from when its days are counted."""
        if self.book.epoch == CALENDAR_MAC_1904 and isinstance(value, int | float) and not isinstance(value, bool):
            return NumberOf1904(value)
        return value

    def marks(self, name: str) -> Marks:
        """Looks through a sheet's text once. Raises `Unreadable`."""
        path = self.sheets[name]._worksheet_path  # noqa: SLF001 - the stream of rows leaves these marks out
        rows, hidden, merged = 0, [], []
        try:
            with self.archive.open(path.removeprefix("/")) as part:
                rest = b""
                while piece := part.read(PIECE):
                    text = rest + piece
                    # A tag that is cut in two is found with the next piece, and only there.
                    cut = text.rfind(b"<")
                    keep = cut if len(text) - cut < LONGEST_TAG else len(text)
                    text, rest = text[:keep], text[keep:]
                    for tag in ROW_TAG.findall(text):
                        rows += 1
                        if HIDDEN.search(tag) and (number := ROW_NUMBER.search(tag)):
                            hidden.append(int(number[1]))
                    merged += [
                        (int(a), int(b), f"{first.decode()}{a.decode()}:{last.decode()}{b.decode()}")
                        for first, a, last, b in MERGED.findall(text)
                    ]
        except Exception:  # noqa: BLE001 - as above
            raise Unreadable("bad-xlsx") from None
        return Marks(rows, tuple(hidden), tuple(merged))


def value_of(cell: Any) -> Value:  # noqa: ANN401 - the library's cell, without a type of its own
    """What a cell holds."""
    if cell.data_type == "f":
        return Formula()
    if cell.data_type == "e":
        return Failed(str(cell.value))
    value: Value = cell.value
    return value
