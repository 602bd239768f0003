"""What a backup says of itself. Values in, values out: no file is read here.

`manifest.json` is written last. It carries the SHA-256 of its own content, of the dump, and of `objects.list`, which
carries the SHA-256 of every object: one flipped byte anywhere is found and named.
"""

import hashlib
from datetime import datetime
from uuid import UUID

import msgspec

FORMAT = 1
MANIFEST = "manifest.json"
DUMP = "database.dump"
OBJECT_LIST = "objects.list"
OBJECTS = "objects"
VERIFIED = "verified.json"
PARTIAL = ".partial"


class ManifestBroken(ValueError):
    """The text is no manifest, or not the one that was written."""


class FileEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file: SHA-256 in hexadecimal digits, size in bytes."""

    sha256: str
    size: int


class TableEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table: its rows, and a digest of them that does not depend on their order."""

    rows: int
    digest: str


class ObjectEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One object as it lies in the store, encrypted."""

    key: str
    sha256: str
    size: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One backup.

    `key_checks` are keyed digests of a fixed text (hexadecimal) of the keys the backup needs and does not hold.
    `destroyed_meanwhile` are objects whose rows the dump shows alive, destroyed before their bytes were copied.
    `missing` are objects whose rows are alive and whose bytes the store did not have: a loss before the backup.
    """

    format: int
    backup_id: UUID
    taken_at: datetime
    product_version: str
    revision: str
    epoch: int
    server_version: int
    dump: FileEntry
    object_list: FileEntry
    tables: dict[str, TableEntry]
    objects: int
    object_bytes: int
    namespaces: dict[str, int]
    destroyed_meanwhile: list[UUID]
    missing: list[UUID]
    key_checks: dict[str, str]


class Sealed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The file: the manifest's text and the SHA-256 of exactly that text."""

    sha256: str
    manifest: msgspec.Raw


def encode(manifest: Manifest) -> tuple[bytes, str]:
    """The file's content and the manifest's digest."""
    text = msgspec.json.encode(manifest)
    digest = hashlib.sha256(text).hexdigest()
    return msgspec.json.encode(Sealed(sha256=digest, manifest=msgspec.Raw(text))) + b"\n", digest


def decode(content: bytes) -> tuple[Manifest, str]:
    """Reads what `encode` made: the manifest and its digest.

    Raises `ManifestBroken`.
    """
    try:
        sealed = msgspec.json.decode(content, type=Sealed)
        text = bytes(sealed.manifest)
        if hashlib.sha256(text).hexdigest() != sealed.sha256:
            raise ManifestBroken("its digest is another")
        manifest = msgspec.json.decode(text, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ManifestBroken(str(error)) from None
    if manifest.format != FORMAT:
        raise ManifestBroken(f"format {manifest.format} is unknown to this release, which knows {FORMAT}")
    return manifest, sealed.sha256


def encode_objects(entries: list[ObjectEntry]) -> bytes:
    """`objects.list`: a line `sha256 size key` for each object, by key."""
    return "".join(f"{e.sha256} {e.size} {e.key}\n" for e in sorted(entries, key=lambda e: e.key)).encode()


def decode_objects(content: bytes) -> list[ObjectEntry]:
    """Reads `objects.list`.

    Raises `ManifestBroken`.
    """
    entries = []
    for line in content.decode(errors="replace").splitlines():
        words = line.split(" ")
        if len(words) != 3 or not words[1].isdecimal():
            raise ManifestBroken(f"{OBJECT_LIST} holds a line that is none")
        entries.append(ObjectEntry(key=words[2], sha256=words[0], size=int(words[1])))
    return entries


def differences(expected: dict[str, TableEntry], found: dict[str, TableEntry]) -> list[str]:
    """One sentence for each table that is not as the manifest says."""
    faults = [f"table {name} is missing" for name in sorted(expected.keys() - found.keys())]
    faults += [f"table {name} is not in the manifest" for name in sorted(found.keys() - expected.keys())]
    for name in sorted(expected.keys() & found.keys()):
        if expected[name].rows != found[name].rows:
            faults.append(f"table {name} has {found[name].rows} rows instead of {expected[name].rows}")
        elif expected[name].digest != found[name].digest:
            faults.append(f"table {name} has other content")
    return faults
