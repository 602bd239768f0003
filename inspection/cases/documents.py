"""How a case is spoken of in its documents: numbers, units, kinds and default words. Pure."""

from collections.abc import Mapping
from typing import Any, Final

from inspection.cases.deadlines import DeadlineKind, Unit
from inspection.cases.legal_basis import ACTION_ARTICLES, VIOLATION_ARTICLES
from inspection.cases.schemas import MeasureKind, ServiceMethod
from inspection.cases.vocabulary import Action, EvidenceKind, State, Violation
from inspection.documents.vocabulary import DocumentKind

K = DocumentKind
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
VISIT_KINDS: Final = {"verification": "入户核查", "follow_up": "回访复核", "patrol": "日常巡查", "care": "关爱走访"}
VISIT_RESULTS: Final = {
    "met": "见到在场人员。",
    "no_answer": "无人应门（本身不说明任何问题）。",
    "refused": "拒绝入户（本身不说明任何问题）。",
}
METHODS: Final = {
    ServiceMethod.DIRECT: "直接送达", ServiceMethod.LEFT: "留置送达", ServiceMethod.ELECTRONIC: "电子送达",
    ServiceMethod.POST: "邮寄送达", ServiceMethod.ANNOUNCEMENT: "公告送达",
}  # fmt: skip
PERIODS: Final = {
    DeadlineKind.REPRESENTATION: "陈述、申辩", DeadlineKind.RECTIFICATION: "整改",
    DeadlineKind.RECONSIDERATION: "申请行政复议", DeadlineKind.LITIGATION: "提起行政诉讼",
}  # fmt: skip
MEASURES: Final = {
    MeasureKind.NOTICE: "拟处理告知书", MeasureKind.ORDER: "责令限期整改通知书", MeasureKind.SUSPENSION: "中止决定",
    MeasureKind.WITHDRAWAL: "撤案决定",
}  # fmt: skip

TERMS: Final = {
    K.NOTICE: DeadlineKind.REPRESENTATION, K.ORDER: DeadlineKind.RECTIFICATION,
    K.RETURN_ORDER: DeadlineKind.VACATE, K.DEMAND: DeadlineKind.DEMAND,
}  # fmt: skip
"""The period that a document opens."""
ISSUED_IN: Final[Mapping[DocumentKind, frozenset[State]]] = {
    K.NOTICE: frozenset({State.SUBSTANTIATED, State.RECTIFIED_ON_SPOT}),
    K.ORDER: frozenset({State.REVIEW}),
    K.RETURN_ORDER: frozenset({State.REVIEW, State.OVERDUE}),
    K.DEMAND: frozenset({State.OVERDUE}),
    K.RECEIPT: frozenset(State) - {State.LEAD, State.REGISTERED, State.VERIFYING},
    K.CLOSURE: frozenset({State.CLOSED}),
    K.VISIT_RECORD: frozenset(State) - {State.LEAD},
}
"""Where in the road a document has its place: nobody decides before the person was heard."""
REPLACED_IN: Final[Mapping[DocumentKind, frozenset[State]]] = {
    K.NOTICE: frozenset({State.NOTICE}),
    K.ORDER: frozenset({State.RECTIFICATION_ORDER}),
}
"""Where, besides, a new one may take the place of a void one that a step rests on and nobody was served with."""
DEMANDS: Final = "停止上述行为，由登记的承租家庭自行居住使用，并恢复房屋原状。"
DEFAULT_DEMANDS: Final = {
    K.NOTICE: DEMANDS,
    K.ORDER: DEMANDS,
    K.RETURN_ORDER: "结清租金及相关费用，办理退房验房手续，将房屋腾空并退回。",
}
DEMAND_ARTICLES: Final = ("行政强制法第三十五条", "行政强制法第五十三条", "行政强制法第五十四条")


def number_zh(number: str) -> str:
    """A case number as it is written: `999999-2026-0001` → `公租房案〔2026〕999999第0001号`."""
    district, year, running = number.split("-")
    return f"公租房案〔{year}〕{district}第{running}号"


def demands(kind: DocumentKind, given: Mapping[str, Any]) -> str | None:
    """What a document demands: what its writer told, or the words for its kind."""
    told: str | None = given.get("demands")
    return told or DEFAULT_DEMANDS.get(kind)


def articles(kind: DocumentKind, violation: Violation | None) -> str | None:
    """The legal basis of a document by article, unless its writer told another; None when nothing is classified."""
    if kind is K.DEMAND:
        return "；".join(DEMAND_ARTICLES)
    if violation is None:
        return None
    of_step = {K.NOTICE: Action.GIVE_NOTICE, K.ORDER: Action.ORDER_RECTIFICATION}.get(kind)
    return "；".join((*VIOLATION_ARTICLES[violation], *(ACTION_ARTICLES[of_step] if of_step else ())))


def admitted(note: str) -> str:
    """How a machine's record is told: that a person admitted it, and why; never what the machine thought."""
    return f"经执法人员依照行政处罚法第四十一条审核，予以采用。审核意见：{note}"
