"""One consistent view of the database: what the dump will hold, counted and digested, and the objects alive in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import LiteralString
from uuid import UUID

import psycopg
from psycopg import sql

from storage.backup.errors import BackupFailed
from storage.backup.manifest import TableEntry

LOCK = 711004
"""The advisory lock of the one backup at work; the sealer of the audit log has 711003 and never waits for it."""
Connection = psycopg.Connection[tuple[object, ...]]

# A row's text must not depend on the session it is read in.
TEXT_FORM: tuple[LiteralString, ...] = (
    "SET LOCAL timezone = 'UTC'",
    "SET LOCAL datestyle = 'ISO, YMD'",
    "SET LOCAL intervalstyle = 'iso_8601'",
    "SET LOCAL bytea_output = 'hex'",
    "SET LOCAL extra_float_digits = 1",
    "SET LOCAL statement_timeout = 0",
    "SELECT set_config('ruhu.scope', 'system', true)",
)

TABLES = """
SELECT c.relname FROM pg_class c
 WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'restore_unfinished'
   AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
 ORDER BY c.relname
"""

# Tables of which the owner would not see every row: no policy lets it see all, or one narrows what it sees.
HIDDEN = """
SELECT c.relname FROM pg_class c, pg_roles me
 WHERE me.rolname = current_user AND NOT me.rolsuper AND NOT me.rolbypassrls
   AND c.relkind IN ('r', 'p') AND c.relrowsecurity AND c.relnamespace = 'public'::regnamespace
   AND (c.relforcerowsecurity OR c.relowner <> me.oid)
   AND (NOT EXISTS (
          SELECT 1 FROM pg_policy p
           WHERE p.polrelid = c.oid AND p.polpermissive AND p.polcmd IN ('r', '*')
             AND (0 = ANY (p.polroles) OR me.oid = ANY (p.polroles))
             AND (pg_get_expr(p.polqual, p.polrelid) = 'true'
                  OR pg_get_expr(p.polqual, p.polrelid) LIKE '%ruhu_is_system()%'))
        OR EXISTS (
          SELECT 1 FROM pg_policy p
           WHERE p.polrelid = c.oid AND NOT p.polpermissive AND p.polcmd IN ('r', '*')
             AND (0 = ANY (p.polroles) OR me.oid = ANY (p.polroles))))
 ORDER BY c.relname
"""

DIGEST = (
    "SELECT count(*), coalesce(sum(('x' || encode(substr(sha256(convert_to(t::text, 'UTF8')), 1, 8), 'hex'))"
    "::bit(64)::bigint::numeric), 0)::text FROM {} t"
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A transaction that is held open, and the name by which pg_dump joins it."""

    connection: Connection
    name: str

    @property
    def server_version(self) -> int:
        """As libpq counts: 180006 for 18.6."""
        return self.connection.info.server_version

    def tables(self) -> dict[str, TableEntry]:
        """Rows and digest of every table."""
        return digest_tables(self.connection)

    def live_objects(self) -> list[UUID]:
        """Objects whose rows say that their bytes are to be had."""
        rows = self.connection.execute(
            "SELECT id FROM stored_object WHERE destroyed_at IS NULL AND wrapped_key IS NOT NULL ORDER BY id"
        )
        return [UUID(str(row[0])) for row in rows]

    def revision(self) -> str:
        """The schema's revision."""
        return str(one(self.connection, "SELECT version_num FROM alembic_version"))

    def last_head(self) -> tuple[int, int] | None:
        """Epoch and sequence of the newest signed head of the audit log."""
        if one(self.connection, "SELECT to_regclass('public.audit_head')") is None:
            return None
        row = self.connection.execute(
            "SELECT epoch, sequence FROM audit_head ORDER BY epoch DESC, sequence DESC LIMIT 1"
        ).fetchone()
        return (int(str(row[0])), int(str(row[1]))) if row else None

    def epoch(self) -> int:
        """The restore epoch."""
        if one(self.connection, "SELECT to_regclass('public.restore_epoch')") is None:
            return 1
        return int(str(one(self.connection, "SELECT coalesce(max(epoch), 1) FROM restore_epoch")))


def one(connection: Connection, statement: LiteralString) -> object:
    """The first column of the only row."""
    row = connection.execute(statement).fetchone()
    return row[0] if row else None


def digest_tables(connection: Connection) -> dict[str, TableEntry]:
    """Rows and digest of every table the connection's transaction sees; sets how values are written first."""
    for statement in TEXT_FORM:
        connection.execute(statement)
    found = {}
    for (name,) in connection.execute(TABLES).fetchall():
        row = connection.execute(sql.SQL(DIGEST).format(sql.Identifier("public", str(name)))).fetchone()
        if row is not None:
            found[str(name)] = TableEntry(rows=int(str(row[0])), digest=str(row[1]))
    return found


@contextmanager
def open_snapshot(url: str) -> Iterator[Snapshot]:
    """Opens a snapshot as the owner in the system's scope, and exports it.

    Raises `BackupFailed` when the database is unfinished or would hide rows: a dump that silently leaves rows out
    is worse than none.
    """
    with psycopg.connect(url, connect_timeout=20) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        for statement in TEXT_FORM:
            connection.execute(statement)
        if one(connection, "SELECT to_regclass('public.restore_unfinished')") is not None:
            raise BackupFailed("数据库的恢复尚未完成", "A restore of this database is unfinished")
        if one(connection, "SELECT to_regclass('public.alembic_version')") is None:
            raise BackupFailed("数据库为空，没有可备份的内容", "The database is empty: there is nothing to back up")
        hidden = [str(row[0]) for row in connection.execute(HIDDEN)]
        if hidden:
            raise BackupFailed(
                f"备份角色看不到这些表的全部数据：{', '.join(hidden)}",
                f"The backup's role would not see every row of {', '.join(hidden)}",
            )
        yield Snapshot(connection, str(one(connection, "SELECT pg_export_snapshot()")))


@contextmanager
def only_backup(url: str) -> Iterator[Connection]:
    """Holds the lock by which one backup of a database runs at a time; the connection is free for short questions."""
    with psycopg.connect(url, autocommit=True, connect_timeout=20) as connection:
        if connection.execute("SELECT pg_try_advisory_lock(%s)", (LOCK,)).fetchone() != (True,):
            raise BackupFailed("另一个备份正在进行", "Another backup of this database is running")
        yield connection


def destroyed_among(connection: Connection, ids: list[UUID]) -> set[UUID]:
    """Which of these objects are destroyed by now; waits for a destruction that is under way (bytes go first)."""
    with connection.transaction():
        connection.execute("SELECT set_config('ruhu.scope', 'system', true)")
        rows = connection.execute(
            "SELECT id, destroyed_at IS NOT NULL FROM stored_object WHERE id = ANY (%s) FOR SHARE", (ids,)
        ).fetchall()
    alive = {UUID(str(row[0])) for row in rows if not row[1]}
    return set(ids) - alive
