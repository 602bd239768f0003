"""The key that signs heads: a file outside the database and outside the data directory, and the public keys beside it.

The key file holds 64 hexadecimal digits. The file of public keys beside it (`<key file>.pub`) has one line
`ed25519 <key id> <64 hexadecimal digits>` for each key that ever signed: an auditor takes a copy of it, verifies with
that, and needs no secret.
"""

import contextlib
import hashlib
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from storage.audit.chain import Head, head_bytes

KIND = "ed25519"


class KeyMissing(Exception):
    """The signing key is not where it should be, and heads signed with it exist: a new one would look like a forger's.

    Put the file back, or make a new key on purpose (`new_key`).
    """


class BadKey(ValueError):
    """A file that holds no key of ours, or that others can read."""


@dataclass(frozen=True, slots=True)
class Signer:
    """Signs heads."""

    key: Ed25519PrivateKey

    @property
    def key_id(self) -> str:
        """What heads name the key by."""
        return key_id(self.public)

    @property
    def public(self) -> bytes:
        """The 32 bytes of the public key."""
        return self.key.public_key().public_bytes_raw()

    def sign(self, head: Head) -> bytes:
        """The signature of a head that names this key."""
        return self.key.sign(head_bytes(head))


def key_id(public: bytes) -> str:
    """The first 16 hexadecimal digits of the SHA-256 of the public key."""
    return hashlib.sha256(public).hexdigest()[:16]


def signed_by(head: Head, keys: Mapping[str, bytes]) -> bool:
    """Whether the head carries the signature of the key it names, and that key is one of `keys`."""
    public = keys.get(head.key_id)
    if public is None:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(head.signature, head_bytes(head))
    except InvalidSignature:
        return False
    return True


def public_file(path: Path) -> Path:
    """Where the public keys lie."""
    return path.with_name(f"{path.name}.pub")


def load_signer(path: Path, *, create: bool) -> Signer:
    """Reads the signing key; makes it when it is missing and `create` is set.

    Raises `KeyMissing` when it is missing and must not be made, `BadKey` when it is none.
    """
    if not path.exists():
        if not create:
            raise KeyMissing(path.name)
        new_key(path)
    try:
        raw = bytes.fromhex(path.read_text().strip())
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise BadKey(f"{path.name} 不是有效的审计签名密钥: a signing key is 64 hexadecimal digits")
    if path.stat().st_mode & 0o077:
        raise BadKey(f"{path.name} 的权限过宽: the signing key must be readable by its owner only (chmod 600)")
    signer = Signer(Ed25519PrivateKey.from_private_bytes(raw))
    _publish(path, signer)
    return signer


def new_key(path: Path) -> None:
    """Makes a key where there is none; when another process was first, theirs counts."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    scratch = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(Ed25519PrivateKey.generate().private_bytes_raw().hex() + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(scratch, path)
    finally:
        scratch.unlink()


def _publish(path: Path, signer: Signer) -> None:
    listed = public_file(path)
    known = read_public(listed) if listed.exists() else {}
    if signer.key_id not in known:
        descriptor = os.open(listed, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        with os.fdopen(descriptor, "w") as file:
            file.write(public_line(signer.public))
            file.flush()
            os.fsync(file.fileno())


def public_line(public: bytes) -> str:
    """A public key as a line of the file."""
    return f"{KIND} {key_id(public)} {public.hex()}\n"


def read_public(path: Path) -> dict[str, bytes]:
    """The public keys in a file, by id. Raises `BadKey` for a line that is none, OSError when it cannot be read."""
    found: dict[str, bytes] = {}
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if not line.strip():
            continue
        kind, _, rest = line.strip().partition(" ")
        name, _, digits = rest.partition(" ")
        try:
            public = bytes.fromhex(digits)
        except ValueError:
            public = b""
        if kind != KIND or len(public) != 32 or name != key_id(public):
            raise BadKey(f"{path.name} 第 {number} 行不是公钥: line {number} is no public key")
        found[name] = public
    return found
