"""Users, grants, log-ins, second factors, proposals of administrators."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, LargeBinary, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Bytes, Code, Id, Json, Moment, Name
from storage.database import Base


class UserRole(StrEnum):
    """What a user may be, in some place."""

    INSPECTOR = "inspector"
    MANAGER = "manager"
    OPERATOR_STAFF = "operator_staff"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    LIAISON = "liaison"


class ScopeLevel(StrEnum):
    """How much of the country a grant covers."""

    ALL = "all"
    DISTRICT = "district"  # 6 digits
    STREET = "street"  # 9 digits
    COMMUNITY = "community"  # 12 digits
    ESTATE = "estate"  # an estate's id


DIVISIONS = (ScopeLevel.DISTRICT, ScopeLevel.STREET, ScopeLevel.COMMUNITY)
"""The levels whose code is the beginning of a division code."""


class User(Base):
    """Somebody who signs in. `certificate_number`: 执法证号, without which nobody decides (行政处罚法 42).

    `must_change_password`: somebody else chose the password, so that its owner has to replace it first.
    """

    __tablename__ = "app_user"

    id: Mapped[Id]
    login: Mapped[Code] = mapped_column(unique=True)
    name: Mapped[Name]
    password_hash: Mapped[str] = mapped_column(String(300))
    certificate_number: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[Moment]
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    must_change_password: Mapped[bool] = mapped_column(default=False)
    password_changed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class UserGrant(Base):
    """A role of a user in a place. `code`: division code's beginning, estate id, or "" for all."""

    __tablename__ = "user_grant"
    __table_args__ = (
        Index(
            "uq_user_grant_standing",
            "user_id", "role", "level", "code",
            unique=True, postgresql_where=text("revoked_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[Id]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"), index=True)
    role: Mapped[Code]
    level: Mapped[Code]
    code: Mapped[str] = mapped_column(String(36))
    granted_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    granted_at: Mapped[Moment]
    revoked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class RefreshFamily(Base):
    """All refresh tokens that descend from one log-in; reuse of a spent one ends the family.

    `last_used_at`: the last exchange of a token. `address`, `user_agent`, `device_label`: what the owner recognises
    the log-in by; they are the log-in's and go with it.
    """

    __tablename__ = "refresh_family"

    id: Mapped[Id]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_why: Mapped[str | None] = mapped_column(String(64))
    last_used_at: Mapped[Moment]
    address: Mapped[str | None] = mapped_column(String(64))
    user_agent: Mapped[str | None] = mapped_column(String(300))
    device_label: Mapped[str | None] = mapped_column(String(100))


class RefreshToken(Base):
    """One refresh token, as a keyed hash; used once."""

    __tablename__ = "refresh_token"

    id: Mapped[Id]
    family_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("refresh_family.id"), index=True)
    token_hash: Mapped[Bytes] = mapped_column(unique=True)
    created_at: Mapped[Moment]
    spent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class SignInThrottle(Base):
    """Tries to sign in that failed or are under way. `subject`: keyed hash of an account, an address, or a pair."""

    __tablename__ = "sign_in_throttle"

    subject: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    failures: Mapped[int]
    last_at: Mapped[Moment] = mapped_column(index=True)


class SecondFactor(Base):
    """A TOTP generator of a user (RFC 6238). `sealed`: its secret, None once the factor has ended.

    `last_counter`: the newest time step whose code was accepted: neither it nor an older one is accepted again.
    """

    __tablename__ = "second_factor"
    __table_args__ = (
        Index(
            "uq_second_factor_standing",
            "user_id",
            unique=True, postgresql_where=text("confirmed_at IS NOT NULL AND ended_at IS NULL"),
        ),
    )  # fmt: skip

    id: Mapped[Id]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"), index=True)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    created_at: Mapped[Moment]
    confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_counter: Mapped[int] = mapped_column(BigInteger, default=0)


class RecoveryCode(Base):
    """A code for the day the generator is lost, as a keyed hash; used once."""

    __tablename__ = "recovery_code"

    id: Mapped[Id]
    factor_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("second_factor.id"), index=True)
    code_hash: Mapped[Bytes] = mapped_column(unique=True)
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ProposalKind(StrEnum):
    """What needs a second administrator."""

    GRANT = "grant"
    REVOKE = "revoke"
    RESET_FACTOR = "reset_factor"
    RESET_PASSWORD = "reset_password"  # noqa: S105 - an action's name


class ProposalStatus(StrEnum):
    """Where a proposal stands."""

    OPEN = "open"
    APPLIED = "applied"
    WITHDRAWN = "withdrawn"


class Proposal(Base):
    """What one administrator wants done to a user, until another confirms it. `proposed_by`: None for the console.

    `details`: the role, level and code of a grant, or the id of the grant to take back.
    """

    __tablename__ = "user_proposal"

    id: Mapped[Id]
    kind: Mapped[Code]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"), index=True)
    details: Mapped[Json]
    reason: Mapped[str] = mapped_column(String(1000))
    status: Mapped[Code]
    proposed_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    proposed_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    closed_by: Mapped[uuid.UUID | None] = mapped_column(Uuid)
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
