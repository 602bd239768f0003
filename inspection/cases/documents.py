"""The notice and the order as plain Chinese text. Pure.

The notice says what 行政处罚法 44, 45 and 62 ask for: facts, reasons, basis, the intended decision, the rights. The
order says what 行政处罚法 28 and 59 ask for: facts, basis, what must be put right until when, the roads of review.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from inspection.cases.deadlines import Unit
from inspection.cases.vocabulary import EvidenceKind, Violation
from storage.clock import SHANGHAI

UNITS: Final = {Unit.WORKING_DAY: "个工作日", Unit.CALENDAR_DAY: "日", Unit.MONTH: "个月"}
KINDS: Final = {
    EvidenceKind.GATE: "门禁记录",
    EvidenceKind.METER: "水电记录",
    EvidenceKind.DATA_MATCH: "数据比对",
    EvidenceKind.VISIT: "入户核查记录",
    EvidenceKind.DOCUMENT: "书证",
    EvidenceKind.STATEMENT: "陈述",
}
VIOLATIONS: Final = {
    Violation.SUBLET: "转租公共租赁住房",
    Violation.LEND: "转借公共租赁住房",
    Violation.SWAP: "擅自调换公共租赁住房",
    Violation.CHANGE_OF_USE: "改变公共租赁住房用途",
    Violation.ALTERATION: "破坏或者擅自装修公共租赁住房",
    Violation.ILLEGAL_ACTIVITY: "在公共租赁住房内从事违法活动",
    Violation.VACANT: "无正当理由连续闲置公共租赁住房",
    Violation.ARREARS: "拖欠公共租赁住房租金",
    Violation.EXPIRED: "租赁期满未腾退公共租赁住房",
    Violation.INELIGIBLE: "不再符合公共租赁住房保障条件",
    Violation.FRAUD: "隐瞒或者虚报情况取得公共租赁住房",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a document is made from.

    `deadline`: length and unit of the period that it opens. `evidence`: (kind, description). `officers`: certificate
    numbers of who made the visits. `certificate`: of who issues it.
    """

    authority: str
    number: str
    case_number: str
    addressees: Sequence[str]
    address: str
    violation: Violation
    facts: str
    evidence: Sequence[tuple[EvidenceKind, str]]
    legal_basis: str
    demands: str
    deadline: tuple[int, Unit]
    officers: Sequence[str]
    certificate: str
    issued_at: datetime
    reconsideration: tuple[int, Unit]
    litigation: tuple[int, Unit]


def number_zh(number: str) -> str:
    """A case number as it is written: `999999-2026-0001` → `公租房案〔2026〕999999第0001号`."""
    district, year, running = number.split("-")
    return f"公租房案〔{year}〕{district}第{running}号"


def notice(content: Content) -> str:
    """拟处理告知书: what is intended, and the right to answer before it is decided (行政处罚法 44, 45)."""
    period = _period(content.deadline)
    return _document(
        "拟处理告知书",
        content,
        [
            f"拟作出的处理：责令限期整改。{content.demands}",
            (
                f"您的权利：您有权陈述和申辩，可在收到本告知书之次日起{period}内以书面或者口头方式提出；"
                "我们将逐点核实并书面答复，不因您陈述、申辩而给予更重的处理。"
                "您有权查阅本案中与您有关的记录，有权说明疾病、残疾、照护、家庭暴力、外出务工等情况。"
            ),
            "门禁等电子设备记录仅作为线索，须经人工审核后方可作为证据；您可以要求查询并提出异议。",
        ],
    )


def order(content: Content) -> str:
    """责令限期整改通知书: what to put right by when, and the ways to challenge it."""
    return _document(
        "责令限期整改通知书",
        content,
        [
            f"整改要求：自本通知书送达之次日起{_period(content.deadline)}内整改到位。{content.demands}",
            "整改完成后请申报，我们将另行派员回访复核。",
            (
                f"救济途径：对本决定不服的，可自知道本决定之日起{_period(content.reconsideration)}内依法申请行政复议，"
                f"或者{_period(content.litigation)}内依法提起行政诉讼。"
            ),
        ],
    )


def _document(title: str, content: Content, rest: Sequence[str]) -> str:
    evidence = "\n".join(
        f"  {position}. {KINDS[kind]}：{text}" for position, (kind, text) in enumerate(content.evidence, start=1)
    )
    parts = [
        title,
        f"文号：{content.number}\n案号：{number_zh(content.case_number)}",
        f"{'、'.join(content.addressees) or '承租人'}：\n房屋坐落：{content.address}",
        f"认定的事实：{VIOLATIONS[content.violation]}。{content.facts}",
        f"证据：\n{evidence}",
        f"法律依据：{content.legal_basis}",
        *rest,
        f"核查人员执法证号：{'、'.join(content.officers)}\n经办人执法证号：{content.certificate}",
        f"{content.authority}\n{content.issued_at.astimezone(SHANGHAI):%Y年%m月%d日}",
    ]
    return "\n\n".join(parts) + "\n"


def _period(deadline: tuple[int, Unit]) -> str:
    number, unit = deadline
    return f"{number}{UNITS[unit]}"
