"""The ground: roles, scope, places, users, keys, objects, audit, rule sets, outbox."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from storage.migrations.policies import common, insert_only, protect, scoped, system_policy

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


# The owner makes the other roles. None of them owns a table, none bypasses row-level security.
ROLES = """
DO $$
DECLARE wanted text;
BEGIN
  FOREACH wanted IN ARRAY ARRAY['ruhu_app', 'ruhu_intake', 'ruhu_system'] LOOP
    BEGIN
      IF NOT EXISTS (SELECT 1 FROM pg_roles WHERE rolname = wanted) THEN
        EXECUTE format('CREATE ROLE %I LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE', wanted);
      END IF;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN
      NULL;  -- another database of this server was migrated at the same moment
    END;
  END LOOP;
END $$;
CREATE EXTENSION IF NOT EXISTS btree_gist;
CREATE EXTENSION IF NOT EXISTS pg_trgm;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO ruhu_app, ruhu_intake, ruhu_system;
CREATE FUNCTION ruhu_estates() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT coalesce(nullif(current_setting('ruhu.estates', true), ''), '{}')::uuid[] $$;
CREATE FUNCTION ruhu_is_system() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
  AS $$ SELECT coalesce(current_setting('ruhu.scope', true), '') = 'system' $$;
"""

# Sets the estates of a user for this transaction: those where one of their grants has one of the roles asked for.
SCOPE_FUNCTIONS = """
CREATE FUNCTION ruhu_enter_user_scope(asking uuid, wanted text[]) RETURNS integer
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
  found uuid[];
  before text := coalesce(current_setting('ruhu.scope', true), '');
BEGIN
  PERFORM set_config('ruhu.scope', 'system', true);  -- for this owner's policies; put back below
  SELECT coalesce(array_agg(DISTINCT e.id), '{}') INTO found
    FROM estate e
    JOIN user_grant g ON g.user_id = asking AND g.revoked_at IS NULL AND g.role = ANY (wanted)
    JOIN app_user u ON u.id = asking AND u.disabled_at IS NULL
   WHERE g.level = 'all'
      OR (g.level = 'estate' AND g.code = e.id::text)
      OR (g.level IN ('district', 'street', 'community') AND g.code <> '' AND e.division_code LIKE g.code || '%');
  PERFORM set_config('ruhu.scope', before, true), set_config('ruhu.estates', found::text, true);
  RETURN cardinality(found);
