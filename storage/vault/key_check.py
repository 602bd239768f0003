"""Whether the master key at hand is the one a database was written with; asked before anything else is done with it.

A missing key must never be replaced by a new one silently: everything sealed so far would be lost, and everything
sealed from then on could not be read beside it.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import psycopg
from psycopg import sql

from storage.settings import Settings, SettingsError
from storage.vault import derived, master_file
from storage.vault.crypto import NAMED, SealBroken
from storage.vault.master_file import MasterKeys
from storage.vault.service import Vault, check_value

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
        """Whether one of the vault's master keys is the database's: by the check value, else by an estate's key."""
        if self.check is not None:
            return self.check in vault.check_values.values()
        if self.sealed is None:
            return True
        estate_id, wrapped = self.sealed
        try:
            vault.open_estate_key(estate_id, wrapped)
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


def read_master_key(path: Path, *, create: bool = False) -> MasterKeys:
    """The master keys; raises `SettingsError` when they are missing, open to others, or no keys."""
    try:
        return master_file.load(path, create=create)
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
    vault = vault_of(settings, create=True)
    if not bound.fits(vault):
        raise SettingsError(
            [f"主密钥不符: {settings.master_key_file} is not the key of this database; nothing was changed"]
        )
    learn(owner_url, vault)
    return vault


def vault_of(settings: Settings, *, create: bool = False) -> Vault:
    """A vault with the master keys of the settings' file, which it goes on reading; raises `SettingsError`."""
    return Vault(read_master_key(settings.master_key_file, create=create), file=settings.master_key_file)


def learn(owner_url: str, vault: Vault) -> None:
    """Reads the keys of the installation; raises `SettingsError` when they do not open."""
    with psycopg.connect(owner_url, connect_timeout=20) as connection:
        rows = derived.stored(connection)
    try:
        vault.learn_rows(rows)
    except SealBroken:
        raise SettingsError(
            ["主密钥不全: the file of the master keys lacks one that this database still needs; put it back"]
        ) from None


def first_master(connection: "psycopg.Connection[tuple[object, ...]]", vault: Vault) -> bytes:
    """The master key that a database without keys of its own has worked with."""
    row = connection.execute("SELECT value FROM key_check WHERE name = %s", (NAME,)).fetchone()
    bound = None if row is None else row[0]
    return next((key for key in vault.master.all if check_value(key) == bound), vault.master.keys[-1])


def checks_in_use(owner_url: str, vault: Vault) -> dict[str, bytes]:
    """The check values of every master key that the database needs; the one it is bound to is named `NAME`."""
    with psycopg.connect(owner_url, connect_timeout=20) as connection:
        connection.execute("SELECT set_config('ruhu.scope', 'system', true)")
        row = connection.execute("SELECT to_regclass('public.derived_key') IS NOT NULL").fetchone()
        tables = ["estate_key", *(["retired_estate_key", "derived_key"] if row and row[0] else [])]
        named: set[bytes] = set()
        for table in tables:
            wrapped = connection.execute(
                sql.SQL("SELECT DISTINCT substring(wrapped FROM 1 FOR 9) FROM {}").format(sql.Identifier(table))
            )
            named |= {bytes(prefix) for (prefix,) in wrapped}
    found = {NAME: vault.check_value}
    for number, (key, value) in enumerate(vault.check_values.items()):
        if NAMED + key in named and value != vault.check_value:
            found[f"{NAME}-{number}"] = value
    return found


def bind(owner_url: str, vault: Vault, *, now: datetime) -> None:
    """Binds a database to the master key at hand where it is bound to none, and gives it keys of its own.

    One in which nothing was sealed and nobody is known gets random ones; any other keeps those it has worked with.
    """
    with psycopg.connect(owner_url, connect_timeout=20) as connection:
        connection.execute("SELECT set_config('ruhu.scope', 'system', true)")
        connection.execute("LOCK TABLE derived_key IN SHARE ROW EXCLUSIVE MODE")  # two that upgrade at once
        if not derived.stored(connection):
            used = connection.execute(
                "SELECT EXISTS (SELECT FROM key_check) OR EXISTS (SELECT FROM estate_key)"
                " OR EXISTS (SELECT FROM app_user)"
            ).fetchone()
            keys = derived.of_first_releases(first_master(connection, vault)) if used and used[0] else derived.random()
            for one in keys:
                wrapped = vault.wrap(one.key, place=derived.place(one.name, one.version))
                connection.execute(
                    "INSERT INTO derived_key (name, version, wrapped, created_at) VALUES (%s, %s, %s, %s)",
                    (one.name, one.version, wrapped, now),
                )
        connection.execute(
            "INSERT INTO key_check (name, value) VALUES (%s, %s) ON CONFLICT DO NOTHING", (NAME, vault.check_value)
        )
    learn(owner_url, vault)
