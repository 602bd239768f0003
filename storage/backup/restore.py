"""Putting a backup's database into place.

From the first change to the last the database holds a table `restore_unfinished`: no process serves it, and a restore
that was killed is run again from the beginning.
"""

import re
import shutil
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from storage.backup.errors import RestoreFailed, RestoreRefused
from storage.backup.manifest import DUMP, Manifest
from storage.backup.snapshot import one
from storage.backup.tools import Tools, last_lines
from storage.migrations import runner
from storage.migrations.roles import ensure_roles
from storage.postgres.lease import create_database

NEW_SETTING = b"SET transaction_timeout = 0;\n"


class State(StrEnum):
    """What lies in the target database."""

    EMPTY = "empty"
    UNFINISHED = "unfinished"
    USED = "used"


@dataclass(frozen=True, slots=True)
class Target:
    """The database to restore into."""

    name: str
    state: State
    others: int
    server_version: int
    epoch: int


def look_at(owner_url: str) -> Target:
    """Looks at the target as the owner; raises `RestoreRefused` when it cannot be reached."""
    try:
        with psycopg.connect(owner_url, connect_timeout=20) as connection:
            connection.execute("SELECT set_config('ruhu.scope', 'system', true)")
            tables = one(
                connection,
                "SELECT count(*) FROM pg_class WHERE relnamespace = to_regnamespace('public') AND relkind IN ('r', 'p')"
                " AND relname <> 'restore_unfinished'",
            )
            state = State.USED if tables else State.EMPTY
            if one(connection, "SELECT to_regclass('public.restore_unfinished')") is not None:
                state = State.UNFINISHED
            epoch = 0
            if state is State.USED and one(connection, "SELECT to_regclass('public.restore_epoch')") is not None:
                epoch = int(str(one(connection, "SELECT coalesce(max(epoch), 0) FROM restore_epoch")))
            others = one(
                connection,
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND backend_type = 'client backend'",
            )
            return Target(
                name=str(one(connection, "SELECT current_database()")), state=state, others=int(str(others)),
                server_version=connection.info.server_version, epoch=epoch,
            )  # fmt: skip
    except psycopg.OperationalError as error:
        raise RestoreRefused(
            "无法以 ruhu_owner 连接目标数据库：请先创建角色与空数据库",
            "The target database cannot be reached as ruhu_owner; make the role and an empty database first: "
            f"{str(error).strip().splitlines()[-1]}",
        ) from None


def refuse_newer(manifest: Manifest, target: Target) -> None:
    """Refuses a backup of a later release or a later server, before anything is touched."""
    if not re.fullmatch(r"\d{4}", manifest.revision) or manifest.revision > runner.newest():
        raise RestoreRefused(
            f"备份来自更新的版本（{manifest.revision}），本版本为 {runner.newest()}；请先升级软件",
            f"The backup is of a later release (schema {manifest.revision}, this one knows {runner.newest()})",
        )
    if manifest.server_version // 10000 > target.server_version // 10000:
        raise RestoreRefused(
            f"备份来自 PostgreSQL {manifest.server_version // 10000}，目标服务器版本较低",
            f"The backup is of PostgreSQL {manifest.server_version // 10000}, the target server is "
            f"{target.server_version // 10000}",
        )


def set_aside(admin_urls: list[str], *, name: str, now: datetime) -> str:
    """Renames the database `name` and makes an empty one in its place; tells the new name of the old one.

    The first of `admin_urls` whose user may create databases is used; with none, `RestoreRefused` says what to do.
    """
    aside = f"{name[:40]}_before_{now:%Y%m%d%H%M%S}"
    for url in admin_urls:
        try:
            with psycopg.connect(url, autocommit=True, connect_timeout=20) as connection:
                if not one(connection, "SELECT rolsuper OR rolcreatedb FROM pg_roles WHERE rolname = current_user"):
                    continue
                connection.execute(
                    sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(name), sql.Identifier(aside))
                )
                create_database(connection, name)
                return aside
        except psycopg.errors.ObjectInUse:
            raise RestoreRefused(
                "数据库正在使用中：请先停止 serve 与 worker",
                "The database is in use: stop serve and worker first",
            ) from None
        except psycopg.OperationalError:
            continue
    raise RestoreRefused(
        f"没有可创建数据库的角色；请由管理员执行：ALTER DATABASE {name} RENAME TO {aside}; "
        f"CREATE DATABASE {name} OWNER ruhu_owner; 然后再次恢复",
        f"No role at hand may create databases; let an administrator run: ALTER DATABASE {name} RENAME TO {aside}; "
        f"CREATE DATABASE {name} OWNER ruhu_owner; then restore again",
    )


