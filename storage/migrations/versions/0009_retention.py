"""Retention runs with their proof, and legal holds."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from storage.migrations.policies import common, scoped

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# What a person recorded in visits and cases is deleted whole, by these functions alone: the worker's role may read
# those tables and change nothing in them. Whoever calls decides that the time has come; what is open never goes.
# (The body of a function is read when it runs: tables of later migrations may stand in it.)
DESTROYING = """
CREATE FUNCTION ruhu_destroy_visits(visits uuid[]) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  before text := coalesce(current_setting('ruhu.scope', true), '');
  part bigint;
  total bigint := 0;
BEGIN
  PERFORM set_config('ruhu.scope', 'system', true);
  -- What was planned in a case and never done goes with the case when that is closed.
  IF EXISTS (SELECT 1 FROM visit v LEFT JOIN violation_case c ON c.id = v.case_id OR c.lead_id = v.lead_id
              WHERE v.id = ANY (visits)
                AND CASE WHEN c.id IS NULL THEN v.status IN ('planned', 'started') ELSE c.closed_at IS NULL END) THEN
    RAISE EXCEPTION 'an open visit, or one of an open case, is not destroyed';
  END IF;
  DELETE FROM check_in WHERE visit_id = ANY (visits); GET DIAGNOSTICS part = ROW_COUNT; total := total + part;
  DELETE FROM photo WHERE visit_id = ANY (visits); GET DIAGNOSTICS part = ROW_COUNT; total := total + part;
  DELETE FROM occupant_met WHERE visit_id = ANY (visits); GET DIAGNOSTICS part = ROW_COUNT; total := total + part;
  DELETE FROM finding WHERE visit_id = ANY (visits); GET DIAGNOSTICS part = ROW_COUNT; total := total + part;
  DELETE FROM visit WHERE id = ANY (visits); GET DIAGNOSTICS part = ROW_COUNT; total := total + part;
  PERFORM set_config('ruhu.scope', before, true);
  RETURN total;
END $$;
CREATE FUNCTION ruhu_destroy_cases(cases uuid[]) RETURNS bigint
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  before text := coalesce(current_setting('ruhu.scope', true), '');
  part bigint;
  total bigint := 0;
  papers uuid[];
  pieces uuid[];
  leads uuid[];
BEGIN
  PERFORM set_config('ruhu.scope', 'system', true);
  IF EXISTS (SELECT 1 FROM violation_case WHERE id = ANY (cases) AND closed_at IS NULL) THEN
    RAISE EXCEPTION 'an open case is not destroyed';
  END IF;
  SELECT coalesce(array_agg(id), '{}') INTO papers FROM measure WHERE case_id = ANY (cases);
  SELECT coalesce(array_agg(id), '{}') INTO pieces FROM case_evidence WHERE case_id = ANY (cases);
  SELECT coalesce(array_agg(lead_id), '{}') INTO leads FROM violation_case WHERE id = ANY (cases);
  total := ruhu_destroy_visits(
    (SELECT coalesce(array_agg(id), '{}') FROM visit WHERE case_id = ANY (cases) OR lead_id = ANY (leads)));
  PERFORM set_config('ruhu.scope', 'system', true);
  DELETE FROM service WHERE measure_id = ANY (papers); GET DIAGNOSTICS part = ROW_COUNT; total := total + part;
  DELETE FROM measure WHERE id = ANY (papers); GET DIAGNOSTICS part = ROW_COUNT; total := total + part;
  DELETE FROM document WHERE case_id = ANY (cases); GET DIAGNOSTICS part = ROW_COUNT; total := total + part;
  DELETE FROM evidence_review WHERE evidence_id = ANY (pieces);
  GET DIAGNOSTICS part = ROW_COUNT; total := total + part;
  DELETE FROM case_evidence WHERE id = ANY (pieces); GET DIAGNOSTICS part = ROW_COUNT; total := total + part;
  DELETE FROM representation WHERE case_id = ANY (cases); GET DIAGNOSTICS part = ROW_COUNT; total := total + part;
  DELETE FROM deadline WHERE case_id = ANY (cases); GET DIAGNOSTICS part = ROW_COUNT; total := total + part;
  DELETE FROM case_step WHERE case_id = ANY (cases); GET DIAGNOSTICS part = ROW_COUNT; total := total + part;
  DELETE FROM violation_case WHERE id = ANY (cases); GET DIAGNOSTICS part = ROW_COUNT; total := total + part;
  UPDATE rights_request SET lead_id = NULL WHERE lead_id = ANY (leads);
  DELETE FROM lead WHERE id = ANY (leads); GET DIAGNOSTICS part = ROW_COUNT; total := total + part;
  PERFORM set_config('ruhu.scope', before, true);
  RETURN total;
