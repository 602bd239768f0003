"""The list of problems as an Excel file, row by row in constant memory; every text is a string, never a formula."""

import io
from collections.abc import Sequence
from datetime import date, datetime, time
from typing import Any, Final

import xlsxwriter

from inspection.documents.ledger import TITLE, Item, Totals, cells, columns
from inspection.documents.vocabulary import Audience
from inspection.documents.wording import day

OPTIONS: Final = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "default_date_format": 'yyyy"年"m"月"d"日"',
}
HEADING_ROW: Final = 2
CELL_LIMIT: Final = 32_000  # a cell of Excel holds 32,767 characters


def workbook(items: Sequence[Item], *, audience: Audience, authority: str, scope: str, made_on: date) -> bytes:
    """The file; blocking. The same items on the same day give the same bytes."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, OPTIONS)
    book.set_properties(
        {"title": TITLE, "company": authority, "created": datetime.combine(made_on, time()), "author": authority}
    )
    made = _formats(book)
    sheet = book.add_worksheet("问题（整改）清单")
    shape = columns(audience)
    last = len(shape) - 1
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(HEADING_ROW)
    sheet.freeze_panes(HEADING_ROW + 1, 0)
    sheet.set_footer("&C第 &P 页，共 &N 页")
    for index, column in enumerate(shape):
        sheet.set_column(index, index, column.width)
    sheet.set_row(0, 30)
    sheet.write_string(0, 0, TITLE if audience is Audience.INTERNAL else f"{TITLE}（公开版）", made["title"])
    sheet.write_string(1, 0, f"{authority}　{scope}　生成日期：{day(made_on)}", made["note"])
    for index, column in enumerate(shape):
        sheet.write_string(HEADING_ROW, index, column.heading, made["heading"])
    row = HEADING_ROW
    for row, item in enumerate(items, start=HEADING_ROW + 1):
        for index, cell in enumerate(cells(item, position=row - HEADING_ROW, audience=audience)):
            if isinstance(cell, date):
                sheet.write_datetime(row, index, datetime.combine(cell, time()), made["date"])
            elif isinstance(cell, int):
                sheet.write_number(row, index, cell, made["count"])
            else:
                sheet.write_string(row, index, "—" if cell is None else cell[:CELL_LIMIT], made["text"])
    sheet.autofilter(HEADING_ROW, 0, row, last)
    totals = Totals.of(items)
    for offset, (label, number, form) in enumerate(
        (
            ("合计", totals.all, made["pieces"]),
            ("已整改到位（销号）", totals.settled, made["pieces"]),
            ("逾期", totals.overdue, made["pieces"]),
            ("整改到位率", totals.rate, made["rate"]),
        ),
        start=2,
    ):
        sheet.write_string(row + offset, 1, label, made["label"])
        sheet.write_number(row + offset, 2, number, form)
    book.close()
    return out.getvalue()


def _formats(book: Any) -> dict[str, Any]:  # noqa: ANN401 - the library has no types
    base = {"font_name": "宋体", "font_size": 10, "valign": "vcenter"}
    cell = base | {"border": 1}
    return {
        "title": book.add_format(base | {"font_name": "黑体", "font_size": 18, "bold": True}),
        "note": book.add_format(base),
        "heading": book.add_format(cell | {"bold": True, "align": "center", "bg_color": "#E8ECF1", "text_wrap": True}),
        "text": book.add_format(cell | {"text_wrap": True, "num_format": "@"}),
        "date": book.add_format(cell | {"align": "center", "num_format": 'yyyy"年"m"月"d"日"'}),
        "count": book.add_format(cell | {"align": "center", "num_format": "0"}),
        "label": book.add_format(base | {"bold": True, "align": "right"}),
        "pieces": book.add_format(base | {"bold": True, "num_format": '#,##0"件"'}),
        "rate": book.add_format(base | {"bold": True, "num_format": "0.00%"}),
    }
