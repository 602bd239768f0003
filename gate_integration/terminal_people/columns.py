"""Which headings of a terminal's export mean what, and its rows as entries: values in, values out."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from gate_integration.sheets.reader import NoHeadings, Row, plain, read_sheet
from inspection.registry.imports.values import words

MOST_ROWS: Final = 30_000
LONGEST_NUMBER: Final = 64
LONGEST: Final = 200


class Field(StrEnum):
    """What a terminal says of a person."""

    NUMBER = "number"
    NAME = "name"
    CARD = "card"
    DEPARTMENT = "department"
    ROOM = "room"
    FACE = "face"


# Headings as vendors' programs export them, and the words of estates.
ALIASES: Final[dict[Field, tuple[str, ...]]] = {
    Field.NUMBER: (
        "编号", "人员编号", "工号", "用户编号", "用户id", "人员id", "员工编号", "employeeno", "userid", "pin",
        "personid", "number", "id",
    ),
    Field.NAME: ("姓名", "人员姓名", "名称", "用户名", "name", "personname", "username"),
    Field.CARD: ("卡号", "门禁卡号", "ic卡号", "card", "cardno", "cardnumber"),
    Field.DEPARTMENT: ("部门", "组织", "所属组织", "所属部门", "分组", "department", "organization", "group"),
    Field.ROOM: ("房号", "房间号", "房间", "门牌号", "住址", "地址", "room", "roomno", "address"),
    Field.FACE: ("人脸", "人脸数", "人脸照片", "是否有人脸", "face", "faces", "facecount", "numofface"),
}  # fmt: skip
BY_NAME: Final = {plain(name): field for field, names in ALIASES.items() for name in names}
NO_FACE: Final = frozenset({"否", "无", "no", "n", "false", "0", "未录入", "未采集"})
NO_CARD: Final = frozenset({"0", "无", "null", "none", "-"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One person as a terminal has them; the form in which adapters hand them over too. `face`: None = not said."""

    number: str
    name: str = ""
    card: str = ""
    department: str = ""
    room: str = ""
    face: bool | None = None


@dataclass(frozen=True, slots=True)
class Export:
    """What an export says. `skipped`: rows without a usable number, or whose number stood before."""

    columns: dict[Field, str]
    entries: list[Entry]
    skipped: int


def guess(headings: Iterable[str]) -> dict[Field, str]:
    """Fields by the headings that vendors use; the first heading of a field counts."""
    found: dict[Field, str] = {}
    for heading in headings:
        field = BY_NAME.get(heading)
        if field is not None:
            found.setdefault(field, heading)
    return found


def read_export(content: bytes, columns: Mapping[Field, str] | None) -> Export:
    """Reads an export by the columns kept for the device, else by guess.

    Raises `Unreadable`, and `NoHeadings` where the number's column is not there.
    """
    kept = {field: plain(heading) for field, heading in (columns or {}).items()}

    def meant(headings: Sequence[str]) -> dict[Field, str]:
        if kept:
            return {field: heading for field, heading in kept.items() if heading in headings}
        return guess(headings)

    def fits(headings: Sequence[str]) -> bool:
        found = meant(headings)
        return Field.NUMBER in found and len(found) >= min(2, len(kept) or 2)

    sheet = read_sheet(content, fits=fits, most_rows=MOST_ROWS)
    found = meant(sheet.headings)
    entries: dict[str, Entry] = {}
    for row in sheet.rows:
        entry = entry_of(row, found)
        if entry is not None:
            entries.setdefault(entry.number, entry)
    return Export(found, list(entries.values()), len(sheet.rows) - len(entries))


def entry_of(row: Row, columns: Mapping[Field, str]) -> Entry | None:
    """A row as an entry; None without a number that is one. Leading zeros count."""

    def cell(field: Field) -> str:
        return words(unicodedata.normalize("NFKC", row.cells.get(columns.get(field, ""), "")))[:LONGEST]

    number = cell(Field.NUMBER)
    spoiled = any(heading == columns[Field.NUMBER] for heading, _ in row.faults)
    if not number or len(number) > LONGEST_NUMBER or spoiled:
        return None
    card, face = cell(Field.CARD), cell(Field.FACE).lower()
    return Entry(
        number=number, name=cell(Field.NAME), card="" if card.lower() in NO_CARD else card,
        department=cell(Field.DEPARTMENT), room=cell(Field.ROOM),
        face=None if Field.FACE not in columns else bool(face) and face not in NO_FACE,
    )  # fmt: skip


__all__ = ["Entry", "Export", "Field", "NoHeadings", "entry_of", "guess", "read_export"]
