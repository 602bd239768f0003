"""What a record of a visit and a record of service say, row by row. Pure."""

from inspection.documents.material import Material, ServiceFacts, Term, VisitFacts
from inspection.documents.wording import day, grouped, line, moment, paragraphs

Row = tuple[str, list[str]]
NOTHING = "无"


def visit_record(m: Material) -> list[Row]:
    """入户走访核查记录 (行政处罚法 42, 47, 55): who was there when, who they met, what they found."""
    visit = m.visit
    if visit is None:
        raise ValueError("there is no visit to record")
    return [
        ("房屋坐落", [line(m.address)]),
        ("承租人", ["、".join(line(name) for name in m.addressees) or NOTHING]),
        ("走访类别", [visit.kind]),
        ("起止时间", [f"{moment(visit.began_at)}至{moment(visit.ended_at)}"]),
        ("核查人员", [f"{line(officer.name)}，执法证号{line(officer.certificate)}" for officer in m.officers]),
        ("表明身份", ["核查人员已出示行政执法证，说明来意，告知有权申请回避、陈述和申辩。"]),
        ("现场签到", [line(text) for text in visit.check_ins] or [NOTHING]),
        ("走访结果", _result(visit)),
        ("在场人员", [line(text) for text in visit.met] or [NOTHING]),
        ("核查所见", paragraphs(visit.finding or "") or [NOTHING]),
        ("备注", paragraphs(visit.notes or "") or [NOTHING]),
        (
            "现场照片",
            [f"{line(caption) or '照片'}　SHA-256 {grouped(digest)}" for caption, digest in visit.photos] or [NOTHING],
        ),
        ("签名", ["当事人或者在场人签名：", "核查人员签名：", "（拒绝签名的，由核查人员注明情况）"]),
    ]


def receipt(m: Material) -> list[Row]:
    """送达回证 (民事诉讼法 87–95): what was handed to whom, when, how, and which periods run from then."""
    service, paper = m.service, m.earlier
    if service is None or paper is None:
        raise ValueError("there is no service to record")
    return [
        ("送达文书", [f"《{paper.title}》", paper.number, f"签发日期：{day(paper.issued_on)}"]),
        ("受送达人", ["、".join(line(name) for name in m.addressees)]),
        ("送达地点", [line(m.address)]),
        ("送达方式", [service.method]),
        ("送达时间", [moment(service.served_at), f"生效日期：{day(service.effective_on)}"]),
        ("签收人", [line(service.received_by or "") or NOTHING]),
        ("见证人", [line(service.witness or "") or NOTHING]),
        ("送达人", [f"{line(service.recorded_by.name)}，执法证号{line(service.recorded_by.certificate)}"]),
        ("影像记录", [f"SHA-256 {grouped(service.photo_digest)}" if service.photo_digest else NOTHING]),
        ("备注", paragraphs(service.note or "") or [NOTHING]),
        ("期限", _running(service)),
        ("签名", ["受送达人签名：", "送达人签名："]),
    ]


def _result(visit: VisitFacts) -> list[str]:
    let_in = [f"开门及准许情况：{line(visit.let_in_by)}"] if visit.let_in_by else []
    return [visit.result, *let_in, "已留下走访通知。" if visit.notice_left else "未留通知。"]


def _running(service: ServiceFacts) -> list[str]:
    return [f"{name}：{_counting(term)}" for name, term in service.running] or ["本次送达不起算期限。"]


def _counting(term: Term) -> str:
    later = "（放假安排公布后重新计算）" if term.provisional else ""
    return f"{term.words}，自{day(term.counted_from)}之次日起算，至{day(term.last_day)}届满{later}"
