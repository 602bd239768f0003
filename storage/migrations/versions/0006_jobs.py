"""The job queue: procrastinate's own schema, who may put jobs into it, and the timers that do."""

import sqlalchemy as sa
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
    op.create_table(
        "timer",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("last_run_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_timer")),
    )
    op.execute("GRANT SELECT, INSERT, UPDATE ON timer TO ruhu_system")


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
