"""What each letter says, section by section. Pure.

Sources: 行政处罚法 28, 41, 44, 45, 59, 62–64; 公共租赁住房管理办法 27, 36; 行政强制法 34–37, 43, 53, 54;
行政复议法 20, 42; 行政诉讼法 46, 56; 民事诉讼法 85.
"""

from collections.abc import Callable, Mapping
from typing import Final

from inspection.documents.material import Earlier, Heard, Issuer, Material, Term
from inspection.documents.vocabulary import DocumentKind
from inspection.documents.wording import day, line, paragraphs, sentence

Section = tuple[str, list[str]]
MACHINES: Final = "门禁等电子设备记录仅作为线索，经人工审核方可作为证据；您可以要求查询与您有关的记录并提出异议。"


def notice(m: Material) -> list[Section]:
    """告知: what is intended and why, and the right to answer before anything is decided."""
    rights = [
        f"您有权陈述和申辩，可在收到本告知书之次日起{_words(m.term)}内以书面或者口头方式向本机关提出；"
        "我们将逐点核实并书面答复，不因您陈述、申辩而给予更重的处理。" + _counted(m.term, "本告知书"),
    ]
    if m.hearing:
        rights.append(
            f"本案属于听证范围，您有权要求听证，应在收到本告知书之次日起{_words(m.hearing_term)}内提出；"
            "听证公开举行（涉及个人隐私的除外），您不承担组织听证的费用。" + _counted(m.hearing_term, "本告知书")
        )
    rights += [
        "您有权查阅本案中与您有关的记录，有权委托他人代为陈述，有权说明疾病、残疾、照护、家庭暴力、外出务工等情况。",
        MACHINES,
    ]
    return [
        *_found(m),
        ("拟作出的处理", ["责令限期整改。", *paragraphs(m.demands or "")]),
        ("您的权利", rights),
    ]


def order(m: Material) -> list[Section]:
    """责令限期整改: what to put right until when, and the ways to challenge it."""
    return [
        *_found(m),
        ("陈述申辩及复核情况", _heard(m.heard)),
        (
            "整改要求和期限",
            [
                f"自本通知书送达之次日起{_words(m.term)}内整改到位。" + _counted(m.term, "本通知书"),
                *paragraphs(m.demands or ""),
                "整改完成后请申报，我们将另行派员回访复核。确有困难不能如期完成的，请在期限内说明理由。",
            ],
        ),
        ("救济途径", _remedies(m, "本通知书")),
    ]


def return_order(m: Material) -> list[Section]:
    """责令限期退回: the flat is to be returned until when, what follows if not, and the ways to challenge it."""
    return [
        *_found(m),
        ("陈述申辩及复核情况", _heard(m.heard)),
        (
            "处理决定",
            [
                f"责令自本决定书送达之次日起{_words(m.term)}内退回所承租的公共租赁住房。"
                + _counted(m.term, "本决定书"),
                *paragraphs(m.demands or ""),
                (
                    "逾期不退回的，本机关经催告后将依法申请人民法院强制执行；"
                    "不在夜间或者法定节假日强制执行，不以停止供水、供电、供热、供燃气等方式迫使履行。"
                ),
            ],
        ),
        ("救济途径", _remedies(m, "本决定书")),
    ]


def demand(m: Material) -> list[Section]:
    """催告: which duty is still open, until when and how, the right to answer, what follows."""
    decision = m.earlier
    return [
        ("催告事由", [_unperformed(decision)]),
        (
            "履行期限和方式",
            [
                f"请自本催告书送达之次日起{_words(m.term)}内履行。" + _counted(m.term, "本催告书"),
                *paragraphs(m.demands or ""),
            ],
        ),
        ("法律依据", [sentence(line(m.legal_basis or ""))]),
        (
            "您的权利和逾期后果",
            [
                "收到本催告书后，您有权陈述和申辩，本机关将对您提出的事实、理由和证据进行记录、复核。",
                "逾期仍不履行的，本机关将依法申请人民法院强制执行。履行确有困难的，可以与本机关协商分期履行。",
            ],
        ),
    ]


