"""What can be wrong in every part of the register."""

from storage.problems import Invalid


class BadPeriod(Invalid):
    """A period that ends before it begins, or lies wholly in the past."""

    code = "bad-period"
    title_zh = "起止日期不正确"
    title_en = "The period is not valid"
