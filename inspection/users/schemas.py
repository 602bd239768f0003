"""What goes over the wire about users."""

import uuid
from datetime import datetime
from typing import Annotated

import msgspec

from inspection.users.models import ProposalKind, ProposalStatus, ScopeLevel, UserRole
from inspection.users.password_rules import MAX_LENGTH

NewPassword = Annotated[str, msgspec.Meta(max_length=MAX_LENGTH)]
Password = Annotated[str, msgspec.Meta(max_length=200)]
OneTimeCode = Annotated[str, msgspec.Meta(min_length=6, max_length=32)]
Reason = Annotated[str, msgspec.Meta(min_length=2, max_length=1000)]
Login = Annotated[str, msgspec.Meta(min_length=2, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")]


class SignIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A log-in. `code`: of the second factor, or a recovery code. `device_token`: given at an earlier log-in here;
    `device_label`: what the owner shall recognise the device by."""

    login: Annotated[str, msgspec.Meta(max_length=64)]
    password: Password
    code: OneTimeCode | None = None
    device_token: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    device_label: Annotated[str, msgspec.Meta(max_length=100)] | None = None


class Refresh(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A refresh token to exchange; it is spent by this."""

    refresh_token: Annotated[str, msgspec.Meta(max_length=100)]


class Tokens(msgspec.Struct, frozen=True, kw_only=True):
    """`expires_in`: seconds until the access token ends. `device_token`: to be sent with the next log-in from here,
    so that nobody else's wrong passwords slow it down; it opens nothing by itself. `must_change_password` and
    `must_set_up_second_factor`: nothing else is possible before."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - the scheme's name
    device_token: str | None = None
    must_change_password: bool = False
    must_set_up_second_factor: bool = False


class GrantView(msgspec.Struct, frozen=True, kw_only=True):
    """A role in a place."""

    id: uuid.UUID
    role: UserRole
    level: ScopeLevel
    code: str
    granted_at: datetime


class ProposalView(msgspec.Struct, frozen=True, kw_only=True):
    """What waits, or waited, for a second administrator. `proposed_by`: None for the server's console.

    `temporary_password`: in the answer to the confirmation of a new password alone, and never again.
    """

    id: uuid.UUID
    kind: ProposalKind
    status: ProposalStatus
    user_id: uuid.UUID
    user_login: str
    role: UserRole | None
    level: ScopeLevel | None
    code: str | None
    reason: str
    proposed_by: uuid.UUID | None
    proposed_at: datetime
    expires_at: datetime
    closed_by: uuid.UUID | None
    closed_at: datetime | None
    temporary_password: str | None = None


class UserView(msgspec.Struct, frozen=True, kw_only=True):
    """A user. `proposals`: what waits for a second administrator, in the answers to what may have to wait."""

    id: uuid.UUID
    login: str
    name: str
    certificate_number: str | None
    created_at: datetime
    disabled_at: datetime | None
    must_change_password: bool
    grants: list[GrantView]
    proposals: list[ProposalView] = []


class GrantInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A role to grant: `code` is a division code (6, 9 or 12 digits), an estate's id, or "" for level all."""

    role: UserRole
    level: ScopeLevel
    code: Annotated[str, msgspec.Meta(max_length=36)] = ""
    reason: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class UserInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new user. `certificate_number`: 执法证号. The password is replaced by the user at the first log-in."""

    login: Login
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    password: NewPassword
    certificate_number: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    grants: list[GrantInput] = []


class SessionView(msgspec.Struct, frozen=True, kw_only=True):
    """A log-in that stands. `expires_at`: when it ends at the latest, `idle_until`: when it ends unless it is used."""

    id: uuid.UUID
    current: bool
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    idle_until: datetime
    address: str | None
    user_agent: str | None
    device_label: str | None


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """How many log-ins were ended."""

    ended: int


class PasswordChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A new password of the caller's own."""

    current_password: Password
    new_password: NewPassword


class FactorInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """To set up a second factor. `code`: of the present one, which it replaces."""

    current_password: Password
    code: OneTimeCode | None = None


class FactorSecret(msgspec.Struct, frozen=True, kw_only=True):
    """What a generator needs; shown once. `uri`: as a QR code."""

    secret: str
    uri: str


class CodeInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A code of the generator."""

    code: OneTimeCode


class RecoveryCodes(msgspec.Struct, frozen=True, kw_only=True):
    """Codes for the day the generator is lost, each good once; shown once."""

    recovery_codes: list[str]


class FactorView(msgspec.Struct, frozen=True, kw_only=True):
    """Whether there is a second factor, whether there has to be one, and how many recovery codes are left."""

    set_up: bool
    needed: bool
    confirmed_at: datetime | None
    recovery_codes_left: int


class WhyInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why something is done to a user."""

    reason: Reason


class ResetView(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a reset: done, or waiting as `proposal`. `temporary_password` is shown once."""

    proposal: ProposalView | None = None
    temporary_password: str | None = None
