"""What is true of the whole installation: how often it was restored, and which master key it belongs to."""

import sqlalchemy as sa
from alembic import op

from storage.migrations.policies import common

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Two small tables; the first epoch begins with the database."""
    op.create_table(
        "restore_epoch",
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("backup_id", sa.Uuid(), nullable=True),
        sa.Column("backup_taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=1000), nullable=True),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_restore_epoch")),
    )
    common("restore_epoch", app="SELECT", system="SELECT")
    op.execute("INSERT INTO restore_epoch (epoch, began_at) VALUES (1, now())")
    op.create_table(
        "key_check",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_key_check")),
    )
    common("key_check", app="SELECT", system="SELECT")


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
