"""Who asks, and what they may: access tokens, roles read from the database at each request, the unit of work."""

import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

import jwt
from litestar.connection import ASGIConnection
from litestar.di import NamedDependency
from litestar.handlers import BaseRouteHandler
from litestar.params import SkipValidation
from litestar.types import Guard
from sqlalchemy.ext.asyncio import AsyncSession

from api import limits
from api.context import Context
from api.problems import TooManyRequests, Unauthenticated
from inspection.users import queries
from inspection.users.errors import PasswordChangeNeeded, SecondFactorNeeded
from inspection.users.models import UserRole
from inspection.users.sessions import Lifetimes, Seen
from storage.audit.service import Actor
from storage.clock import Clock
from storage.database import EstateScope, Role, UserScope
from storage.problems import Forbidden
from storage.requests import allowances
from storage.vault.crypto import key_id

ALGORITHM = "HS256"
TYPE = "at+jwt"  # RFC 9068: a token of another kind is never taken for an access token
AUDIENCE = "ruhu"
TOKEN_KEYS_S = 30.0
"""How long the keys of access tokens are remembered, by the monotonic clock."""
UNFINISHED = {"unfinished": True}
"""`opt` of the few routes for somebody who has yet to replace a password or to set up a second factor."""


@dataclass(frozen=True, slots=True)
class Caller:
    """A signed-in user with all roles of theirs; where each role holds is decided by row-level security.

    `unfinished`: what has to be done before anything else.
    """

    user_id: uuid.UUID
    family_id: uuid.UUID
    login: str
    name: str
    roles: frozenset[str]
    certificate_number: str | None
    unfinished: Forbidden | None = None


@dataclass(frozen=True, slots=True)
class UnitOfWork:
    """One request's unit of work. `seen`: from where it came. `idempotency_key`: as the caller named the request.

    `session`: the transaction that the whole request is part of, where it has one; see `api.once`.
    """

    context: Context
    caller: Caller
    allowed: frozenset[str]
    now: datetime
    seen: Seen
    idempotency_key: str | None = None
    session: AsyncSession | None = None

    @property
    def actor(self) -> Actor:
        """The caller, for the audit log."""
        return Actor.user(self.caller.user_id)

    @property
    def acting_roles(self) -> frozenset[str]:
        """The caller's roles that this route allows."""
        return self.caller.roles & self.allowed

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncSession]:
        """A transaction over the estates in which the caller holds one of the route's roles; commits when left."""
        if self.session is not None:
            yield self.session
            await self.session.flush()
            return
        scope = UserScope(self.caller.user_id, self.acting_roles)
        async with self.context.database.transaction(Role.APP, scope) as session:
            yield session


Work = NamedDependency[SkipValidation[UnitOfWork]]


def access_token(key: bytes, *, user_id: uuid.UUID, family_id: uuid.UUID, now: datetime, seconds: int) -> str:
    """A signed token that says who asks, and nothing about what they may."""
    issued = int(now.timestamp())
    claims = {"sub": str(user_id), "fam": str(family_id), "aud": AUDIENCE, "iat": issued, "exp": issued + seconds}
    return jwt.encode(claims, key, algorithm=ALGORITHM, headers={"kid": key_id(key).hex(), "typ": TYPE})


