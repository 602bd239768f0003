"""The gate: devices, deliveries, event keys, pass events."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from storage.migrations.policies import insert_only, scoped

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


# What the intake may know: the device behind a token, and what may leave it.
INTAKE_FUNCTIONS = """
CREATE FUNCTION ruhu_intake_device(hash bytea, today date)
  RETURNS TABLE (device_id uuid, estate_id uuid, vendor text, capture_mode text, basis boolean, estate_key bytea)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM set_config('ruhu.scope', 'system', true);  -- for this owner's policies; put back below
  RETURN QUERY
  SELECT d.id, d.estate_id, d.vendor::text, d.capture_mode::text,
         EXISTS (SELECT 1 FROM processing_basis b
                  WHERE b.estate_id = d.estate_id AND b.purpose = 'tenancy_compliance' AND b.withdrawn_at IS NULL
                    AND today BETWEEN b.valid_from AND b.valid_to),
         k.wrapped
    FROM device_token t
    JOIN gate_device d ON d.id = t.device_id AND d.retired_at IS NULL
    LEFT JOIN estate_key k ON k.estate_id = d.estate_id
   WHERE t.token_hash = hash AND t.revoked_at IS NULL;
  PERFORM set_config('ruhu.scope', '', true);
END $$;
REVOKE ALL ON FUNCTION ruhu_intake_device(bytea, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ruhu_intake_device(bytea, date) TO ruhu_intake;
CREATE FUNCTION ruhu_ensure_partition(month date) RETURNS boolean
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  first date := date_trunc('month', month)::date;
  part text := 'raw_delivery_' || to_char(first, 'YYYYMM');
  before text := coalesce(current_setting('ruhu.scope', true), '');
BEGIN
  PERFORM set_config('ruhu.scope', 'system', true);
  IF to_regclass(part) IS NOT NULL OR EXISTS (
    SELECT 1 FROM raw_delivery_default WHERE received_at >= first AND received_at < first + interval '1 month'
  ) THEN
    PERFORM set_config('ruhu.scope', before, true);
    RETURN false;  -- there already, or the default partition holds rows of that month and keeps them
  END IF;
  EXECUTE format('CREATE TABLE %I PARTITION OF raw_delivery FOR VALUES FROM (%L) TO (%L)',
                 part, first::timestamptz, (first + interval '1 month')::timestamptz);
  PERFORM set_config('ruhu.scope', before, true);
  RETURN true;
END $$;
REVOKE ALL ON FUNCTION ruhu_ensure_partition(date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ruhu_ensure_partition(date) TO ruhu_system;
"""


def upgrade() -> None:
    """Makes the tables, their grants and their policies."""
    op.create_table(
        "raw_delivery",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("protocol", sa.String(length=64), nullable=False),
        sa.Column("content_type", sa.String(length=300), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("cutouts", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", "received_at", name=op.f("pk_raw_delivery")),
        postgresql_partition_by="RANGE (received_at)",
    )
    op.create_table(
        "raw_pending",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_raw_pending")),
    )
    op.create_index("ix_raw_pending_order", "raw_pending", ["live", "delivery_id"], unique=False)
    op.create_table(
        "delivery_problem",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("parser", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("detail", sa.String(length=500), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_delivery_problem_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delivery_problem")),
    )
    op.create_index(op.f("ix_delivery_problem_delivery_id"), "delivery_problem", ["delivery_id"], unique=False)
    op.create_index(op.f("ix_delivery_problem_device_id"), "delivery_problem", ["device_id"], unique=False)
    op.create_index(op.f("ix_delivery_problem_estate_id"), "delivery_problem", ["estate_id"], unique=False)
    op.create_table(
        "event_key",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=80), nullable=False),
        sa.Column("base", sa.String(length=80), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("device_time_text", sa.String(length=64), nullable=True),
        sa.Column("device_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pass_event_id", sa.Uuid(), nullable=False),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_event_key_estate_id")),
        sa.PrimaryKeyConstraint("device_id", "epoch", "key", name=op.f("pk_event_key")),
    )
    op.create_index("ix_event_key_base", "event_key", ["device_id", "base"], unique=False)
    op.create_index(op.f("ix_event_key_estate_id"), "event_key", ["estate_id"], unique=False)
    op.create_index(op.f("ix_event_key_pass_event_id"), "event_key", ["pass_event_id"], unique=False)
    op.create_table(
        "credential",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("household_id", sa.Uuid(), nullable=True),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("person_id", sa.Uuid(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_credential_estate_id")),
        sa.ForeignKeyConstraint(["household_id"], ["household.id"], name=op.f("fk_credential_household_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_credential_person_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["housing_unit.id"], name=op.f("fk_credential_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credential")),
    )
    op.create_index(op.f("ix_credential_estate_id"), "credential", ["estate_id"], unique=False)
    op.create_index(op.f("ix_credential_household_id"), "credential", ["household_id"], unique=False)
    op.create_index(op.f("ix_credential_person_id"), "credential", ["person_id"], unique=False)
    op.create_index(op.f("ix_credential_unit_id"), "credential", ["unit_id"], unique=False)
    op.create_index(
        "uq_credential_standing",
        "credential",
        ["estate_id", "kind", "number_index"],
        unique=True,
        postgresql_where=sa.text("withdrawn_at IS NULL"),
    )
    op.create_table(
        "gate_device",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("vendor", sa.String(length=64), nullable=False),
        sa.Column("serial", sa.String(length=64), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("firmware", sa.String(length=64), nullable=False),
        sa.Column("capture_mode", sa.String(length=64), nullable=False),
        sa.Column("level", sa.String(length=64), nullable=False),
        sa.Column("building_id", sa.Uuid(), nullable=True),
        sa.Column("entrance_id", sa.Uuid(), nullable=True),
        sa.Column("unit_id", sa.Uuid(), nullable=True),
        sa.Column("direction", sa.String(length=64), nullable=False),
        sa.Column("camera", sa.Boolean(), nullable=False),
        sa.Column("exit_recorded", sa.Boolean(), nullable=False),
        sa.Column("reports_strangers", sa.Boolean(), nullable=False),
        sa.Column("profile", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["building_id"], ["building.id"], name=op.f("fk_gate_device_building_id")),
        sa.ForeignKeyConstraint(["entrance_id"], ["entrance.id"], name=op.f("fk_gate_device_entrance_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_gate_device_estate_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["housing_unit.id"], name=op.f("fk_gate_device_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gate_device")),
        sa.UniqueConstraint("vendor", "serial", name=op.f("uq_gate_device_vendor_serial")),
    )
    op.create_index(op.f("ix_gate_device_estate_id"), "gate_device", ["estate_id"], unique=False)
    op.create_table(
        "device_contact",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("last_contact_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_heartbeat_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["gate_device.id"], name=op.f("fk_device_contact_device_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_device_contact_estate_id")),
        sa.PrimaryKeyConstraint("device_id", name=op.f("pk_device_contact")),
    )
    op.create_index(op.f("ix_device_contact_estate_id"), "device_contact", ["estate_id"], unique=False)
    op.create_table(
        "device_epoch",
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("max_counter", sa.BigInteger(), nullable=False),
        sa.Column("max_device_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["gate_device.id"], name=op.f("fk_device_epoch_device_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_device_epoch_estate_id")),
        sa.PrimaryKeyConstraint("device_id", "epoch", name=op.f("pk_device_epoch")),
    )
    op.create_index(op.f("ix_device_epoch_estate_id"), "device_epoch", ["estate_id"], unique=False)
    op.create_table(
        "device_outage",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.String(length=64), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["gate_device.id"], name=op.f("fk_device_outage_device_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_device_outage_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_outage")),
    )
    op.create_index(op.f("ix_device_outage_device_id"), "device_outage", ["device_id"], unique=False)
    op.create_index(op.f("ix_device_outage_estate_id"), "device_outage", ["estate_id"], unique=False)
    op.create_table(
        "device_person",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("person_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.String(length=64), nullable=False),
        sa.Column("has_face", sa.Boolean(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["gate_device.id"], name=op.f("fk_device_person_device_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_device_person_estate_id")),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name=op.f("fk_device_person_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_person")),
    )
    op.create_index(op.f("ix_device_person_device_id"), "device_person", ["device_id"], unique=False)
    op.create_index(op.f("ix_device_person_estate_id"), "device_person", ["estate_id"], unique=False)
    op.create_index(op.f("ix_device_person_person_id"), "device_person", ["person_id"], unique=False)
    op.create_index(
        "uq_device_person_standing",
        "device_person",
        ["device_id", "number"],
        unique=True,
        postgresql_where=sa.text("removed_at IS NULL"),
    )
    op.create_table(
        "device_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["gate_device.id"], name=op.f("fk_device_token_device_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_device_token_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_device_token_token_hash")),
    )
    op.create_index(op.f("ix_device_token_device_id"), "device_token", ["device_id"], unique=False)
    op.create_index(op.f("ix_device_token_estate_id"), "device_token", ["estate_id"], unique=False)
    op.create_table(
        "pass_event",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("credential_kind", sa.String(length=64), nullable=False),
        sa.Column("credential_id", sa.Uuid(), nullable=True),
        sa.Column("device_person_id", sa.Uuid(), nullable=True),
        sa.Column("device_person_no", sa.String(length=64), nullable=True),
        sa.Column("direction", sa.String(length=64), nullable=False),
        sa.Column("door_no", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=True),
        sa.Column("device_time_text", sa.String(length=64), nullable=True),
        sa.Column("device_time", sa.DateTime(timezone=True), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("effective_reason", sa.String(length=64), nullable=False),
        sa.Column("replay", sa.Boolean(), nullable=False),
        sa.Column("marked", sa.String(length=64), nullable=True),
        sa.Column("pictures", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("extra", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["gate_device.id"], name=op.f("fk_pass_event_device_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_pass_event_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pass_event")),
    )
    op.create_index(op.f("ix_pass_event_credential_id"), "pass_event", ["credential_id"], unique=False)
    op.create_index(op.f("ix_pass_event_delivery_id"), "pass_event", ["delivery_id"], unique=False)
    op.create_index(op.f("ix_pass_event_device_id"), "pass_event", ["device_id"], unique=False)
    op.create_index("ix_pass_event_estate_effective", "pass_event", ["estate_id", "effective_at"], unique=False)
    op.create_index(op.f("ix_pass_event_estate_id"), "pass_event", ["estate_id"], unique=False)
    # ### end Alembic commands ###

    for table in ("gate_device", "device_token", "device_person", "credential", "device_outage"):
        scoped(table, app="SELECT, INSERT, UPDATE")
    for table in (
        "device_contact", "raw_delivery", "raw_pending", "delivery_problem", "device_epoch", "event_key", "pass_event",
    ):  # fmt: skip
        scoped(table, app="SELECT")
    for table in ("raw_delivery", "raw_pending"):
        insert_only(table)
    op.execute("CREATE TABLE raw_delivery_default PARTITION OF raw_delivery DEFAULT")
    op.execute(INTAKE_FUNCTIONS)


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
