"""What is held of a person, as they are told: category by category, in their own language. Pure."""

from datetime import date

import msgspec


class Holding(msgspec.Struct, frozen=True, kw_only=True):
    """A category of data: how many records, where from, what for, by which right, until when, and who is given it.

    Of texts each has Chinese and English. `until`: the last day known; None where an event ends it, told in the text.
    """

    category: str
    what_zh: str
    what_en: str
    count: int
    from_zh: str
    from_en: str
    purposes: list[str]
    basis_zh: str
    basis_en: str
    kept_zh: str
    kept_en: str
    until: date | None = None
    recipients_zh: str = "无"
    recipients_en: str = "nobody"