async def token_key(context: Context, header: str | None) -> tuple[str, bytes]:
    """The token of a header, and the key that signed it by its own word; raises `Unauthenticated`.

    Keys are asked of the database every half minute, and when a token names one that is not known: so a key that
    another process has put in place counts here, and one that was retired does no longer.
    """
    scheme, _, token = (header or "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated("缺少访问令牌", "No access token")
    try:
        said = jwt.get_unverified_header(token)
        named = bytes.fromhex(str(said.get("kid", "")) if said.get("typ") == TYPE else "")
    except (jwt.InvalidTokenError, ValueError):
        raise Unauthenticated("访问令牌无效", "The access token is not valid") from None
    vault = context.vault
    if named not in vault.token_keys or context.token_keys_until <= time.monotonic():
        async with context.database.transaction(Role.APP, EstateScope(())) as session:
            await vault.learn_tokens(session)
        context.token_keys_until = time.monotonic() + TOKEN_KEYS_S
    lifetime = timedelta(seconds=context.settings.access_token_s)
    key = vault.accepts_token_key(named, now=context.clock.now(), lifetime=lifetime)
    if key is None:
        raise Unauthenticated("访问令牌无效", "The access token is not valid")
    return token, key


def read_token(key: bytes, token: str, clock: Clock) -> tuple[uuid.UUID, uuid.UUID]:
    """The user and refresh family of an access token; raises `Unauthenticated`."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token, key, algorithms=[ALGORITHM], audience=AUDIENCE,
            options={"require": ["sub", "fam", "aud", "iat", "exp"], "verify_exp": False, "verify_iat": False},
        )  # fmt: skip
        user, family, expires = uuid.UUID(claims["sub"]), uuid.UUID(claims["fam"]), int(claims["exp"])
    except (jwt.InvalidTokenError, ValueError):
        raise Unauthenticated("访问令牌无效", "The access token is not valid") from None
    if clock.now().timestamp() >= expires:
        raise Unauthenticated("访问令牌已过期，请刷新", "The access token has expired, refresh it")
    return user, family


async def identify(context: Context, header: str | None) -> Caller:
    """The caller behind a header, as the database knows them now."""
    token, key = await token_key(context, header)
    user_id, family_id = read_token(key, token, context.clock)
    async with context.database.transaction(Role.APP, EstateScope(())) as session:
        found = await queries.caller(session, user_id=user_id, family_id=family_id, now=context.clock.now())
    if found is None:
        raise Unauthenticated("登录已失效，请重新登录", "The session has ended, sign in again")
    user = found.user
    unfinished: Forbidden | None = None
    if user.must_change_password:
        unfinished = PasswordChangeNeeded()
    elif second_factor_needed(context, found.roles) and not found.second_factor:
        unfinished = SecondFactorNeeded()
    return Caller(user.id, family_id, user.login, user.name, found.roles, user.certificate_number, unfinished)


def second_factor_needed(context: Context, roles: frozenset[str]) -> bool:
    """Whether one of the roles asks for a second factor; none does in a demonstration."""
    return bool(roles & set(context.settings.sign_in.second_factor_roles)) and not context.settings.demo


def lifetimes(context: Context) -> Lifetimes:
    """How long log-ins last."""
    settings = context.settings
    return Lifetimes(timedelta(seconds=settings.refresh_token_s), timedelta(seconds=settings.sign_in.idle_s))


def seen_from(connection: ASGIConnection[Any, Any, Any, Any], device_label: str | None = None) -> Seen:
    """From where a request came. The server has replaced the address of a trusted proxy by that of its client."""
    agent = connection.headers.get("user-agent")
    return Seen(
        address=connection.client.host if connection.client is not None else "-",
        user_agent=None if agent is None else printable(agent)[:300],
        device_label=None if device_label is None else printable(device_label),
    )


def printable(text: str) -> str:
    """A text from outside, fit to be shown: control characters gone."""
    return "".join(character for character in text if character.isprintable())


async def spend(context: Context, caller: Caller, operation: str | None) -> None:
    """Uses one of the caller's requests where the operation has a limit; raises `TooManyRequests`."""
    limit = limits.of(operation)
    if limit is None:
        return
    async with context.database.transaction(Role.APP, EstateScope(())) as session:
        wait = await allowances.take(session, limit=limit, user_id=caller.user_id, now=context.clock.now())
    if wait:
        raise TooManyRequests(
            f"该操作每 {limit.interval.seconds} 秒一次，可连续 {limit.burst} 次",
            f"This can be done {limit.burst} times in a row, then every {limit.interval.seconds} seconds",
            retry_after=wait,
        )


def requires(*roles: UserRole) -> Guard:
    """A guard: the caller is signed in and holds one of `roles` somewhere. Where is row-level security's matter."""
    allowed = frozenset(str(role) for role in roles)

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        context = cast("Context", connection.app.state.context)
        caller = await identify(context, connection.headers.get("authorization"))
        if not caller.roles & allowed:
            raise Forbidden(
                f"需要以下角色之一: {'、'.join(sorted(allowed))}",
                f"One of these roles is needed: {', '.join(sorted(allowed))}",
            )
        if caller.unfinished is not None and not handler.opt.get("unfinished"):
            raise caller.unfinished
        await spend(context, caller, getattr(handler, "operation_id", None))
        connection.scope["state"]["work"] = UnitOfWork(
            context, caller, allowed, context.clock.now(), seen_from(connection),
            idempotency_key=connection.headers.get("idempotency-key"),
        )  # fmt: skip

    guard.allowed_roles = allowed  # type: ignore[attr-defined]  # read by the generated access test and OpenAPI
    return guard


def provide_work(request: ASGIConnection[Any, Any, Any, Any]) -> UnitOfWork:
    """The unit of work that the guard made; a handler without a guard has none."""
    return cast("UnitOfWork", request.scope["state"]["work"])
