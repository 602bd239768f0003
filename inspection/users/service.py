"""Users, passwords, sessions."""

import secrets
import uuid
from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.places.models import Estate
from inspection.users import queries
from inspection.users.errors import BadGrant, LoginTaken, RefreshRefused, SignInFailed, SignInLocked, WeakPassword
from inspection.users.models import RefreshFamily, RefreshToken, ScopeLevel, User, UserGrant, UserRole
from inspection.users.schemas import GrantInput, GrantView, UserInput, UserView
from storage.audit import service as audit
from storage.audit.service import Actor
from storage.ids import new_id
from storage.problems import NotFound, Problem
from storage.vault.crypto import blind_index

HASHER = PasswordHasher()  # argon2id with the library's current parameters (RFC 9106)
NOBODYS_HASH = HASHER.hash(secrets.token_hex(16))  # checked for unknown names, so that they take as long
PASSWORD_LENGTH = 12
TRIES = 5
LOCK = timedelta(minutes=15)
CODE_LENGTH = {ScopeLevel.DISTRICT: 6, ScopeLevel.STREET: 9, ScopeLevel.COMMUNITY: 12}


def hash_password(login: str, password: str) -> str:
    """The argon2id hash of an acceptable password; raises `WeakPassword`."""
    if len(password) < PASSWORD_LENGTH or password.casefold() == login.casefold():
        raise WeakPassword
    return HASHER.hash(password)


def password_fits(stored: str, password: str) -> bool:
    """Whether a password is the one that was hashed."""
    try:
        return HASHER.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False


async def sign_in(
    session: AsyncSession, *, login: str, password: str, token_key: bytes, lifetime: timedelta, now: datetime
) -> tuple[User, uuid.UUID, str] | Problem:
    """Opens a refresh family: (user, family id, refresh token).

    A failure is given back, not raised: the counted try and its audit row have to be committed.
    """
    user = await queries.by_login(session, login)
    if user is not None and user.locked_until is not None and user.locked_until > now:
        return SignInLocked(retry_after=int((user.locked_until - now).total_seconds()) + 1)
    fits = password_fits(user.password_hash if user is not None else NOBODYS_HASH, password)
    if user is None or not fits or user.disabled_at is not None:
        if user is not None:
            user.failed_logins += 1
            if user.failed_logins >= TRIES:
                user.failed_logins = 0
                user.locked_until = now + LOCK
            audit.record(session, at=now, actor=Actor.system("sign-in"), action="sign-in.failed", object_kind="user",
                         object_id=user.id)  # fmt: skip
        return SignInFailed()
    user.failed_logins = 0
    user.locked_until = None
    family = RefreshFamily(id=new_id(), user_id=user.id, created_at=now, expires_at=now + lifetime)
    session.add(family)
    await session.flush()
    token = new_refresh_token(session, family_id=family.id, token_key=token_key, now=now)
    audit.record(session, at=now, actor=Actor.user(user.id), action="sign-in", object_kind="user", object_id=user.id)
    return user, family.id, token


def new_refresh_token(session: AsyncSession, *, family_id: uuid.UUID, token_key: bytes, now: datetime) -> str:
    """A refresh token of a family; only its keyed hash is stored."""
    token = secrets.token_urlsafe(32)
    session.add(RefreshToken(family_id=family_id, token_hash=blind_index(token_key, token), created_at=now))
    return token


async def refresh(
    session: AsyncSession, *, token: str, token_key: bytes, now: datetime
) -> tuple[uuid.UUID, uuid.UUID, str] | Problem:
    """Exchanges a refresh token: (user id, family id, next token).

    A token that was spent before was stolen, from us or from the user: its whole family ends (RFC 9700, 4.14.2).
    Failures are given back, since the end of the family has to be committed.
    """
    found = await queries.refresh_token(session, blind_index(token_key, token))
    if found is None:
        return RefreshRefused()
    row, family = found
    if row.spent_at is not None:
        await end_family(session, family_id=family.id, why="reuse", now=now)
        audit.record(session, at=now, actor=Actor.system("sign-in"), action="refresh.reused", object_kind="user",
                     object_id=family.user_id)  # fmt: skip
        return RefreshRefused(
            "刷新令牌被重复使用，相关登录已全部终止", "The refresh token was used twice; the log-in is ended"
        )
    if family.ended_at is not None or family.expires_at <= now:
        return RefreshRefused()
    row.spent_at = now
    return family.user_id, family.id, new_refresh_token(session, family_id=family.id, token_key=token_key, now=now)


async def end_family(session: AsyncSession, *, family_id: uuid.UUID, why: str, now: datetime) -> None:
    """Ends a log-in: neither its refresh tokens nor its access tokens are good any more."""
    await session.execute(
        update(RefreshFamily)
        .where(RefreshFamily.id == family_id, RefreshFamily.ended_at.is_(None))
        .values(ended_at=now, ended_why=why)
    )


