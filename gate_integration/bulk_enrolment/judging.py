"""Whether a photograph may be taken in, as far as the register and the consent decide: values in, a code out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date

from gate_integration.bulk_enrolment.consent_sheet import ConsentLine
from inspection.registry.ages import ADULT_FROM, GUARDIAN_CONSENTS_UNDER
from inspection.registry.consents.models import ConsentScope
from inspection.registry.consents.service import Channel
from inspection.registry.id_number import age_on


@dataclass(frozen=True, slots=True)
class KnownPerson:
    """What the register says of a person. `withdrawn`: the last local day on which a scope was withdrawn.

    `templates`: how many stand. `here`: lives, stays or works in the estate today or later.
    """

    name: str
    birth_date: date | None
    here: bool
    guardian: str | None = None
    guardian_birth: date | None = None
    standing: frozenset[ConsentScope] = frozenset()
    withdrawn: Mapping[ConsentScope, date] = field(default_factory=dict)


def judge(line: ConsentLine | None, person: KnownPerson | None, *, notices: Collection[str], today: date) -> str:
    """The code of what keeps a photograph out, or "".

    Sources: 个人信息保护法 14–16, 28, 29, 31; 人脸识别技术应用安全管理办法 6, 7.
    """
    if person is None:
        return "unknown-person"
    if not person.here:
        return "person-left"
    if line is None:
        return "no-consent"
    if line.name and line.name != person.name:
        return "name-differs"
    return judge_consent(line, person, notices=notices, today=today) or judge_guardian(line, person, today=today)


def judge_consent(line: ConsentLine, person: KnownPerson, *, notices: Collection[str], today: date) -> str:
    """What is wrong with a consent as such, or ""."""
    if line.fault:
        return line.fault
    if ConsentScope.TEMPLATE not in line.yes:
        return "template-not-consented"
    if line.signed_on is None or line.signed_on > today:
        return "consent-date"
    if line.notice not in notices:
        return "notice-outdated"
    if line.channel is Channel.PAPER and not line.paper:
        return "paper-missing"
    if line.no & person.standing:
        return "scope-conflict"
    # A paper signed before a withdrawal gives nothing back, however late it is handed in.
    if any(person.withdrawn.get(scope, date.min) >= line.signed_on for scope in line.yes - person.standing):
        return "withdrawn-since"
    return ""


def judge_guardian(line: ConsentLine, person: KnownPerson, *, today: date) -> str:
    """Under 14 the registered guardian, an adult, consents; from 14 on the person does and nobody else."""
    if person.birth_date is None or person.birth_date > today:
        return "age-unknown"
    if age_on(person.birth_date, today) >= GUARDIAN_CONSENTS_UNDER:
        return "guardian-not-needed" if line.guardian else ""
    if not line.guardian or not line.relation:
        return "guardian-required"
    if line.guardian != person.guardian or person.guardian_birth is None or person.guardian_birth > today:
        return "not-the-guardian"
    return "" if age_on(person.guardian_birth, today) >= ADULT_FROM else "not-the-guardian"
