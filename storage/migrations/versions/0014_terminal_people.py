"""Enrolment photographs by archive, and the people already on terminals."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storage.migrations.policies import scoped

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables, their grants and their policies."""
    op.add_column("face_template", sa.Column("photo_digest", sa.LargeBinary(), nullable=True))
    op.alter_column("device_removal", "person_id", nullable=True)
    op.execute("GRANT INSERT ON device_removal TO ruhu_app")
    op.create_table(
        "photo_import",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("refused", sa.String(length=64), nullable=False),
        sa.Column("lines_total", sa.Integer(), nullable=False),
        sa.Column("lines_checked", sa.Integer(), nullable=False),
        sa.Column("lines_ready", sa.Integer(), nullable=False),
        sa.Column("lines_applied", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("delete_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_photo_import_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_import")),
    )
    op.create_index(op.f("ix_photo_import_estate_id"), "photo_import", ["estate_id"], unique=False)
    op.create_index(
        "uq_photo_import_active",
        "photo_import",
        ["estate_id"],
        unique=True,
        postgresql_where=sa.text("status IN ('waiting', 'checking', 'checked', 'applying')"),
    )
    op.create_table(
        "photo_import_piece",
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_photo_import_piece_estate_id")),
        sa.ForeignKeyConstraint(["import_id"], ["photo_import.id"], name=op.f("fk_photo_import_piece_import_id")),
        sa.ForeignKeyConstraint(["object_id"], ["stored_object.id"], name=op.f("fk_photo_import_piece_object_id")),
        sa.PrimaryKeyConstraint("import_id", "position", name=op.f("pk_photo_import_piece")),
    )
    op.create_index(op.f("ix_photo_import_piece_estate_id"), "photo_import_piece", ["estate_id"], unique=False)
    op.create_table(
        "photo_import_line",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("import_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("row", sa.Integer(), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=True),
        sa.Column("shown", sa.String(length=200), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("resembles", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("photo_digest", sa.LargeBinary(), nullable=True),
        sa.Column("scopes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("refused_scopes", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("signed_on", sa.Date(), nullable=True),
        sa.Column("notice", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("guardian", sa.String(length=200), nullable=False),
        sa.Column("relation", sa.String(length=200), nullable=False),
        sa.Column("paper", sa.String(length=64), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_photo_import_line_estate_id")),
        sa.ForeignKeyConstraint(["import_id"], ["photo_import.id"], name=op.f("fk_photo_import_line_import_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_photo_import_line_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_import_line")),
    )
    op.create_index(op.f("ix_photo_import_line_estate_id"), "photo_import_line", ["estate_id"], unique=False)
    op.create_index(op.f("ix_photo_import_line_person_id"), "photo_import_line", ["person_id"], unique=False)
    op.create_index("ix_photo_import_line_state", "photo_import_line", ["import_id", "state", "position"], unique=False)
    op.create_index(
        "uq_photo_import_line_import_id_position", "photo_import_line", ["import_id", "position"], unique=True
    )
    op.create_table(
        "terminal_columns",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("columns", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("set_by", sa.Uuid(), nullable=True),
        sa.Column("set_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["gate_device.id"], name=op.f("fk_terminal_columns_device_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_terminal_columns_estate_id")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_terminal_columns")),
    )
    op.create_index(op.f("ix_terminal_columns_estate_id"), "terminal_columns", ["estate_id"], unique=False)
    op.create_table(
        "terminal_list",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("added", sa.Integer(), nullable=False),
        sa.Column("changed", sa.Integer(), nullable=False),
        sa.Column("unchanged", sa.Integer(), nullable=False),
        sa.Column("missing", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["gate_device.id"], name=op.f("fk_terminal_list_device_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_terminal_list_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terminal_list")),
    )
    op.create_index(op.f("ix_terminal_list_device_id"), "terminal_list", ["device_id"], unique=False)
    op.create_index(op.f("ix_terminal_list_estate_id"), "terminal_list", ["estate_id"], unique=False)
    op.create_table(
        "terminal_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("content_digest", sa.LargeBinary(), nullable=False),
        sa.Column("card_index", sa.LargeBinary(), nullable=True),
        sa.Column("holds_face", sa.Boolean(), nullable=True),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("level", sa.String(length=64), nullable=False),
        sa.Column("first_listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_listed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("missing_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("device_person_id", sa.Uuid(), nullable=True),
        sa.Column("removal_id", sa.Uuid(), nullable=True),
        sa.Column("decision", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["gate_device.id"], name=op.f("fk_terminal_entry_device_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_terminal_entry_estate_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_terminal_entry_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_terminal_entry")),
    )
    op.create_index("ix_terminal_entry_device_state", "terminal_entry", ["device_id", "state", "id"], unique=False)
    op.create_index(op.f("ix_terminal_entry_estate_id"), "terminal_entry", ["estate_id"], unique=False)
    op.create_index(op.f("ix_terminal_entry_person_id"), "terminal_entry", ["person_id"], unique=False)
    op.create_index(
        "uq_terminal_entry_standing",
        "terminal_entry",
        ["device_id", "number"],
        unique=True,
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_table(
        "terminal_candidate",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("here", sa.Boolean(), nullable=False),
        sa.Column("rejected_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rejected_by", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["terminal_entry.id"], name=op.f("fk_terminal_candidate_entry_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_terminal_candidate_estate_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_terminal_candidate_person_id")),
        sa.PrimaryKeyConstraint("entry_id", "person_id", name=op.f("pk_terminal_candidate")),
    )
    op.create_index(op.f("ix_terminal_candidate_estate_id"), "terminal_candidate", ["estate_id"], unique=False)
    op.create_index(op.f("ix_terminal_candidate_person_id"), "terminal_candidate", ["person_id"], unique=False)
    scoped("photo_import", app="SELECT, INSERT, UPDATE", system="SELECT, INSERT, UPDATE, DELETE")
    scoped("photo_import_piece", app="SELECT, INSERT, DELETE", system="SELECT, INSERT, DELETE")
    scoped("photo_import_line", app="SELECT, UPDATE", system="SELECT, INSERT, UPDATE, DELETE")
    scoped("terminal_columns", app="SELECT, INSERT, UPDATE", system="SELECT, INSERT, UPDATE")
    scoped("terminal_list", app="SELECT, INSERT", system="SELECT, INSERT, UPDATE, DELETE")
    scoped("terminal_entry", app="SELECT, INSERT, UPDATE", system="SELECT, INSERT, UPDATE, DELETE")
    scoped("terminal_candidate")


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
