"""Material for documents, made up, with everything that any of them needs; and how a PDF is read."""

import io
from datetime import UTC, date, datetime
from typing import Any

from pypdf import PdfReader

from inspection.documents.material import (
    Earlier,
    Heard,
    Issuer,
    Material,
    Proof,
    ServiceFacts,
    Signer,
    Term,
    VisitFacts,
)
from inspection.documents.vocabulary import DocumentKind

TODAY = date(2026, 3, 3)
ISSUER = Issuer(
    name="测试县住房和城乡建设局", address="测试县民主路1号", phone="000-0000000", review_body="测试县人民政府",
    court="测试县人民法院",
)  # fmt: skip


def term(amount: int, unit: str, last_day: date, *, provisional: bool = False) -> Term:
    return Term(amount=amount, unit=unit, counted_from=TODAY, last_day=last_day, provisional=provisional)


def material(kind: DocumentKind, **more: Any) -> Material:
    """Complete material for a kind."""
    told: dict[str, Any] = {
        "today": TODAY,
        "case_number": "公租房案〔2026〕999999第0001号",
        "address": "测试小区1幢1单元101室",
        "addressees": ["测甲", "测乙"],
        "issuer": ISSUER,
        "violation": "转租公共租赁住房",
        "began_on": date(2026, 1, 2),
        "facts": "屋内为租客居住。\n租客出示租金转账记录。",
        "evidence": [
            Proof(kind="入户核查记录", text="屋内为租客居住", on=date(2026, 3, 2), digest="ab" * 32),
            Proof(kind="书证", text="转账记录", on=date(2026, 3, 2), digest="0c" * 32),
        ],
        "legal_basis": "公共租赁住房管理办法第二十七条第一款第一项",
        "demands": "停止上述行为。",
        "term": term(15, "日", date(2026, 3, 18)),
        "hearing_term": term(5, "个工作日", date(2026, 3, 10)),
        "reconsideration": term(60, "日", date(2026, 5, 6)),
        "litigation": term(6, "个月", date(2026, 9, 3)),
        "officers": [Signer(name="核一", certificate="ZF-1"), Signer(name="核二", certificate="ZF-2")],
        "decider": Signer(name="签三", certificate="ZF-3"),
        "heard": Heard(points=[("我母亲住院", "经核实，不影响认定")]),
        "earlier": Earlier(
            title="责令限期整改通知书", number="测住保责改〔2026〕1号", issued_on=date(2026, 2, 1),
            demands="停止上述行为。", served_on=date(2026, 2, 2),
        ),
        "closed_for": "回访确认整改到位。\n租客已搬离。",
        "visit": VisitFacts(
            kind="入户核查", began_at=datetime(2026, 3, 2, 1, tzinfo=UTC), ended_at=datetime(2026, 3, 2, 2, tzinfo=UTC),
            result="见到在场人员。", let_in_by="屋内人员", notice_left=False, met=["自称租客；称在此居住"],
            finding="屋内为租客居住。", notes="无异常", photos=[("门牌", "ef" * 32)], check_ins=["核一：定位等级 good"],
        ),
        "service": ServiceFacts(
            method="直接送达", served_at=datetime(2026, 3, 3, 2, tzinfo=UTC), effective_on=TODAY, received_by="测甲",
            witness=None, note=None, photo_digest="aa" * 32, recorded_by=Signer(name="核一", certificate="ZF-1"),
            running=[("整改", term(15, "日", date(2026, 3, 18)))],
        ),
    } | more  # fmt: skip
    return Material(kind=kind, **told)


def read(pdf: bytes) -> PdfReader:
    return PdfReader(io.BytesIO(pdf))


def words(pdf: bytes) -> str:
    """The text of a PDF without spaces and line breaks: where a line ends says nothing."""
    return "".join("".join(page.extract_text() for page in read(pdf).pages).split())
