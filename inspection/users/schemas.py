"""What goes over the wire about users."""

import uuid
from datetime import datetime
from typing import Annotated

import msgspec

from inspection.users.models import ScopeLevel, UserRole

Login = Annotated[str, msgspec.Meta(min_length=2, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]


class SignIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A log-in."""

    login: Annotated[str, msgspec.Meta(max_length=64)]
    password: Annotated[str, msgspec.Meta(max_length=200)]


class Refresh(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A refresh token to exchange; it is spent by this."""

    refresh_token: Annotated[str, msgspec.Meta(max_length=100)]


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """`expires_in`: seconds until the access token ends."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - the scheme's name


class GrantView(msgspec.Struct, frozen=True, kw_only=True):
    """A role in a place."""

    id: uuid.UUID
    role: UserRole
    level: ScopeLevel
    code: str
    granted_at: datetime


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """A user."""

    id: uuid.UUID
    login: str
    name: str
    certificate_number: str | None
    created_at: datetime
    disabled_at: datetime | None
    grants: list[GrantView]


class GrantInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A role to grant: `code` is a division code (6, 9 or 12 digits), an estate's id, or "" for level all."""

    role: UserRole
    level: ScopeLevel
    code: Annotated[str, msgspec.Meta(max_length=36)] = ""


class UserInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new user. `certificate_number`: 执法证号."""

    login: Login
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    password: Annotated[str, msgspec.Meta(max_length=200)]
    certificate_number: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    grants: list[GrantInput] = []
