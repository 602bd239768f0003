"""Users, grants and refresh-token families."""

import uuid
from datetime import datetime
from enum import StrEnum

from sqlalchemy import DateTime, ForeignKey, Index, String, Uuid, text
from sqlalchemy.orm import Mapped, mapped_column

from storage.columns import Bytes, Code, Id, Moment, Name
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
    """Somebody who signs in. `certificate_number`: 执法证号, without which nobody decides (行政处罚法 42)."""

    __tablename__ = "app_user"

    id: Mapped[Id]
    login: Mapped[Code] = mapped_column(unique=True)
    name: Mapped[Name]
    password_hash: Mapped[str] = mapped_column(String(300))
    certificate_number: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[Moment]
    disabled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    failed_logins: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


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
    """All refresh tokens that descend from one log-in; reuse of a spent one ends the family."""

    __tablename__ = "refresh_family"

    id: Mapped[Id]
    user_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("app_user.id"), index=True)
    created_at: Mapped[Moment]
    expires_at: Mapped[Moment]
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_why: Mapped[str | None] = mapped_column(String(64))


class RefreshToken(Base):
    """One refresh token, as a keyed hash; used once."""

    __tablename__ = "refresh_token"

    id: Mapped[Id]
    family_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("refresh_family.id"), index=True)
    token_hash: Mapped[Bytes] = mapped_column(unique=True)
    created_at: Mapped[Moment]
    spent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
