"""Plain paragraphs in Chinese and English. They say what was seen, how well, and what would clear it.

No names and no verdicts: a gate cannot know why somebody is there, so each text asks a person to check.
"""

from collections.abc import Mapping
from datetime import date

from gate_integration.occupancy.rules.evidence import LinkKind
from gate_integration.occupancy.rules.outcome import NotRaised, Rule, Texts

_LINKS: Mapping[LinkKind, tuple[str, str]] = {
    LinkKind.UNIT_CREDENTIAL: ("使用本户凭证", "used the unit's credential"),
    LinkKind.UNIT_DOOR: ("在本户门口出现", "seen at the unit's own door"),
    LinkKind.INTERCOM: ("由本户对讲开门", "let in by the unit's intercom"),
    LinkKind.ARRIVES_WITH_RESIDENT: ("与本户人员同行", "arrived together with its residents"),
    LinkKind.VISIT: ("入户走访时在场", "met in the unit on a visit"),
}

_WHY: Mapping[str, tuple[str, str]] = {
    "care-first": (
        "本户有未办结的关爱事项，先由关爱人员处理，合规规则暂不启用。",
        "A care matter of this household is open: care comes first, compliance rules wait.",
    ),
    "no-member": ("本户目前没有有效的登记成员。", "The household has no registered member at present."),
    "member-not-visible": (
        "未登记面部的成员尚有{n}人，无法认定登记人员不在，不作推断。",
        "{n} registered member(s) cannot be recognised, so nobody can say that the registered people are away.",
    ),
    "within-hidden": (
        "未登记面部（含近期才登记或离开）的登记人员有{hidden}人，出现的{n}名未知人员可能就是他们，不计。",
        "{hidden} registered person(s) cannot be recognised, or only lately; the {n} unknown face(s) may be theirs.",
    ),
    "too-short": ("可用的观察时间太短，不作判断。", "The observation is too short to say anything."),
    "device-unhealthy": (
        "观察期内设备异常的日子过多，规则停用，不作判断。",
        "Too many days with unhealthy gates: the rule is suppressed.",
    ),
    "absence-told": ("住户已报备外出，报备期间不计。", "The household told its absence; those days do not count."),
    "registered-present": ("登记成员近期有出现。", "A registered member was seen recently."),
    "unit-in-use": ("近期有人出入或使用本户凭证。", "The unit was in use recently."),
    "maybe-neighbour": (
        "有{n}名未知人员与另一户的关联不少于本户，而该户有无法识别的登记人员，可能就是其本人来访，不计。",
        "{n} unknown person(s) may be registered people of another flat who cannot be recognised, and do not count.",
    ),
    "many-units": (
        "有{n}名未知人员与多户有关联，可能是快递等服务人员，不计。",
        "{n} unknown person(s) are linked to many units, perhaps couriers, and do not count.",
    ),
    "no-unit-link": (
        "有{n}名未知人员与本户没有足够的关联，不计。",
        "{n} unknown person(s) have no sufficient link to this unit and do not count.",
    ),
    "not-recurring": (
        "有{n}名未知人员出现天数较少，可能是访客，不计。",
        "{n} unknown person(s) came on few days, perhaps visitors, and do not count.",
    ),
    "score-low": (
        "有{n}名未知人员的出入规律不足以说明在此居住，不计。",
        "The pattern of {n} unknown person(s) does not suffice to suggest that they live here.",
    ),
    "guest-registered": (
        "已报备临时居住的客人有{n}人出现，属登记人员，不计。",
        "{n} registered guest(s) were seen; they are known and do not count.",
    ),
    "worker-registered": (
        "已登记的照护等服务人员有{n}人出现，不计。",
        "{n} registered carer(s) or other service worker(s) were seen; they are known and do not count.",
    ),
    "no-foreign-use": (
        "未见登记人员以外的人使用本户的卡或指纹。",
        "Nobody else was seen using the household's card or fingerprint.",
    ),
    "few-uses": (
        "有{n}名非本户人员用过本户的卡或指纹，次数很少，不计。",
        "{n} person(s) of no registration here used the household's card or fingerprint on a few days only.",
    ),
    "no-unknown": ("未见与本户有关联的未登记人员。", "No unregistered person linked to this unit was seen."),
}

