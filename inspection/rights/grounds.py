"""What of a person's data law makes us keep when they ask for erasure, and until when. Pure.

个人信息保护法 47: erasure when the purpose is reached, consent is withdrawn, or keeping is unlawful; where a period of
keeping set by law has not ended, processing stops but for storing. So a ground keeps a part and never the whole: what
rests on consent alone (templates, photographs, entries by face on gates) goes at once, whatever else stays.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from storage.erasure.parts import Part


class Ground(StrEnum):
    """Why a part stays."""

    RUNNING_LEASE = "running_lease"
    RUNNING_STAY = "running_stay"
    RUNNING_WORK = "running_work"
    OPEN_CASE = "open_case"
    LEGAL_HOLD = "legal_hold"


PARTS: Final[Mapping[Ground, frozenset[Part]]] = {
    Ground.RUNNING_LEASE: frozenset({Part.REGISTER}),
    Ground.RUNNING_STAY: frozenset({Part.REGISTER}),
    Ground.RUNNING_WORK: frozenset({Part.REGISTER}),
    Ground.OPEN_CASE: frozenset({Part.REGISTER, Part.CASE_RECORDS}),
    Ground.LEGAL_HOLD: frozenset({Part.REGISTER, Part.TRAIL, Part.CASE_RECORDS}),
}
WORDS: Final[Mapping[Ground, tuple[str, str]]] = {
    Ground.RUNNING_LEASE: (
        "本户租赁合同尚在履行，登记信息须保留至合同终止（公共租赁住房管理办法；个人信息保护法第十三条第三项、第四十七条）",
        "The household's lease runs: the register row stays until it ends",
    ),
    Ground.RUNNING_STAY: (
        "临时居住报备尚在有效期内，登记信息须保留至期满",
        "A registered guest stay runs: the register row stays until it ends",
    ),
    Ground.RUNNING_WORK: (
        "在本小区的服务登记尚在有效期内，登记信息须保留至期满",
        "The person is registered as working in the estate: the register row stays until that ends",
    ),
    Ground.OPEN_CASE: (
        "本户有案件尚未办结，当事人登记和案卷材料须保留至结案及保存期满",
        "A case about the household is open: the register row and the case's records stay until it is closed",
    ),
    Ground.LEGAL_HOLD: (
        "有关材料已依法封存保全，解除前不得删除",
        "The material is under a legal hold and may not be deleted until it is released",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Situation:
    """What is so with a person on a day."""

    lease_runs: bool = False
    stay_runs: bool = False
    work_runs: bool = False
    case_open: bool = False
    held: bool = False


def grounds(situation: Situation) -> tuple[Ground, ...]:
    """The grounds that hold in a situation."""
    told = (
        (situation.lease_runs, Ground.RUNNING_LEASE),
        (situation.stay_runs, Ground.RUNNING_STAY),
        (situation.work_runs, Ground.RUNNING_WORK),
        (situation.case_open, Ground.OPEN_CASE),
        (situation.held, Ground.LEGAL_HOLD),
    )
    return tuple(ground for holds, ground in told if holds)


def kept(found: Iterable[Ground]) -> frozenset[Part]:
    """The parts that stay by these grounds."""
    return frozenset(part for ground in found for part in PARTS[ground])