END $$;
CREATE FUNCTION ruhu_drop_deliveries(part regclass, past timestamptz)
  RETURNS TABLE (dropped bigint, bytes bigint, digest bytea)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
  before text := coalesce(current_setting('ruhu.scope', true), '');
  upper_bound timestamptz;
BEGIN
  PERFORM set_config('ruhu.scope', 'system', true);
  SELECT (regexp_match(pg_get_expr(c.relpartbound, c.oid), $re$TO \\('([^']+)'\\)$re$))[1]::timestamptz
    INTO upper_bound
    FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid
   WHERE c.oid = part AND i.inhparent = 'raw_delivery'::regclass;
  IF upper_bound IS NULL OR upper_bound > past THEN
    RAISE EXCEPTION 'a partition whose time has not passed is not dropped';
  END IF;
  EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', part);
  EXECUTE format('DELETE FROM raw_pending p USING %s d WHERE p.delivery_id = d.id', part);
  RETURN QUERY EXECUTE format(
    'SELECT count(*), coalesce(sum(length(body)), 0)::bigint, '
    'sha256(coalesce(string_agg(uuid_send(id), ''''::bytea ORDER BY id), ''''::bytea)) FROM %s', part);
  EXECUTE format('DROP TABLE %s', part);
  PERFORM set_config('ruhu.scope', before, true);
END $$;
"""
FUNCTIONS = ("ruhu_destroy_visits(uuid[])", "ruhu_destroy_cases(uuid[])", "ruhu_drop_deliveries(regclass, timestamptz)")


def upgrade() -> None:
    """Holds, runs and batches; objects remember that their bytes are gone."""
    op.create_table(
        "deletion_run",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("class_code", sa.String(length=64), nullable=False),
        sa.Column("cutoff", sa.DateTime(timezone=True), nullable=False),
        sa.Column("periods", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("rule_version", sa.String(length=1000), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=True),
        sa.Column("remaining", sa.BigInteger(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("error", sa.String(length=300), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deletion_run")),
    )
    op.create_index("ix_deletion_run_class_started", "deletion_run", ["class_code", "started_at"])
    op.create_table(
        "deletion_batch",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("rows", sa.BigInteger(), nullable=False),
        sa.Column("objects", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["deletion_run.id"], name=op.f("fk_deletion_batch_run_id")),
        sa.PrimaryKeyConstraint("run_id", "position", name=op.f("pk_deletion_batch")),
    )
    common("deletion_run", app="SELECT", system="SELECT, INSERT, UPDATE")
    common("deletion_batch", app="SELECT", system="SELECT, INSERT")
    op.create_table(
        "legal_hold",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("scope_kind", sa.String(length=64), nullable=False),
        sa.Column("scope_id", sa.Uuid(), nullable=False),
        sa.Column("legal_basis", sa.String(length=500), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("requested_by", sa.Uuid(), nullable=False),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("approve_before", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("prolongs_id", sa.Uuid(), nullable=True),
        sa.Column("approved_by", sa.Uuid(), nullable=True),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("released_by", sa.Uuid(), nullable=True),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("release_reason", sa.String(length=2000), nullable=True),
        sa.CheckConstraint("approved_by <> requested_by", name=op.f("ck_legal_hold_two_people")),
        sa.CheckConstraint("until > requested_at", name=op.f("ck_legal_hold_ends_later")),
        sa.ForeignKeyConstraint(["approved_by"], ["app_user.id"], name=op.f("fk_legal_hold_approved_by")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_legal_hold_estate_id")),
        sa.ForeignKeyConstraint(["prolongs_id"], ["legal_hold.id"], name=op.f("fk_legal_hold_prolongs_id")),
        sa.ForeignKeyConstraint(["released_by"], ["app_user.id"], name=op.f("fk_legal_hold_released_by")),
        sa.ForeignKeyConstraint(["requested_by"], ["app_user.id"], name=op.f("fk_legal_hold_requested_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_hold")),
    )
    op.create_index(op.f("ix_legal_hold_estate_id"), "legal_hold", ["estate_id"], unique=False)
    op.create_index("ix_legal_hold_scope", "legal_hold", ["scope_kind", "scope_id"], unique=False)
    op.create_index("ix_legal_hold_until", "legal_hold", ["until"], unique=False)
    changed = "UPDATE (approved_by, approved_at, released_by, released_at, release_reason)"
    scoped("legal_hold", app=f"SELECT, INSERT, {changed}", system="SELECT")

    op.add_column("stored_object", sa.Column("bytes_deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_stored_object_bytes_waiting",
        "stored_object",
        ["destroyed_at"],
        postgresql_where=sa.text("destroyed_at IS NOT NULL AND bytes_deleted_at IS NULL"),
    )
    op.execute(DESTROYING)
    for function in FUNCTIONS:
        op.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
        op.execute(f"GRANT EXECUTE ON FUNCTION {function} TO ruhu_system")


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
