"""Signatures by Standard Webhooks 1.0: who sent a body, and when, as functions of values.

Three headers: `webhook-id`, `webhook-timestamp` (whole seconds since 1970) and `webhook-signature`, a list parted by
blanks of `v1,<base64 HMAC-SHA256>` or `v1a,<base64 Ed25519>`. Signed is `<id>.<timestamp>.<body>`, the body byte by
byte as it came. Any entry may match any key that stands: a sender signs with two keys while one is exchanged.

Secrets are written `whsec_<base64>` (24 to 64 bytes), public keys `whpk_<base64>` (32 bytes).
"""

import base64
import binascii
import hmac
import re
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SECRET_PREFIX, PUBLIC_PREFIX = "whsec_", "whpk_"
SECRET_BYTES = range(24, 65)
PUBLIC_BYTES = range(32, 33)
TOLERANCE_S = 300
MAX_SIGNATURES = 16  # entries; a rotation needs two
_HEADERS = (b"webhook-id", b"webhook-timestamp", b"webhook-signature")
# No full stop: with one, the boundary between id and time could be read in two ways.
_ID = re.compile(rb"[\x21-\x2d\x2f-\x7e]{1,255}")
_TIMESTAMP = re.compile(rb"[0-9]{1,11}")
_SIGNATURES = re.compile(rb"[\x20-\x7e]{1,4096}")
_SCHEMES = {b"v1": "secret", b"v1a": "public"}


class KeyKind(StrEnum):
    """How a key signs."""

    SECRET = "secret"  # noqa: S105 - shared, HMAC-SHA256
    PUBLIC = "public"  # the sender's public key, Ed25519


class Refusal(StrEnum):
    """Why a request is not believed."""

    MISSING = "missing"  # a header is missing, given twice or not of the form
    TIMESTAMP = "timestamp"  # signed too long ago, or in the future
    SIGNATURE = "signature"  # no entry fits a standing key


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of a sender. `material`: the secret's or public key's bytes. Good from `valid_from` until before
    `valid_until`."""

    id: uuid.UUID
    kind: KeyKind
    material: bytes
    valid_from: datetime
    valid_until: datetime | None


@dataclass(frozen=True, slots=True)
class Claim:
    """What the headers say: message id and time as written, signatures by scheme, not yet believed."""

    message_id: bytes
    timestamp: bytes
    signatures: tuple[tuple[KeyKind, bytes], ...]


def read_claim(headers: Iterable[tuple[bytes, bytes]]) -> Claim | None:
    """Reads the three headers (names in lower case); None when one is missing, doubled or malformed.

    Entries of unknown schemes and entries that are no base64 are passed over: another entry may match.
    """
    found = [(name, value) for name, value in headers if name in _HEADERS]
    given = dict(found)
    if len(found) != len(_HEADERS) or len(given) != len(_HEADERS):
        return None
    message_id, timestamp, listed = (given[name] for name in _HEADERS)
    if not (_ID.fullmatch(message_id) and _TIMESTAMP.fullmatch(timestamp) and _SIGNATURES.fullmatch(listed)):
        return None
    signatures: list[tuple[KeyKind, bytes]] = []
    for entry in listed.split()[:MAX_SIGNATURES]:
        scheme, _, encoded = entry.partition(b",")
        raw = _decoded(encoded)
        if scheme in _SCHEMES and raw is not None:
            signatures.append((KeyKind(_SCHEMES[scheme]), raw))
    return Claim(message_id, timestamp, tuple(signatures))


def is_fresh(claim: Claim, *, now: datetime, tolerance_s: int = TOLERANCE_S) -> bool:
    """Whether a message was signed within the tolerance before or after `now`, its ends included.

    It is the attempt that is timed: a sender that tries again signs again.
    """
    return abs(now.timestamp() - int(claim.timestamp)) <= tolerance_s


def matching_key(claim: Claim, body: bytes, keys: Sequence[SigningKey], *, now: datetime) -> SigningKey | None:
    """The first key that stands at `now` and with which an entry was made.

    Each comparison takes the same time: what a wrong entry has in common with the right one cannot be told from how
    long the answer takes.
    """
    content = b"%s.%s.%s" % (claim.message_id, claim.timestamp, body)
    for key in keys:
        if now < key.valid_from or (key.valid_until is not None and now >= key.valid_until):
            continue
        theirs = [signature for kind, signature in claim.signatures if kind is key.kind]
        good = _signed_by_secret if key.kind is KeyKind.SECRET else _signed_by_public
        if good(key.material, content, theirs):
            return key
    return None


def _signed_by_secret(material: bytes, content: bytes, signatures: list[bytes]) -> bool:
    expected = hmac.digest(material, content, "sha256")
    return any(hmac.compare_digest(expected, signature) for signature in signatures)


def _signed_by_public(material: bytes, content: bytes, signatures: list[bytes]) -> bool:
    public = Ed25519PublicKey.from_public_bytes(material)
    for signature in signatures:
        try:
            public.verify(signature, content)
        except InvalidSignature:
            continue
        return True
    return False


def secret_text(material: bytes) -> str:
    """A secret as a sender's library takes it."""
    return SECRET_PREFIX + base64.b64encode(material).decode()


def read_secret(text: str) -> bytes | None:
    """The bytes of a `whsec_` secret; None when it is none."""
    return _key_bytes(text, SECRET_PREFIX, SECRET_BYTES)


def read_public_key(text: str) -> bytes | None:
    """The bytes of a `whpk_` public key; None when it is none."""
    return _key_bytes(text, PUBLIC_PREFIX, PUBLIC_BYTES)


def _key_bytes(text: str, prefix: str, lengths: range) -> bytes | None:
    if not text.startswith(prefix) or not text.isascii():
        return None
    raw = _decoded(text[len(prefix) :].encode())
    return raw if raw is not None and len(raw) in lengths else None


def _decoded(encoded: bytes) -> bytes | None:
    """Base64 with or without padding; None when it is none."""
    plain = encoded.rstrip(b"=")
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True) or None
    except binascii.Error:
        return None
