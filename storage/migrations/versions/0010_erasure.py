"""Erasure and rights of the person: requests, tombstones, entries to be taken off devices, the count of faces."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from storage.migrations.policies import common, scoped

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# What inspectors recorded is never changed, by anybody but this function, and it only empties what names a person for
# whom a tombstone stands. Records of a case stay until the case's own retention ends.
ERASE_FIELD_RECORDS = """
CREATE FUNCTION ruhu_erase_field_records(subject uuid, written text) RETURNS TABLE (emptied integer, kept integer)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE before text := coalesce(current_setting('ruhu.scope', true), '');
BEGIN
  PERFORM set_config('ruhu.scope', 'system', true);  -- for this owner's policies; put back below
  IF NOT EXISTS (SELECT FROM tombstone WHERE subject_id = subject) THEN
    RAISE EXCEPTION 'no tombstone stands for this person';
  END IF;
  SELECT count(*) INTO kept FROM occupant_met o JOIN visit v ON v.id = o.visit_id
   WHERE o.person_id = subject AND v.case_id IS NOT NULL;
  IF written <> '' THEN
    UPDATE visit v
       SET let_in_by = replace(let_in_by, written, '（已删除）'), notes = replace(notes, written, '（已删除）')
     WHERE v.case_id IS NULL AND (strpos(v.let_in_by, written) > 0 OR strpos(v.notes, written) > 0)
       AND v.household_id IN (SELECT household_id FROM household_member WHERE person_id = subject
                              UNION SELECT household_id FROM guest_stay WHERE person_id = subject);
    UPDATE finding f SET statement = replace(statement, written, '（已删除）') FROM visit v
     WHERE v.id = f.visit_id AND v.case_id IS NULL AND strpos(f.statement, written) > 0
       AND v.household_id IN (SELECT household_id FROM household_member WHERE person_id = subject
                              UNION SELECT household_id FROM guest_stay WHERE person_id = subject);
  END IF;
  IF written <> '' THEN  -- reasons that officers gave for changes of the register
    UPDATE register_change c SET reason = replace(reason, written, '（已删除）')
     WHERE strpos(c.reason, written) > 0
       AND (c.person_id = subject
            OR c.household_id IN (SELECT household_id FROM household_member WHERE person_id = subject
                                  UNION SELECT household_id FROM guest_stay WHERE person_id = subject));
    UPDATE missing_record m SET reason = replace(reason, written, '（已删除）')
     WHERE strpos(m.reason, written) > 0
       AND (m.person_id = subject
            OR m.household_id IN (SELECT household_id FROM household_member WHERE person_id = subject));
  END IF;
  UPDATE photo p SET caption = NULL FROM visit v, occupant_met o
   WHERE v.id = p.visit_id AND o.visit_id = v.id AND o.person_id = subject AND v.case_id IS NULL;
  UPDATE occupant_met o SET person_id = NULL, described_as = NULL, relation = NULL, since = NULL, statement = NULL
    FROM visit v WHERE v.id = o.visit_id AND v.case_id IS NULL AND o.person_id = subject;
  GET DIAGNOSTICS emptied = ROW_COUNT;
  PERFORM set_config('ruhu.scope', before, true);
  RETURN NEXT;
END $$;
REVOKE ALL ON FUNCTION ruhu_erase_field_records(uuid, text) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ruhu_erase_field_records(uuid, text) TO ruhu_system;
"""


def upgrade() -> None:
    """Makes the tables, their grants and their policies."""
    op.add_column("household", sa.Column("evidence_from", sa.Date(), nullable=True))
    op.create_table(
        "tombstone",
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("kept", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_tombstone_estate_id")),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_tombstone")),
    )
    op.create_index(op.f("ix_tombstone_estate_id"), "tombstone", ["estate_id"])
    op.create_table(
        "erasure_replay",
        sa.Column("epoch", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("erased", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_erasure_replay")),
    )
    op.create_table(
        "rights_request",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("asked_by", sa.String(length=64), nullable=False),
        sa.Column("asked_on", sa.Date(), nullable=False),
        sa.Column("identified_by", sa.String(length=200), nullable=False),
        sa.Column("paper_number", sa.String(length=64), nullable=False),
        sa.Column("details_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("lead_id", sa.Uuid(), nullable=True),
        sa.Column("answer_by", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_by", sa.Uuid(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision_reason", sa.String(length=2000), nullable=True),
        sa.Column("refusal", sa.String(length=64), nullable=True),
        sa.Column("kept", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("proof", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("carried_out_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["decided_by"], ["app_user.id"], name=op.f("fk_rights_request_decided_by")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_rights_request_estate_id")),
        sa.ForeignKeyConstraint(["lead_id"], ["lead.id"], name=op.f("fk_rights_request_lead_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_rights_request_person_id")),
        sa.ForeignKeyConstraint(["recorded_by"], ["app_user.id"], name=op.f("fk_rights_request_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rights_request")),
    )
    op.create_index(op.f("ix_rights_request_estate_id"), "rights_request", ["estate_id"])
    op.create_index(op.f("ix_rights_request_person_id"), "rights_request", ["person_id"])
    op.create_index("ix_rights_request_state", "rights_request", ["state", "kind"])
    op.create_index(
        "uq_rights_request_erasure", "rights_request", ["person_id"], unique=True,
        postgresql_where=sa.text("kind = 'erasure' AND state IN ('open', 'approved', 'partly_done')"),
    )  # fmt: skip
    op.create_table(
        "device_removal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("device_person_no", sa.String(length=64), nullable=True),
        sa.Column("what", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=64), nullable=False),
        sa.Column("other_way_in", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(length=1000), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["gate_device.id"], name=op.f("fk_device_removal_device_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_device_removal_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_removal")),
    )
    op.create_index(op.f("ix_device_removal_estate_id"), "device_removal", ["estate_id"])
    op.create_index(op.f("ix_device_removal_person_id"), "device_removal", ["person_id"])
    op.create_index(
        "uq_device_removal_pending", "device_removal", ["device_id", "device_person_no", "what"], unique=True,
        postgresql_where=sa.text("state = 'pending'"),
    )  # fmt: skip
    op.create_table(
        "enrolled_count",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("pseudonyms", sa.Integer(), nullable=False),
        sa.Column("level", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_enrolled_count")),
    )
    op.create_table(
        "filing",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("filed_on", sa.Date(), nullable=False),
        sa.Column("recorded_by", sa.Uuid(), nullable=False),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["recorded_by"], ["app_user.id"], name=op.f("fk_filing_recorded_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_filing")),
    )
    scoped("tombstone", app="SELECT", system="SELECT, INSERT, UPDATE")
    scoped("rights_request", app="SELECT, INSERT, UPDATE", system="SELECT, UPDATE")
    scoped("device_removal", app="SELECT, UPDATE", system="SELECT, INSERT, UPDATE")
    common("erasure_replay", app="SELECT", system="SELECT, INSERT, UPDATE")
    common("enrolled_count", app="SELECT", system="SELECT, INSERT, UPDATE")
    common("filing", app="SELECT, INSERT", system="SELECT")
    op.execute(ERASE_FIELD_RECORDS)


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
