"""What a document says, what it cannot do without, and that it is one and the same file for the same content."""

import hashlib
import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inspection.cases.documents import articles
from inspection.cases.vocabulary import Violation
from inspection.documents import letters, records, wording
from inspection.documents.content import compose, plain
from inspection.documents.errors import CharacterMissing, DocumentIncomplete
from inspection.documents.material import Earlier, Heard, Issuer, Material, Signer, missing
from inspection.documents.rendering import render, typeset
from inspection.documents.service import demand_complete
from inspection.documents.vocabulary import LABELS, NEEDS, SERIES, TITLES, TITLES_EN, DocumentKind, Need
from tests.office.paper import ISSUER, material, read, term, words

K = DocumentKind
NUMBER = "测住保责改〔2026〕1号"
LAW = "公共租赁住房管理办法第二十七条第一款第一项"
FINDING = (
    "认定的事实", "屋内为租客居住", "自2026年1月2日起", LAW, "入户核查记录", "2026年3月2日", "abababab", "0c0c0c0c",
    "测甲、测乙", "测试小区1幢1单元101室", "核一（执法证号ZF-1）、核二（执法证号ZF-2）",
)  # fmt: skip
REMEDIES = (
    "60日", "测试县人民政府", "行政复议", "6个月", "测试县人民法院", "行政诉讼", "2026年5月6日", "2026年9月3日",
    "我母亲住院", "经核实，不影响认定",
)  # fmt: skip
SAYS: dict[DocumentKind, tuple[str, ...]] = {
    K.NOTICE: (*FINDING, "陈述和申辩", "逐点核实并书面答复", "拟作出的处理", "期限至2026年3月18日届满"),
    K.ORDER: (*FINDING, *REMEDIES, "整改要求和期限", "15日", "2026年3月18日", "停止上述行为"),
    K.RETURN_ORDER: (*FINDING, *REMEDIES, "退回所承租的公共租赁住房", "申请人民法院强制执行", "不以停止供水"),
    K.DEMAND: ("测住保责改〔2026〕1号", "2026年2月2日送达", "尚未履行", "15日", "陈述和申辩", "强制执行"),
    K.CLOSURE: ("结案（销号）", "租客已搬离", "测住保责改〔2026〕1号"),
    K.RECEIPT: ("直接送达", "测甲", "2026年3月3日10时0分", "至2026年3月18日届满", "受送达人签名", "aaaaaaaa"),
    K.VISIT_RECORD: ("核一，执法证号ZF-1", "自称租客", "屋内为租客居住", "efefefef", "出示行政执法证", "定位等级"),
}


def pdf_of(told: Material, number: str | None = NUMBER) -> bytes:
    content = compose(told, number=number)
    return typeset(content["template"], content)


@pytest.mark.parametrize("kind", list(K))
def test_each_kind_says_what_the_law_asks_for(kind: DocumentKind) -> None:
    told = material(kind)
    assert missing(told) == ()
    pdf = pdf_of(told)
    text = words(pdf)
    for said in (*SAYS[kind], TITLES[kind], NUMBER, ISSUER.name, "2026年3月3日", "签三（执法证号ZF-3）", "—1—"):
        assert said in text, said
    assert "草稿" not in text
    shown = plain(compose(told, number=NUMBER))
    for said in (NUMBER, ISSUER.name, *(word for word in SAYS[kind] if "ab" not in word)):
        assert said in "".join(shown.split()), said


@pytest.mark.parametrize("kind", list(K))
def test_pages_and_fonts(kind: DocumentKind) -> None:
    found = read(pdf_of(material(kind)))
    assert 1 <= len(found.pages) <= 4
    assert found.metadata is not None
    assert found.metadata.title == TITLES[kind]
    assert "pdfaid" in str(found.xmp_metadata.rdf_root.toxml() if found.xmp_metadata else "")
    fonts = [font.get_object() for page in found.pages for font in page["/Resources"]["/Font"].values()]
    assert fonts
    for font in fonts:
        descriptor = font["/DescendantFonts"][0].get_object()["/FontDescriptor"].get_object()
        assert "/FontFile2" in descriptor or "/FontFile3" in descriptor, font
        assert "/ToUnicode" in font


@pytest.mark.parametrize("kind", list(K))
def test_a_draft_says_so_on_every_page(kind: DocumentKind) -> None:
    pdf = pdf_of(material(kind), None)
    for page in read(pdf).pages:
        assert "草稿" in page.extract_text()
    assert "未编号" in words(pdf)


