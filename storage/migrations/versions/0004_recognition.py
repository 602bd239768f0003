"""Recognition and occupancy: pseudonyms, sightings, templates, discrepancies."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from storage.migrations.policies import scoped

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables, their grants and their policies."""
    op.create_table(
        "gallery_generation",
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_gallery_generation_estate_id")),
        sa.PrimaryKeyConstraint("estate_id", name=op.f("pk_gallery_generation")),
    )
    op.create_table(
        "pseudonym",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("engine", sa.String(length=64), nullable=False),
        sa.Column("model_hash", sa.String(length=64), nullable=False),
        sa.Column("centroid_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("faces", sa.Integer(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("forgotten_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_pseudonym_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pseudonym")),
        sa.UniqueConstraint("estate_id", "number", name=op.f("uq_pseudonym_estate_id_number")),
    )
    op.create_index(op.f("ix_pseudonym_estate_id"), "pseudonym", ["estate_id"], unique=False)
    op.create_table(
        "face_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("engine", sa.String(length=64), nullable=False),
        sa.Column("model_hash", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("quality", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("photo_object_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_face_template_estate_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_face_template_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_face_template")),
    )
    op.create_index(op.f("ix_face_template_estate_id"), "face_template", ["estate_id"], unique=False)
    op.create_index(op.f("ix_face_template_person_id"), "face_template", ["person_id"], unique=False)
    op.create_table(
        "not_raised_note",
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("why_zh", sa.Text(), nullable=False),
        sa.Column("why_en", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_not_raised_note_estate_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_not_raised_note_household_id")),
        sa.PrimaryKeyConstraint("household_id", "rule", name=op.f("pk_not_raised_note")),
    )
    op.create_index(op.f("ix_not_raised_note_estate_id"), "not_raised_note", ["estate_id"], unique=False)
    op.create_table(
        "discrepancy",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("severity", sa.String(length=64), nullable=False),
        sa.Column("admissibility", sa.String(length=64), nullable=False),
        sa.Column("first_flagged_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_confirmed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cleared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cleared_why", sa.String(length=1000), nullable=True),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("terms", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("first_day", sa.Date(), nullable=False),
        sa.Column("last_day", sa.Date(), nullable=False),
        sa.Column("explanation_zh", sa.Text(), nullable=False),
        sa.Column("explanation_en", sa.Text(), nullable=False),
        sa.Column("clears_zh", sa.Text(), nullable=False),
        sa.Column("clears_en", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.String(length=200), nullable=False),
        sa.Column("pseudonym_id", sa.Uuid(), nullable=True),
        sa.Column("event_ids", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_discrepancy_estate_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_discrepancy_household_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["housing_unit.id"], name=op.f("fk_discrepancy_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_discrepancy")),
    )
    op.create_index(op.f("ix_discrepancy_estate_id"), "discrepancy", ["estate_id"], unique=False)
    op.create_index(op.f("ix_discrepancy_household_id"), "discrepancy", ["household_id"], unique=False)
    op.create_index(op.f("ix_discrepancy_unit_id"), "discrepancy", ["unit_id"], unique=False)
    op.create_index(
        "uq_discrepancy_standing",
        "discrepancy",
        ["household_id", "rule"],
        unique=True,
        postgresql_where=sa.text("cleared_at IS NULL"),
    )
    op.create_table(
        "sighting",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("pass_event_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("band", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("pseudonym_id", sa.Uuid(), nullable=True),
        sa.Column("reason", sa.String(length=64), nullable=True),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("margin", sa.Float(), nullable=True),
        sa.Column("quality", sa.Float(), nullable=True),
        sa.Column("searched", sa.String(length=32), nullable=True),
        sa.Column("engine", sa.String(length=64), nullable=True),
        sa.Column("credential_id", sa.Uuid(), nullable=True),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("link_kind", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_sighting_estate_id")),
        sa.ForeignKeyConstraint(["pass_event_id"], ["pass_event.id"], name=op.f("fk_sighting_pass_event_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_sighting_person_id")),
        sa.ForeignKeyConstraint(["pseudonym_id"], ["pseudonym.id"], name=op.f("fk_sighting_pseudonym_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sighting")),
        sa.UniqueConstraint("pass_event_id", name=op.f("uq_sighting_pass_event_id")),
    )
    op.create_index(op.f("ix_sighting_estate_id"), "sighting", ["estate_id"], unique=False)
    op.create_index("ix_sighting_estate_seen", "sighting", ["estate_id", "seen_at"], unique=False)
    op.create_index("ix_sighting_person_seen", "sighting", ["person_id", "seen_at"], unique=False)
    op.create_index("ix_sighting_pseudonym_seen", "sighting", ["pseudonym_id", "seen_at"], unique=False)
    op.create_index(op.f("ix_sighting_unit_id"), "sighting", ["unit_id"], unique=False)
    # ### end Alembic commands ###

    for table in ("pseudonym", "sighting", "discrepancy", "not_raised_note"):
        scoped(table, app="SELECT")
    for table in ("face_template", "gallery_generation"):
        scoped(table, app="SELECT, INSERT, UPDATE")


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
