"""The database roles beside the owner. They belong to the server, not to a database: no dump holds them."""

import psycopg
from psycopg import sql

ROLES = ("ruhu_app", "ruhu_intake", "ruhu_system")


def ensure_roles(connection: "psycopg.Connection[tuple[object, ...]]") -> list[str]:
    """Makes the roles that are missing, as the first migration does; tells which. None owns or bypasses anything."""
    made = []
    for role in ROLES:
        if connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone() is None:
            connection.execute(
                sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE").format(
                    sql.Identifier(role)
                )
            )
            made.append(role)
    return made
