"""Workbooks as people and programs make them: what is meant is read, what is odd is refused with its reason."""

import io
import zipfile
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest

from inspection.registry.imports.cells import Failed, Formula, Value, as_text
from inspection.registry.imports.checker import Stated
from inspection.registry.imports.headings import Column
from inspection.registry.imports.models import ImportStatus
from inspection.registry.imports.reader import MOST_BLANK_ROWS, read
from inspection.registry.imports.report import CODES, Issue, Severity
from inspection.registry.imports.workbook import Unreadable, Workbook
from storage.database import Database
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.factories import make_world
from tests.registry.importing import NOW, desk_for, report_of, saved, workbook
from tests.registry.sheets import HEADINGS, adult, row, sheet

TODAY = date(2026, 3, 2)
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def look(content: bytes, **options: Any) -> tuple[Stated, list[Issue]]:
    table, stated = read(content, **options), Stated()
    for raw in table.rows:
        stated.take(raw, today=TODAY)
    return stated, [*table.issues, *stated.issues]


def codes(content: bytes, **options: Any) -> set[tuple[str, int]]:
    return {(i.code, i.row) for i in look(content, **options)[1]}


def test_a_workbook_as_it_should_be() -> None:
    stated, issues = look(saved(workbook([row(1), row(2)])))
    assert issues == []
    assert [p.name for p in stated.people.values()] == ["测试甲", "测试甲"]
    table = read(saved(workbook([row(1)])))
    assert (table.encoding, table.expected, table.heading_row) == ("xlsx/名册", 2, 1)


def test_titles_above_other_sheets_and_hidden_ones() -> None:
    book = workbook([row(1)], above=[["某区公租房住户名册"], [], ["填表人：", "测试", "联系电话"]])
    assert look(saved(book))[0].households.keys() == {"BZ00001"}
    assert read(saved(book)).heading_row == 4
    book.create_sheet("封面", 0).append(["封面"])
    book.create_sheet("半张", 1).append(["姓名", "手机号"])
    assert look(saved(book))[1] == []
    book["名册"].sheet_state = "hidden"
    assert ("missing-heading", 1) in codes(saved(book))  # the best of those one sees
    assert look(saved(book), sheet="名册")[1] == []
    assert codes(saved(book), sheet="没有") == {("unknown-sheet", 0)}
    assert codes(saved(book), sheet="封面") == {("no-headings", 0)}


@pytest.mark.asvs("v5.0.0-1.1.1")
def test_cells_as_spreadsheets_keep_them() -> None:
    typed = row(1) | {
        "手机号": 13900000001, "楼层": 3.0, "最多居住人数": 4, "房号": 101, "合同起": datetime(2025, 1, 1),  # noqa: DTZ001
        "合同止": date(2029, 12, 31), "入住日期": 45662, "户号": "  ＢＺ００００１ ", "姓名": "测试甲　",
    }  # fmt: skip
    stated, issues = look(saved(workbook([typed])))
    assert issues == []
    person = next(iter(stated.people.values()))
    assert (person.phone, person.name) == ("13900000001", "测试甲")
    assert next(iter(stated.leases.values())).valid_from == date(2025, 1, 1)
    assert stated.members[0].valid_from == date(2025, 1, 5)
    assert stated.households.keys() == {"BZ00001"}
    assert next(iter(stated.units)) == ("F00001", "1幢", "1单元", "101")


@pytest.mark.parametrize(
    ("value", "column", "expected"),
    [
        (None, Column.NAME, ("", "")),
        (True, Column.NAME, ("TRUE", "")),
        (Formula(), Column.NAME, ("", "formula-cell")),
        (Failed("#N/A"), Column.NAME, ("#N/A", "error-cell")),
        (999999199001011234, Column.ID_NUMBER, ("9.99999E+17", "")),
        (999999.0, Column.GUARDIAN, ("9.99999E+05", "")),
        (1234567890123456, Column.UNIT_CODE, ("1.23457E+15", "number-rounded")),
        (3.5, Column.FLOOR, ("3.5", "")),
        (float("nan"), Column.FLOOR, ("", "error-cell")),
        (45000, Column.MOVED_OUT, ("2023-03-15", "")),
        (20260301, Column.MOVED_OUT, ("20260301", "")),
        (date(2026, 3, 1), Column.ROOM, ("2026-03-01", "became-date")),
        (date(2026, 3, 1), None, ("2026-03-01", "")),
        (datetime(2026, 3, 1), Column.MOVED_IN, ("2026-03-01 00:00:00", "")),  # noqa: DTZ001
        (time(3, 1), Column.ROOM, ("03:01:00", "became-date")),
    ],
)
def test_single_cells(value: Value, column: Column | None, expected: tuple[str, str]) -> None:
    assert as_text(value, column) == expected


def spoiled(**cells: Any) -> bytes:
    return saved(workbook([row(1), row(2) | cells]))


