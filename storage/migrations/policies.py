"""Grants and row-level security, said once for each table in the migration that makes it."""

from alembic import op

SCOPE_OF_USERS = "{column} = ANY ((SELECT ruhu_estates())::uuid[])"
SCOPE_OF_SYSTEM = "(SELECT ruhu_is_system()) OR {column} = ANY ((SELECT ruhu_estates())::uuid[])"


def scoped(
    table: str,
    *,
    column: str = "estate_id",
    app: str = "SELECT, INSERT, UPDATE, DELETE",
    system: str = "SELECT, INSERT, UPDATE, DELETE",
) -> None:
    """A table whose rows belong to estates: forced row-level security, and what either role may do."""
    protect(table)
    op.execute(f"GRANT {app} ON {table} TO ruhu_app")
    op.execute(f"GRANT {system} ON {table} TO ruhu_system")
    users = SCOPE_OF_USERS.format(column=column)
    op.execute(f"CREATE POLICY {table}_app ON {table} TO ruhu_app USING ({users}) WITH CHECK ({users})")
    system_policy(table, column)


def protect(table: str) -> None:
    """Row-level security that binds the owner too."""
    op.execute(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY")
    op.execute(f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY")


def system_policy(table: str, column: str = "estate_id") -> None:
    """The worker, and the owner in its own functions, see all rows when they say so, else those of named estates."""
    system = SCOPE_OF_SYSTEM.format(column=column)
    op.execute(
        f"CREATE POLICY {table}_system ON {table} TO ruhu_system, ruhu_owner USING ({system}) WITH CHECK ({system})"
    )


def common(table: str, *, app: str, system: str = "SELECT, INSERT, UPDATE, DELETE") -> None:
    """A table that belongs to no estate."""
    op.execute(f"GRANT {app} ON {table} TO ruhu_app")
    op.execute(f"GRANT {system} ON {table} TO ruhu_system")


def insert_only(table: str) -> None:
    """The intake role may add rows and do nothing else."""
    op.execute(f"GRANT INSERT ON {table} TO ruhu_intake")
    op.execute(f"CREATE POLICY {table}_intake ON {table} FOR INSERT TO ruhu_intake WITH CHECK (true)")
