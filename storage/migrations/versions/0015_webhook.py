"""Signed webhooks: keys of senders, and the messages that were taken."""

import sqlalchemy as sa
from alembic import op

from storage.migrations.policies import insert_only, scoped

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# What the intake may know of a webhook device: what may leave it, and the keys that were not revoked. The keys come
# with their times, since it is the intake's clock that judges them. One row for each key; one without a key when
# there is none.
INTAKE_FUNCTION = """
CREATE FUNCTION ruhu_intake_webhook(device uuid, today date)
  RETURNS TABLE (estate_id uuid, vendor text, capture_mode text, basis boolean, estate_key bytea, key_id uuid,
                 kind text, sealed bytea, public_key bytea, valid_from timestamptz, valid_until timestamptz)
  LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
  PERFORM set_config('ruhu.scope', 'system', true);  -- for this owner's policies; put back below
  RETURN QUERY
  SELECT d.estate_id, d.vendor::text, d.capture_mode::text,
         EXISTS (SELECT 1 FROM processing_basis b
                  WHERE b.estate_id = d.estate_id AND b.purpose = 'tenancy_compliance' AND b.withdrawn_at IS NULL
                    AND today BETWEEN b.valid_from AND b.valid_to),
         e.wrapped, k.id, k.kind::text, k.sealed, k.public_key, k.valid_from, k.valid_until
    FROM gate_device d
    LEFT JOIN estate_key e ON e.estate_id = d.estate_id
    LEFT JOIN webhook_key k ON k.device_id = d.id AND k.revoked_at IS NULL
   WHERE d.id = device AND d.vendor = 'webhook' AND d.retired_at IS NULL
   ORDER BY k.created_at DESC, k.id DESC;
  PERFORM set_config('ruhu.scope', '', true);
END $$;
REVOKE ALL ON FUNCTION ruhu_intake_webhook(uuid, date) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ruhu_intake_webhook(uuid, date) TO ruhu_intake;
"""


def moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """A column of moments."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    """Makes both tables. The intake may add messages and read back which of its own were new."""
    op.create_table(
        "webhook_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("public_key", sa.LargeBinary(), nullable=True),
        moment("created_at"),
        moment("valid_from"),
        moment("valid_until", nullable=True),
        moment("revoked_at", nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["gate_device.id"], name=op.f("fk_webhook_key_device_id")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_webhook_key_estate_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_key")),
    )
    op.create_index(op.f("ix_webhook_key_device_id"), "webhook_key", ["device_id"], unique=False)
    op.create_index(op.f("ix_webhook_key_estate_id"), "webhook_key", ["estate_id"], unique=False)
    op.create_table(
        "webhook_message",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("device_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        moment("received_at"),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_webhook_message")),
    )
    op.create_index("uq_webhook_message_digest", "webhook_message", ["device_id", "digest"], unique=True)
    op.create_index("ix_webhook_message_key", "webhook_message", ["key_id", "received_at"], unique=False)
    op.create_index(op.f("ix_webhook_message_estate_id"), "webhook_message", ["estate_id"], unique=False)
    scoped("webhook_key", app="SELECT, INSERT, UPDATE")
    scoped("webhook_message", app="SELECT", system="SELECT, UPDATE, DELETE")  # retention locks what it deletes
    insert_only("webhook_message")
    op.execute("GRANT SELECT (delivery_id) ON webhook_message TO ruhu_intake")
    op.execute("CREATE POLICY webhook_message_intake_read ON webhook_message FOR SELECT TO ruhu_intake USING (true)")
    op.execute(INTAKE_FUNCTION)


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