@pytest.mark.parametrize(
    ("content", "code", "at"),
    [
        (spoiled(身份证号=float(row(2)["身份证号"].replace("X", "0"))), "id-rounded", 3),
        (spoiled(房号=date(2026, 3, 1)), "became-date", 3),
        (spoiled(姓名="=A1"), "formula-cell", 3),
        (spoiled(姓名="#N/A"), "error-cell", 3),
        (spoiled(房源编号=1234567890123456), "number-rounded", 3),
        (spoiled(身份证号="9999********1234"), "id-masked", 3),
        (spoiled(姓名=row(2)["身份证号"], 身份证号="测试甲"), "bad-name", 3),
        (spoiled(户号="示例-00001"), "example-row", 3),
    ],
)
def test_odd_cells(content: bytes, code: str, at: int) -> None:
    assert (code, at) in codes(content)


def test_merged_cells_and_hidden_rows() -> None:
    book = workbook([row(1), row(2), row(3)], above=[["标题"]])
    active = book["名册"]
    active.merge_cells("A1:R1")
    active.row_dimensions[4].hidden = True
    assert codes(saved(book)) == {("hidden-rows", 4)}
    active.merge_cells("A3:A4")
    assert ("merged-cells", 3) in codes(saved(book))


def test_marks_are_found_across_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    book = workbook([row(n) for n in range(1, 40)])
    for number in range(2, 41):
        book["名册"].row_dimensions[number].hidden = True
    book["名册"].merge_cells("A3:B4")
    whole = Workbook(saved(book)).marks("名册")
    assert (whole.rows, whole.hidden, whole.merged) == (40, tuple(range(2, 41)), ((3, 4, "A3:B4"),))
    monkeypatch.setattr("inspection.registry.imports.workbook.PIECE", 97)
    assert Workbook(saved(book)).marks("名册") == whole


def test_rows_that_state_no_person() -> None:
    place = {"房源编号": "F9", "楼栋": "1幢", "单元": "1单元", "房号": "9", "楼层": "1", "最多居住人数": "2"}
    shell = {"户号": "BZ9", "合同编号": "HT9", "合同起": "2025-01-01"} | place
    stated, issues = look(sheet([place, {"户号": "BZ8", "保障方式": "租赁补贴"}, {"备注": "3"}, {"楼层": "1"}],
                                headings=[*HEADINGS, "备注"]))  # fmt: skip
    assert {(i.code, i.row) for i in issues} == {("unknown-heading", 1), ("missing-value", 5)}
    assert (len(stated.units), list(stated.households), stated.people) == (1, ["BZ8"], {})
    stated, issues = look(sheet([shell]))
    assert (issues, list(stated.leases)) == ([], ["HT9"])
    assert codes(sheet([{"保障方式": "租赁补贴"}])) == {("missing-value", 2)}
    assert ("duplicate-unit", 3) in codes(sheet([place, place]))
    assert ("duplicate-unit", 3) in codes(sheet([place, shell]))
    assert ("duplicate-unit", 3) in codes(sheet([shell, place]))
    room = {"楼栋": "1幢", "单元": "1单元", "房号": "9"}
    assert [i.column for i in look(sheet([room, room]))[1]] == ["房号"]


