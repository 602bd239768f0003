"""Rotation of keys."""

import sqlalchemy as sa
from alembic import op

from storage.migrations.policies import common, scoped

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Retired keys of estates; keys of the installation as rows of their own.

    No role may read the keys of an estate outside its scope. The keys of the installation belong to no estate, and are
    wrapped: processes read them, and the owner alone writes them.
    """
    op.create_table(
        "retired_estate_key",
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("estate_id", "key_id", name=op.f("pk_retired_estate_key")),
    )
    scoped("retired_estate_key", app="SELECT")
    op.create_table(
        "derived_key",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_derived_key")),
    )
    common("derived_key", app="SELECT", system="SELECT, UPDATE, DELETE")
    op.execute("GRANT UPDATE ON key_check TO ruhu_system")


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
