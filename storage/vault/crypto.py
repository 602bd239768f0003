"""Envelope encryption as functions of bytes: AES-256-GCM (NIST SP 800-38D), HKDF-SHA256 (RFC 5869), HMAC-SHA256.

A sealed value is `version (1) | nonce (12) | ciphertext and tag`. The associated data binds it to its place: a value
moved to another row, person or estate no longer opens.
"""

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
VERSION = b"\x01"


class SealBroken(Exception):
    """A sealed value does not open: wrong key, moved to another place, or altered."""


def new_key() -> bytes:
    """A fresh data key."""
    return secrets.token_bytes(KEY_BYTES)


def seal(key: bytes, plain: bytes, *, place: str) -> bytes:
    """Encrypts `plain`, bound to `place` (for example `template/<estate>/<person>/<engine>/<id>`)."""
    nonce = os.urandom(12)
    return VERSION + nonce + AESGCM(key).encrypt(nonce, plain, place.encode())


def unseal(key: bytes, sealed: bytes, *, place: str) -> bytes:
    """Opens what `seal` made for the same place.

    Raises `SealBroken`.
    """
    if sealed[:1] != VERSION or len(sealed) < 29:
        raise SealBroken("unknown seal")
    try:
        return AESGCM(key).decrypt(sealed[1:13], sealed[13:], place.encode())
    except InvalidTag:
        raise SealBroken(f"the seal of {place.split('/', 1)[0]} does not open") from None


def derive(master: bytes, purpose: str) -> bytes:
    """A key for one purpose, from the master key."""
    return HKDF(algorithm=hashes.SHA256(), length=KEY_BYTES, salt=None, info=f"ruhu/{purpose}".encode()).derive(master)


def blind_index(key: bytes, text: str) -> bytes:
    """A keyed hash by which an encrypted value can be looked up and compared."""
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def load_master_key(path: Path, *, create: bool) -> bytes:
    """Reads the master key, a file of 64 hexadecimal digits with mode 0600; makes it when `create` is set.

    Raises FileNotFoundError when it is missing and must not be made, ValueError when it is no key.
    """
    if create and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(KEY_BYTES) + "\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(scratch, path)  # fails when another process made one first: theirs counts
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
    try:
        key = bytes.fromhex(path.read_text().strip())
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ValueError(f"{path.name} 不是有效的主密钥: a master key is 64 hexadecimal digits")
    if path.stat().st_mode & 0o077:
        raise PermissionError(f"{path.name} 的权限过宽: the master key must be readable by its owner only (chmod 600)")
    return key
