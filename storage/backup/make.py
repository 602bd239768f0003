"""Making a backup.

The dump is taken under an exported snapshot, then exactly the objects alive in that snapshot are copied: a row is
written after its object is durable, so each of them has its bytes, unless it was destroyed since. Destruction is not
held off for a backup, since somebody may have a right to it: an object destroyed in between is listed, the dump's key
to it opens nothing that is left, and a restore turns its row into the tombstone it had become.

What was copied and is destroyed later still lies in the backup: a restore replays the erasure ledger before anything
is served, and what was past its time is destroyed by the first run of the retention job.
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import psycopg

from storage.audit.chain import place_of
from storage.audit.sealer import NAMESPACE as AUDIT_HEADS
from storage.backup import copying
from storage.backup.errors import BackupDamaged, BackupFailed
from storage.backup.manifest import (
    DUMP,
    FORMAT,
    MANIFEST,
    OBJECT_LIST,
    OBJECTS,
    PARTIAL,
    FileEntry,
    Manifest,
    TableEntry,
    encode,
    encode_objects,
)
from storage.backup.snapshot import Connection, Snapshot, destroyed_among, only_backup, open_snapshot
from storage.backup.tools import Tools, last_lines
from storage.backup.verify import complete_backups, read_manifest, read_objects
from storage.ids import new_id
from storage.objects.store import ObjectStore, StoreFailed, sync_folder


@dataclass(frozen=True, slots=True)
class Made:
    """A finished backup; `digest` is the manifest's."""

    directory: Path
    manifest: Manifest
    digest: str
    linked: int


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be backed up and to where."""

    owner_url: str
    tools: Tools
    store: ObjectStore
    key_checks: Mapping[str, bytes]
    product_version: str
    directory: Path
    now: datetime
    incremental: bool = False
    say: Callable[[str], None] = lambda _: None


def make_backup(request: Request) -> Made:
    """Makes a backup in a new folder.

    It is built beside its place and renamed into it when all of it is on the disk: a folder without the suffix
    `.partial` is whole. Raises `BackupFailed` (nothing is left) or `ToolsUnusable`.
    """
    directory = request.directory.absolute()
    partial = directory.with_name(directory.name + PARTIAL)
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise BackupFailed(f"目录不为空：{directory}", f"{directory} exists and is not empty")
    try:
        with only_backup(request.owner_url) as lock:
            if partial.exists():
                shutil.rmtree(partial)  # of a backup that was killed: whoever makes one holds the lock
            partial.mkdir(parents=True, mode=0o700)
            made = fill(request, lock, partial)
            partial.rename(directory)
            sync_folder(directory.parent)
    except BaseException as error:
        shutil.rmtree(partial, ignore_errors=True)
        if isinstance(error, OSError):
            raise BackupFailed(f"写入失败：{error.strerror}", f"Writing failed: {error.strerror}") from error
        if isinstance(error, StoreFailed):
            raise BackupFailed(f"对象存储不可用：{error}", f"The object store or the disk failed: {error}") from error
        if isinstance(error, psycopg.Error):
            raise BackupFailed("数据库不可用", f"The database failed: {type(error).__name__}") from error
        raise
    return Made(directory, made[0], made[1], made[2])


def fill(request: Request, lock: Connection, partial: Path) -> tuple[Manifest, str, int]:
    """Writes everything into the folder; the manifest last."""
    backup_id = new_id()
    with open_snapshot(request.owner_url) as snapshot:
        request.tools.check("pg_dump", snapshot.server_version)
        request.say("数据库 / database")
        tables = dump(request, snapshot, partial / DUMP)
        objects = snapshot.live_objects()
        revision, epoch, server_version = snapshot.revision(), snapshot.epoch(), snapshot.server_version
        last_head = snapshot.last_head()
    previous = newest_before(request) if request.incremental else None
    copied = copying.copy_out(
        request.store, (str(i) for i in objects), into=partial / OBJECTS, previous=previous, say=request.say
    )
    absent = [UUID(key) for key in copied.absent]
    destroyed = destroyed_among(lock, absent) if absent else set[UUID]()
    namespaces: dict[str, int] = {}
    for namespace in copying.NAMESPACES:
        found = copying.copy_out(
            request.store,
            (key for key in request.store.keys(namespace) if not is_later(key, last_head)),
            into=partial / OBJECTS,
            previous=previous,
            say=request.say,
        )
        namespaces[namespace] = len(found.entries)
        copied.entries += found.entries
        copied.linked += found.linked
    listing = encode_objects(copied.entries)
    write_durably(partial / OBJECT_LIST, listing)
    manifest = Manifest(
        format=FORMAT, backup_id=backup_id, taken_at=request.now, product_version=request.product_version,
        revision=revision, epoch=epoch, server_version=server_version, dump=digest_file(partial / DUMP),
        object_list=FileEntry(sha256=hashlib.sha256(listing).hexdigest(), size=len(listing)), tables=tables,
        objects=len(objects) - len(absent), object_bytes=sum(e.size for e in copied.entries), namespaces=namespaces,
        destroyed_meanwhile=sorted(destroyed), missing=sorted(set(absent) - destroyed),
        key_checks={name: value.hex() for name, value in request.key_checks.items()},
    )  # fmt: skip
    content, digest = encode(manifest)
    if (partial / OBJECTS).exists():
        for folder, _, _ in os.walk(partial / OBJECTS):
            sync_folder(Path(folder))
    write_durably(partial / MANIFEST, content)
    sync_folder(partial)
    return manifest, digest, copied.linked


def is_later(key: str, last_head: tuple[int, int] | None) -> bool:
    """Whether a key is a copy of an audit head that the snapshot does not know yet.

    Beside this dump it would look like a log whose end was cut off.
    """
    namespace, _, name = key.rpartition("/")
    place = place_of(name) if namespace == AUDIT_HEADS else None
    return place is not None and (last_head is None or place > last_head)


def dump(request: Request, snapshot: Snapshot, target: Path) -> dict[str, TableEntry]:
    """Runs pg_dump in the snapshot, and digests the tables of the same snapshot meanwhile."""
    process = request.tools.start(
        "pg_dump", "--format=custom", "--no-password", "--enable-row-security", f"--snapshot={snapshot.name}",
        "--extension=btree_gist", "--extension=pg_trgm", f"--file={target}", url=request.owner_url,
    )  # fmt: skip
    try:
        tables = snapshot.tables()
        _, complaints = process.communicate()
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()
    if process.returncode != 0:
        raise BackupFailed(
            f"pg_dump 失败：{last_lines(complaints)}",
            f"pg_dump failed ({process.returncode}): {last_lines(complaints)}",
        )
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return tables


def newest_before(request: Request) -> copying.Previous | None:
    """The newest complete backup beside the one being made."""
    found = complete_backups(request.directory.absolute().parent)
    if not found:
        return None
    directory = max(found, key=lambda f: f[1].taken_at)[0]
    try:
        manifest, _ = read_manifest(directory)
        entries = read_objects(directory, manifest)
    except BackupDamaged:
        return None
    return copying.Previous(directory / OBJECTS, {e.key: e for e in entries})


def digest_file(path: Path) -> FileEntry:
    """Digest and size of a file."""
    with path.open("rb") as file:
        return FileEntry(sha256=hashlib.file_digest(file, "sha256").hexdigest(), size=path.stat().st_size)


def write_durably(path: Path, content: bytes) -> None:
    """Writes a file and syncs it."""
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
