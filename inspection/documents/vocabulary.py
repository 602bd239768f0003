"""Kinds and states of documents, and what each kind cannot do without. Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final


class DocumentKind(StrEnum):
    """What a document is."""

    NOTICE = "notice"
    ORDER = "order"
    RETURN_ORDER = "return_order"
    DEMAND = "demand"
    RECEIPT = "receipt"
    CLOSURE = "closure"
    VISIT_RECORD = "visit_record"


class DocumentStatus(StrEnum):
    """A draft has no number; an issued document never changes; a void one keeps its number."""

    DRAFT = "draft"
    ISSUED = "issued"
    VOID = "void"


class ListForm(StrEnum):
    """How a list is written."""

    XLSX = "xlsx"
    PDF = "pdf"


class Audience(StrEnum):
    """For whom a list is. The public one names no person and no flat."""

    INTERNAL = "internal"
    PUBLIC = "public"


class Need(StrEnum):
    """What a document may lack."""

    AUTHORITY = "authority"
    ADDRESSEES = "addressees"
    VIOLATION = "violation"
    FACTS = "facts"
    EVIDENCE = "evidence"
    LEGAL_BASIS = "legal_basis"
    DEMANDS = "demands"
    TERM = "term"
    HEARING_TERM = "hearing_term"
    REMEDIES = "remedies"
    COURT_AND_REVIEW = "court_and_review"
    TWO_OFFICERS = "two_officers"
    DECIDER = "decider"
    HEARD = "heard"
    DECISION = "decision"
    DECISION_SERVED = "decision_served"
    CLOSED_FOR = "closed_for"
    VISIT = "visit"
    SERVICE = "service"


K, N = DocumentKind, Need

TITLES: Final[Mapping[DocumentKind, str]] = {
    K.NOTICE: "拟处理告知书",
    K.ORDER: "责令限期整改通知书",
    K.RETURN_ORDER: "责令限期退回公共租赁住房决定书",
    K.DEMAND: "履行义务催告书",
    K.RECEIPT: "送达回证",
    K.CLOSURE: "案件结案（销号）通知书",
    K.VISIT_RECORD: "入户走访核查记录",
}
TITLES_EN: Final[Mapping[DocumentKind, str]] = {
    K.NOTICE: "Notice of the intended measure",
    K.ORDER: "Order to put right in time",
    K.RETURN_ORDER: "Order to return the flat in time",
    K.DEMAND: "Demand before enforcement",
    K.RECEIPT: "Record of service",
    K.CLOSURE: "Notice that the case is closed",
    K.VISIT_RECORD: "Record of a visit",
}
SERIES: Final[Mapping[DocumentKind, str]] = {
    K.NOTICE: "告", K.ORDER: "责改", K.RETURN_ORDER: "责退", K.DEMAND: "催", K.RECEIPT: "送", K.CLOSURE: "结",
    K.VISIT_RECORD: "访",
}  # fmt: skip
"""What follows the authority's characters (机关代字) in a number: each kind has a series of its own."""

LETTER: Final = frozenset({N.AUTHORITY, N.ADDRESSEES, N.LEGAL_BASIS, N.DECIDER})
FINDS: Final = LETTER | {N.VIOLATION, N.FACTS, N.EVIDENCE, N.TWO_OFFICERS, N.DEMANDS, N.TERM}
CHALLENGED: Final = frozenset({N.REMEDIES, N.COURT_AND_REVIEW, N.HEARD})

NEEDS: Final[Mapping[DocumentKind, frozenset[Need]]] = {
    K.NOTICE: FINDS | {N.HEARING_TERM},  # 行政处罚法 44, 45, 62, 63
    K.ORDER: FINDS | CHALLENGED,  # 行政处罚法 28, 59; 行政复议法 20; 行政诉讼法 46
    K.RETURN_ORDER: FINDS | CHALLENGED,  # 公共租赁住房管理办法 27
    K.DEMAND: LETTER | {N.DEMANDS, N.TERM, N.DECISION, N.DECISION_SERVED},  # 行政强制法 54
    K.RECEIPT: frozenset({N.AUTHORITY, N.ADDRESSEES, N.SERVICE, N.DECISION, N.DECIDER}),  # 民事诉讼法 87
    K.CLOSURE: LETTER | {N.VIOLATION, N.CLOSED_FOR},
    K.VISIT_RECORD: frozenset({N.AUTHORITY, N.VISIT, N.TWO_OFFICERS, N.DECIDER}),  # 行政处罚法 42, 47, 55
}
"""Without these a document is not made."""

LABELS: Final[Mapping[Need, tuple[str, str]]] = {
    N.AUTHORITY: ("尚未设置本辖区的发文机关及机关代字", "No issuing authority is set for this place"),
    N.ADDRESSEES: ("没有登记的承租人", "No tenant is registered"),
    N.VIOLATION: ("尚未定性", "The violation is not classified"),
    N.FACTS: ("没有由人认定的事实", "No facts found by a person"),
    N.EVIDENCE: ("没有经人工审核采用的证据", "No evidence that a person has admitted"),
    N.LEGAL_BASIS: ("未写明法律依据", "The legal basis is not named"),
    N.DEMANDS: ("未写明要求", "What is demanded is not said"),
    N.TERM: ("期限未定", "The period is not set"),
    N.HEARING_TERM: ("申请听证的期限未定", "The period to ask for a hearing is not set"),
    N.REMEDIES: ("复议、诉讼期限未定", "The periods to challenge it are not set"),
    N.COURT_AND_REVIEW: ("发文机关未填写复议机关或者管辖法院", "The authority's review body or court is not set"),
    N.TWO_OFFICERS: ("核查的持证执法人员不足两人", "Fewer than two officers with a certificate were there"),
    N.DECIDER: ("签发人没有执法证号", "Who issues it has no enforcement certificate"),
    N.HEARD: ("当事人尚未获得陈述、申辩的机会", "The person has not been heard yet"),
    N.DECISION: ("没有所针对的已签发文书", "The document that it refers to is missing"),
    N.DECISION_SERVED: ("所针对的决定尚未送达", "The decision has not been served"),
    N.CLOSED_FOR: ("案件尚未结案", "The case is not closed"),
    N.VISIT: ("没有已完成的走访", "There is no visit that was done"),
    N.SERVICE: ("没有送达记录", "No service is recorded"),
}
"""Chinese and English of everything that may be missing."""
