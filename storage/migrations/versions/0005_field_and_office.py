"""Field and office: leads, visits, findings, cases."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from storage.migrations.policies import common, scoped

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes the tables, their grants and their policies."""
    op.create_table(
        "case_number",
        sa.Column("district", sa.String(length=6), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("district", "year", name=op.f("pk_case_number")),
    )
    op.create_table(
        "lead",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=True),
        sa.Column("discrepancy_ids", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("summary_zh", sa.Text(), nullable=False),
        sa.Column("summary_en", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decision_reason", sa.String(length=2000), nullable=True),
        sa.Column("evidence", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.ForeignKeyConstraint(["decided_by"], ["app_user.id"], name=op.f("fk_lead_decided_by")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_lead_estate_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_lead_household_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["housing_unit.id"], name=op.f("fk_lead_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lead")),
    )
    op.create_index(op.f("ix_lead_estate_id"), "lead", ["estate_id"], unique=False)
    op.create_index("ix_lead_estate_status", "lead", ["estate_id", "status"], unique=False)
    op.create_index(
        "uq_lead_standing",
        "lead",
        ["household_id", "rule"],
        unique=True,
        postgresql_where=sa.text("status IN ('new', 'accepted')"),
    )
    op.create_index(op.f("ix_lead_household_id"), "lead", ["household_id"], unique=False)
    op.create_index(op.f("ix_lead_unit_id"), "lead", ["unit_id"], unique=False)
    op.create_table(
        "violation_case",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("violation", sa.String(length=64), nullable=True),
        sa.Column("began_on", sa.String(length=10), nullable=True),
        sa.Column("opened_by", sa.Uuid(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resume_to", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_violation_case_estate_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_violation_case_household_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_violation_case_lead_id")),
        sa.ForeignKeyConstraint(["opened_by"], ["app_user.id"], name=op.f("fk_violation_case_opened_by")),
        sa.ForeignKeyConstraint(["unit_id"], ["housing_unit.id"], name=op.f("fk_violation_case_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_violation_case")),
        sa.UniqueConstraint("lead_id", name=op.f("uq_violation_case_lead_id")),
        sa.UniqueConstraint("number", name=op.f("uq_violation_case_number")),
    )
    op.create_index(op.f("ix_violation_case_estate_id"), "violation_case", ["estate_id"], unique=False)
    op.create_index("ix_violation_case_estate_state", "violation_case", ["estate_id", "state"], unique=False)
    op.create_index(op.f("ix_violation_case_household_id"), "violation_case", ["household_id"], unique=False)
    op.create_index(op.f("ix_violation_case_unit_id"), "violation_case", ["unit_id"], unique=False)
    op.create_table(
        "visit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=False),
        sa.Column("unit_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("lead_id", sa.Uuid(), nullable=True),
        sa.Column("case_id", sa.Uuid(), nullable=True),
        sa.Column("assigned_to", sa.Uuid(), nullable=False),
        sa.Column("second_officer", sa.Uuid(), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("result", sa.String(length=64), nullable=True),
        sa.Column("let_in_by", sa.String(length=200), nullable=True),
        sa.Column("notes", sa.Text(), nullable=True),
        sa.Column("notice_left", sa.Boolean(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["assigned_to"], ["app_user.id"], name=op.f("fk_visit_assigned_to")),
        sa.ForeignKeyConstraint(["created_by"], ["app_user.id"], name=op.f("fk_visit_created_by")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_visit_estate_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_visit_household_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_visit_lead_id")),
        sa.ForeignKeyConstraint(["second_officer"], ["app_user.id"], name=op.f("fk_visit_second_officer")),
        sa.ForeignKeyConstraint(["unit_id"], ["housing_unit.id"], name=op.f("fk_visit_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_visit")),
    )
    op.create_index("ix_visit_assignee_status", "visit", ["assigned_to", "status"], unique=False)
    op.create_index(op.f("ix_visit_case_id"), "visit", ["case_id"], unique=False)
    op.create_index(op.f("ix_visit_estate_id"), "visit", ["estate_id"], unique=False)
    op.create_index(op.f("ix_visit_household_id"), "visit", ["household_id"], unique=False)
    op.create_index(op.f("ix_visit_lead_id"), "visit", ["lead_id"], unique=False)
    op.create_index(op.f("ix_visit_unit_id"), "visit", ["unit_id"], unique=False)
    op.create_table(
        "case_evidence",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("source_kind", sa.String(length=64), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=True),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("proves_rectification", sa.Boolean(), nullable=False),
        sa.Column("added_by", sa.Uuid(), nullable=False),
        sa.Column("added_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["added_by"], ["app_user.id"], name=op.f("fk_case_evidence_added_by")),
        sa.ForeignKeyConstraint(["case_id"], ["violation_case.id"], name=op.f("fk_case_evidence_case_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_case_evidence_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_evidence")),
    )
    op.create_index(op.f("ix_case_evidence_case_id"), "case_evidence", ["case_id"], unique=False)
    op.create_index(op.f("ix_case_evidence_estate_id"), "case_evidence", ["estate_id"], unique=False)
    op.create_table(
        "evidence_review",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("evidence_id", sa.Uuid(), nullable=False),
        sa.Column("admissible", sa.Boolean(), nullable=False),
        sa.Column("checks", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("reviewed_by", sa.Uuid(), nullable=False),
        sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_evidence_review_estate_id")),
        sa.ForeignKeyConstraint(["evidence_id"], ["case_evidence.id"], name=op.f("fk_evidence_review_evidence_id")),
        sa.ForeignKeyConstraint(["reviewed_by"], ["app_user.id"], name=op.f("fk_evidence_review_reviewed_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_review")),
    )
    op.create_index(op.f("ix_evidence_review_estate_id"), "evidence_review", ["estate_id"], unique=False)
    op.create_index(op.f("ix_evidence_review_evidence_id"), "evidence_review", ["evidence_id"], unique=False)
    op.create_table(
        "case_step",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("from_state", sa.String(length=64), nullable=False),
        sa.Column("to_state", sa.String(length=64), nullable=False),
        sa.Column("actor_user_id", sa.Uuid(), nullable=False),
        sa.Column("actor_role", sa.String(length=64), nullable=False),
        sa.Column("certificate_number", sa.String(length=64), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("legal_basis", sa.String(length=500), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.ForeignKeyConstraint(["actor_user_id"], ["app_user.id"], name=op.f("fk_case_step_actor_user_id")),
        sa.ForeignKeyConstraint(["case_id"], ["violation_case.id"], name=op.f("fk_case_step_case_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_case_step_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_case_step")),
        sa.UniqueConstraint("case_id", "position", name=op.f("uq_case_step_case_id_position")),
    )
    op.create_index(op.f("ix_case_step_actor_user_id"), "case_step", ["actor_user_id"], unique=False)
    op.create_index(op.f("ix_case_step_case_id"), "case_step", ["case_id"], unique=False)
    op.create_index(op.f("ix_case_step_estate_id"), "case_step", ["estate_id"], unique=False)
    op.create_table(
        "check_in",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        sa.Column("fixes", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("clock_difference_s", sa.Float(), nullable=True),
        sa.Column("phone_time", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("grade", sa.String(length=64), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("distance_m", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_check_in_estate_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_check_in_user_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_check_in_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_in")),
    )
    op.create_index(op.f("ix_check_in_estate_id"), "check_in", ["estate_id"], unique=False)
    op.create_index(op.f("ix_check_in_visit_id"), "check_in", ["visit_id"], unique=False)
    op.create_table(
        "deadline",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("starts_on", sa.String(length=10), nullable=False),
        sa.Column("amount", sa.Integer(), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("provisional", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(length=500), nullable=False),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("warned_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["violation_case.id"], name=op.f("fk_deadline_case_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_deadline_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadline")),
    )
    op.create_index(op.f("ix_deadline_case_id"), "deadline", ["case_id"], unique=False)
    op.create_index("ix_deadline_due", "deadline", ["due_at"], unique=False)
    op.create_index(op.f("ix_deadline_estate_id"), "deadline", ["estate_id"], unique=False)
    op.create_table(
        "finding",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("violation", sa.String(length=64), nullable=True),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("began_on", sa.String(length=10), nullable=True),
        sa.Column("vulnerability", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_finding_estate_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["app_user.id"], name=op.f("fk_finding_recorded_by")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_finding_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_finding")),
    )
    op.create_index(op.f("ix_finding_estate_id"), "finding", ["estate_id"], unique=False)
    op.create_index(op.f("ix_finding_visit_id"), "finding", ["visit_id"], unique=False)
    op.create_table(
        "measure",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("legal_basis", sa.String(length=500), nullable=False),
        sa.Column("issued_by", sa.Uuid(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["violation_case.id"], name=op.f("fk_measure_case_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_measure_estate_id")),
        sa.ForeignKeyConstraint(["issued_by"], ["app_user.id"], name=op.f("fk_measure_issued_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_measure")),
        sa.UniqueConstraint("number", name=op.f("uq_measure_number")),
    )
    op.create_index(op.f("ix_measure_case_id"), "measure", ["case_id"], unique=False)
    op.create_index(op.f("ix_measure_estate_id"), "measure", ["estate_id"], unique=False)
    op.create_table(
        "occupant_met",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("described_as", sa.String(length=500), nullable=True),
        sa.Column("relation", sa.String(length=64), nullable=True),
        sa.Column("lives_here", sa.Boolean(), nullable=True),
        sa.Column("since", sa.String(length=64), nullable=True),
        sa.Column("statement", sa.Text(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_occupant_met_estate_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_occupant_met_person_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["app_user.id"], name=op.f("fk_occupant_met_recorded_by")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_occupant_met_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_occupant_met")),
    )
    op.create_index(op.f("ix_occupant_met_estate_id"), "occupant_met", ["estate_id"], unique=False)
    op.create_index(op.f("ix_occupant_met_visit_id"), "occupant_met", ["visit_id"], unique=False)
    op.create_table(
        "photo",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("visit_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=False),
        sa.Column("body_digest", sa.LargeBinary(), nullable=False),
        sa.Column("content_type", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("caption", sa.String(length=500), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_photo_estate_id")),
        sa.ForeignKeyConstraint(["object_id"], ["stored_object.id"], name=op.f("fk_photo_object_id")),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_photo_user_id")),
        sa.ForeignKeyConstraint(["visit_id"], ["visit.id"], name=op.f("fk_photo_visit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo")),
    )
    op.create_index(op.f("ix_photo_estate_id"), "photo", ["estate_id"], unique=False)
    op.create_index(op.f("ix_photo_visit_id"), "photo", ["visit_id"], unique=False)
    op.create_table(
        "representation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("made_by", sa.String(length=200), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("waived", sa.Boolean(), nullable=False),
        sa.Column("nothing_more", sa.Boolean(), nullable=False),
        sa.Column("document", sa.String(length=500), nullable=True),
        sa.Column("points", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by", sa.Uuid(), nullable=True),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["answered_by"], ["app_user.id"], name=op.f("fk_representation_answered_by")),
        sa.ForeignKeyConstraint(["case_id"], ["violation_case.id"], name=op.f("fk_representation_case_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_representation_estate_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["app_user.id"], name=op.f("fk_representation_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_representation")),
    )
    op.create_index(op.f("ix_representation_case_id"), "representation", ["case_id"], unique=False)
    op.create_index(op.f("ix_representation_estate_id"), "representation", ["estate_id"], unique=False)
    op.create_table(
        "service",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("measure_id", sa.Uuid(), nullable=False),
        sa.Column("method", sa.String(length=64), nullable=False),
        sa.Column("received_by", sa.String(length=200), nullable=True),
        sa.Column("witness", sa.String(length=200), nullable=True),
        sa.Column("served_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("note", sa.String(length=1000), nullable=True),
        sa.Column("photo_object_id", sa.Uuid(), nullable=True),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_service_estate_id")),
        sa.ForeignKeyConstraint(["measure_id"], ["measure.id"], name=op.f("fk_service_measure_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["app_user.id"], name=op.f("fk_service_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service")),
    )
    op.create_index(op.f("ix_service_estate_id"), "service", ["estate_id"], unique=False)
    op.create_index(op.f("ix_service_measure_id"), "service", ["measure_id"], unique=False)
    # ### end Alembic commands ###

    for table in ("lead", "deadline"):
        scoped(table, app="SELECT, INSERT, UPDATE")
    # A machine never decides: the worker's role reads what people do in visits and cases, and writes none of it.
    for table in ("visit", "violation_case", "representation"):
        scoped(table, app="SELECT, INSERT, UPDATE", system="SELECT")
    # What somebody recorded stays as they recorded it: no UPDATE, no DELETE.
    for table in (
        "check_in", "photo", "occupant_met", "finding", "case_step", "case_evidence", "evidence_review", "measure",
        "service",
    ):  # fmt: skip
        scoped(table, app="SELECT, INSERT", system="SELECT")
    common("case_number", app="SELECT, INSERT, UPDATE", system="SELECT")


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
