"""The file of the master keys: one key in 64 hexadecimal digits per line, mode 0600, outside the data.

The first key wraps, the others open what they wrapped before. A line `next <key>` is a key that is to wrap after the
coming rotation: so it can be carried to every machine before any of them uses it. `#` begins a remark. The file of the
first releases, one key alone, is the simplest such file.
"""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from storage.vault.crypto import KEY_BYTES, new_key

NEXT = "next "


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """The keys of a file: those in use, newest first, and the one that is to come."""

    keys: tuple[bytes, ...]
    coming: bytes | None = None

    @property
    def all(self) -> tuple[bytes, ...]:
        """Every key that may have wrapped something."""
        return self.keys if self.coming is None else (*self.keys, self.coming)

    def prepared(self) -> "MasterKeys":
        """With a key to come, a fresh one unless there is one."""
        return MasterKeys(self.keys, self.coming or new_key())

    def rotated(self) -> "MasterKeys":
        """The coming key, or a fresh one, wraps from now on."""
        return MasterKeys((self.coming or new_key(), *self.keys))

    def pruned(self) -> "MasterKeys":
        """Without the older keys."""
        return MasterKeys(self.keys[:1], self.coming)

    def text(self) -> str:
        """The content of the file."""
        lines = [key.hex() for key in self.keys]
        if self.coming is not None:
            lines.append(f"{NEXT}{self.coming.hex()}")
        return "\n".join(lines) + "\n"


def parse(text: str) -> MasterKeys:
    """Reads the content of a file; raises ValueError, which holds nothing of it."""
    keys: list[bytes] = []
    coming: list[bytes] = []
    for line in (part.strip() for part in text.splitlines()):
        if line and not line.startswith("#"):
            (coming if line.startswith(NEXT) else keys).append(_key(line.removeprefix(NEXT)))
    if not keys or len(coming) > 1 or len({*keys, *coming}) != len(keys) + len(coming):
        raise ValueError
    return MasterKeys(tuple(keys), coming[0] if coming else None)


def _key(digits: str) -> bytes:
    key = bytes.fromhex(digits.strip())
    if len(key) != KEY_BYTES:
        raise ValueError
    return key


def load(path: Path, *, create: bool) -> MasterKeys:
    """Reads the file; makes one with a fresh key when `create` is set and there is none.

    Raises FileNotFoundError when it is missing and must not be made, ValueError when it holds no keys, PermissionError
    when others can read it.
    """
    if create and not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        scratch = _written(path, MasterKeys((new_key(),)))
        try:
            os.link(scratch, path)  # fails when another process made one first: theirs counts
        except FileExistsError:
            pass
        finally:
            scratch.unlink()
        _sync_folder(path)
    try:
        found = parse(path.read_text())
    except ValueError:  # of decoding too
        raise ValueError(
            f"{path.name} 不是有效的主密钥: a master key is 64 hexadecimal digits, one key per line"
        ) from None
    if path.stat().st_mode & 0o077:
        raise PermissionError(f"{path.name} 的权限过宽: the master key must be readable by its owner only (chmod 600)")
    return found


def replace(path: Path, keys: MasterKeys) -> None:
    """Puts new content in the place of the old, whole or not at all, of the same owner."""
    owner = path.stat()
    scratch = _written(path, keys)
    try:
        if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
            os.chown(scratch, owner.st_uid, owner.st_gid)
        scratch.replace(path)
    except BaseException:
        scratch.unlink(missing_ok=True)
        raise
    _sync_folder(path)


def _written(path: Path, keys: MasterKeys) -> Path:
    scratch = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    descriptor = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(keys.text())
        file.flush()
        os.fsync(file.fileno())
    return scratch


def _sync_folder(path: Path) -> None:
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