def closure(m: Material) -> list[Section]:
    """结案（销号）: that the matter is settled, and by what."""
    before = [f"所涉文书：{m.earlier.title}（{m.earlier.number}）。"] if m.earlier else []
    return [
        ("案件情况", [f"{line(m.address)}{m.violation}一案，案号{line(m.case_number)}。", *before]),
        ("结案理由", [*paragraphs(m.closed_for or "")]),
        ("法律依据", [sentence(line(m.legal_basis or ""))]),
        ("结论", ["经回访复核，本案予以结案（销号）。本案中收集的个人信息按规定期限保存，期满销毁。"]),
    ]


LETTERS: Final[Mapping[DocumentKind, Callable[[Material], list[Section]]]] = {
    DocumentKind.NOTICE: notice,
    DocumentKind.ORDER: order,
    DocumentKind.RETURN_ORDER: return_order,
    DocumentKind.DEMAND: demand,
    DocumentKind.CLOSURE: closure,
}


def counted(term: Term, served: str) -> str:
    """How a period is counted, with its last day if the document is served on the day it was issued."""
    working = "工作日不含法定节假日和休息日，调休上班日计入；" if term.unit == "个工作日" else ""
    ends = (
        f"期间自送达之次日起算，{working}最后一日为法定节假日的，顺延至其后第一个工作日。"
        f"{served}如于{day(term.counted_from)}送达，期限至{day(term.last_day)}届满；"
        "实际截止日期按送达之日计算，以送达回证载明的为准。"
    )
    return ends + ("该期间涉及放假安排尚未公布的年度，公布后按公布的安排计算。" if term.provisional else "")


def _found(m: Material) -> list[Section]:
    since = f"自{day(m.began_on)}起" if m.began_on else ""
    tenants = "、".join(line(name) for name in m.addressees)
    facts = [
        f"经执法人员现场核查，{line(m.address)}（{tenants}承租）{since}存在{m.violation}的行为。",
        *paragraphs(m.facts or ""),
    ]
    return [
        ("认定的事实", facts),
        ("理由和法律依据", [f"上述行为违反公共租赁住房管理规定。依据：{sentence(line(m.legal_basis or ''))}"]),
        ("证据", ["上述事实有下列证据证明。所附摘要（SHA-256）由证据记录计算，可用以核对记录未经改动。"]),
    ]


def _heard(heard: Heard | None) -> list[str]:
    if heard is None:
        raise ValueError("nobody decides before the person was heard")
    said = [
        f"{position}．当事人提出：{sentence(line(point))}复核意见：{sentence(line(reply))}"
        for position, (point, reply) in enumerate(heard.points, start=1)
    ]
    if heard.waived:
        said.append("当事人以书面方式表示放弃或者不再提出陈述、申辩。")
    return said or ["经依法告知，当事人在规定期限内未提出陈述、申辩。"]


def _remedies(m: Material, paper: str) -> list[str]:
    issuer = m.issuer or Issuer(name="")
    ends = [
        f"{name}截止日期为{day(required(term).last_day)}"
        for name, term in (("申请行政复议的", m.reconsideration), ("提起行政诉讼的", m.litigation))
    ]
    return [
        (
            f"对{paper}不服的，可自知道之日起{_words(m.reconsideration)}内"
            f"依法向{line(issuer.review_body or '')}申请行政复议，"
            f"或者{_words(m.litigation)}内依法向{line(issuer.court or '')}提起行政诉讼。"
            "复议、诉讼期间不停止执行，法律另有规定的除外。"
        ),
        f"{paper}如于{day(m.today)}送达，{'，'.join(ends)}。",
    ]


def _unperformed(decision: Earlier | None) -> str:
    if decision is None or decision.served_on is None:
        raise ValueError("a demand follows a decision that was served")
    return (
        f"本机关于{day(decision.issued_on)}作出《{decision.title}》（{decision.number}），"
        f"已于{day(decision.served_on)}送达。截至目前，您尚未履行下列义务：{sentence(line(decision.demands))}"
    )


def required(term: Term | None) -> Term:
    """A period that the document needs; `missing` has asked for it. Raises `ValueError` without one."""
    if term is None:
        raise ValueError("the period is not set")
    return term


def _words(term: Term | None) -> str:
    return required(term).words


def _counted(term: Term | None, paper: str) -> str:
    return counted(required(term), paper)
