"""The audit chain: sealed rows, signed heads, erasable payloads."""

import sqlalchemy as sa
from alembic import op

from storage.migrations.policies import common, protect, system_policy

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

# What was written before gets a salt of two random UUIDs. The encoding is that of storage/audit/chain.py.
MOVE = """
CREATE FUNCTION pg_temp.field(data bytea) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN data IS NULL THEN '\\x00'::bytea ELSE '\\x01'::bytea || int4send(length(data)) || data END
$$;
INSERT INTO audit_payload (entry_id, subject_id, salt, body)
SELECT id,
       CASE WHEN object_kind = 'person' THEN object_id
            WHEN payload ->> 'person_id' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
            THEN (payload ->> 'person_id')::uuid END,
       uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()),
       jsonb_build_object('payload', payload, 'reason', reason)::text
  FROM audit_entry_before
 WHERE payload <> '{}' OR reason IS NOT NULL;
INSERT INTO audit_entry (id, at, actor_user_id, actor_kind, action, object_kind, object_id, estate_id, purpose,
                         payload_digest)
SELECT e.id, e.at, e.actor_user_id, e.actor_kind, e.action, e.object_kind, e.object_id, e.estate_id, e.purpose,
       CASE WHEN p.entry_id IS NOT NULL THEN
         sha256(pg_temp.field('ruhu-audit-payload-1') || pg_temp.field(p.salt)
                || pg_temp.field(uuid_send(p.subject_id)) || pg_temp.field(convert_to(p.body, 'UTF8')))
       END
  FROM audit_entry_before e LEFT JOIN audit_payload p ON p.entry_id = e.id;
DROP TABLE audit_entry_before;
DROP FUNCTION pg_temp.field(bytea);
"""

# Not even the owner changes a record. A superuser can take the triggers away: then the chain tells.
REFUSE = """
CREATE FUNCTION ruhu_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION '% of % is refused: records are only added', TG_OP, TG_TABLE_NAME
    USING ERRCODE = 'insufficient_privilege';
END $$;
"""
COLUMNS = "id, at, actor_user_id, actor_kind, action, object_kind, object_id, estate_id, purpose, payload_digest"


def refuse(table: str, acts: str) -> None:
    """Makes the table refuse `acts`, and being emptied, whoever asks."""
    op.execute(
        f"CREATE TRIGGER {table}_stays BEFORE {acts} ON {table} FOR EACH ROW EXECUTE FUNCTION ruhu_refuse_change()"
    )
    op.execute(
        f"CREATE TRIGGER {table}_is_not_emptied BEFORE TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION ruhu_refuse_change()"
    )


def make_entry() -> None:
    """The table again, without what can be erased: dropped columns would stay on the disk."""
    op.execute("ALTER TABLE audit_entry NO FORCE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE audit_entry RENAME TO audit_entry_before")
    op.execute("ALTER TABLE audit_entry_before RENAME CONSTRAINT pk_audit_entry TO pk_audit_entry_before")
    for name in ("actor_at", "estate_at", "object"):
        op.execute(f"DROP INDEX ix_audit_entry_{name}")
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
        sa.Column("payload_digest", sa.LargeBinary(), nullable=True),
        sa.Column("xid", sa.BigInteger(), server_default=sa.text("pg_current_xact_id()::text::bigint"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entry")),
    )
    op.create_table(
        "audit_payload",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_audit_payload")),
    )
    op.execute(MOVE)
    op.create_index("ix_audit_entry_actor_at", "audit_entry", ["actor_user_id", "at"], unique=False)
    op.create_index("ix_audit_entry_estate_at", "audit_entry", ["estate_id", "at"], unique=False)
    op.create_index("ix_audit_entry_object", "audit_entry", ["object_kind", "object_id"], unique=False)
    op.create_index("ix_audit_entry_at_id", "audit_entry", ["at", "id"], unique=False)
    op.create_index("ix_audit_entry_xid_id", "audit_entry", ["xid", "id"], unique=False)
    op.create_index(
        "ix_audit_payload_subject_id", "audit_payload", ["subject_id"], unique=False,
        postgresql_where=sa.text("subject_id IS NOT NULL"),
    )  # fmt: skip


def make_chain() -> None:
    """Links, heads and which heads were copied."""
    op.create_table(
        "audit_link",
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name=op.f("pk_audit_link")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_audit_link_entry_id")),
    )
    op.create_table(
        "audit_head",
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("mark_xid", sa.BigInteger(), nullable=True),
        sa.Column("mark_id", sa.Uuid(), nullable=True),
        sa.Column("key_id", sa.String(length=64), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", "sequence", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_copy",
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sequence", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("epoch", "sequence", name=op.f("pk_audit_copy")),
    )


def grant() -> None:
    """Everybody adds entries (their `xid` is the database's to say); the sealer alone adds links and heads."""
    protect("audit_entry")
    op.execute(f"GRANT SELECT, INSERT ({COLUMNS}) ON audit_entry TO ruhu_app, ruhu_system")
    op.execute("CREATE POLICY audit_entry_add ON audit_entry FOR INSERT TO ruhu_app, ruhu_system WITH CHECK (true)")
    op.execute(
        "CREATE POLICY audit_entry_read ON audit_entry FOR SELECT TO ruhu_app USING ("
        "estate_id = ANY ((SELECT ruhu_estates())::uuid[]) OR (estate_id IS NULL AND (SELECT ruhu_reads_unplaced())))"
    )
    system_policy("audit_entry")
    protect("audit_payload")
    op.execute("GRANT SELECT, INSERT ON audit_payload TO ruhu_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON audit_payload TO ruhu_system")
    op.execute("CREATE POLICY audit_payload_add ON audit_payload FOR INSERT TO ruhu_app, ruhu_system WITH CHECK (true)")
    op.execute(
        "CREATE POLICY audit_payload_read ON audit_payload FOR SELECT TO ruhu_app "
        "USING (EXISTS (SELECT 1 FROM audit_entry e WHERE e.id = entry_id))"
    )
    op.execute(
        "CREATE POLICY audit_payload_system ON audit_payload TO ruhu_system, ruhu_owner "
        "USING ((SELECT ruhu_is_system()) OR EXISTS (SELECT 1 FROM audit_entry e WHERE e.id = entry_id))"
    )
    for table in ("audit_link", "audit_head", "audit_copy"):
        common(table, app="SELECT", system="SELECT, INSERT")


def upgrade() -> None:
    """Moves what can be erased to a table of its own and makes the chain's tables."""
    op.execute(REFUSE)
    # Entries of no estate (sign-ins, users) are shown to those who see the whole country.
    op.execute(
        "CREATE FUNCTION ruhu_reads_unplaced() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE "
        "AS $$ SELECT coalesce(current_setting('ruhu.unplaced', true), '') = 'yes' $$"
    )
    make_entry()
    make_chain()
    grant()
    for table in ("audit_entry", "audit_link", "audit_head", "audit_copy"):
        refuse(table, "UPDATE OR DELETE")
    refuse("audit_payload", "UPDATE")


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
