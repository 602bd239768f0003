"""An access report as plain text, in Chinese or English: something to print and hand over. Pure."""

from datetime import date, datetime
from typing import Final, Literal

from inspection.rights.schemas import AccessReport
from storage.clock import SHANGHAI

Language = Literal["zh", "en"]
PURPOSES: Final = {
    "access_control": ("门禁通行", "access control"),
    "welfare_check": ("关爱走访", "welfare"),
    "tenancy_compliance": ("租赁合规管理", "tenancy compliance"),
}
ROLES: Final = {
    "manager": ("管理人员", "manager"),
    "inspector": ("走访人员", "inspector"),
    "auditor": ("审计人员", "auditor"),
    "administrator": ("系统管理员", "administrator"),
    "cli": ("系统维护", "maintenance"),
}


def as_text(report: AccessReport, language: Language) -> str:
    """The report's lines. Days and times are Shanghai's."""
    pick = 0 if language == "zh" else 1

    def say(zh: str, en: str) -> str:
        return (zh, en)[pick]

    lines = [
        say("个人信息处理情况报告", "Report on the processing of your personal information"),
        f"{say('姓名', 'Name')}：{report.name}　{say('证件号码', 'ID number')}：{report.id_number_masked or '—'}",
        f"{say('出具时间', 'Made at')}：{moment(report.made_at)}",
        "",
        say("一、持有的个人信息", "1. What is held"),
    ]
    for number, one in enumerate(report.holdings, 1):
        purposes = "、".join(PURPOSES.get(purpose, (purpose, purpose))[pick] for purpose in one.purposes) or "—"
        kept = say(one.kept_zh, one.kept_en) + (f"（{day(one.until)}）" if one.until else "")
        lines += [
            f"{number}. {say(one.what_zh, one.what_en)}：{one.count}{say('项', ' records')}",
            f"   {say('来源', 'From')}：{say(one.from_zh, one.from_en)}",
            f"   {say('目的', 'Purposes')}：{purposes}",
            f"   {say('依据', 'Legal basis')}：{say(one.basis_zh, one.basis_en)}",
            f"   {say('保存期限', 'Kept')}：{kept}",
            f"   {say('提供给', 'Given to')}：{say(one.recipients_zh, one.recipients_en)}",
        ]
    lines += ["", say("二、何人查看过", "2. Who looked")]
    for seen in report.viewed:
        roles = "、".join(ROLES.get(role, (role, role))[pick] for role in seen.role.split("+"))
        purpose = PURPOSES.get(seen.purpose or "", ("", ""))[pick]
        why = "；".join(part for part in (purpose, seen.reason) if part)
        certificate = seen.certificate_number or "—"
        lines.append(
            f"{moment(seen.at)}　{roles}（{say('证号', 'certificate')} {certificate}）"
            f"{say(seen.what_zh, seen.what_en)}{'：' + why if why else ''}"
        )
    if not report.viewed:
        lines.append(say("无查看记录", "Nobody"))
    lines += ["", say("三、您提出过的申请", "3. What you asked for")]
    lines += [f"{day(one.asked_on)}　{one.kind}　{one.state}" for one in report.requests]
    if not report.requests:
        lines.append(say("无", "Nothing"))
    lines += ["", say("四、自动化处理说明", "4. How machines are used"), say(report.automated_zh, report.automated_en)]
    return "\n".join(lines) + "\n"


def moment(at: datetime) -> str:
    """A moment as people in Shanghai write it."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def day(on: date) -> str:
    """A day."""
    return on.isoformat()