def archive(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in parts.items():
            made.writestr(name, data)
    return file.getvalue()


def with_part(content: bytes, name: str, data: bytes) -> bytes:
    """A workbook with a part added or replaced."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            if part != name:
                new.writestr(part, old.read(part))
        new.writestr(name, data)
    return file.getvalue()


def locked(content: bytes) -> bytes:
    """The archive with the bit that says a part is encrypted."""
    at = content.index(b"PK\x01\x02") + 8
    return content[:at] + bytes([content[at] | 1]) + content[at + 1 :]


def part_of(content: bytes, name: str) -> bytes:
    """A part of a workbook."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(name)


SOUND = saved(workbook([row(1)]))
LONG = saved(workbook([row(n) for n in range(1, 400)]))
SHEET = "xl/worksheets/sheet1.xml"
EMPTY_ROWS = b"".join(b'<row r="%d"></row>' % n for n in range(1, 1_000_001))
MILLION = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>%b</sheetData></worksheet>'
HEADING_XML = b'<row r="1">' + b"".join(
    f'<c t="inlineStr"><is><t>{name}</t></is></c>'.encode() for name in HEADINGS
) + b"</row>"  # fmt: skip
ODD_FILES = {
    "empty": (b"", "empty-file"),
    "blank-workbook": (saved(workbook([], headings=[])), "empty-file"),
    "headings-only": (saved(workbook([])), "no-rows"),
    "wrong-sheet": (saved(workbook([["甲", "乙"]], headings=["收入", "支出"])), "no-headings"),
    "encrypted": (OLE + "EncryptedPackage".encode("utf-16-le"), "encrypted-file"),
    "zip-password": (locked(SOUND), "encrypted-file"),
    "old-xls": (OLE, "old-xls"),
    "macros": (with_part(SOUND, "xl/vbaProject.bin", b"x"), "macro-file"),
    "zip-bomb": (with_part(SOUND, SHEET, b"<row/>" * 1_000_000), "zip-bomb"),
    "many-parts": (archive(**{f"p{n}": b"" for n in range(2100)}), "zip-bomb"),
    "other-archive": (archive(mimetype=b"application/vnd.oasis.opendocument.spreadsheet"), "bad-xlsx"),
    "cut-off": (SOUND[: len(SOUND) // 2], "bad-xlsx"),
    "broken-book": (with_part(SOUND, "xl/workbook.xml", b"<workbook"), "bad-xlsx"),
    "broken-sheet": (with_part(SOUND, SHEET, (MILLION % HEADING_XML)[:-30]), "bad-xlsx"),
    "cut-off-sheet": (with_part(LONG, SHEET, part_of(LONG, SHEET)[:-99]), "bad-xlsx"),
    "million-empty-rows": (with_part(SOUND, SHEET, MILLION % EMPTY_ROWS), "empty-file"),
    "headings-and-empty-rows": (
        with_part(SOUND, SHEET, MILLION % (HEADING_XML + EMPTY_ROWS[len(b'<row r="1"></row>') :])),
        "too-many-blank-rows",
    ),
    "formulas": (spoiled(身份证号="=B2", 姓名="=A2"), "formula-cell"),
    "duplicate-units": (sheet([{"房源编号": "F1"}, {"房源编号": "F1"}]), "duplicate-unit"),
    "one-number-two-households": (sheet([row(1, 身份证号=adult(1)), row(2, 身份证号=adult(1))]), "duplicate-person"),
    "swapped-columns": (
        sheet([row(1) | {"姓名": row(1)["身份证号"], "身份证号": row(1)["姓名"]}]), "bad-name",
    ),
    "entities": (with_part(SOUND, "xl/workbook.xml", b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'), "bad-xlsx"),
}  # fmt: skip


@pytest.mark.parametrize("name", ODD_FILES)
@pytest.mark.asvs("v5.0.0-1.5.1")
@pytest.mark.asvs("v5.0.0-5.2.2")
@pytest.mark.asvs("v5.0.0-5.2.3")
async def test_odd_files_are_refused_with_their_reason(
    name: str, database: Database, vault: Vault, objects: Objects, tmp_path: Path
) -> None:
    content, code = ODD_FILES[name]
    world = await make_world(database, vault, now=NOW, flats=0)
    desk = desk_for(database, vault, objects, tmp_path)
    view = await desk.check(world, content)
    assert view.status is ImportStatus.REFUSED
    assert code in report_of(view), (name, report_of(view))
    for found in await desk.issues(world, view.id):
        assert found.zh, found
        assert found.en, found


def test_a_sheet_that_breaks_while_its_marks_are_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    book = Workbook(SOUND)
    book.archive.close()
    with pytest.raises(Unreadable):
        book.marks("名册")


def test_a_sheet_that_breaks_in_the_middle_says_where() -> None:
    (at,) = {row for code, row in codes(with_part(LONG, SHEET, part_of(LONG, SHEET)[:-99])) if code == "bad-xlsx"}
    assert at > 30


@pytest.mark.asvs("v5.0.0-1.5.1")
@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "[Content_Types].xml"])
def test_entities_are_never_resolved(part: str) -> None:
    """Neither one that grows beyond all bounds nor one that lies in a file of the server."""
    text = part_of(SOUND, part)
    at = text.index(b"?>") + 2 if text.startswith(b"<?xml") else 0
    for entity in (b'<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">', b'<!ENTITY b SYSTEM "file:///etc/passwd">'):
        spoiled = text[:at] + b"<!DOCTYPE x [" + entity + b"]>" + text[at:]
        assert ("bad-xlsx", 0) in {(code, 0) for code, _ in codes(with_part(SOUND, part, spoiled))}


def test_blank_rows_in_between_are_no_matter() -> None:
    lines = sheet([row(1), row(2)]).splitlines(keepends=True)
    found = look(lines[0] + lines[1] + b"\r\n" * 50 + lines[2])
    assert (found[1], len(found[0].people)) == ([], 2)
    assert ("too-many-blank-rows", 3) in codes(lines[0] + lines[1] + b"\r\n" * (MOST_BLANK_ROWS + 9) + lines[2])


def test_every_code_is_tested() -> None:
    source = "".join(
        (Path(__file__).parent / f"{name}.py").read_text()
        for name in ("test_workbooks", "test_import_checks", "test_missing", "test_import_stays")
    )
    assert [code for code in CODES if f'"{code}"' not in source] == []
    assert all(severity in Severity for severity, _, _ in CODES.values())
