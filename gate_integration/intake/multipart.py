"""A multipart splitter for devices that get multipart wrong.

Access terminals announce one boundary and write another, double the delimiter, end lines with LF, leave out
Content-Disposition, lie in Content-Length, cut the body in a part or send no multipart at all. Nothing declared is
trusted here: the delimiter is looked for in the body, and what a part is follows from its first bytes.

Pure and linear in the length of the body; the number of parts, the depth of nesting and the size of inflated parts
are bounded.
"""

import re
import zlib
from dataclasses import dataclass
from enum import StrEnum

from gate_integration.protocols.records import ParseProblem

PLACEHOLDER_START = b"[[ruhu:"  # how a cut-out picture begins in a redacted body (see intake.redact)

INFLATE_LIMIT = 4 * 1024 * 1024
MAX_DELIMITERS = 50_000
MAX_DEPTH = 3
_MAX_HEADER_BYTES = 8_192
_MAX_BOUNDARY = 200  # RFC 2046 allows 70; devices do not read it

_BOUNDARY_PARAMETER = re.compile(r"boundary\s*=\s*(?:\"([^\"]*)\"|([^;,\s]*))", re.IGNORECASE)
_HEADER_LINE = re.compile(rb"([A-Za-z][A-Za-z0-9-]*)[ \t]*:[ \t]*(.*)")
_PARAMETER = re.compile(r"(?:^|[;\s])(name|filename)\s*=\s*(?:\"([^\"]*)\"|([^;\s]*))", re.IGNORECASE)
_FOREIGN_CLOSE = re.compile(rb"(?:\A|\r?\n)--[!-~]{1,200}--[ \t\r\n]*\Z")
_BLANK = b" \t\r\n\x00"
_AFTER_CORE = (b"\r", b"\n", b" ", b"\t", b"")
_BOM = b"\xef\xbb\xbf"


class PartKind(StrEnum):
    """What a part is, by its first bytes."""

    JSON = "json"
    XML = "xml"
    JPEG = "jpeg"
    PNG = "png"
    GZIP = "gzip"  # only when it could not be inflated
    PLACEHOLDER = "placeholder"  # a picture was here; the redactor cut it out
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Part:
    """One part: its bytes without the line end before the delimiter, what they are, and what was declared.

    `content_type` is the declared value in lower case ("" when none), `name` and `filename` come from
    Content-Disposition. Declared values are hints for people reading logs, never for a decision.
    """

    body: bytes
    kind: PartKind
    content_type: str = ""
    name: str | None = None
    filename: str | None = None


def sniff(body: bytes) -> PartKind:
    """Say what bytes are by their beginning; blanks, NUL bytes and a byte order mark in front do not count."""
    if body.startswith(b"\xff\xd8\xff"):
        return PartKind.JPEG
    if body.startswith(b"\x89PNG"):
        return PartKind.PNG
    if body.startswith(b"\x1f\x8b"):
        return PartKind.GZIP
    head = body[:256].removeprefix(_BOM).lstrip(_BLANK) or body.removeprefix(_BOM).lstrip(_BLANK)[:16]
    if head.startswith(PLACEHOLDER_START):
        return PartKind.PLACEHOLDER
    if head.startswith((b"{", b"[")):
        return PartKind.JSON
    if head.startswith(b"<"):
        return PartKind.XML
    return PartKind.OTHER


def boundary_core(body: bytes, content_type: str) -> bytes | None:
    """Find the delimiter text without its leading dashes, lower-cased; None when the body is no multipart.

    The header's boundary counts only if it occurs in the body; otherwise the first line of the body that looks like
    a delimiter is taken. Leading dashes are dropped because some devices put them into the parameter.
    """
    match = _BOUNDARY_PARAMETER.search(content_type)
    if match:
        core = (match[1] or match[2] or "").strip().lstrip("-").encode("utf-8", "replace")
        if core and (b"--" + core in body or b"--" + core.lower() in body.lower()):
            return core.lower()
    if not body.lstrip(_BLANK).startswith(b"--") and "multipart" not in content_type.lower():
        return None
    return _first_delimiter_line(body)


def _first_delimiter_line(body: bytes) -> bytes | None:
    position = 0 if body.startswith(b"--") else body.find(b"\n--") + 1
    for _ in range(MAX_DELIMITERS):
        line = body[position : position + _MAX_BOUNDARY].split(b"\n", 1)[0]
        core = line.strip(b"-\r \t").lower()
        if line.startswith(b"--") and core and len(line) < _MAX_BOUNDARY and b" " not in core:
            return core
        position = body.find(b"\n--", position) + 1
        if not position:
            break
    return None