_STAY_CLEARS_ZH = (
    "以下任一情况可消除本项：为该人员办理临时居住报备或同住人登记；登记为照护等服务人员；"
    "经核实另有合理原因；该人员不再经常出现。"
)
_STAY_CLEARS_EN = (
    "Any of these clears it: the person is registered as guest or co-resident; is registered as carer or other service"
    " worker; a visit finds another good reason; the person no longer comes often."
)


def not_raised(rule: Rule, code: str, **numbers: int) -> NotRaised:
    """The reason `code` in both languages; `numbers` fill its blanks."""
    zh, en = _WHY[code]
    return NotRaised(rule=rule, why_code=code, why_zh=zh.format(**numbers), why_en=en.format(**numbers))


def long_stay(counts: Mapping[str, int], first_day: date, last_day: date, version: str) -> Texts:
    """Texts of LONG_STAY."""
    seen_zh, seen_en = _seen(counts, last_day)
    return Texts(
        explanation_zh=f"自{_zh(first_day)}以来，门禁多次记录到与本户有关联的未登记人员{counts['people']}人，{_who(counts)[0]}{seen_zh}"
        f"可能是尚未登记的亲属、客人或照护人员，请核实并提醒登记。{_footer_zh(Rule.LONG_STAY, version)}",
        explanation_en=f"Since {first_day} the gates have often recorded {counts['people']} unregistered person(s)"
        f" linked to this unit. {_who(counts)[1]} {seen_en} This may be a relative, guest or carer not yet registered:"
        f" please check and remind them to register. {_footer_en(Rule.LONG_STAY, version)}",
        clears_zh=_STAY_CLEARS_ZH,
        clears_en=_STAY_CLEARS_EN,
    )


def sublet(counts: Mapping[str, int], gone_since: date, last_day: date, version: str) -> Texts:
    """Texts of SUBLET."""
    seen_zh, seen_en = _seen(counts, last_day)
    return Texts(
        explanation_zh=f"自{_zh(gone_since)}起，本户{counts['members']}名登记成员均未被门禁识别到，"
        f"按设备正常且未报备外出的日子计已有{counts['absent_days']}天；"
        f"同期与本户有关联的未登记人员有{counts['people']}人，{_who(counts)[0]}在此期间有{counts['alone_days']}天出现，{seen_zh}"
        f"可能是亲友暂住或代为看家，也可能登记成员已不在此居住，请上门核实。{_footer_zh(Rule.SUBLET, version)}",
        explanation_en=f"Since {gone_since} none of the {counts['members']} registered member(s) has been recognised:"
        f" {counts['absent_days']} days with healthy gates and no told absence. In the same time"
        f" {counts['people']} unregistered person(s) linked to this unit were seen."
        f" {_who(counts)[1]} came on {counts['alone_days']} days of it and {seen_en}"
        " Kin may be staying or minding the flat, or the registered people may"
        f" no longer live here: please check by a visit. {_footer_en(Rule.SUBLET, version)}",
        clears_zh="登记成员再次出现或报备外出，也可消除本项。" + _STAY_CLEARS_ZH,
        clears_en="A registered member being seen again, or an absence told, clears it too. " + _STAY_CLEARS_EN,
    )


def lent(counts: Mapping[str, int], first_day: date, last_day: date, version: str) -> Texts:
    """Texts of CREDENTIAL_LENT."""
    hidden_zh, hidden_en = _hidden(counts)
    return Texts(
        explanation_zh=f"自{_zh(first_day)}以来，本户的门禁卡或指纹由{counts['people']}名未登记为本户人员的人使用；{_who(counts)[0]}"
        f"在最近{counts['window_days']}天内有{counts['used_days']}天使用，共{counts['uses']}次（最近一次为{_zh(last_day)}）。"
        f"{_devices_zh(counts)}{hidden_zh}可能是亲友代为照看、照护人员帮忙或卡片遗失被他人使用，请与住户核实。"
        f"{_footer_zh(Rule.CREDENTIAL_LENT, version)}",
        explanation_en=f"Since {first_day} the household's card or fingerprint has been used by {counts['people']}"
        f" person(s) not registered with it. {_who(counts)[1]} used it on {counts['used_days']} of the last"
        f" {counts['window_days']} days, {counts['uses']} time(s) in all (last on {last_day}). {_devices_en(counts)}"
        f"{hidden_en} Kin who look after the flat, a carer, or a lost card may explain it: please ask the household."
        f" {_footer_en(Rule.CREDENTIAL_LENT, version)}",
        clears_zh="以下任一情况可消除本项：该人员登记为客人、同住人或照护等服务人员；挂失并更换卡片；"
        "经核实另有合理原因；不再使用。",
        clears_en="Any of these clears it: the person is registered as guest, co-resident, carer or other service"
        " worker; the card is reported lost and replaced; the household gives another good reason; the uses end.",
    )