async def check_grant(session: AsyncSession, grant: GrantInput, own: list[UserGrant] | None) -> None:
    """The place is of the right form and lies within one of the administrator's grants `own` (None = the console).

    The estates within are those of the session's scope. Raises `BadGrant`.
    """
    length = CODE_LENGTH.get(grant.level)
    well_formed = (
        (grant.level is ScopeLevel.ALL and grant.code == "")
        or (length is not None and len(grant.code) == length and grant.code.isascii() and grant.code.isdigit())
        or (grant.level is ScopeLevel.ESTATE and is_uuid(grant.code))
    )
    if not well_formed:
        raise BadGrant("区划代码或小区编号格式不正确", "The division code or estate id is not of the right form")
    if own is None or any(held.level == ScopeLevel.ALL for held in own):
        return
    if length is not None and any(held.level in CODE_LENGTH and grant.code.startswith(held.code) for held in own):
        return
    if grant.level is ScopeLevel.ESTATE and await session.get(Estate, uuid.UUID(grant.code)) is not None:
        return
    raise BadGrant("只能在自己管辖范围内授权", "A role can be granted within your own scope only")


def is_uuid(text: str) -> bool:
    """Whether a text is a UUID as we write them."""
    try:
        return str(uuid.UUID(text)) == text
    except ValueError:
        return False


async def create_user(
    session: AsyncSession, *, data: UserInput, own: list[UserGrant] | None, actor: Actor, now: datetime
) -> UserView:
    """Makes a user with grants; raises `LoginTaken`, `WeakPassword`, `BadGrant`."""
    if await queries.by_login(session, data.login) is not None:
        raise LoginTaken
    user = User(
        id=new_id(), login=data.login, name=data.name, password_hash=hash_password(data.login, data.password),
        certificate_number=data.certificate_number, created_at=now,
    )  # fmt: skip
    session.add(user)
    await session.flush()
    audit.record(session, at=now, actor=actor, action="user.created", object_kind="user", object_id=user.id)
    for wanted in data.grants:
        await grant(session, user_id=user.id, data=wanted, own=own, actor=actor, now=now)
    return await view(session, user)


async def grant(
    session: AsyncSession, *, user_id: uuid.UUID, data: GrantInput, own: list[UserGrant] | None, actor: Actor,
    now: datetime,
) -> UserView:  # fmt: skip
    """Grants a role in a place; a grant that stands already is no error."""
    await check_grant(session, data, own)
    user = await session.get(User, user_id)
    if user is None:
        raise NotFound
    standing = await queries.standing_grants(session, user_id)
    if not any((g.role, g.level, g.code) == (data.role, data.level, data.code) for g in standing):
        row = UserGrant(
            id=new_id(), user_id=user_id, role=data.role, level=data.level, code=data.code, granted_by=actor.user_id,
            granted_at=now,
        )  # fmt: skip
        session.add(row)
        await session.flush()
        audit.record(session, at=now, actor=actor, action="grant.given", object_kind="user", object_id=user_id,
                     role=data.role, level=data.level, code=data.code)  # fmt: skip
    return await view(session, user)


async def revoke(
    session: AsyncSession, *, user_id: uuid.UUID, grant_id: uuid.UUID, own: list[UserGrant], actor: Actor,
    now: datetime,
) -> UserView:  # fmt: skip
    """Takes a grant back."""
    row = await session.get(UserGrant, grant_id)
    user = await session.get(User, user_id)
    if row is None or user is None or row.user_id != user_id or row.revoked_at is not None:
        raise NotFound
    await check_grant(session, GrantInput(role=UserRole(row.role), level=ScopeLevel(row.level), code=row.code), own)
    row.revoked_at = now
    await session.flush()
    audit.record(session, at=now, actor=actor, action="grant.revoked", object_kind="user", object_id=user_id,
                 role=row.role, level=row.level, code=row.code)  # fmt: skip
    return await view(session, user)


async def set_disabled(
    session: AsyncSession, *, user_id: uuid.UUID, disabled: bool, reason: str, own: list[UserGrant], actor: Actor,
    now: datetime,
) -> UserView:  # fmt: skip
    """Disables a user at once, or takes that back; raises `NotFound` for one who is not wholly within `own`."""
    user = await session.get(User, user_id)
    if user is None or not await queries.reaches(session, own=own, user_id=user_id):
        raise NotFound
    user.disabled_at = now if disabled else None
    action = "user.disabled" if disabled else "user.enabled"
    audit.record(session, at=now, actor=actor, action=action, object_kind="user", object_id=user_id, reason=reason)
    return await view(session, user)


async def page(
    session: AsyncSession, *, own: list[UserGrant], after: tuple[str, uuid.UUID] | None, limit: int, text: str | None
) -> list[UserView]:
    """Users within `own`, as shown, by log-in name."""
    users = await queries.page_of_users(session, own=own, after=after, limit=limit, text=text)
    grants = await queries.grants_of(session, [user.id for user in users])
    return [user_view(user, grants[user.id]) for user in users]


async def view(session: AsyncSession, user: User) -> UserView:
    """A user with their grants, as shown."""
    return user_view(user, await queries.standing_grants(session, user.id))


def user_view(user: User, grants: list[UserGrant]) -> UserView:
    """A user as shown."""
    return UserView(
        id=user.id, login=user.login, name=user.name, certificate_number=user.certificate_number,
        created_at=user.created_at, disabled_at=user.disabled_at,
        grants=[
            GrantView(id=g.id, role=UserRole(g.role), level=ScopeLevel(g.level), code=g.code, granted_at=g.granted_at)
            for g in grants
        ],
    )  # fmt: skip