def split(
    body: bytes, content_type: str, *, inflate_limit: int = INFLATE_LIMIT, depth: int = 0
) -> tuple[list[Part], list[ParseProblem]]:
    """Split a request body into parts. Never raises.

    `inflate_limit` is the most bytes one gzip part may grow to. Problems tell what was lost: "no-boundary",
    "too-many-parts", "nested-too-deep", "gzip-broken", "gzip-cut", "gzip-too-large"; their `part` is the position the
    part would have had. A body without multipart is one part. A missing closing delimiter is no problem by itself.
    """
    parts: list[Part] = []
    problems: list[ParseProblem] = []
    core = boundary_core(body, content_type)
    if core is None:
        if "multipart" in content_type.lower() and sniff(body) is PartKind.OTHER and body.strip(_BLANK):
            problems.append(ParseProblem("no-boundary", "multipart was announced, no delimiter was found", 0))
        segments = [body]
    else:
        segments, complete = _segments(body, core)
        if not complete:
            problems.append(ParseProblem("too-many-parts", f"only {MAX_DELIMITERS} delimiters are read"))
    for number, segment in enumerate(segments):
        if number == 0:  # a body without multipart, or what stands before the first delimiter
            headers: dict[str, str] = {}
            payload = segment
            if core is not None and sniff(payload) is PartKind.OTHER:
                continue
        else:
            headers, payload = _headers(segment)
        if payload.strip(_BLANK):
            _add(payload, headers, parts, problems, inflate_limit, depth)
    return parts, problems


def _segments(body: bytes, core: bytes) -> tuple[list[bytes], bool]:
    """Cut at every delimiter: two or more dashes, the core in any case, then a line end, two dashes or the end."""
    lowered = body.lower()
    needle = b"--" + core
    segments: list[bytes] = []
    start = position = 0
    for _ in range(MAX_DELIMITERS):
        hit = lowered.find(needle, position)
        if hit < 0:
            window = max(start, len(body) - 2 * _MAX_BOUNDARY)
            segments.append(body[start:window] + _FOREIGN_CLOSE.sub(b"", body[window:]))
            return segments, True
        position = hit + len(needle)
        if body[position : position + 1] not in _AFTER_CORE and not body.startswith(b"--", position):
            continue  # a longer word that begins like the delimiter
        end = len(body[start:hit].rstrip(b"-")) + start
        segments.append(_without_line_end(body[start:end]))
        if body.startswith(b"--", position):
            position += 2
        start = position
    return segments, False


def _without_line_end(segment: bytes) -> bytes:
    if segment.endswith(b"\r\n"):
        return segment[:-2]
    return segment.removesuffix(b"\n")


def _headers(segment: bytes) -> tuple[dict[str, str], bytes]:
    """Part headers (lower-case names) and payload. Broken header lines are passed over.

    The payload begins after a blank line, or at the first line that is JSON, XML or a picture. Text without any
    header line and without a blank line is all payload.
    """
    headers: dict[str, str] = {}
    first_end = segment.find(b"\n")
    position = first_end + 1 if first_end >= 0 and not segment[:first_end].strip(_BLANK) else 0
    begin = position
    while position < min(len(segment), begin + _MAX_HEADER_BYTES):
        end = segment.find(b"\n", position)
        end = len(segment) if end < 0 else end
        line = segment[position : min(end, position + _MAX_HEADER_BYTES)].strip(b" \t\r")
        if line and sniff(segment[position : position + 16]) is not PartKind.OTHER:
            return headers, segment[position:]
        position = end + 1
        if not line:
            return headers, segment[position:]
        match = _HEADER_LINE.fullmatch(line)
        if match:
            headers[match[1].decode().lower()] = match[2].decode("utf-8", "replace")
    return (headers, segment[position:]) if headers else (headers, segment[begin:])


def _add(
    payload: bytes,
    headers: dict[str, str],
    parts: list[Part],
    problems: list[ParseProblem],
    inflate_limit: int,
    depth: int,
) -> None:
    content_type = headers.get("content-type", "").lower()
    kind = sniff(payload)
    if kind is PartKind.GZIP:
        payload, code = _inflate(payload, inflate_limit)
        if code:
            problems.append(ParseProblem(code, "a gzip part could not be read in full", len(parts)))
        kind = sniff(payload)
    if "multipart/" in content_type and kind is PartKind.OTHER:
        if depth + 1 < MAX_DEPTH:
            inner, inner_problems = split(
                payload, headers["content-type"], inflate_limit=inflate_limit, depth=depth + 1
            )
            parts.extend(inner)
            problems.extend(inner_problems)
            return
        problems.append(ParseProblem("nested-too-deep", f"more than {MAX_DEPTH} levels", len(parts)))
    named = {m[1].lower(): m[2] or m[3] for m in _PARAMETER.finditer(headers.get("content-disposition", ""))}
    parts.append(Part(payload, kind, content_type, named.get("name"), named.get("filename")))


def _inflate(payload: bytes, limit: int) -> tuple[bytes, str | None]:
    inflater = zlib.decompressobj(31)
    try:
        data = inflater.decompress(payload, limit + 1)
    except zlib.error:
        return payload, "gzip-broken"
    if len(data) > limit:
        return payload, "gzip-too-large"
    return data, None if inflater.eof else "gzip-cut"
