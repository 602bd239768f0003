"""The job queue: procrastinate's own schema, and who may put jobs into it."""

from alembic import op
from procrastinate.schema import SchemaManager

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Applies the schema of the locked procrastinate release; a later release brings its own migrations."""
    op.get_bind().exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))
    op.execute(
        "GRANT SELECT, INSERT, UPDATE, DELETE ON procrastinate_jobs, procrastinate_events, "
        "procrastinate_periodic_defers, procrastinate_workers TO ruhu_system"
    )
    op.execute("GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO ruhu_system, ruhu_app")
    op.execute("GRANT SELECT, INSERT ON procrastinate_jobs, procrastinate_events TO ruhu_app")


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
