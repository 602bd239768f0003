"""Where encrypted bytes lie. The filesystem is the default; every store keeps the same promises.

`put` returns when the bytes are durable, never overwrites, and leaves nothing half written. Objects pass through
memory whole: what is stored is 25 MiB at most, and a bounded number of threads works at a time.
"""

import contextlib
import errno
import os
import secrets
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from storage.ids import new_id

PROBES = "store-probe"  # the namespace of what a store writes to try itself


class ObjectExists(Exception):
    """An object of that key is stored already."""


class ObjectMissing(Exception):
    """No object of that key."""


class StoreReason(StrEnum):
    """Why a store could not do it."""

    DOWN = "down"
    SLOW = "slow"
    FULL = "full"
    DENIED = "denied"
    NO_BUCKET = "no-bucket"
    UNTRUSTED = "untrusted"
    FAILED = "failed"


WORDS = {
    StoreReason.DOWN: ("文件存储无法连接", "the object store cannot be reached"),
    StoreReason.SLOW: ("文件存储响应超时", "the object store did not answer in time"),
    StoreReason.FULL: ("文件存储空间已满", "the object store is full"),
    StoreReason.DENIED: ("文件存储拒绝访问", "the object store denies access"),
    StoreReason.NO_BUCKET: ("文件存储的存储桶不存在", "the bucket of the object store does not exist"),
    StoreReason.UNTRUSTED: ("文件存储的证书不受信任", "the certificate of the object store is not trusted"),
    StoreReason.FAILED: ("文件存储出错", "the object store failed"),
}


class StoreFailed(Exception):
    """The store could not do it; nothing was half written.

    `detail` is a code of the store or of the system; neither credentials nor content are ever part of the text.
    """

    def __init__(self, reason: StoreReason, detail: str = "") -> None:
        super().__init__(reason, detail)
        self.reason = reason
        self.detail = detail

    def __str__(self) -> str:
        """One sentence in English, as it may be logged."""
        return f"{WORDS[self.reason][1]} ({self.detail})" if self.detail else WORDS[self.reason][1]

    @property
    def sentence(self) -> str:
        """The same in Chinese and English, for a person."""
        return f"{WORDS[self.reason][0]} / {self}"


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

    def check(self) -> None:
        """Stores, reads and removes a small object: whether the store works now. Raises `StoreFailed`."""
        ...


def try_out(store: ObjectStore) -> None:
    """What `check` does in every store."""
    key, data = f"{PROBES}/{new_id()}", secrets.token_bytes(64)
    store.put(key, data)
    try:
        if store.get(key) != data:
            raise StoreFailed(StoreReason.FAILED, "other bytes came back")
    except ObjectMissing:
        raise StoreFailed(StoreReason.FAILED, "what was stored is not there") from None
    finally:
        store.delete(key)


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
            raise explained(error) from None

    def get(self, key: str) -> bytes:
        """Reads the whole file."""
        try:
            return self.path(key).read_bytes()
        except FileNotFoundError:
            raise ObjectMissing(key) from None
        except OSError as error:
            raise explained(error) from None

    def delete(self, key: str) -> None:
        """Unlinks the file and syncs its folder."""
        target = self.path(key)
        try:
            target.unlink(missing_ok=True)
            if target.parent.exists():
                sync_folder(target.parent)
        except OSError as error:
            raise explained(error) from None

    def keys(self, namespace: str = "") -> Iterator[str]:
        """Walks the folders of a namespace; scratch files of a process that died are not keys."""
        prefix = f"{namespace}/" if namespace else ""
        try:
            for folder in (self.root / namespace).iterdir() if (self.root / namespace).exists() else ():
                if len(folder.name) <= 2 and folder.is_dir():
                    yield from (prefix + file.name for file in folder.iterdir() if not file.name.startswith("."))
        except OSError as error:
            raise explained(error) from None

    def check(self) -> None:
        """Writes, reads and removes a small file."""
        try_out(self)


_REASONS = {
    errno.ENOSPC: StoreReason.FULL,
    errno.EDQUOT: StoreReason.FULL,
    errno.EFBIG: StoreReason.FULL,
    errno.EACCES: StoreReason.DENIED,
    errno.EPERM: StoreReason.DENIED,
    errno.EROFS: StoreReason.DENIED,
    errno.ETIMEDOUT: StoreReason.SLOW,
    errno.EIO: StoreReason.DOWN,
    errno.ESTALE: StoreReason.DOWN,
    errno.ENOTCONN: StoreReason.DOWN,
    errno.EHOSTDOWN: StoreReason.DOWN,
}


def explained(error: OSError) -> StoreFailed:
    """What an error of the system means; its text names files, so that only its code is kept."""
    code = errno.errorcode.get(error.errno or 0, type(error).__name__)
    return StoreFailed(_REASONS.get(error.errno or 0, StoreReason.FAILED), code)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
