"""What kind of picture some bytes are, by their content: a name or a header is not believed. Pure."""

from typing import Final

LARGEST: Final = 20 * 1024 * 1024
_HEIC_BRANDS: Final = (b"heic", b"heix", b"heim", b"heis", b"mif1", b"msf1")


def content_type(data: bytes) -> str | None:
    """The media type of a JPEG, PNG, WebP or HEIC picture; None for anything else. Nothing is decoded."""
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        return "image/heic"
    return None
