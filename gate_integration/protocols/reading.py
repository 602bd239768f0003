"""Tolerant reading of what devices write: text in unknown encodings, nearly-JSON, XML, times, numbers. Pure."""

import json
import math
import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Any
from xml.etree.ElementTree import Element, ParseError
from zoneinfo import ZoneInfo

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

MAX_FAILURES = 64
MAX_DEPTH = 32
FIRST_YEAR, LAST_YEAR = 1970, 2035  # clocks that were never set say 0000 or 1970, broken ones 2036 and later
_MAX_TEXT = 256
_MAX_RESTARTS = 8
_MAX_INTEGER = 2**63 - 1
_DECODER = json.JSONDecoder(strict=False)
_EXTRA_COMMA = re.compile(r'("(?:[^"\\]|\\.)*+")|,(?=\s*+[}\]])', re.DOTALL)
_NEXT_OBJECT = re.compile(r"\}\s*+,\s*+(?=\{)")
_XML_NOISE = re.compile(r"<\?xml[^>]{0,200}\?>|[\x01-\x08\x0b\x0c\x0e-\x1f]")
_TIME = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})[T ](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.\d+)?\s*(?:(Z)|([+-])(\d{1,2}):?(\d{2})?)?",
    re.ASCII | re.IGNORECASE,
)
_NOBODY = frozenset({"", "0", "null", "none", "undefined"})


def text_of(body: bytes) -> str:
    """Decode UTF-8, else GBK, else Latin-1; byte order mark and NUL characters are dropped."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return body.decode(encoding).replace("\0", "")
        except UnicodeDecodeError:
            continue
    return body.decode("latin-1").replace("\0", "")


def json_values(text: str, list_name: str) -> tuple[list[Any], bool]:
    """Read the JSON values of a text, and whether all of it that looked like JSON could be read.

    Several values in a row, junk between and after them, and commas before a closing bracket are tolerated. Of a
    broken document the readable objects of its list `list_name` are saved.
    """
    values: list[Any] = []
    failures = 0
    position = _opening(text, 0)
    while position >= 0 and failures < _MAX_RESTARTS:
        found = _decode(text, position)
        if found is None:
            repaired = _EXTRA_COMMA.sub(lambda m: m[1] or "", text[position:])
            found = _decode(repaired, 0)
            if found is not None:
                text = repaired
        if found is not None:
            values.append(found[0])
            position = _opening(text, found[1])
            continue
        failures += 1
        rescued = _rescue(text, position, list_name)
        values.extend(rescued)
        # Only an object that begins a line, or stands behind junk brackets, is a document of its own: the inside of a
        # broken one must not pass for an event.
        following = text.find("{" if text[position] == "[" else "\n{", position)
        position = -1 if rescued or following < 0 else _opening(text, following)
    return values, bool(values) and not failures


def _opening(text: str, position: int) -> int:
    hits = [hit for hit in (text.find("{", position), text.find("[", position)) if hit >= 0]
    return min(hits, default=-1)


def _decode(text: str, position: int) -> tuple[Any, int] | None:
    try:
        return _DECODER.raw_decode(text, position)
    except (ValueError, RecursionError):  # ValueError also for integers of thousands of digits
        return None


def _rescue(text: str, position: int, list_name: str) -> list[Any]:
    values: list[Any] = []
    start = text.find(f'"{list_name}"', position)
    position = text.find("{", start) if start >= 0 else -1
    for _ in range(MAX_FAILURES):
        while position >= 0 and (found := _decode(text, position)) is not None:
            values.append({list_name: [found[0]]})
            position = text.find("{", found[1])
        following = _NEXT_OBJECT.search(text, position) if position >= 0 else None
        if following is None:
            break
        position = following.end()
    return values


def xml_values(text: str, root: str) -> tuple[list[dict[str, Any]], bool]:
    """Read every `root` element of a text as a dictionary without namespaces, and whether all could be read.

    Document types and entities are refused; text outside the root elements is passed over.
    """
    values: list[dict[str, Any]] = []
    complete = "<!DOCTYPE" not in text.upper()
    failures = 0
    text = _XML_NOISE.sub("", text)
    close = re.compile(rf"</(?:[\w.-]+:)?{root}\s*+>")
    position = 0
    for start in re.finditer(rf"<(?:[\w.-]{{1,64}}:)?{root}(?=[\s>])", text):
        if start.start() < position:
            continue
        end = close.search(text, start.start())
        if end is None or failures >= _MAX_RESTARTS:
            return values, False
        position = end.end()
        try:
            value = _plain(fromstring(text[start.start() : position], forbid_dtd=True), 0)
        except (ParseError, DefusedXmlException):
            complete = False
            failures += 1
            position = start.end()  # the next root may stand before the close that was found
            continue
        values.append(value if isinstance(value, dict) else {})
    return values, complete and bool(values)


def _plain(element: Element, depth: int) -> Any:  # noqa: ANN401
    if len(element) == 0 or depth >= MAX_DEPTH:
        return (element.text or "").strip()
    return {child.tag.rpartition("}")[2]: _plain(child, depth + 1) for child in element}


def integer(value: object) -> int | None:
    """A whole number, also from text or a float without fraction; None when it is none or beyond 63 bits."""
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,19}\s*", value, re.ASCII):
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) <= _MAX_INTEGER:
        return value
    return None


def boolean(value: object) -> bool | None:
    """True and False, also as text or 1 and 0; None for anything else."""
    return {"true": True, "1": True, "false": False, "0": False}.get(str(value).strip().lower())


def text(value: object) -> str | None:
    """A string that a database takes: no NUL, no lone surrogates, no blanks around, at most 256 characters."""
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    plain = str(value) if not isinstance(value, int) or abs(value) <= _MAX_INTEGER else "?"
    return plain.replace("\0", "").encode("utf-8", "replace").decode().strip()[:_MAX_TEXT]


def number_text(value: object) -> str | None:
    """An opaque number as text, leading zeros kept; None for every spelling of nobody ("", "0", "null")."""
    plain = text(value)
    return None if plain is None or plain.lower() in _NOBODY else plain


def device_time(verbatim: str | None, zone: str) -> tuple[datetime | None, str | None]:
    """Read a device's time in UTC and a problem code: "time-missing", "time-unreadable", "time-range", "zone-unknown".

    Without an offset the device's `zone` (IANA name) holds. Offsets like -6:00 are read.
    """
    if not verbatim:
        return None, "time-missing"
    match = _TIME.fullmatch(verbatim.strip())
    if match is None:
        return None, "time-unreadable"
    if not FIRST_YEAR <= int(match[1]) <= LAST_YEAR:
        return None, "time-range"
    where: tzinfo
    try:
        if match[8]:
            offset = timedelta(hours=int(match[9]), minutes=int(match[10] or 0))
            where = timezone(-offset if match[8] == "-" else offset)
        else:
            where = UTC if match[7] else ZoneInfo(zone)
    except (ValueError, OSError, KeyError) as error:  # ZoneInfoNotFoundError is a KeyError
        return None, "zone-unknown" if not isinstance(error, ValueError) or not match[8] else "time-unreadable"
    year, month, day, hour, minute, second = (int(match[group]) for group in range(1, 7))
    try:
        return datetime(year, month, day, hour, minute, second, tzinfo=where).astimezone(UTC), None
    except ValueError:
        return None, "time-unreadable"