def on_database(url: str, database: str) -> str:
    """The same connection to another database of the server."""
    return make_conninfo("", **{**conninfo_to_dict(url), "dbname": database})


def prepare(owner_url: str, *, backup_id: UUID) -> None:
    """Empties the target, marks it unfinished and makes the roles; what a killed restore left goes."""
    with psycopg.connect(owner_url, connect_timeout=20) as connection:
        connection.execute("SELECT pg_advisory_xact_lock(711002)")  # no process migrates an empty database meanwhile
        connection.execute("DROP SCHEMA public CASCADE")
        connection.execute("CREATE SCHEMA public")
        connection.execute("ALTER SCHEMA public OWNER TO pg_database_owner")
        connection.execute("GRANT USAGE ON SCHEMA public TO PUBLIC")
        connection.execute("CREATE TABLE restore_unfinished (backup_id uuid NOT NULL, began_at timestamptz NOT NULL)")
        connection.execute("INSERT INTO restore_unfinished VALUES (%s, now())", (backup_id,))
        ensure_roles(connection)


def load_dump(owner_url: str, *, tools: Tools, directory: Path) -> None:
    """Writes the dump into the database: pg_restore's script, run by psql; raises `RestoreFailed`.

    One transaction, one connection: foreign keys are checked before row-level security is switched on, which binds
    the owner too. Several connections would do both at once and fail. The script goes through us because pg_restore
    sets a parameter at its beginning that servers before PostgreSQL 17 do not know.
    """
    script, _ = tools.command("pg_restore", "--no-owner", "--no-comments", "--file=-", str(directory / DUMP))
    load, environment = tools.command(
        "psql", "--no-psqlrc", "--quiet", "--no-password", "--single-transaction", "--set=ON_ERROR_STOP=1",
        "--output=/dev/null", url=owner_url,
    )  # fmt: skip
    with TemporaryFile() as complaints:
        reader = subprocess.Popen(script, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=complaints)
        writer = subprocess.Popen(load, stdin=subprocess.PIPE, stderr=complaints, env=environment)
        try:
            try:
                pour(reader.stdout, writer.stdin)
            except BrokenPipeError:
                reader.kill()  # psql ended early and says why; nobody would read the rest
            failed = reader.wait() != 0
            if failed:
                writer.kill()  # half a script must not be committed
            elif writer.stdin is not None:
                with suppress(BrokenPipeError):
                    writer.stdin.close()
            failed = writer.wait() != 0 or failed
        finally:
            for process in (reader, writer):
                if process.poll() is None:
                    process.kill()
                    process.wait()
            if reader.stdout is not None:
                reader.stdout.close()
        if failed:
            complaints.seek(0)
            text = last_lines(complaints.read(100_000).decode(errors="replace"))
            raise RestoreFailed(f"写入数据库失败：{text}", f"The dump could not be written: {text}")


def pour(source: IO[bytes] | None, target: IO[bytes] | None) -> None:
    """Hands a script on, without the line that older servers refuse; it stands before the first statement."""
    if source is None or target is None:
        raise ValueError("both ends are pipes")
    for line in source:
        if line != NEW_SETTING:
            target.write(line)
        if line.startswith(b"CREATE "):
            break
    shutil.copyfileobj(source, target, 1 << 20)
    target.flush()


def finish(owner_url: str) -> None:
    """Takes the mark away: from now on the database is served."""
    with psycopg.connect(owner_url, connect_timeout=20) as connection:
        connection.execute("ANALYZE")
        connection.execute("DROP TABLE restore_unfinished")
