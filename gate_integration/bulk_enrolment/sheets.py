"""The sheet of consents to be filled in, and the report of an archive, as files."""

from collections.abc import Iterable
from typing import Final

from gate_integration.bulk_enrolment.consent_sheet import Heading
from gate_integration.bulk_enrolment.models import LineState
from gate_integration.bulk_enrolment.schemas import PhotoLineView
from inspection.registry.exports.sheets import SheetForm, csv_file, xlsx_file
from inspection.registry.imports.values import EXAMPLE

VERSION: Final = "2026-1"
STATES: Final[dict[LineState, str]] = {
    LineState.UNCHECKED: "待检查", LineState.READY: "可建档", LineState.UNCHANGED: "无变化",
    LineState.REFUSED: "未采纳", LineState.ENROLLED: "已建档", LineState.DROPPED: "已取消",
}  # fmt: skip
EXAMPLES: Final[dict[Heading, str]] = {
    Heading.NUMBER: f"{EXAMPLE}：18位身份证号，与照片文件名相同；以“{EXAMPLE}”开头的行会被忽略",
    Heading.NAME: "可留空；填写时须与登记一致",
    Heading.TEMPLATE: "是/否", Heading.KEEP_PHOTO: "是/否", Heading.PUSH_TO_GATES: "是/否", Heading.OFF_DEVICE: "是/否",
    Heading.SIGNED: "2026-03-01", Heading.NOTICE: "告知书版本号", Heading.CHANNEL: "纸质/柜台/上门/手机/语音",
    Heading.GUARDIAN: "未满14周岁必填", Heading.RELATION: "如 母亲", Heading.PAPER: "纸质同意必填",
}  # fmt: skip
REPORT: Final = ("行号", "人员编号", "姓名", "结果", "代码", "说明", "照片质量", "相似人员（须人工核对）", "English")


def template(form: SheetForm) -> bytes:
    """The sheet of consents: headings and an example that is ignored."""
    rows = [[heading.value for heading in Heading], [EXAMPLES[heading] for heading in Heading]]
    if form is SheetForm.CSV:
        return csv_file(rows)
    return xlsx_file("同意登记表", rows, widths=[16] * len(Heading))


def report(lines: Iterable[PhotoLineView], form: SheetForm) -> bytes:
    """Every line with what became of it and why; numbers are masked."""
    rows = [REPORT, *(report_row(line) for line in lines)]
    if form is SheetForm.CSV:
        return csv_file(rows)
    return xlsx_file("照片导入结果", rows, widths=[6, 20, 12, 10, 22, 44, 44, 20, 44])


def report_row(line: PhotoLineView) -> list[str]:
    """One line's cells."""
    quality = "；".join(reason.zh for reason in line.reasons)
    english = "; ".join(filter(None, [line.en, *(reason.en for reason in line.reasons)]))
    return [
        str(line.row) if line.row else "", line.shown, line.name or "", STATES[line.state], line.code, line.zh, quality,
        "、".join(str(other) for other in line.resembles), english,
    ]  # fmt: skip
