"""What was found in a file, beside the rows it was found in. Values in, values out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from inspection.registry.exports.sheets import xlsx_file
from inspection.registry.imports.headings import Column
from inspection.registry.imports.reader import read
from inspection.registry.imports.report import Issue, shown


def findings_sheet(content: bytes, issues: Iterable[Issue], *, sheet: str, in_clear: bool) -> bytes:
    """The file's rows as a workbook: row number, findings in both languages, then the cells.

    `in_clear`: for whoever handed the file in; others see numbers and names masked.
    """
    by_row: dict[int, list[Issue]] = defaultdict(list)
    for found in issues:
        by_row[found.row].append(found)

    def lines() -> Iterator[list[str]]:
        table = read(content, sheet=sheet)
        columns = [column for column in table.columns if column is not None]
        yield ["行号", "问题", "Problem", *(column.value for column in columns)]
        seen: set[int] = set()
        for raw in table.rows:
            seen.add(raw.row)
            cells = [raw.cells.get(c, "") if in_clear else shown(c, raw.cells.get(c, "")) for c in columns]
            yield [str(raw.row), *told(by_row.get(raw.row, [])), *cells]
        for row in sorted(set(by_row) - seen):
            yield [str(row) if row else "文件", *told(by_row[row])]

    return xlsx_file("问题", lines(), widths=[8, 44, 44, *[16] * len(Column)])


def told(issues: Iterable[Issue]) -> tuple[str, str]:
    """The findings of a row in Chinese and in English."""
    found = list(issues)
    return (
        "；".join(f"{i.column}：{i.zh}" if i.column else i.zh for i in found),
        "; ".join(f"{i.column}: {i.en} [{i.code}]" if i.column else f"{i.en} [{i.code}]" for i in found),
    )