def vacant(counts: Mapping[str, int], since: date, last_day: date, version: str) -> Texts:
    """Texts of VACANT."""
    return Texts(
        explanation_zh=f"{_zh(since)}至{_zh(last_day)}，本户{counts['members']}名登记成员均未被门禁识别到，"
        f"也没有其他使用迹象；按设备正常且未报备外出的日子计已有{counts['absent_days']}天，"
        f"达到{counts['rung_days']}天档。{_devices_zh(counts)}"
        f"可能是外出务工、住院、探亲或门禁未能识别，请先联系住户并核实。{_footer_zh(Rule.VACANT, version)}",
        explanation_en=f"From {since} to {last_day} none of the {counts['members']} registered member(s) was"
        f" recognised and nothing else shows that the unit is used: {counts['absent_days']} days with healthy gates and"
        f" no told absence, which reaches the rung of {counts['rung_days']} days. {_devices_en(counts)}"
        " Work elsewhere, hospital, a family visit or gates that failed to recognise may explain it:"
        f" please contact the household first. {_footer_en(Rule.VACANT, version)}",
        clears_zh="以下任一情况可消除本项：登记成员再次出现；使用本户凭证；报备外出；经核实另有正当理由。",
        clears_en="Any of these clears it: a registered member is seen again; the unit's credential is used; an absence"
        " is told; a visit finds a good reason.",
    )


def _seen(counts: Mapping[str, int], last_day: date) -> tuple[str, str]:
    days = {kind: counts.get(f"link_{kind.value}", 0) for kind in LinkKind}
    links_zh = "、".join(f"{_LINKS[kind][0]}{n}天" for kind, n in days.items() if n)
    links_en = ", ".join(f"{_LINKS[kind][1]} on {n} day(s)" for kind, n in days.items() if n)
    hidden_zh, hidden_en = _hidden(counts)
    zh = (
        f"最近{counts['window_days']}天内有{counts['seen_days']}天出现（最近一次为{_zh(last_day)}），"
        f"其中{counts['night_days']}天在清晨或深夜出入，{counts['with_resident']}次与登记成员同行；"
        f"与本户的关联：{links_zh}。{_devices_zh(counts)}{hidden_zh}"
    )
    en = (
        f"was seen on {counts['seen_days']} of the last {counts['window_days']} days (last on {last_day}),"
        f" on {counts['night_days']} early or late in the day, {counts['with_resident']} time(s) with a member;"
        f" link to the unit: {links_en}. {_devices_en(counts)}{hidden_en}"
    )
    return zh, en


def _hidden(counts: Mapping[str, int]) -> tuple[str, str]:
    if not counts["hidden_people"]:
        return "", ""
    return (
        f"另有{counts['hidden_people']}名登记人员无法被识别，已扣除相应数量的未知面孔，不对其作任何推断。",
        (
            f" {counts['hidden_people']} registered person(s) cannot be recognised: as many unknown faces were left"
            " out, and nothing is inferred about them."
        ),
    )


def _who(counts: Mapping[str, int]) -> tuple[str, str]:
    return ("该人员", "This person") if counts["people"] == 1 else ("其中一人", "One of them")


def _devices_zh(counts: Mapping[str, int]) -> str:
    return f"设备情况：这{counts['window_days']}天中有{counts['healthy_days']}天设备正常，异常的日子不作为依据。"


def _devices_en(counts: Mapping[str, int]) -> str:
    return (
        f"Gates were healthy on {counts['healthy_days']} of these {counts['window_days']} days; the rest are left out."
    )


def _footer_zh(rule: Rule, version: str) -> str:
    return f"依据规则{rule.value}（版本{version}），由系统提示，仅供人工核实，不是结论。"


def _footer_en(rule: Rule, version: str) -> str:
    return f"Rule {rule.value}, version {version}: a prompt for a person to check, not a finding."


def _zh(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
