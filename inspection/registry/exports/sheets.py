"""Rows of text as CSV and XLSX files. Every cell is text: what begins like a formula stays what it says.

The workbook is written part by part into the archive: its rows need not be in memory, and no scratch file holds them.
"""

import csv
import io
import zipfile
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final
from xml.sax.saxutils import escape

from inspection.registry.imports.reader import CONTROL

XLSX_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
CSV_TYPE: Final = "text/csv"
LIKE_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "'")
MAIN: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE: Final = "http://schemas.openxmlformats.org/package/2006"
HEAD: Final = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
STYLES: Final = (
    f'{HEAD}<styleSheet xmlns="{MAIN}"><fonts count="2"><font><sz val="11"/><name val="等线"/></font>'
    '<font><b/><sz val="11"/><name val="等线"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/>'
    '</fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border><left/><right/><top/>'
    '<bottom/><diagonal/></border></borders><cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" '
    'borderId="0"/></cellStyleXfs><cellXfs count="3"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)


class SheetForm(StrEnum):
    """The forms a table can have as a file."""

    XLSX = "xlsx"
    CSV = "csv"


def media_type(form: SheetForm) -> str:
    """The content type of a form."""
    return XLSX_TYPE if form is SheetForm.XLSX else CSV_TYPE


def csv_file(rows: Iterable[Sequence[str]]) -> bytes:
    """UTF-8 with a byte order mark, for spreadsheet programs; an apostrophe keeps text from being calculated."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerows([f"'{c}" if c.startswith(LIKE_A_FORMULA) else c for c in row] for row in rows)
    return ("\ufeff" + text.getvalue()).encode()


def xlsx_file(name: str, rows: Iterable[Sequence[str]], *, widths: Sequence[int]) -> bytes:
    """A workbook of one sheet; the first row is the headings. `widths`: of the columns, in characters."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        parts = {
            "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels" ContentType='
            '"application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType='
            '"application/xml"/><Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-'
            'officedocument.spreadsheetml.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType='
            '"application/vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/><Override PartName='
            '"/xl/styles.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.styles+xml"/>'
            "</Types>",
            "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" Type='
            f'"{OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
            "xl/workbook.xml": f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets><sheet name="{escape(name)}" '
            'sheetId="1" r:id="rId1"/></sheets></workbook>',
            "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{OFFICE}/styles" '
            'Target="styles.xml"/></Relationships>',
        }
        for part, text in parts.items():
            archive.writestr(part, HEAD + text)
        archive.writestr("xl/styles.xml", STYLES)
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            columns = "".join(
                f'<col min="{n}" max="{n}" width="{width}" style="1" customWidth="1"/>'
                for n, width in enumerate(widths, start=1)
            )
            sheet.write(
                f'{HEAD}<worksheet xmlns="{MAIN}"><sheetViews><sheetView workbookViewId="0"><pane ySplit="1" '
                f'topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
                f"<cols>{columns}</cols><sheetData>".encode()
            )
            for number, row in enumerate(rows, start=1):
                style = 2 if number == 1 else 1
                cells = "".join(cell_xml(number, column, text, style) for column, text in enumerate(row) if text)
                sheet.write(f'<row r="{number}">{cells}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")
    return file.getvalue()


def cell_xml(row: int, column: int, text: str, style: int) -> str:
    """A cell of text."""
    shown = escape(CONTROL.sub("", text))
    return f'<c r="{letters(column)}{row}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


def letters(column: int) -> str:
    """A column's name; the first is 0."""
    first, last = divmod(column, 26)
    return (letters(first - 1) if first else "") + chr(65 + last)
