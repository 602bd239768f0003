"""Resident identity numbers (公民身份号码, GB 11643-1999): reading, masking, age.

Eighteen characters: six of the division of first registration (GB/T 2260), eight of the birth date, three of
sequence, one check character (ISO 7064 MOD 11-2). No message made here repeats the number: messages reach logs and
import reports.
"""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

LENGTH: Final = 18
OLD_LENGTH: Final = 15
EARLIEST_BIRTH_YEAR: Final = 1900  # nobody older than that holds a lease; an earlier year is a typing error
FULL_MASK: Final = "********"

_CHECK_CHARACTERS: Final = "0123456789X"
_SHAPE: Final = re.compile(r"[0-9]{17}[0-9X]")
_SAME_CHARACTER: Final = str.maketrans("０１２３４５６７８９ｘＸx", "0123456789XXX", "\u200b\u200c\u200d\ufeff")


class BadIdNumber(ValueError):
    """Not a valid resident ID number. `code` is one of the keys of `REASONS`; `zh` and `en` say it in words."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.zh, self.en = REASONS[code]
        super().__init__(self.en)


REASONS: Final[dict[str, tuple[str, str]]] = {
    "id-length": ("身份证号码应为18位", "A resident ID number has 18 characters"),
    "id-old-15": (
        "15位身份证号码自2013年1月1日起停用，请录入18位号码",
        "15-digit numbers are invalid since 2013-01-01; enter the 18-character number",
    ),
    "id-characters": (
        "身份证号码前17位应为数字，末位为数字或X",
        "The first 17 characters must be digits, the last a digit or X",
    ),
    "id-division": ("身份证号码前6位不是行政区划代码", "The first six digits are not a division code"),
    "id-date": ("身份证号码中的出生日期不存在", "The birth date in the number does not exist"),
    "id-future-date": ("身份证号码中的出生日期晚于今天", "The birth date in the number lies in the future"),
    "id-check-digit": (
        "身份证号码校验位不符，请核对是否录错",
        "The check digit does not fit: please look for a typing error",
    ),
}


@dataclass(frozen=True, slots=True)
class IdNumber:
    """A valid number: 18 characters in normal form, the birth date and the six-digit division it holds."""

    number: str
    birth_date: date
    division: str


def normalise(text: str) -> str:
    """The number as the standard writes it: ASCII digits, capital X, no blanks. Other characters stay as they are."""
    return "".join(text.translate(_SAME_CHARACTER).split())


def check_character(digits: str) -> str:
    """The ISO 7064 MOD 11-2 check character of a string of ASCII digits."""
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2 % 11
    return _CHECK_CHARACTERS[(12 - total) % 11]


def parse(text: str, *, today: date) -> IdNumber:
    """Reads a resident ID number; `today` (Asia/Shanghai) bounds the birth date.

    Whether the division exists is not asked here: codes come and go, and a number keeps the code of its first
    registration for life. Raises `BadIdNumber`.
    """
    number = normalise(text)
    if len(number) == OLD_LENGTH and number.isascii() and number.isdigit():
        raise BadIdNumber("id-old-15")  # 居民身份证法 (2011 amendment, art. 23): first-generation cards ended with 2012
    if len(number) != LENGTH:
        raise BadIdNumber("id-length")
    if _SHAPE.fullmatch(number) is None:
        raise BadIdNumber("id-characters")
    if number[0] == "0":
        raise BadIdNumber("id-division")
    try:
        birth_date = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError:
        raise BadIdNumber("id-date") from None
    if birth_date.year < EARLIEST_BIRTH_YEAR:
        raise BadIdNumber("id-date")
    if birth_date > today:
        raise BadIdNumber("id-future-date")
    if check_character(number[:-1]) != number[-1]:
        raise BadIdNumber("id-check-digit")
    return IdNumber(number=number, birth_date=birth_date, division=number[:6])


def mask(text: str) -> str:
    """The number as lists show it, `9999********1234`; anything that is not 18 long is hidden whole.

    Takes unchecked text, since an import report shows rejected numbers too. The run of asterisks has a fixed length.
    """
    number = normalise(text)
    if len(number) != LENGTH:
        return FULL_MASK
    return f"{number[:4]}{FULL_MASK}{number[-4:]}"


def age_on(birth: date, day: date) -> int:
    """Completed years of age (周岁) on `day`; who was born on 29 February completes a year on 1 March of a common year.

    Raises `ValueError` for a day before the birth.
    """
    if day < birth:
        raise ValueError("nobody has an age before being born")
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))
