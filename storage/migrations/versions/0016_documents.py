"""Numbered documents and their hashes."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from storage.migrations.policies import common, scoped

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Authorities and their counters; documents, which nobody changes once they are issued."""
    op.create_table(
        "issuing_authority",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("division_code", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("designator", sa.String(length=20), nullable=False),
        sa.Column("former", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=True),
        sa.Column("phone", sa.String(length=64), nullable=True),
        sa.Column("review_body", sa.String(length=200), nullable=True),
        sa.Column("court", sa.String(length=200), nullable=True),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_by", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issuing_authority")),
        sa.UniqueConstraint("division_code", name=op.f("uq_issuing_authority_division_code")),
        sa.UniqueConstraint("designator", name=op.f("uq_issuing_authority_designator")),
    )
    common("issuing_authority", app="SELECT, INSERT, UPDATE", system="SELECT, INSERT, UPDATE")
    op.create_table(
        "document_number",
        sa.Column("authority_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["authority_id"], ["issuing_authority.id"], name=op.f("fk_document_number_authority_id")
        ),
        sa.PrimaryKeyConstraint("authority_id", "kind", "year", name=op.f("pk_document_number")),
    )
    common("document_number", app="SELECT, INSERT, UPDATE", system="SELECT")
    op.create_table(
        "document",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("estate_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("given", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("replaces_id", sa.Uuid(), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("authority_id", sa.Uuid(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("running", sa.Integer(), nullable=True),
        sa.Column("number", sa.String(length=64), nullable=True),
        sa.Column("title", sa.String(length=200), nullable=True),
        sa.Column("content", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("object_id", sa.Uuid(), nullable=True),
        sa.Column("digest", sa.LargeBinary(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("issued_by", sa.Uuid(), nullable=True),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("void_reason", sa.String(length=1000), nullable=True),
        sa.Column("voided_by", sa.Uuid(), nullable=True),
        sa.Column("voided_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(status = 'draft') = (number IS NULL) AND (number IS NULL) = (digest IS NULL)"
            " AND (number IS NULL) = (object_id IS NULL)",
            name=op.f("ck_document_numbered_when_issued"),
        ),
        sa.CheckConstraint("(status = 'void') = (void_reason IS NOT NULL)", name=op.f("ck_document_void_with_reason")),
        sa.ForeignKeyConstraint(["estate_id"], ["estate.id"], name=op.f("fk_document_estate_id")),
        sa.ForeignKeyConstraint(["case_id"], ["violation_case.id"], name=op.f("fk_document_case_id")),
        sa.ForeignKeyConstraint(["replaces_id"], ["document.id"], name=op.f("fk_document_replaces_id")),
        sa.ForeignKeyConstraint(["created_by"], ["app_user.id"], name=op.f("fk_document_created_by")),
        sa.ForeignKeyConstraint(["authority_id"], ["issuing_authority.id"], name=op.f("fk_document_authority_id")),
        sa.ForeignKeyConstraint(["object_id"], ["stored_object.id"], name=op.f("fk_document_object_id")),
        sa.ForeignKeyConstraint(["issued_by"], ["app_user.id"], name=op.f("fk_document_issued_by")),
        sa.ForeignKeyConstraint(["voided_by"], ["app_user.id"], name=op.f("fk_document_voided_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint("number", name=op.f("uq_document_number")),
        sa.UniqueConstraint("replaces_id", name=op.f("uq_document_replaces_id")),
    )
    op.create_index(op.f("ix_document_estate_id"), "document", ["estate_id"], unique=False)
    op.create_index(op.f("ix_document_case_id"), "document", ["case_id"], unique=False)
    op.create_index("ix_document_authority_year", "document", ["authority_id", "year", "kind", "running"], unique=False)
    scoped("document", app="SELECT, INSERT, UPDATE, DELETE", system="SELECT")
    op.execute(
        "CREATE POLICY document_discard ON document AS RESTRICTIVE FOR DELETE TO ruhu_app USING (status = 'draft')"
    )
    op.execute(
        """
        CREATE FUNCTION ruhu_document_frozen() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF OLD.status = 'draft' THEN
                RETURN NEW;
            END IF;
            IF OLD.status = 'issued' AND NEW.status = 'void'
               AND to_jsonb(NEW) - '{status,void_reason,voided_by,voided_at}'::text[]
                 = to_jsonb(OLD) - '{status,void_reason,voided_by,voided_at}'::text[] THEN
                RETURN NEW;
            END IF;
            RAISE EXCEPTION 'an issued document does not change' USING ERRCODE = 'check_violation';
        END $$
        """
    )
    op.execute(
        "CREATE TRIGGER document_frozen BEFORE UPDATE ON document FOR EACH ROW EXECUTE FUNCTION ruhu_document_frozen()"
    )
    op.add_column("measure", sa.Column("document_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_measure_document_id"), "measure", "document", ["document_id"], ["id"])
    op.create_index(op.f("ix_measure_document_id"), "measure", ["document_id"], unique=False)


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
