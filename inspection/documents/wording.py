"""Dates, periods, numbers and other people's texts as a document writes them. Pure."""

import re
import unicodedata
from datetime import date, datetime
from typing import Final

from storage.clock import SHANGHAI

LONG_RUN: Final = re.compile(r"[!-~]{40,}")
BREAK_EVERY: Final = 20
_LINES: Final = str.maketrans({"\u2028": "\n", "\u2029": "\n", "\v": "\n", "\f": "\n", "\r": "\n", "\t": " "})


def day(value: date) -> str:
    """`2026年3月3日`: no leading zeros (GB/T 9704-2012, 7.3.5.4)."""
    return f"{value.year}年{value.month}月{value.day}日"


def moment(value: datetime) -> str:
    """A moment in Asia/Shanghai, to the minute."""
    local = value.astimezone(SHANGHAI)
    return f"{day(local.date())}{local.hour}时{local.minute}分"


def number(designator: str, series: str, year: int, running: int) -> str:
    """`机关代字〔年〕序号号`: hexagonal brackets, no 第 and no leading zeros (GB/T 9704-2012, 7.2.5)."""
    return f"{designator}{series}〔{year}〕{running}号"


def clean(text: str) -> str:
    """Somebody's text, fit to be shown: one kind of line break, no control or direction characters."""
    told = text.replace("\r\n", "\n").translate(_LINES)
    shown = "".join(c for c in told if c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs"})
    return shown.strip()


def flat(text: str) -> str:
    """The same on one line, for a cell of a sheet."""
    return " ".join(clean(text).split())


def broken(text: str) -> str:
    """A long run of letters without a space may be broken anywhere, so that it stays on the page."""
    return LONG_RUN.sub(_breakable, text)


def line(text: str) -> str:
    """On one line of a page, for a name or an address."""
    return broken(flat(text))


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text on a page; none are empty."""
    return [broken(part) for part in (part.strip() for part in clean(text).split("\n")) if part]


def grouped(digest: str) -> str:
    """A digest in groups of eight, to be read and compared."""
    return " ".join(digest[start : start + 8] for start in range(0, len(digest), 8))


def sentence(text: str) -> str:
    """With a full stop at its end."""
    return text if text.endswith(("。", "！", "？", "；")) else f"{text}。"


def _breakable(run: re.Match[str]) -> str:
    text = run[0]
    return "\u200b".join(text[start : start + BREAK_EVERY] for start in range(0, len(text), BREAK_EVERY))
