"""The register in earnest: imports in the background, records a full list lacks, history."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storage.migrations.policies import scoped

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables, their grants and their policies."""
    op.create_table(
        "registry_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("sheet", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("full_list", sa.Boolean(), nullable=False),
        sa.Column("create_units", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("rows_total", sa.Integer(), nullable=False),
        sa.Column("rows_checked", sa.Integer(), nullable=False),
        sa.Column("records_total", sa.Integer(), nullable=False),
        sa.Column("records_applied", sa.Integer(), nullable=False),
        sa.Column("report", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_registry_import_estate_id")),
        sa.ForeignKeyConstraint(["object_id"], ["stored_object.id"], name=op.f("fk_registry_import_object_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registry_import")),
    )
    op.create_index(op.f("ix_registry_import_estate_id"), "registry_import", ["estate_id"], unique=False)
    op.create_index(
        "uq_registry_import_active",
        "registry_import",
        ["estate_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('waiting', 'checking', 'checked', 'applying')"),
    )
    op.create_table(
        "registry_import_issue",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("column", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=64), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.Column("zh", sa.String(length=400), nullable=False),
        sa.Column("en", sa.String(length=400), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_registry_import_issue_estate_id")),
        sa.ForeignKeyConstraint(["import_id"], ["registry_import.id"], name=op.f("fk_registry_import_issue_import_id")),
        sa.PrimaryKeyConstraint("import_id", "position", name=op.f("pk_registry_import_issue")),
    )
    op.create_index(op.f("ix_registry_import_issue_estate_id"), "registry_import_issue", ["estate_id"], unique=False)
    op.create_table(
        "missing_record",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(length=1000), nullable=True),
        sa.Column("last_day", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_missing_record_estate_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_missing_record_household_id")),
        sa.ForeignKeyConstraint(["import_id"], ["registry_import.id"], name=op.f("fk_missing_record_import_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_missing_record_person_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["housing_unit.id"], name=op.f("fk_missing_record_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_missing_record")),
    )
    op.create_index(op.f("ix_missing_record_estate_id"), "missing_record", ["estate_id"], unique=False)
    op.create_index(op.f("ix_missing_record_import_id"), "missing_record", ["import_id"], unique=False)
    op.create_index("ix_missing_record_estate_status", "missing_record", ["estate_id", "status", "id"], unique=False)
    op.create_index(
        "uq_missing_record_standing",
        "missing_record",
        ["record_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('open', 'dismissed')"),
    )
    op.create_table(
        "register_change",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("change", sa.String(length=64), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("before", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("after", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("actor_kind", sa.String(length=64), nullable=False),
        sa.Column("actor_user_id", sa.Uuid(), nullable=True),
        sa.Column("import_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=1000), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_register_change_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_register_change")),
    )
    op.create_index(op.f("ix_register_change_estate_id"), "register_change", ["estate_id"], unique=False)
    op.create_index("ix_register_change_household", "register_change", ["household_id", "id"], unique=False)
    op.create_index("ix_register_change_unit", "register_change", ["unit_id", "id"], unique=False)
    op.create_index("ix_register_change_person", "register_change", ["person_id", "id"], unique=False)
    scoped("registry_import", app="SELECT, INSERT, UPDATE", system="SELECT, INSERT, UPDATE")
    scoped("registry_import_issue", app="SELECT", system="SELECT, INSERT, DELETE")
    scoped("missing_record", app="SELECT, UPDATE", system="SELECT, INSERT, UPDATE")
    scoped("register_change", app="SELECT, INSERT", system="SELECT, INSERT")


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
