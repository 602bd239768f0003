"""Reading a backup and checking that it is what it was."""

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from storage.backup.errors import BackupDamaged
from storage.backup.manifest import (
    DUMP,
    MANIFEST,
    OBJECT_LIST,
    OBJECTS,
    PARTIAL,
    VERIFIED,
    FileEntry,
    Manifest,
    ManifestBroken,
    ObjectEntry,
    decode,
    decode_objects,
)
from storage.backup.tools import Tools, last_lines
from storage.objects.store import FilesystemStore


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification found; no `faults` means the backup is whole."""

    manifest: Manifest
    digest: str
    objects: int
    faults: list[str]


def read_manifest(directory: Path) -> tuple[Manifest, str]:
    """The manifest and its digest; raises `BackupDamaged`."""
    try:
        return decode((directory / MANIFEST).read_bytes())
    except FileNotFoundError:
        raise BackupDamaged(
            f"{directory} 不是完整的备份（没有 {MANIFEST}）", f"{directory} is no finished backup: it has no {MANIFEST}"
        ) from None
    except OSError as error:
        raise BackupDamaged(f"无法读取 {MANIFEST}", f"{MANIFEST} cannot be read: {error.strerror}") from None
    except ManifestBroken as error:
        raise BackupDamaged(f"{MANIFEST} 已损坏：{error}", f"{MANIFEST} is damaged: {error}") from None


def read_objects(directory: Path, manifest: Manifest) -> list[ObjectEntry]:
    """The list of objects; raises `BackupDamaged`."""
    try:
        content = (directory / OBJECT_LIST).read_bytes()
        if FileEntry(sha256=hashlib.sha256(content).hexdigest(), size=len(content)) == manifest.object_list:
            return decode_objects(content)
        error: Exception = ManifestBroken("its digest is another")
    except (OSError, ManifestBroken) as found:
        error = found
    raise BackupDamaged(f"{OBJECT_LIST} 已损坏或缺失", f"{OBJECT_LIST} is damaged or missing: {error}")


def verify(directory: Path, *, tools: Tools, say: Callable[[str], None] = lambda _: None) -> Verified:
    """Checks every byte against the manifest and that pg_restore reads the dump; raises `BackupDamaged` for a folder
    that cannot even be read as a backup."""
    manifest, digest = read_manifest(directory)
    entries = read_objects(directory, manifest)
    faults = []
    try:
        with (directory / DUMP).open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != manifest.dump.sha256:
                faults.append(f"{DUMP} is damaged")
    except OSError as error:
        faults.append(f"{DUMP} cannot be read: {error.strerror}")
    if not faults:
        process = tools.start("pg_restore", "--list", str(directory / DUMP))
        _, complaints = process.communicate()
        if process.returncode != 0:
            faults.append(f"pg_restore cannot read {DUMP}: {last_lines(complaints)}")
    faults += list(check_objects(directory, entries, say))
    return Verified(manifest, digest, len(entries), faults)


def check_objects(directory: Path, entries: list[ObjectEntry], say: Callable[[str], None]) -> Iterator[str]:
    """A sentence for each object that is missing or damaged."""
    store = FilesystemStore(directory / OBJECTS)

    def check(entry: ObjectEntry) -> str | None:
        try:
            with store.path(entry.key).open("rb") as file:
                if hashlib.file_digest(file, "sha256").hexdigest() != entry.sha256:
                    return f"object {entry.key} is damaged"
        except FileNotFoundError:
            return f"object {entry.key} is missing"
        except OSError as error:
            return f"object {entry.key} cannot be read: {error.strerror}"
        return None

    with ThreadPoolExecutor(4, thread_name_prefix="verify") as pool:
        for done, fault in enumerate(pool.map(check, entries), 1):
            if fault is not None:
                yield fault
            if done % 1000 == 0:
                say(f"文件 / objects: {done}")


def require_whole(directory: Path, *, tools: Tools, say: Callable[[str], None] = lambda _: None) -> Verified:
    """Verifies; raises `BackupDamaged` naming the first faults."""
    found = verify(directory, tools=tools, say=say)
    if found.faults:
        text = "; ".join(found.faults[:10])
        raise BackupDamaged(f"共 {len(found.faults)} 处：{text}", f"{len(found.faults)} faults: {text}",
                            faults=found.faults)  # fmt: skip
    return found


def mark_verified(directory: Path, *, digest: str, now: datetime) -> None:
    """Notes beside the manifest that this very backup was verified."""
    (directory / VERIFIED).write_text(json.dumps({"manifest": digest, "at": now.isoformat()}) + "\n")


def was_verified(directory: Path, digest: str) -> bool:
    """Whether the note is there and means this manifest."""
    try:
        return bool(json.loads((directory / VERIFIED).read_text())["manifest"] == digest)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def complete_backups(parent: Path) -> list[tuple[Path, Manifest, str]]:
    """The finished backups directly below a folder: place, manifest, digest."""
    found = []
    for directory in parent.iterdir() if parent.is_dir() else ():
        if directory.is_dir() and not directory.name.endswith(PARTIAL) and (directory / MANIFEST).exists():
            try:
                manifest, digest = read_manifest(directory)
            except BackupDamaged:
                continue
            found.append((directory, manifest, digest))
    return found