@pytest.mark.parametrize("kind", list(K))
def test_nothing_is_left_blank(kind: DocumentKind) -> None:
    bare = Material(kind=kind, today=date(2026, 3, 3), case_number="案", address="址", hearing=kind is K.NOTICE)
    lacking = set(missing(bare))
    depends = {Need.COURT_AND_REVIEW, Need.DECISION_SERVED}  # asked once there is an authority, a decision
    assert lacking == NEEDS[kind] - depends
    with pytest.raises(DocumentIncomplete) as incomplete:
        demand_complete(bare)
    assert {row["code"] for row in incomplete.value.extra["missing"]} == lacking
    for need in lacking:
        assert LABELS[need][0] in incomplete.value.detail_zh
    with pytest.raises(ValueError, match="lacks"):
        compose(bare, number=NUMBER)


@pytest.mark.parametrize(
    ("kind", "change", "need"),
    [
        (K.ORDER, {"issuer": Issuer(name="局")}, Need.COURT_AND_REVIEW),
        (K.ORDER, {"issuer": replace(ISSUER, court=" ")}, Need.COURT_AND_REVIEW),
        (K.ORDER, {"officers": [Signer(name="核一", certificate="ZF-1")] * 2}, Need.TWO_OFFICERS),
        (K.ORDER, {"heard": None}, Need.HEARD),
        (K.ORDER, {"litigation": None}, Need.REMEDIES),
        (K.ORDER, {"addressees": [" "]}, Need.ADDRESSEES),
        (K.NOTICE, {"hearing": True, "hearing_term": None}, Need.HEARING_TERM),
        (
            K.DEMAND,
            {"earlier": Earlier(title="书", number="号", issued_on=date(2026, 1, 1))},
            Need.DECISION_SERVED,
        ),
    ],
)  # fmt: skip
def test_single_gaps(kind: DocumentKind, change: dict[str, Any], need: Need) -> None:
    assert missing(material(kind, **change)) == (need,)


def test_every_kind_has_its_words() -> None:
    assert set(NEEDS) == set(TITLES) == set(TITLES_EN) == set(SERIES) == set(K)
    assert len(set(SERIES.values())) == len(K)
    assert set(LABELS) == set(Need)


def test_the_builders_refuse_gaps_too() -> None:
    with pytest.raises(ValueError, match="authority"):
        compose_without_check(material(K.CLOSURE, issuer=None))
    for build, told in (
        (letters.order, material(K.ORDER, heard=None)),
        (letters.order, material(K.ORDER, term=None)),
        (letters.demand, material(K.DEMAND, earlier=None)),
        (letters.demand, replace(material(K.DEMAND), term=None)),
        (records.visit_record, material(K.VISIT_RECORD, visit=None)),
        (records.receipt, material(K.RECEIPT, service=None)),
    ):
        with pytest.raises(ValueError, match=r"\w"):
            build(told)
    with pytest.raises(ValueError, match="not set"):
        letters.required(None)


def compose_without_check(told: Material) -> Any:
    from inspection.documents.content import signed

    return signed(told)


def test_a_hearing_is_told_of_where_the_law_gives_one() -> None:
    text = words(pdf_of(material(K.NOTICE, hearing=True)))
    for said in ("陈述申辩及听证告知书", "有权要求听证", "5个工作日", "2026年3月10日", "调休上班日计入"):
        assert said in text
    assert "听证" not in words(pdf_of(material(K.NOTICE)))


def test_variants_of_what_is_known() -> None:
    silent = words(pdf_of(material(K.ORDER, heard=Heard(), began_on=None)))
    assert "未提出陈述、申辩" in silent
    assert "自2026年1月2日起" not in silent
    waived = words(pdf_of(material(K.ORDER, heard=Heard(waived=True), replaces="测住保责改〔2026〕9号")))
    assert "放弃或者不再提出" in waived
    assert "替代已作废的测住保责改〔2026〕9号文书" in waived
    later = material(K.NOTICE, term=term(5, "个工作日", date(2027, 1, 8), provisional=True))
    assert "放假安排尚未公布" in words(pdf_of(later))
    assert "责令限期整改通知书" not in words(pdf_of(material(K.CLOSURE, earlier=None)))
    plain_issuer = replace(ISSUER, address=None, phone=None)
    assert "地址：" not in words(pdf_of(material(K.NOTICE, issuer=plain_issuer)))
    visit = material(K.VISIT_RECORD).visit
    service = material(K.RECEIPT).service
    assert visit is not None
    assert service is not None
    nothing = replace(
        visit, let_in_by=None, notice_left=True, met=(), finding=None, notes=None, photos=(), check_ins=()
    )
    shut = material(K.VISIT_RECORD, visit=nothing, addressees=[])
    assert "已留下走访通知" in words(pdf_of(shut))
    assert "：\n\n" not in plain(compose(shut, number=NUMBER))
    assert "核查人员" not in plain(compose(material(K.CLOSURE, officers=[]), number=NUMBER))
    captionless = replace(visit, photos=[("", "ef" * 32)])
    assert "照片SHA-256" in words(pdf_of(material(K.VISIT_RECORD, visit=captionless)))
    announced = replace(
        service, received_by=None, photo_digest=None, witness="见证人", note="三次未遇",
        running=[("整改", term(15, "日", date(2027, 1, 18), provisional=True))],
    )  # fmt: skip
    assert "放假安排公布后重新计算" in words(pdf_of(material(K.RECEIPT, service=announced)))
    bare = replace(service, running=())
    assert "不起算期限" in words(pdf_of(material(K.RECEIPT, service=bare)))


