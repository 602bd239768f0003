"""Where encrypted bytes lie. The filesystem is the default; every store keeps the same promises.

`put` returns when the bytes are durable, never overwrites, and leaves nothing half written.
"""

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol


class ObjectExists(Exception):
    """An object of that key is stored already."""


class ObjectMissing(Exception):
    """No object of that key."""


class StoreFailed(Exception):
    """The store could not do it (full, down, read-only); nothing was half written."""


class ObjectStore(Protocol):
    """Keeps bytes by key. Blocking: call it from a worker thread."""

    def put(self, key: str, data: bytes) -> None:
        """Stores `data` durably; raises `ObjectExists` or `StoreFailed`."""
        ...

    def get(self, key: str) -> bytes:
        """The bytes; raises `ObjectMissing` or `StoreFailed`."""
        ...

    def delete(self, key: str) -> None:
        """Removes an object; one that is gone already is no error."""
        ...

    def keys(self, namespace: str = "") -> Iterator[str]:
        """Every key of a namespace (`""`: the keys without one), in no order; raises `StoreFailed`."""
        ...


def split_key(key: str) -> tuple[str, str]:
    """Namespace and name of `name` or `namespace/name`; both have letters, digits and hyphens only.

    A namespace (three characters or more) keeps apart what is no object of a row, such as signed audit heads.
    """
    namespace, slash, name = key.rpartition("/")
    if (slash and len(namespace) < 3) or not all(
        part and all(c.isascii() and (c.isalnum() or c == "-") for c in part) for part in key.split("/")
    ):
        raise ValueError("an object key is a name or namespace/name of letters, digits and hyphens")
    if "/" in namespace:
        raise ValueError("an object key has one namespace at most")
    return namespace, name


class FilesystemStore:
    """Objects as files below `root`, in folders by the name's last two characters.

    (A UUIDv7 begins with the time: its end spreads evenly.)
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, key: str) -> Path:
        """The file of a key."""
        namespace, name = split_key(key)
        return self.root / namespace / name[-2:] / name

    def put(self, key: str, data: bytes) -> None:
        """Writes a scratch file, syncs it, links it to its name, syncs the folder."""
        target = self.path(key)
        scratch = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
        try:
            if not target.parent.exists():
                target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
                sync_folder(target.parent.parent)
                sync_folder(self.root)
            try:
                descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                os.link(scratch, target)
            finally:
                with contextlib.suppress(FileNotFoundError):
                    scratch.unlink()
            sync_folder(target.parent)
        except FileExistsError:
            raise ObjectExists(key) from None
        except OSError as error:
            raise StoreFailed(error.strerror or "the object store failed") from error

    def get(self, key: str) -> bytes:
        """Reads the whole file."""
        try:
            return self.path(key).read_bytes()
        except FileNotFoundError:
            raise ObjectMissing(key) from None
        except OSError as error:
            raise StoreFailed(error.strerror or "the object store failed") from error

    def delete(self, key: str) -> None:
        """Unlinks the file and syncs its folder."""
        target = self.path(key)
        try:
            target.unlink(missing_ok=True)
            if target.parent.exists():
                sync_folder(target.parent)
        except OSError as error:
            raise StoreFailed(error.strerror or "the object store failed") from error

    def keys(self, namespace: str = "") -> Iterator[str]:
        """Walks the folders of a namespace; scratch files of a process that died are not keys."""
        prefix = f"{namespace}/" if namespace else ""
        try:
            for folder in (self.root / namespace).iterdir() if (self.root / namespace).exists() else ():
                if len(folder.name) <= 2 and folder.is_dir():
                    yield from (prefix + file.name for file in folder.iterdir() if not file.name.startswith("."))
        except OSError as error:
            raise StoreFailed(error.strerror or "the object store failed") from error


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
