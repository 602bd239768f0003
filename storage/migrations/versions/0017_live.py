"""What changes are told to those who watch.

Two sources, both rows that stand with the change itself: the audit row that names it, and, for what no audit row
names, the row of an outage or of an import. A trigger costs nothing where nothing is told: its condition is looked at
for each audit row, its body runs for the few kinds that somebody watches, and no event of a gate is among them.
"""

import sqlalchemy as sa
from alembic import op

from storage.migrations.policies import SCOPE_OF_SYSTEM, SCOPE_OF_USERS, common, protect

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# Which audit rows are told: changes of the review queue, never a view, never anything of a person.
TOLD = """
CREATE FUNCTION ruhu_is_told(action text) RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
  SELECT action IN ('discrepancy.raised', 'discrepancy.cleared', 'visit.planned', 'visit.finished', 'visit.cancelled')
      OR ((action LIKE 'lead.%' OR action LIKE 'case.%') AND action NOT LIKE '%viewed')
$$;
"""
# The owner's function writes the rows: nobody else can. NOTIFY is sent by COMMIT, once for an estate.
TELL = """
CREATE FUNCTION ruhu_tell(at timestamptz, estate uuid, kind text, object_kind text, object_id uuid) RETURNS void
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  INSERT INTO live_event (at, epoch, estate_id, kind, object_kind, object_id)
  VALUES (at, coalesce((SELECT max(epoch) FROM restore_epoch), 1), estate, kind, object_kind, object_id);
  PERFORM pg_notify('ruhu_live', estate::text);
END $$;
CREATE FUNCTION ruhu_tell_audit() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$
BEGIN
  PERFORM ruhu_tell(NEW.at, NEW.estate_id, NEW.action, NEW.object_kind, NEW.object_id);
  RETURN NULL;
END $$;
CREATE FUNCTION ruhu_tell_outage() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$
BEGIN
  PERFORM ruhu_tell(coalesce(NEW.ended_at, NEW.began_at), NEW.estate_id,
                    CASE WHEN NEW.ended_at IS NULL THEN 'device.silent' ELSE 'device.back' END, 'device',
                    NEW.device_id);
  RETURN NULL;
END $$;
CREATE FUNCTION ruhu_tell_import() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
  AS $$
BEGIN
  PERFORM ruhu_tell(NEW.touched_at, NEW.estate_id, 'import.' || NEW.status, 'registry_import', NEW.id);
  RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION ruhu_tell(timestamptz, uuid, text, text, uuid) FROM PUBLIC;
REVOKE ALL ON FUNCTION ruhu_tell_audit() FROM PUBLIC;
REVOKE ALL ON FUNCTION ruhu_tell_outage() FROM PUBLIC;
REVOKE ALL ON FUNCTION ruhu_tell_import() FROM PUBLIC;
CREATE TRIGGER audit_entry_is_told AFTER INSERT ON audit_entry FOR EACH ROW
  WHEN (NEW.estate_id IS NOT NULL AND ruhu_is_told(NEW.action)) EXECUTE FUNCTION ruhu_tell_audit();
CREATE TRIGGER device_outage_is_told AFTER INSERT ON device_outage FOR EACH ROW
  WHEN (NEW.ended_at IS NULL) EXECUTE FUNCTION ruhu_tell_outage();
CREATE TRIGGER device_outage_end_is_told AFTER UPDATE OF ended_at ON device_outage FOR EACH ROW
  WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION ruhu_tell_outage();
CREATE TRIGGER registry_import_is_told AFTER INSERT ON registry_import FOR EACH ROW
  EXECUTE FUNCTION ruhu_tell_import();
CREATE TRIGGER registry_import_progress_is_told
  AFTER UPDATE OF status, rows_checked, records_applied ON registry_import FOR EACH ROW
  WHEN (OLD.status IS DISTINCT FROM NEW.status OR OLD.rows_checked <> NEW.rows_checked
        OR OLD.records_applied <> NEW.records_applied)
  EXECUTE FUNCTION ruhu_tell_import();
"""


def make_tables() -> None:
    """The events, and up to where they were forgotten."""
    op.create_table(
        "live_event",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("xid", sa.BigInteger(), server_default=sa.text("pg_current_xact_id()::text::bigint"), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("object_kind", sa.String(length=64), nullable=False),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_live_event")),
    )
    op.create_index("ix_live_event_place", "live_event", ["epoch", "xid", "id"], unique=False)
    op.create_table(
        "live_floor",
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_live_floor")),
    )


def upgrade() -> None:
    """Makes the tables, which users read in their scope, and the triggers that fill the first."""
    make_tables()
    protect("live_event")
    op.execute("GRANT SELECT ON live_event TO ruhu_app")
    op.execute("GRANT SELECT, DELETE ON live_event TO ruhu_system")
    users, system = SCOPE_OF_USERS.format(column="estate_id"), SCOPE_OF_SYSTEM.format(column="estate_id")
    op.execute(f"CREATE POLICY live_event_app ON live_event FOR SELECT TO ruhu_app USING ({users})")
    op.execute(f"CREATE POLICY live_event_system ON live_event TO ruhu_system, ruhu_owner USING ({system})")
    op.execute("CREATE POLICY live_event_add ON live_event FOR INSERT TO ruhu_owner WITH CHECK (true)")
    common("live_floor", app="SELECT", system="SELECT, INSERT, UPDATE, DELETE")
    op.execute(TOLD + TELL)
    op.execute("GRANT SELECT ON alembic_version TO ruhu_app, ruhu_system")  # readiness compares it with the code's


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