END $$;
REVOKE ALL ON FUNCTION ruhu_enter_user_scope(uuid, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ruhu_enter_user_scope(uuid, text[]) TO ruhu_app, ruhu_system;
"""


def protect_audit() -> None:
    """The audit log: everybody adds to it, nobody changes it, and who reads sees the estates in scope."""
    protect("audit_entry")
    op.execute("GRANT SELECT, INSERT ON audit_entry TO ruhu_app, ruhu_system")
    op.execute("CREATE POLICY audit_entry_add ON audit_entry FOR INSERT TO ruhu_app, ruhu_system WITH CHECK (true)")
    op.execute(
        "CREATE POLICY audit_entry_read ON audit_entry FOR SELECT TO ruhu_app "
        "USING (estate_id = ANY ((SELECT ruhu_estates())::uuid[]))"
    )
    system_policy("audit_entry")


def upgrade() -> None:
    """Makes the tables, their grants and their policies."""
    op.execute(ROLES)
    op.create_table(
        "app_user",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.String(length=300), nullable=False),
        sa.Column("certificate_number", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("disabled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failed_logins", sa.Integer(), nullable=False),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_app_user")),
        sa.UniqueConstraint("login", name=op.f("uq_app_user_login")),
    )
    op.create_table(
        "audit_entry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_user_id", sa.Uuid(), nullable=True),
        sa.Column("actor_kind", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("object_kind", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.Column("estate_id", sa.Uuid(), nullable=True),
        sa.Column("purpose", sa.String(length=64), nullable=True),
        sa.Column("reason", sa.String(length=1000), nullable=True),
        sa.Column("payload", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_index("ix_audit_entry_actor_at", "audit_entry", ["actor_user_id", "at"], unique=False)
    op.create_index("ix_audit_entry_estate_at", "audit_entry", ["estate_id", "at"], unique=False)
    op.create_index("ix_audit_entry_object", "audit_entry", ["object_kind", "object_id"], unique=False)
    op.create_table(
        "estate",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("funding_type", sa.String(length=64), nullable=False),
        sa.Column("geofence", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_estate")),
    )
    op.create_index(op.f("ix_estate_division_code"), "estate", ["division_code"], unique=False)
    op.create_table(
        "estate_key",
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("estate_id", name=op.f("pk_estate_key")),
    )
    op.create_table(
        "rule_set",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("jurisdiction", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("note", sa.String(length=1000), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_set")),
        sa.UniqueConstraint("jurisdiction", "version", name=op.f("uq_rule_set_jurisdiction_version")),
    )
    op.create_table(
        "subject_key",
        sa.Column("subject_id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_subject_key")),
    )
    op.create_index(op.f("ix_subject_key_estate_id"), "subject_key", ["estate_id"], unique=False)
    op.create_table(
        "building",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_building_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_building")),
        sa.UniqueConstraint("estate_id", "name", name=op.f("uq_building_estate_id_name")),
    )
    op.create_index(op.f("ix_building_estate_id"), "building", ["estate_id"], unique=False)
    op.create_table(
        "outbox_fact",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_outbox_fact_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_fact")),
    )
    op.create_index(op.f("ix_outbox_fact_estate_id"), "outbox_fact", ["estate_id"], unique=False)
    op.create_index(
        "ix_outbox_fact_open",
        "outbox_fact",
        ["created_at"],
        unique=False,
        postgresql_where=sa.text("processed_at IS NULL"),
    )
    op.create_table(
        "refresh_family",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_why", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_refresh_family_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_family")),
    )
    op.create_index(op.f("ix_refresh_family_user_id"), "refresh_family", ["user_id"], unique=False)
    op.create_table(
        "rule_value",
        sa.Column("rule_set_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("value", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("unit", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=1000), nullable=False),
        sa.ForeignKeyConstraint(["rule_set_id"], ["rule_set.id"], name=op.f("fk_rule_value_rule_set_id")),
        sa.PrimaryKeyConstraint("rule_set_id", "key", name=op.f("pk_rule_value")),
    )
    op.create_table(
        "stored_object",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("content_type", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("wrapped_key", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("destroyed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_stored_object_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_object")),
    )
    op.create_index(op.f("ix_stored_object_estate_id"), "stored_object", ["estate_id"], unique=False)
    op.create_index(op.f("ix_stored_object_expires_at"), "stored_object", ["expires_at"], unique=False)
    op.create_index(op.f("ix_stored_object_subject_id"), "stored_object", ["subject_id"], unique=False)
    op.create_table(
        "user_grant",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(length=64), nullable=False),
        sa.Column("level", sa.String(length=64), nullable=False),
        sa.Column("code", sa.String(length=36), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=True),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_user_grant_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_grant")),
    )
    op.create_index(op.f("ix_user_grant_user_id"), "user_grant", ["user_id"], unique=False)
    op.create_index(
        "uq_user_grant_standing",
        "user_grant",
        ["user_id", "role", "level", "code"],
        unique=True,
        postgresql_where=sa.text("revoked_at IS NULL"),
    )
    op.create_table(
        "entrance",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("building_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(["building_id"], ["building.id"], name=op.f("fk_entrance_building_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_entrance_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entrance")),
        sa.UniqueConstraint("building_id", "name", name=op.f("uq_entrance_building_id_name")),
    )
    op.create_index(op.f("ix_entrance_building_id"), "entrance", ["building_id"], unique=False)
    op.create_index(op.f("ix_entrance_estate_id"), "entrance", ["estate_id"], unique=False)
    op.create_table(
        "refresh_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("family_id", sa.Uuid(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("spent_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["family_id"], ["refresh_family.id"], name=op.f("fk_refresh_token_family_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_token")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_refresh_token_token_hash")),
    )
    op.create_index(op.f("ix_refresh_token_family_id"), "refresh_token", ["family_id"], unique=False)
    op.create_table(
        "housing_unit",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("building_id", sa.Uuid(), nullable=False),
        sa.Column("entrance_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
        sa.Column("room_no", sa.String(length=64), nullable=False),
        sa.Column("floor", sa.Integer(), nullable=False),
        sa.Column("max_people", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["building_id"], ["building.id"], name=op.f("fk_housing_unit_building_id")),
        sa.ForeignKeyConstraint(["entrance_id"], ["entrance.id"], name=op.f("fk_housing_unit_entrance_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_housing_unit_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_housing_unit")),
        sa.UniqueConstraint("entrance_id", "room_no", name=op.f("uq_housing_unit_entrance_id_room_no")),
        sa.UniqueConstraint("estate_id", "code", name=op.f("uq_housing_unit_estate_id_code")),
    )
    op.create_index(op.f("ix_housing_unit_building_id"), "housing_unit", ["building_id"], unique=False)
    op.create_index(op.f("ix_housing_unit_entrance_id"), "housing_unit", ["entrance_id"], unique=False)
    op.create_index(op.f("ix_housing_unit_estate_id"), "housing_unit", ["estate_id"], unique=False)
    # ### end Alembic commands ###

    scoped("estate", column="id", app="SELECT, INSERT, UPDATE")
    for table in ("building", "entrance", "housing_unit"):
        scoped(table, app="SELECT, INSERT, UPDATE")
    for table in ("estate_key", "outbox_fact"):
        scoped(table, app="SELECT, INSERT")
    scoped("subject_key", app="SELECT, INSERT, UPDATE")
    scoped("stored_object", app="SELECT, INSERT, UPDATE")
    insert_only("stored_object")
    for table in ("app_user", "user_grant", "refresh_family", "refresh_token"):
        common(table, app="SELECT, INSERT, UPDATE")
    for table in ("rule_set", "rule_value"):
        common(table, app="SELECT", system="SELECT")
    protect_audit()
    op.execute(SCOPE_FUNCTIONS)


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