HOSTILE = [
    "#set page(fill: red)", "[*bold*] _x_ `raw` $x^2$ \\n @ref <label> // comment /* */", "= 标题", '"); #panic("x',
    "#{sys.inputs}", "https://example.invalid/a?b=c#d", "~ -- --- ... '引号' \"引号\"",
]  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.asvs("v5.0.0-1.3.7")
@pytest.mark.asvs("v5.0.0-5.4.2")
def test_markup_is_text(text: str) -> None:
    pdf = pdf_of(material(K.ORDER, facts=text, addressees=[text], demands=text))
    assert words(pdf).count("".join(text.split())) >= 3


def test_rare_characters_lines_and_two_thousand_characters() -> None:
    pdf = pdf_of(material(K.ORDER, addressees=["𠮷龘䶮", "一\n行\r\n名\u202e字\x00\t。"], facts="甲\u2028乙\n\n丙"))
    assert "𠮷龘䶮、一行名字。：" in words(pdf)
    for long in ("名" * 2000, "A" * 2000, "a b" * 700):
        found = pdf_of(material(K.NOTICE, addressees=[long]))
        assert words(found).replace("\u200b", "").count("".join(long.split())[:100]) >= 1
        assert len(read(found).pages) <= 20


@pytest.mark.parametrize("character", ["\ue000", "😀", "\u0378", "\ufffe"])
async def test_a_character_without_a_glyph_is_named(character: str) -> None:
    content = compose(material(K.ORDER, addressees=[f"张{character}三"]), number=NUMBER)
    with pytest.raises(CharacterMissing) as unshown:
        await render(content["template"], content)
    assert unshown.value.extra["characters"] == f"U+{ord(character):04X}"
    assert f"U+{ord(character):04X}" in unshown.value.detail_zh
    assert unshown.value.status == 422


def test_another_process_makes_the_same_bytes() -> None:
    content = compose(material(K.ORDER), number=NUMBER)
    code = (
        "import hashlib, json, sys; from inspection.documents.rendering import typeset;"
        "c = json.load(sys.stdin); print(hashlib.sha256(typeset(c['template'], c)).hexdigest())"
    )
    other = subprocess.run(
        [sys.executable, "-c", code], input=json.dumps(content), capture_output=True, text=True, check=True
    )
    here = [hashlib.sha256(typeset(content["template"], content)).hexdigest() for _ in range(2)]
    assert [other.stdout.strip()] * 2 == here


@given(st.text(max_size=200))
def test_cleaned_text_holds_nothing_that_steers_a_page(text: str) -> None:
    cleaned = wording.clean(text)
    assert not set(cleaned) & set("\x00\r\t\u202e\u2066\u2028\ufeff")
    assert wording.clean(cleaned) == cleaned
    assert "\n" not in wording.line(text)
    assert all(part.strip() for part in wording.paragraphs(text))


def test_the_articles_of_a_document() -> None:
    assert articles(K.NOTICE, None) is None
    assert articles(K.DEMAND, None) == "行政强制法第三十五条；行政强制法第五十三条；行政强制法第五十四条"
    assert articles(K.RETURN_ORDER, Violation.ARREARS) == "公共租赁住房管理办法第二十九条"
    assert "行政处罚法第二十八条" in (articles(K.ORDER, Violation.SUBLET) or "")


def test_how_things_are_written() -> None:
    assert wording.number("测住保", "责改", 2026, 7) == "测住保责改〔2026〕7号"
    assert wording.moment(datetime(2026, 3, 2, 16, 5, tzinfo=UTC)) == "2026年3月3日0时5分"
    assert wording.sentence("好") == "好。"
    assert wording.sentence("好。") == "好。"
    assert wording.grouped("ab" * 8) == "abababab abababab"
