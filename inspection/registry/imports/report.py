"""What the import says about a file: issues by row and column, counts. No value is shown from which a number leaks."""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from inspection.registry.id_number import FULL_MASK, mask
from inspection.registry.imports.headings import SECRET, Column

MOST_ISSUES_KEPT: Final = 20_000
LONGEST_VALUE: Final = 40
DIGITS_THAT_IDENTIFY: Final = 11  # a mobile telephone has that many; dates have fewer


class Severity(StrEnum):
    """An error keeps the file out; a warning asks to look."""

    ERROR = "error"
    WARNING = "warning"


ERROR, WARNING = Severity.ERROR, Severity.WARNING
CODES: Final[dict[str, tuple[Severity, str, str]]] = {
    "empty-file": (ERROR, "文件为空", "The file is empty"),
    "no-rows": (ERROR, "文件只有表头，没有数据", "The file has headings and no rows"),
    "unknown-encoding": (ERROR, "无法识别文件编码，请存为UTF-8或GB18030", "Neither UTF-8 nor GB18030"),
    "bad-csv": (ERROR, "文件不是有效的CSV", "The file is not valid CSV"),
    "bad-xlsx": (ERROR, "文件不是有效的XLSX工作簿，可能已损坏", "The file is not a valid XLSX workbook, or damaged"),
    "old-xls": (ERROR, "这是旧版XLS文件，请另存为XLSX或CSV", "An old XLS file: save it as XLSX or CSV"),
    "encrypted-file": (ERROR, "文件有打开密码，请去掉密码后再导入", "The file has a password: remove it and try again"),
    "macro-file": (ERROR, "文件含有宏，不予读取，请另存为不含宏的XLSX", "It holds macros: save it as XLSX without"),
    "zip-bomb": (ERROR, "文件解压后过大，不予读取", "The file unpacks to far more than a register needs"),
    "unknown-sheet": (ERROR, "工作簿中没有这个工作表", "The workbook has no sheet of that name"),
    "no-headings": (
        ERROR, "找不到表头，请使用模板或检查是否选错工作表", "No headings: use the template, or another sheet",
    ),
    "too-many-blank-rows": (
        ERROR, "从此行起空行过多，请删除空行（含格式）后再导入", "Too many blank rows from here on: delete them",
    ),
    "hidden-rows": (WARNING, "表中有隐藏行，也会导入，请核对", "Hidden rows are imported too: please look at them"),
    "merged-cells": (
        ERROR, "数据区有合并单元格，请取消合并并逐行填写", "Merged cells among the rows: unmerge and fill them",
    ),
    "formula-cell": (ERROR, "单元格是公式，请粘贴为数值", "The cell is a formula: paste it as a value"),
    "error-cell": (ERROR, "单元格是错误值", "The cell holds an error"),
    "became-date": (
        ERROR, "表格软件已把内容改成日期或时间，请将该列设为文本后重新录入",
        "A spreadsheet has made a date of it: format the column as text and enter it again",
    ),
    "number-rounded": (
        ERROR, "数字超过15位，已被表格软件舍入，请将该列设为文本后重新录入",
        "A spreadsheet has rounded the number: format the column as text and enter it again",
    ),
    "too-many-rows": (ERROR, "行数过多，请分批导入", "Too many rows: import in parts"),
    "missing-heading": (ERROR, "缺少此列", "The column is missing"),
    "duplicate-heading": (ERROR, "此列重复出现", "The column appears twice"),
    "unknown-heading": (WARNING, "不认识的列，已忽略", "An unknown column was ignored"),
    "too-many-cells": (ERROR, "该行单元格多于表头", "The row has more cells than headings"),
    "bad-characters": (ERROR, "含有控制字符", "The cell holds control characters"),
    "missing-value": (ERROR, "此项必填", "A value is needed here"),
    "example-row": (WARNING, "模板示例行，已忽略", "The template's example was ignored"),
    "bad-name": (ERROR, "姓名中不应有数字，请检查列是否错位", "A name has no digits: are the columns swapped?"),
    "too-long": (ERROR, "内容过长", "The value is too long"),
    "bad-number": (ERROR, "应为合理的整数", "A whole number within reason is needed"),
    "bad-date": (ERROR, "日期不正确，应如2026-03-01", "Not a date such as 2026-03-01"),
    "bad-period": (ERROR, "结束日期早于开始日期", "The last day lies before the first"),
    "unknown-role": (ERROR, "角色应为承租人、共同承租人或共同居住人", "The role is none of the three"),
    "unknown-kind": (ERROR, "保障方式应为实物配租或租赁补贴", "The kind is none of the two"),
    "bad-phone": (ERROR, "电话号码不正确", "Not a telephone number"),
    "id-rounded": (
        ERROR, "身份证号已被表格软件改成科学计数法，请将该列设为文本后重新录入",
        "A spreadsheet has rounded the number: format the column as text and enter it again",
    ),
    "id-masked": (
        ERROR, "号码已遮盖，不能用于导入，请使用完整号码", "The number is masked: an import needs the whole number",
    ),
    "duplicate-unit": (ERROR, "房源重复出现", "The unit appears more than once"),
    "unit-returns": (WARNING, "该房源曾退出，导入后恢复", "The unit was withdrawn and comes back with this import"),
    "member-ended": (
        WARNING, "名册中有此人，但其居住登记已结束，不会自动恢复", "Registered as having left, and stays so",
    ),
    "lease-resumes": (
        WARNING, "该合同登记为已终止，导入后将恢复，请核对", "Registered as ended, and would run again: please check",
    ),
    "unknown-unit": (ERROR, "小区内没有这套房源", "The estate has no such unit"),
    "unit-differs": (ERROR, "房源编号与楼栋、单元、房号不一致", "Unit code and address do not belong together"),
    "household-differs": (ERROR, "与同一户的其他行不一致", "Differs from another row of the household"),
    "person-differs": (ERROR, "同一身份证号的姓名或电话前后不一致", "One ID number with different details"),
    "duplicate-person": (
        ERROR, "该人员在此期间重复登记，或仍是他户成员", "The person is registered twice for the same time",
    ),
    "lease-differs": (ERROR, "同一合同编号的房源、户或起止日期不一致", "One lease number with different contents"),
    "unit-already-let": (ERROR, "同一房源在同一时间有两份合同", "Two leases on one unit at the same time"),
    "child-without-guardian": (ERROR, "未满14周岁，须填监护人身份证号", "A child under 14 without guardian"),
    "unknown-guardian": (ERROR, "监护人未在本小区或本文件中登记", "The guardian is not registered here"),
    "guardian-too-young": (ERROR, "监护人须为成年人", "A guardian is an adult"),
    "too-many-people": (WARNING, "登记人数超过该房源最多居住人数", "More people than the unit is meant for"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Issue:
    """Something wrong in a place: `row` counts as a spreadsheet does (the headings are row 1), 0 is the file."""

    code: str
    severity: Severity
    row: int
    column: str
    value: str
    zh: str
    en: str


def issue(code: str, row: int, column: Column | str = "", value: str = "") -> Issue:
    """An issue from the table of codes, its value masked."""
    severity, zh, en = CODES[code]
    return Issue(code, severity, row, str(column), shown(column, value), zh, en)


def id_issue(code: str, zh: str, en: str, row: int, column: Column, value: str) -> Issue:
    """An issue with an ID number, in the words of whoever read it."""
    return Issue(code, ERROR, row, column, shown(column, value), zh, en)


def shown(column: Column | str, value: str) -> str:
    """A value as a report may show it: ID numbers and telephones masked in whatever column they stand."""
    text = " ".join("".join(c if c.isprintable() else " " for c in unicodedata.normalize("NFKC", value)).split())
    if not text:
        return ""
    if column in SECRET:
        return mask(text)
    digits = sum(character.isdigit() for character in text)
    if column == Column.PHONE or digits >= DIGITS_THAT_IDENTIFY:
        return FULL_MASK if len(text) < 11 else f"{text[:2]}{FULL_MASK}{text[-2:]}"
    if column == Column.NAME:
        return text[0] + "*" * min(len(text) - 1, 3)
    return text if len(text) <= LONGEST_VALUE else text[:LONGEST_VALUE] + "…"


@dataclass(slots=True)
class Count:
    """What became of one kind of record."""

    new: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(slots=True)
class Report:
    """What a file says and would change. `missing`: by kind, what a full list lacks of the register.

    `register_changed`: the register is no longer what it was when somebody confirmed, so it is to be confirmed again.
    """

    encoding: str
    rows: int
    counts: dict[str, Count] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    register_changed: bool = False
    issues: list[Issue] = field(default_factory=list)
    issue_counts: dict[str, int] = field(default_factory=dict)
    issues_left_off: int = 0

    @property
    def acceptable(self) -> bool:
        """Whether no error keeps the file out."""
        return not any(CODES[code][0] is ERROR if code in CODES else True for code in self.issue_counts)

    @property
    def records(self) -> int:
        """How many records are new or changed."""
        return sum(count.new + count.changed for count in self.counts.values())

    def add(self, issues: Iterable[Issue]) -> None:
        """Takes issues in: all are counted, the first ones by row are kept."""
        found = sorted(issues, key=lambda i: (i.row, i.column, i.code))
        self.issue_counts = dict(Counter(i.code for i in found))
        self.issues, self.issues_left_off = found[:MOST_ISSUES_KEPT], max(0, len(found) - MOST_ISSUES_KEPT)
