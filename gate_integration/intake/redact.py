"""Cut pictures and embeddings out of a device's request body before it is stored.

Found by content, never by what the framing says: picture magics (JPEG, PNG, GIF, BMP, WebP), the same as base64
(plain, URL-safe, percent-encoded, in data: URLs, wrapped, JSON-escaped), long opaque base64 and hexadecimal runs, and
long lists of numbers. Each is replaced by `[[ruhu:<kind>:<index>:<length>:<keyed hash>]]`, which leaves JSON and XML
readable. A body that still looks binary afterwards is not cleared: the caller keeps the original encrypted for a short
time and never gives it to recognition.

Pure, linear in the length of the body.
"""

import binascii
import hmac
import re
import urllib.parse
from dataclasses import dataclass

from gate_integration.intake.multipart import PLACEHOLDER_START, boundary_core

MAX_CUTOUTS = 256
TOO_MANY = "too-many-cutouts"
OPAQUE_CHARS = 256  # shorter base64 runs are tokens and names, not biometrics
LIST_NUMBERS = 64  # the smallest face embedding in use has 128 numbers
_DIGEST_CHARS = 32

PLACEHOLDER = re.compile(r"\[\[ruhu:([a-z0-9]+):(\d{1,9}):(\d{1,12}):([0-9a-f]{32})\]\]")
PICTURE_KINDS = frozenset({"jpeg", "png", "gif", "bmp", "webp"})

_MAGIC = re.compile(rb"\xff\xd8\xff|\x89PNG\r?\n|GIF8[79]a|BM[\x00-\xff]{4}\x00\x00\x00\x00|RIFF[\x00-\xff]{4}WEBP")
_KINDS = {b"\xff\xd8": "jpeg", b"\x89P": "png", b"GI": "gif", b"BM": "bmp", b"RI": "webp"}

_TOKEN = rb"[A-Za-z0-9+/_\\%-]"
_WRAP = rb"(?:\s|&#(?:1[03]|[xX][aAdD]);)++(?!--)"
_MORE = rb"(?:" + _WRAP + _TOKEN + rb"{16,}+)*+(?:" + _WRAP + _TOKEN + rb"{1,63}+(?=[=\"<\s]|\Z))?+={0,2}"
_BASE64 = re.compile(
    rb"(?<!" + _TOKEN + rb")(?!--" + _TOKEN + rb"{1,70}+(?!" + _TOKEN + rb"))(?:"
    rb"(?P<picture>(?:\\[nrt])*+"
    rb"(?:(?:/|\\/|_|%2[fF])9j(?:/|\\/|_|%2[fF])|iVBORw0K|R0lGOD|UklGR)" + _TOKEN + rb"*+" + _MORE + rb")"
    rb"|(?P<opaque>" + _TOKEN + rb"{32,}+" + _MORE + rb"))"
)
_ESCAPED_LETTER = re.compile(rb"\\u[0-9a-fA-F]{4}")
_ESCAPED_BASE64 = re.compile(rb"\\u00(2[bBdDfF]|3[dD]|5[fF])")
_WRAPPING = re.compile(rb"\\[nrt]|\\|\s|&#\w+;")
_URL_SAFE = bytes.maketrans(b"-_", b"+/")

_DIGITS = rb"-?\d++(?:\.\d++)?+(?:[eE][-+]?\d++)?+"
_NUMBER = re.compile(_DIGITS)
_LIST = re.compile(
    rb"(?<![\w.+-])(?P<open>\[\s*+)?+" + _DIGITS + rb"(?:(?:[\s,;|\"]|</?[A-Za-z][\w:.-]{0,31}>)++" + _DIGITS + rb")++"
    rb"(?P<close>\s*+\])?+"
)

