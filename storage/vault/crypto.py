"""Envelope encryption as functions of bytes: AES-256-GCM (NIST SP 800-38D), HKDF-SHA256 (RFC 5869), HMAC-SHA256.

A sealed value is `2 | key id (8) | nonce (12) | ciphertext and tag`; values of the first releases are
`1 | nonce (12) | ciphertext and tag`. The key id says which of several keys opens a value, so that keys can be
replaced while others still stand. The associated data binds a value to its place: moved to another row, person or
estate it no longer opens.
"""

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
KEY_ID_BYTES = 8
UNNAMED = b"\x01"
NAMED = b"\x02"
NONCE_BYTES = 12
TAG_BYTES = 16


class SealBroken(Exception):
    """A sealed value does not open: wrong key, moved to another place, or altered."""


class KeyNotHere(SealBroken):
    """A sealed value names a key that is not at hand."""


def new_key() -> bytes:
    """A fresh data key."""
    return secrets.token_bytes(KEY_BYTES)


def key_id(key: bytes) -> bytes:
    """The name of a key, 8 bytes, from which the key cannot be found."""
    return hashlib.sha256(b"ruhu/key-id/" + key).digest()[:KEY_ID_BYTES]


@dataclass(frozen=True, slots=True)
class KeyRing:
    """Keys of one kind: the first seals, all of them open."""

    keys: tuple[bytes, ...]

    @property
    def current(self) -> bytes:
        """The key that seals."""
        return self.keys[0]

    def fitting(self, sealed: bytes) -> tuple[bytes, ...]:
        """The keys that may open a value: the one it names, or all for a value that names none."""
        named = named_key(sealed)
        return self.keys if named is None else tuple(key for key in self.keys if key_id(key) == named)


def seal(key: bytes, plain: bytes, *, place: str) -> bytes:
    """Encrypts `plain`, bound to `place` (for example `template/<estate>/<person>/<engine>/<id>`)."""
    nonce = os.urandom(NONCE_BYTES)
    return NAMED + key_id(key) + nonce + AESGCM(key).encrypt(nonce, plain, place.encode())


def named_key(sealed: bytes) -> bytes | None:
    """The id of the key that a sealed value names; None for one that names none."""
    return sealed[1 : 1 + KEY_ID_BYTES] if sealed[:1] == NAMED else None


def unseal(key: bytes | KeyRing, sealed: bytes, *, place: str) -> bytes:
    """Opens what `seal` made for the same place.

    Raises `KeyNotHere` when the value names another key than those given, else `SealBroken`.
    """
    start = 1 + KEY_ID_BYTES if sealed[:1] == NAMED else 1
    if sealed[:1] not in {NAMED, UNNAMED} or len(sealed) < start + NONCE_BYTES + TAG_BYTES:
        raise SealBroken("unknown seal")
    kind = place.split("/", 1)[0]
    ring = key if isinstance(key, KeyRing) else KeyRing((key,))
    fitting = ring.fitting(sealed)
    if not fitting:
        raise KeyNotHere(f"the key of {kind} is not here")
    nonce, rest = sealed[start : start + NONCE_BYTES], sealed[start + NONCE_BYTES :]
    for one in fitting:
        try:
            return AESGCM(one).decrypt(nonce, rest, place.encode())
        except InvalidTag:
            continue
    raise SealBroken(f"the seal of {kind} does not open")


def derive(master: bytes, purpose: str) -> bytes:
    """A key for one purpose, from another key."""
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=f"ruhu/{purpose}".encode()).derive(master)


def blind_index(key: bytes, text: str) -> bytes:
    """A keyed hash by which an encrypted value can be looked up and compared."""
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
