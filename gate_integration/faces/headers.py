"""What a picture's header says, read without decoding: format, size, and whether the file is whole.

Own small parsers, so that a bomb is refused before a decoder sees it and only four formats ever reach one:
JPEG (ITU-T T.81 annex B), PNG (ISO/IEC 15948 §5), WebP (RFC 9649), BMP (BITMAPINFOHEADER).
Pure: bytes in, value out.
"""

import struct
from dataclasses import dataclass
from enum import StrEnum

_JPEG_FRAMES = frozenset({0xC0, 0xC1, 0xC2})  # baseline, extended, progressive; the rest no decoder here reads
_JPEG_OTHER_FRAMES = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF})
_JPEG_LONE = frozenset({0x01, *range(0xD0, 0xDA)})  # restarts, start, end: none has a place before the first scan
_JPEG_MAX_SCANS = 20  # a progressive picture has about ten; each one costs a pass over all pixels
_JPEG_MAX_STEPS = 4_096  # segments and fill bytes before the first scan; a camera writes some twenty
_PNG_MAX_CHUNKS = 65_536
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"


class Format(StrEnum):
    """The formats that recognition decodes."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    BMP = "bmp"


@dataclass(frozen=True, slots=True)
class Header:
    """Width and height in pixels as stored (before orientation); `whole` is False where the end is missing."""

    format: Format
    width: int
    height: int
    whole: bool


def read_header(data: bytes) -> Header | None:
    """The header of a picture, or None where these bytes are none that recognition reads."""
    try:
        if data.startswith(b"\xff\xd8\xff"):
            header = _jpeg(data)
        elif data.startswith(_PNG_SIGNATURE):
            header = _png(data)
        elif data.startswith(b"RIFF") and data[8:12] == b"WEBP":
            header = _webp(data)
        elif data.startswith(b"BM"):
            header = _bmp(data)
        else:
            header = None
    except (struct.error, IndexError):
        return None
    return header if header and header.width > 0 and header.height > 0 else None


def _jpeg(data: bytes) -> Header | None:
    position, size = 2, (0, 0)
    for _ in range(_JPEG_MAX_STEPS):
        if data[position] != 0xFF:
            return None
        marker = data[position + 1]
        if marker == 0xFF:  # a fill byte
            position += 1
            continue
        position += 2
        if marker in _JPEG_OTHER_FRAMES or marker in _JPEG_LONE:
            return None
        (length,) = struct.unpack_from(">H", data, position)
        if marker in _JPEG_FRAMES:
            if size != (0, 0):
                return None
            height, width = struct.unpack_from(">HH", data, position + 3)
            size = (width, height)
        position += length
        if marker == 0xDA:
            return _jpeg_scans(data, position, size)
    return None


def _jpeg_scans(data: bytes, position: int, size: tuple[int, int]) -> Header | None:
    if data.count(b"\xff\xda", position) >= _JPEG_MAX_SCANS:
        return None
    # Inside a scan 0xFF is always followed by a zero or a restart: this marker is the end and nothing else.
    return Header(Format.JPEG, *size, whole=data.find(b"\xff\xd9", position) >= 0)


def _png(data: bytes) -> Header | None:
    length, kind, width, height = struct.unpack_from(">I4sII", data, 8)
    if kind != b"IHDR" or length != 13:
        return None
    position = 8
    for _ in range(_PNG_MAX_CHUNKS):
        if position + 12 > len(data):
            return Header(Format.PNG, width, height, whole=False)
        length, kind = struct.unpack_from(">I4s", data, position)
        position += 12 + length
        if kind == b"IEND":
            return Header(Format.PNG, width, height, whole=position <= len(data))
    return None


def _webp(data: bytes) -> Header | None:
    (length,) = struct.unpack_from("<I", data, 4)
    whole = len(data) >= length + 8
    kind = data[12:16]
    if kind == b"VP8X":
        width = int.from_bytes(data[24:27], "little") + 1
        height = int.from_bytes(data[27:30], "little") + 1
        return Header(Format.WEBP, width, height, whole and len(data) >= 30)
    if kind == b"VP8L":
        (bits,) = struct.unpack_from("<I", data, 21)
        return Header(Format.WEBP, (bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1, whole)
    if kind == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width, height = struct.unpack_from("<HH", data, 26)
        return Header(Format.WEBP, width & 0x3FFF, height & 0x3FFF, whole)
    return None


def _bmp(data: bytes) -> Header | None:
    pixels_at, header_size, width, height, planes, bits = struct.unpack_from("<IIiiHH", data, 10)
    if header_size < 40 or planes != 1 or bits not in {1, 4, 8, 16, 24, 32}:
        return None
    (compression,) = struct.unpack_from("<I", data, 30)
    rows = (width * bits + 31) // 32 * 4 * abs(height)
    # Run-length coding has no size to expect; its decoder stops at the end by itself.
    expected = pixels_at + (0 if compression in {1, 2} else rows)
    return Header(Format.BMP, width, abs(height), len(data) >= expected)
