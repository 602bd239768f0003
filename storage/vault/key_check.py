"""Whether the master key at hand is the one a database was written with; asked before anything else is done with it.

A missing key must never be replaced by a new one silently: everything sealed so far would be lost, and everything
sealed from then on could not be read beside it.
"""

import uuid
from dataclasses import dataclass
from pathlib import Path

import psycopg

from storage.settings import Settings, SettingsError
from storage.vault.crypto import SealBroken, load_master_key, unseal
from storage.vault.service import Vault

NAME = "master"


@dataclass(frozen=True, slots=True)
class Bound:
    """What a database knows of its key, and whether a restore of it is unfinished."""

    check: bytes | None = None
    sealed: tuple[uuid.UUID, bytes] | None = None
    restoring: bool = False

    @property
    def needs_key(self) -> bool:
        """Whether something in the database was sealed already."""
        return self.check is not None or self.sealed is not None

    def fits(self, vault: Vault) -> bool:
        """Whether the vault's master key is the database's: by the check value, else by opening an estate's key."""
        if self.check is not None:
            return self.check == vault.check_value
        if self.sealed is None:
            return True
        estate_id, wrapped = self.sealed
        try:
            unseal(vault.wrapping, wrapped, place=f"estate-key/{estate_id}")
        except SealBroken:
            return False
        return True


def bound_to(owner_url: str) -> Bound:
    """Asks the database; raises `SettingsError` when it cannot be reached."""
    try:
        with psycopg.connect(owner_url, connect_timeout=20) as connection:
            connection.execute("SELECT set_config('ruhu.scope', 'system', true)")
            tables = connection.execute(
                "SELECT to_regclass('public.restore_unfinished') IS NOT NULL,"
                " to_regclass('public.key_check') IS NOT NULL, to_regclass('public.estate_key') IS NOT NULL"
            ).fetchone()
            restoring, has_check, has_keys = tables or (False, False, False)
            if restoring:
                return Bound(restoring=True)
            row = (
                connection.execute("SELECT value FROM key_check WHERE name = %s", (NAME,)).fetchone()
                if has_check
                else None
            )
            sealed = (
                connection.execute("SELECT estate_id, wrapped FROM estate_key LIMIT 1").fetchone() if has_keys else None
            )
            return Bound(bytes(row[0]) if row else None, (sealed[0], bytes(sealed[1])) if sealed else None)
    except psycopg.OperationalError as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise SettingsError([f"无法连接数据库: the database cannot be reached: {reason}"]) from None


def read_master_key(path: Path, *, create: bool = False) -> bytes:
    """The master key; raises `SettingsError` when it is missing, open to others, or no key."""
    try:
        return load_master_key(path, create=create)
    except FileNotFoundError:
        raise SettingsError([missing(path)]) from None
    except (ValueError, PermissionError) as error:
        raise SettingsError([str(error)]) from None


def missing(path: Path) -> str:
    """What to say of a missing key."""
    return f"主密钥缺失: {path} is missing; without it the data cannot be read, restore the file"


def open_vault(settings: Settings, owner_url: str) -> Vault:
    """The vault for this database. A key is made only for a database in which nothing was sealed yet.

    Raises `SettingsError`, having written nothing, when the key is missing or another, or a restore is unfinished.
    """
    bound = bound_to(owner_url)
    if bound.restoring:
        raise SettingsError(
            ["数据库恢复尚未完成: a restore of this database was interrupted; run `ruhu db restore` again"]
        )
    if bound.needs_key and not settings.master_key_file.exists():
        raise SettingsError([missing(settings.master_key_file)])
    vault = Vault(read_master_key(settings.master_key_file, create=True))
    if not bound.fits(vault):
        raise SettingsError(
            [f"主密钥不符: {settings.master_key_file} is not the key of this database; nothing was changed"]
        )
    return vault


def bind(owner_url: str, vault: Vault) -> None:
    """Writes the check value of the key at hand into a database that has none."""
    with psycopg.connect(owner_url, connect_timeout=20) as connection:
        connection.execute(
            "INSERT INTO key_check (name, value) VALUES (%s, %s) ON CONFLICT DO NOTHING", (NAME, vault.check_value)
        )
