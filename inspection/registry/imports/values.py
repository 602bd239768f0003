"""Single cells: dates, numbers, roles, as people type them."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date
from typing import Final

from inspection.registry.households.models import HouseholdKind, MemberRole

DATE: Final = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T]0?0:00(?::00)?)?|(\d{4})(\d{2})(\d{2})")
ROUNDED: Final = re.compile(r"\d(?:\.\d+)?[eE]\+?\d+")
MASKED: Final = re.compile(r"\*{4}")
EXAMPLE: Final = "示例"  # a household number that begins so is the template's
ROLES: Final = {
    "承租人": MemberRole.TENANT,
    "主承租人": MemberRole.TENANT,
    "户主": MemberRole.TENANT,
    "共同承租人": MemberRole.CO_TENANT,
    "共同申请人": MemberRole.CO_TENANT,
    "共同居住人": MemberRole.CO_RESIDENT,
    "同住人": MemberRole.CO_RESIDENT,
}
KINDS: Final = {
    "实物配租": HouseholdKind.IN_KIND,
    "实物": HouseholdKind.IN_KIND,
    "租赁补贴": HouseholdKind.RENT_SUBSIDY,
    "货币补贴": HouseholdKind.RENT_SUBSIDY,
    "补贴": HouseholdKind.RENT_SUBSIDY,
}
ROLE_NAMES: Final[Mapping[str, str]] = {
    MemberRole.TENANT: "承租人", MemberRole.CO_TENANT: "共同承租人", MemberRole.CO_RESIDENT: "共同居住人",
}  # fmt: skip
KIND_NAMES: Final[Mapping[str, str]] = {HouseholdKind.IN_KIND: "实物配租", HouseholdKind.RENT_SUBSIDY: "租赁补贴"}


def plain(text: str) -> str:
    """A code or number in plain width, without blanks around it."""
    return unicodedata.normalize("NFKC", text).strip()


def words(text: str) -> str:
    """A name as a file can state it: no control characters, one blank between words."""
    return " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())


def read_date(text: str) -> date | None:
    """A date as 2026-03-01, 2026/3/1, 2026.3.1, 2026年3月1日 or 20260301; None when it is none."""
    found = DATE.fullmatch(plain(text))
    if found is None:
        return None
    year, month, day = (int(part) for part in found.groups() if part is not None)
    try:
        return date(year, month, day)
    except ValueError:
        return None


def read_whole(text: str, smallest: int, largest: int) -> int | None:
    """A whole number within bounds; None when it is none."""
    digits = plain(text).removesuffix("层").removesuffix("人").removesuffix(".0")
    if re.fullmatch(r"-?[0-9]{1,4}", digits) is None:
        return None
    return int(digits) if smallest <= int(digits) <= largest else None
