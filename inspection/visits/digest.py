"""`Content-Digest` (RFC 9530): what the phone says its bytes are, checked before anything is stored. Pure."""

import base64
import binascii
import hashlib
import re
from typing import Final

from inspection.visits.errors import DigestMismatch, DigestRequired

_MEMBER: Final = re.compile(r"(?:^|,)[ \t]*sha-256[ \t]*=[ \t]*:([A-Za-z0-9+/=]*):[ \t]*(?=,|$)")


def checked(body: bytes, header: str | None) -> bytes:
    """The SHA-256 of `body`, if it is what the header says.

    Only `sha-256` counts; members of other algorithms are ignored. Raises `DigestRequired` when the header gives no
    readable sha-256 and `DigestMismatch` when the bytes are others than the phone sent.
    """
    found = _MEMBER.search(header or "")
    try:
        told = base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        told = b""
    if len(told) != hashlib.sha256().digest_size:
        raise DigestRequired
    actual = hashlib.sha256(body).digest()
    if told != actual:
        raise DigestMismatch(received_bytes=len(body))
    return actual


def header(body: bytes) -> str:
    """The header that a phone sends with these bytes."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"
