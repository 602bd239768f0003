"""Sign-in: throttling, sessions, second factors, grants that need two administrators; answers given once, limits."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from storage.migrations.policies import common

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    """A column of moments."""
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def change_users() -> None:
    """Users know whether their password is their own; log-ins know when and where they were used."""
    op.add_column(
        "app_user", sa.Column("must_change_password", sa.Boolean(), nullable=False, server_default=sa.false())
    )
    op.alter_column("app_user", "must_change_password", server_default=None)
    op.add_column("app_user", moment("password_changed_at", nullable=True))
    op.drop_column("app_user", "failed_logins")
    op.drop_column("app_user", "locked_until")
    op.add_column("refresh_family", moment("last_used_at", nullable=True))
    op.execute("UPDATE refresh_family SET last_used_at = created_at")
    op.alter_column("refresh_family", "last_used_at", nullable=False)
    for name, length in (("address", 64), ("user_agent", 300), ("device_label", 100)):
        op.add_column("refresh_family", sa.Column(name, sa.String(length=length), nullable=True))


def make_second_factors() -> None:
    """Generators and recovery codes."""
    op.create_table(
        "second_factor",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        moment("created_at"),
        moment("confirmed_at", nullable=True),
        moment("ended_at", nullable=True),
        sa.Column("last_counter", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_second_factor_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_second_factor")),
    )
    op.create_index(op.f("ix_second_factor_user_id"), "second_factor", ["user_id"], unique=False)
    op.create_index(
        "uq_second_factor_standing", "second_factor", ["user_id"], unique=True,
        postgresql_where=sa.text("confirmed_at IS NOT NULL AND ended_at IS NULL"),
    )  # fmt: skip
    op.create_table(
        "recovery_code",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("factor_id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        moment("used_at", nullable=True),
        sa.ForeignKeyConstraint(["factor_id"], ["second_factor.id"], name=op.f("fk_recovery_code_factor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_recovery_code_code_hash")),
    )
    op.create_index(op.f("ix_recovery_code_factor_id"), "recovery_code", ["factor_id"], unique=False)


def make_proposals() -> None:
    """What waits for a second administrator."""
    op.create_table(
        "user_proposal",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("reason", sa.String(length=1000), nullable=False),
        sa.Column("status", sa.String(length=64), nullable=False),
        sa.Column("proposed_by", sa.Uuid(), nullable=True),
        moment("proposed_at"),
        moment("expires_at"),
        sa.Column("closed_by", sa.Uuid(), nullable=True),
        moment("closed_at", nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["app_user.id"], name=op.f("fk_user_proposal_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_proposal")),
    )
    op.create_index(op.f("ix_user_proposal_user_id"), "user_proposal", ["user_id"], unique=False)


def make_counters() -> None:
    """Failed tries, answers given once, limits."""
    op.create_table(
        "sign_in_throttle",
        sa.Column("subject", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        moment("last_at"),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_sign_in_throttle")),
    )
    op.create_index(op.f("ix_sign_in_throttle_last_at"), "sign_in_throttle", ["last_at"], unique=False)
    op.create_table(
        "answered_request",
        sa.Column("name", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        moment("created_at"),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_answered_request")),
    )
    op.create_index(op.f("ix_answered_request_created_at"), "answered_request", ["created_at"], unique=False)
    op.create_table(
        "request_allowance",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        moment("full_at"),
        sa.PrimaryKeyConstraint("user_id", "name", name=op.f("pk_request_allowance")),
    )
    op.create_index(op.f("ix_request_allowance_full_at"), "request_allowance", ["full_at"], unique=False)


def upgrade() -> None:
    """Changes the users' tables and adds six. None is of an estate: users belong to none."""
    change_users()
    make_second_factors()
    make_proposals()
    make_counters()
    for table in ("second_factor", "user_proposal"):
        common(table, app="SELECT, INSERT, UPDATE", system="SELECT")
    common("recovery_code", app="SELECT, INSERT, UPDATE, DELETE", system="SELECT")
    common("sign_in_throttle", app="SELECT, INSERT, UPDATE, DELETE", system="SELECT, DELETE")
    common("answered_request", app="SELECT, INSERT, UPDATE", system="SELECT, DELETE")
    common("request_allowance", app="SELECT, INSERT, UPDATE", system="SELECT, DELETE")


def downgrade() -> None:
    """A database is never taken back: restore a backup instead."""
    raise RuntimeError("restore a backup instead")
