"""The template of the register's file: headings, an example that imports ignore, lists to choose from, explanations."""

import io
from datetime import UTC, datetime
from typing import Final

import xlsxwriter

from inspection.registry.exports.sheets import SheetForm, csv_file
from inspection.registry.imports.headings import ALIASES, REQUIRED, SECRET, Column
from inspection.registry.imports.values import EXAMPLE, KIND_NAMES, ROLE_NAMES

VERSION: Final = "2026-1"
MADE: Final = datetime(2026, 1, 1, tzinfo=UTC)
LAST_ROW: Final = 120_000
EXPLAINED: Final[dict[Column, str]] = {
    Column.BUILDING: "如 1幢。与单元、房号一起，或用房源编号，确定一套房源。",
    Column.ENTRANCE: "如 1单元。",
    Column.ROOM: "如 101。请保持文本格式，以免“3-1”被改成日期。",
    Column.UNIT_CODE: "主管部门的房源编号，在小区内唯一。新建房源必填。",
    Column.FLOOR: "整数，地下为负。新建房源必填。",
    Column.MAX_PEOPLE: "整数，1至50。新建房源必填。",
    Column.HOUSEHOLD: f"保障家庭编号。空置房源只填房源各列。以“{EXAMPLE}”开头的行会被忽略。",
    Column.KIND: "实物配租或租赁补贴；留空表示不变，新户默认为实物配租。",
    Column.ROLE: "承租人、共同承租人或共同居住人。",
    Column.NAME: "与身份证一致。",
    Column.ID_NUMBER: "18位，文本格式。被改成数字的身份证号已丢失位数，不能导入。",
    Column.PHONE: "手机或座机，可留空；留空表示不变。",
    Column.GUARDIAN: "未满14周岁必填，监护人须为成年人并已登记。",
    Column.LEASE: "租赁合同编号；一行写一份合同，一户有多份合同时另起一行，只填户号、房源与合同。",
    Column.LEASE_FROM: "如 2026-03-01。",
    Column.LEASE_TO: "合同最后一日；留空表示不变或未定。",
    Column.MOVED_IN: "留空时取合同起始日。",
    Column.MOVED_OUT: "最后居住日；仍在住的留空。",
}
EXAMPLE_ROW: Final[dict[Column, str]] = {
    Column.BUILDING: "1幢", Column.ENTRANCE: "1单元", Column.ROOM: "101", Column.UNIT_CODE: "F00001",
    Column.FLOOR: "1", Column.MAX_PEOPLE: "3", Column.HOUSEHOLD: f"{EXAMPLE}-00001", Column.KIND: "实物配租",
    Column.ROLE: "承租人", Column.NAME: "示例", Column.ID_NUMBER: "（18位，文本格式）", Column.PHONE: "",
    Column.LEASE: "HT-2026-0001", Column.LEASE_FROM: "2026-03-01", Column.LEASE_TO: "2031-02-28",
    Column.MOVED_IN: "2026-03-01",
}  # fmt: skip
CHOICES: Final = {Column.KIND: tuple(KIND_NAMES.values()), Column.ROLE: tuple(ROLE_NAMES.values())}


def template(form: SheetForm) -> bytes:
    """The template as a file."""
    example = [EXAMPLE_ROW.get(column, "") for column in Column]
    if form is SheetForm.CSV:
        return csv_file([[column.value for column in Column], example])
    file = io.BytesIO()
    with xlsxwriter.Workbook(file, {"in_memory": True, "strings_to_numbers": False}) as book:
        book.set_properties({"title": "住户名册模板", "comments": f"版本 {VERSION}", "created": MADE})
        text = book.add_format({"num_format": "@"})
        needed = book.add_format({"num_format": "@", "bold": True, "font_color": "#C00000"})
        heading = book.add_format({"num_format": "@", "bold": True})
        grey = book.add_format({"num_format": "@", "font_color": "#808080"})
        sheet = book.add_worksheet("名册")
        sheet.freeze_panes(1, 0)
        for number, column in enumerate(Column):
            sheet.set_column(number, number, 20 if column in SECRET else 13, text)
            sheet.write_string(0, number, column.value, needed if column in REQUIRED else heading)
            sheet.write_string(1, number, example[number], grey)
            if column in CHOICES:
                sheet.data_validation(
                    1, number, LAST_ROW, number,
                    {"validate": "list", "source": list(CHOICES[column]), "error_title": column.value,
                     "error_message": "请从列表中选择"},
                )  # fmt: skip
        notes = book.add_worksheet("填写说明")
        notes.set_column(0, 0, 18, text)
        notes.set_column(1, 1, 70, text)
        notes.set_column(2, 2, 50, text)
        lines = [
            (f"住户名册模板 版本 {VERSION}", "红色列必填；一行一人；灰色示例行导入时忽略。", ""),
            ("列", "填写要求", "也认识的列名"),
            *((c.value, EXPLAINED[c], "、".join(ALIASES[c])) for c in Column),
        ]
        for number, line in enumerate(lines):
            for position, cell in enumerate(line):
                notes.write_string(number, position, cell, heading if number < 2 else text)
    return file.getvalue()
