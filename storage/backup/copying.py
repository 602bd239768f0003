"""Copying encrypted objects out of a store into a backup's folder, and back."""

import hashlib
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from storage.backup.errors import RestoreRefused
from storage.backup.manifest import ObjectEntry
from storage.objects.store import FilesystemStore, ObjectExists, ObjectMissing, ObjectStore, sync_folder

NAMESPACES = ("audit-heads", "erasure-ledger")
THREADS = 4
BATCH = 256
Say = Callable[[str], None]


@dataclass(slots=True)
class Copied:
    """What was copied, how many of it by a link into the previous backup, and what the store did not have."""

    entries: list[ObjectEntry] = field(default_factory=list)
    linked: int = 0
    absent: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Previous:
    """The objects of an earlier backup on the same disk."""

    objects: Path
    entries: Mapping[str, ObjectEntry]


def copy_out(store: ObjectStore, keys: Iterable[str], *, into: Path, previous: Previous | None, say: Say) -> Copied:
    """Copies objects by key, durably. Raises `StoreFailed` when either side fails."""
    target = FilesystemStore(into)
    copied = Copied()

    def copy(key: str) -> tuple[ObjectEntry | None, bool, str]:
        entry = link(key, target, previous)
        if entry is not None:
            return entry, True, key
        try:
            data = store.get(key)
        except ObjectMissing:
            return None, False, key
        target.put(key, data)
        return ObjectEntry(key=key, sha256=hashlib.sha256(data).hexdigest(), size=len(data)), False, key

    with ThreadPoolExecutor(THREADS, thread_name_prefix="backup") as pool:
        batch: list[str] = []
        for key in [*keys, ""]:
            if key:
                batch.append(key)
            if batch and (not key or len(batch) == BATCH):
                for entry, linked, name in pool.map(copy, batch):
                    if entry is None:
                        copied.absent.append(name)
                    else:
                        copied.entries.append(entry)
                        copied.linked += linked
                say(f"文件 / objects: {len(copied.entries)}")
                batch = []
    return copied


def link(key: str, target: FilesystemStore, previous: Previous | None) -> ObjectEntry | None:
    """Links an object from the previous backup, after reading it: damage is not handed down."""
    entry = previous.entries.get(key) if previous is not None else None
    if entry is None or previous is None:
        return None
    source, place = FilesystemStore(previous.objects).path(key), target.path(key)
    try:
        if hashlib.sha256(source.read_bytes()).hexdigest() != entry.sha256:
            return None
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.link(source, place)
        sync_folder(place.parent)
    except OSError:
        return None  # another disk, a full link count, a file that is gone: it is copied instead
    return entry


def copy_back(store: ObjectStore, entries: Iterable[ObjectEntry], *, source: Path, say: Say) -> int:
    """Puts a backup's objects into the store; tells how many were new.

    One that lies there already must be equal: objects never change, so a different one is another installation's.
    Raises `RestoreRefused`, `StoreFailed`, `ObjectMissing`.
    """
    origin = FilesystemStore(source)

    def put(entry: ObjectEntry) -> bool:
        data = origin.get(entry.key)
        try:
            store.put(entry.key, data)
        except ObjectExists:
            if hashlib.sha256(store.get(entry.key)).hexdigest() != entry.sha256:
                raise RestoreRefused(
                    f"对象存储中已有同名但内容不同的文件：{entry.key}",
                    f"The object store holds another object under the key {entry.key}",
                ) from None
            return False
        return True

    new = done = 0
    with ThreadPoolExecutor(THREADS, thread_name_prefix="restore") as pool:
        for added in pool.map(put, entries):
            new += added
            done += 1
            if done % 500 == 0:
                say(f"文件 / objects: {done}")
    return new
