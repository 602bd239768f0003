"""The register: people, households, leases, guests, workers, care, absences, bases and consents."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storage.migrations.policies import scoped

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables, their grants and their policies."""
    op.create_table(
        "household",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_household_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household")),
        sa.UniqueConstraint("estate_id", "number", name=op.f("uq_household_estate_id_number")),
    )
    op.create_index(op.f("ix_household_estate_id"), "household", ["estate_id"], unique=False)
    op.create_table(
        "person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("birth_date", sa.Date(), nullable=True),
        sa.Column("id_number_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("id_number_index", sa.LargeBinary(), nullable=True),
        sa.Column("id_number_masked", sa.String(length=18), nullable=False),
        sa.Column("phone_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("phone_index", sa.LargeBinary(), nullable=True),
        sa.Column("guardian_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_person_estate_id")),
        sa.ForeignKeyConstraint(["guardian_id"], ["person.id"], name=op.f("fk_person_guardian_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person")),
        sa.UniqueConstraint("estate_id", "id_number_index", name=op.f("uq_person_estate_id_id_number_index")),
    )
    op.create_index(op.f("ix_person_estate_id"), "person", ["estate_id"], unique=False)
    op.create_index(op.f("ix_person_id_number_index"), "person", ["id_number_index"], unique=False)
    op.create_index(op.f("ix_person_phone_index"), "person", ["phone_index"], unique=False)
    op.create_table(
        "processing_basis",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("legal_basis", sa.String(length=200), nullable=False),
        sa.Column("assessment_number", sa.String(length=64), nullable=False),
        sa.Column("assessment_date", sa.Date(), nullable=False),
        sa.Column("notice_version", sa.String(length=64), nullable=False),
        sa.Column("signed_by", sa.String(length=200), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_processing_basis_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_processing_basis")),
    )
    op.create_index(op.f("ix_processing_basis_estate_id"), "processing_basis", ["estate_id"], unique=False)
    op.create_index("ix_processing_basis_estate_purpose", "processing_basis", ["estate_id", "purpose"], unique=False)
    op.create_table(
        "absence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_absence_estate_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_absence_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absence")),
    )
    op.create_index(op.f("ix_absence_estate_id"), "absence", ["estate_id"], unique=False)
    op.create_index(op.f("ix_absence_person_id"), "absence", ["person_id"], unique=False)
    op.create_table(
        "care_tag",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("level", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_care_tag_estate_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_care_tag_household_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_care_tag")),
    )
    op.create_index(op.f("ix_care_tag_estate_id"), "care_tag", ["estate_id"], unique=False)
    op.create_index(op.f("ix_care_tag_household_id"), "care_tag", ["household_id"], unique=False)
    op.create_table(
        "consent",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("scope", sa.String(length=64), nullable=False),
        sa.Column("notice_version", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=64), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("given_by_guardian_id", sa.Uuid(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("withdrawn_reason", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_consent_estate_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_consent_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent")),
    )
    op.create_index(op.f("ix_consent_estate_id"), "consent", ["estate_id"], unique=False)
    op.create_index(op.f("ix_consent_person_id"), "consent", ["person_id"], unique=False)
    op.create_index(
        "uq_consent_standing",
        "consent",
        ["person_id", "scope"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "guest_stay",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("relation", sa.String(length=200), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_guest_stay_estate_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_guest_stay_household_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_guest_stay_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guest_stay")),
    )
    op.create_index(op.f("ix_guest_stay_estate_id"), "guest_stay", ["estate_id"], unique=False)
    op.create_index(op.f("ix_guest_stay_household_id"), "guest_stay", ["household_id"], unique=False)
    op.create_index(op.f("ix_guest_stay_person_id"), "guest_stay", ["person_id"], unique=False)
    op.create_table(
        "household_member",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_household_member_estate_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_household_member_household_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_household_member_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household_member")),
        sa.UniqueConstraint(
            "household_id",
            "person_id",
            "valid_from",
            name=op.f("uq_household_member_household_id_person_id_valid_from"),
        ),
    )
    op.create_index(op.f("ix_household_member_estate_id"), "household_member", ["estate_id"], unique=False)
    op.create_index(op.f("ix_household_member_household_id"), "household_member", ["household_id"], unique=False)
    op.create_index(op.f("ix_household_member_person_id"), "household_member", ["person_id"], unique=False)
    op.create_table(
        "service_worker",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("employer", sa.String(length=200), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_service_worker_estate_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_service_worker_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_worker")),
    )
    op.create_index(op.f("ix_service_worker_estate_id"), "service_worker", ["estate_id"], unique=False)
    op.create_index(op.f("ix_service_worker_person_id"), "service_worker", ["person_id"], unique=False)
    op.create_table(
        "worker_household",
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_worker_household_estate_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_worker_household_household_id")),
        sa.ForeignKeyConstraint(["worker_id"], ["service_worker.id"], name=op.f("fk_worker_household_worker_id")),
        sa.PrimaryKeyConstraint("worker_id", "household_id", name=op.f("pk_worker_household")),
    )
    op.create_index(op.f("ix_worker_household_estate_id"), "worker_household", ["estate_id"], unique=False)
    op.create_index(op.f("ix_worker_household_household_id"), "worker_household", ["household_id"], unique=False)
    op.create_table(
        "lease",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.literal_column("unit_id"), "="),
            (sa.text("daterange(valid_from, valid_to, '[]')"), "&&"),
            using="gist",
            name="ex_lease_unit_period",
        ),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_lease_estate_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_lease_household_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["housing_unit.id"], name=op.f("fk_lease_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lease")),
    )
    op.create_index(op.f("ix_lease_estate_id"), "lease", ["estate_id"], unique=False)
    op.create_index(op.f("ix_lease_household_id"), "lease", ["household_id"], unique=False)
    op.create_index(op.f("ix_lease_unit_id"), "lease", ["unit_id"], unique=False)
    # ### end Alembic commands ###

    for table in (
        "person", "household", "household_member", "lease", "guest_stay", "service_worker", "worker_household",
        "care_tag", "absence", "processing_basis", "consent",
    ):  # fmt: skip
        scoped(table, app="SELECT, INSERT, UPDATE")


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