_TEXT = bytes([9, 10, 13, *range(32, 127)])
_CONTROL = bytes([*range(9), 11, 12, *range(14, 32), 127])
_TOKEN_MASK = bytes(
    0x61 if chr(c).isascii() and (chr(c).isalnum() or chr(c) in "+/_\\%-") else 0x20 for c in range(256)
)
_NUMBER_MASK = bytes(0x6E if c in b'0123456789.-+eE,;| \t\r\n"' else 0x20 for c in range(256))
_LONG_TOKEN = b"a" * 32
_LONG_LIST = b"n" * (2 * LIST_NUMBERS - 1)
_MAX_CONTROLS = 8
_MAX_NULS = 256
_MAX_UNREADABLE = 256
_LONG_CORE = 8
_MAX_LINE = 202
# A picture that somebody decoded as Latin-1 text and wrote out again.
_MANGLED = re.compile(
    rb"\xc3\xbf\xc3\x98\xc3\xbf|\\u00ff\\u00d8\\u00ff|JFIF(?:\x00|\\u0000)|Exif(?:\x00|\\u0000)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Cutout:
    """What was taken out: kind (a picture kind, "base64" or "numbers"), its bytes, their count and keyed hash.

    Base64 is decoded, so that one picture has one digest however it travelled; `length` is that of `data`.
    """

    kind: str
    data: bytes
    length: int
    digest: str


@dataclass(frozen=True, slots=True)
class Redaction:
    """A body without pictures. `cleared` False: `reason` says why, and the body may still hold some of one."""

    body: bytes
    cutouts: tuple[Cutout, ...]
    cleared: bool
    reason: str | None


class _Cutter:
    """Collects cut-outs of one body and hands out their placeholders."""

    def __init__(self, hash_key: bytes) -> None:
        self.key = hash_key
        self.cutouts: list[Cutout] = []

    @property
    def full(self) -> bool:
        return len(self.cutouts) >= MAX_CUTOUTS

    def cut(self, kind: str, data: bytes) -> bytes:
        digest = hmac.digest(self.key, data, "sha256").hex()[:_DIGEST_CHARS]
        self.cutouts.append(Cutout(kind, data, len(data), digest))
        return b"[[ruhu:%s:%d:%d:%s]]" % (kind.encode(), len(self.cutouts) - 1, len(data), digest.encode())

    def base64(self, match: re.Match[bytes]) -> bytes:
        run = match[0]
        opaque = match["opaque"]
        if opaque is not None and len(_ESCAPED_LETTER.sub(b"", opaque)) < OPAQUE_CHARS:
            return run  # a short token, or a Chinese sentence in \u escapes
        if self.full:
            return b""
        kept = b"\\" if run.endswith(b"\\") else b""  # belongs to an escaped quote behind the run
        data = _decode(run)
        kind = _kind(data)
        return self.cut(kind or "base64", data) + kept

    def numbers(self, match: re.Match[bytes]) -> bytes:
        run = match[0]
        if len(run) < len(_LONG_LIST) or sum(1 for _ in _NUMBER.finditer(run)) < LIST_NUMBERS:
            return run
        if self.full:
            return b""
        placeholder = self.cut("numbers", run)
        opened, closed = match["open"] is not None, match["close"] is not None
        if opened and closed:
            return b'"%s"' % placeholder
        if opened:
            return b'["%s"' % placeholder
        return b'"%s"]' % placeholder if closed else placeholder


def redact(body: bytes, content_type: str, *, hash_key: bytes) -> Redaction:
    """Replace every picture, embedding and long opaque run by a placeholder. Never raises.

    `hash_key` keys the HMAC-SHA256 of each cut-out (32 hexadecimal characters are kept): equal pictures of one estate
    can be told, a picture cannot be looked for from outside. The result is at most MAX_CUTOUTS placeholders longer than
    the body. Placeholders a device wrote itself are disarmed. Reasons for not clearing: "binary", "mangled-picture",
    "too-many-cutouts".
    """
    if PLACEHOLDER_START in body:
        body = body.replace(PLACEHOLDER_START, b"[[text:")
    cutter = _Cutter(hash_key)
    if not body.isascii() or b"GIF8" in body or b"WEBP" in body or b"BM" in body:
        rest = _cut_raw(body, content_type, cutter)
    else:
        rest = _cut_text(body, cutter)
    reason = TOO_MANY if cutter.full else _doubt(rest)
    return Redaction(rest, tuple(cutter.cutouts), reason is None, reason)


def _cut_raw(body: bytes, content_type: str, cutter: _Cutter) -> bytes:
    """Cut raw pictures, each from its magic to the next delimiter or the end, and redact the text between them."""
    out: list[bytes] = []
    position = 0
    lowered = b""
    needle: bytes | None = None
    while True:
        match = _MAGIC.search(body, position)
        if match is None:
            out.append(_cut_text(body[position:], cutter))
            return b"".join(out)
        start = match.start()
        out.append(_cut_text(body[position:start], cutter))
        if cutter.full:
            return b"".join(out)  # what follows is dropped; the caller keeps the original
        if not lowered:
            lowered = body.lower()
            needle = _needle(body, content_type)
        position = _part_end(lowered, needle, start)
        out.append(cutter.cut(_KINDS[match[0][:2]], body[start:position]))


def _needle(body: bytes, content_type: str) -> bytes | None:
    """What ends a part; a short boundary must begin a line, since picture bytes may hold it by chance."""
    core = boundary_core(body, content_type)
    if core is None:
        return None
    return (b"--" if len(core) >= _LONG_CORE else b"\n--") + core


def _part_end(lowered: bytes, needle: bytes | None, start: int) -> int:
    """Where the part with the picture at `start` ends: the delimiter, any dashed line that a part header follows, or
    the end of the body; the line end before it belongs to the framing."""
    end = len(lowered)
    hit = lowered.find(needle, start) if needle else -1
    if hit >= 0:
        end = hit
    header = lowered.find(b"\ncontent-", start, end)
    while header >= 0:
        line = lowered.rfind(b"\n", max(start, header - _MAX_LINE), header) + 1
        if line and lowered.startswith(b"--", line):
            end = line - 1
            break
        header = lowered.find(b"\ncontent-", header + 1, end)
    return start + len(lowered[start:end].removesuffix(b"\n").removesuffix(b"\r")) if end < len(lowered) else end


def _cut_text(text: bytes, cutter: _Cutter) -> bytes:
    """Cut base64 and lists of numbers; the masks and beginnings are a cheap way to see that there are none."""
    if (
        _LONG_TOKEN in text.translate(_TOKEN_MASK)
        or b"9j" in text  # in every spelling of a JPEG's beginning
        or b"iVBORw0K" in text
        or b"R0lGOD" in text
        or b"UklGR" in text
    ):
        text = _BASE64.sub(cutter.base64, text)
    if text.count(b".") >= LIST_NUMBERS or _LONG_LIST in text.translate(_NUMBER_MASK):
        text = _LIST.sub(cutter.numbers, text)
    return text


def _decode(run: bytes) -> bytes:
    if b"%" in run:
        run = urllib.parse.unquote_to_bytes(run)
    if b"\\u00" in run:
        run = _ESCAPED_BASE64.sub(lambda m: binascii.unhexlify(m[1]), run)
    plain = _WRAPPING.sub(b"", run).rstrip(b"=").translate(_URL_SAFE)
    plain = plain[: len(plain) - (len(plain) % 4 == 1)]
    try:
        return binascii.a2b_base64(plain + b"=" * (-len(plain) % 4), strict_mode=True)
    except binascii.Error:
        return run  # not base64 after all, but as opaque


def _kind(data: bytes) -> str | None:
    match = _MAGIC.match(data)
    if match:
        return _KINDS[match[0][:2]]
    return None


def _doubt(rest: bytes) -> str | None:
    """Why what is left may still hold a picture; None when it is text in UTF-8, GBK or Latin-1."""
    strange = rest.translate(None, _TEXT)
    if not strange and b"\\u00" not in rest and b"\\U00" not in rest:
        return None  # plain text without escapes: every spelling of a mangled picture holds one or the other
    if _MANGLED.search(rest):
        return "mangled-picture"
    nuls = strange.count(0)
    high = len(strange.translate(None, _CONTROL))
    if nuls > _MAX_NULS or len(strange) - nuls - high > _MAX_CONTROLS:
        return "binary"
    if high > _MAX_UNREADABLE and not any(_readable(rest, encoding) for encoding in ("utf-8", "gb18030")):
        return "binary"
    return None


def _readable(text: bytes, encoding: str) -> bool:
    try:
        text.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True
