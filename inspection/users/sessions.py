"""Log-ins: opened, refreshed, listed, ended.

A refresh token is good once (RFC 9700, 4.14.2). One that comes again was stolen, from us or from the user, and ends
its log-in, with one exception: within `GRACE`, from the same address and user agent. That is a second tab, or a phone
whose connection was cut before the answer came; it gets a token of its own. A thief would need the token, the address
and the browser's name within these seconds, and what he takes ends when either token is used once more.
"""

import secrets
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.users import queries
from inspection.users.errors import RefreshRefused
from inspection.users.models import RefreshFamily, RefreshToken, User
from inspection.users.schemas import SessionView
from storage.audit import service as audit
from storage.audit.service import Actor
from storage.ids import new_id
from storage.problems import NotFound, Problem
from storage.vault.crypto import blind_index

GRACE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Lifetimes:
    """How long a log-in lasts: at most, and without being used. Use is counted by refreshing."""

    longest: timedelta
    idle: timedelta


@dataclass(frozen=True, slots=True)
class Seen:
    """From where a request came, as its owner may recognise it."""

    address: str
    user_agent: str | None
    device_label: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A log-in and the next refresh token of it."""

    user: User
    family_id: uuid.UUID
    refresh_token: str


async def open_family(
    session: AsyncSession, *, user: User, seen: Seen, token_key: bytes, lifetimes: Lifetimes, now: datetime
) -> Opened:
    """Begins a log-in."""
    family = RefreshFamily(
        id=new_id(), user_id=user.id, created_at=now, expires_at=now + lifetimes.longest, last_used_at=now,
        address=seen.address[:64], user_agent=seen.user_agent, device_label=seen.device_label,
    )  # fmt: skip
    session.add(family)
    await session.flush()
    token = new_refresh_token(session, family_id=family.id, token_key=token_key, now=now)
    return Opened(user, family.id, token)


def new_refresh_token(session: AsyncSession, *, family_id: uuid.UUID, token_key: bytes, now: datetime) -> str:
    """A refresh token of a family; only its keyed hash is stored."""
    token = secrets.token_urlsafe(32)
    session.add(RefreshToken(family_id=family_id, token_hash=blind_index(token_key, token), created_at=now))
    return token


async def refresh(
    session: AsyncSession, *, token: str, seen: Seen, token_key: bytes, lifetimes: Lifetimes, now: datetime
) -> Opened | Problem:
    """Exchanges a refresh token. Failures are given back, since the end of the log-in has to be committed."""
    found = await queries.refresh_token(session, blind_index(token_key, token))
    if found is None:
        return RefreshRefused()
    row, family = found
    user = await session.get(User, family.user_id)
    ended = family.ended_at is not None or min(family.expires_at, family.last_used_at + lifetimes.idle) <= now
    if ended or user is None or user.disabled_at is not None:
        return RefreshRefused()
    if row.spent_at is not None:
        raced = now - row.spent_at <= GRACE and (seen.address[:64], seen.user_agent) == (
            family.address, family.user_agent,
        )  # fmt: skip
        action = "refresh.repeated" if raced else "refresh.reused"
        audit.record(session, at=now, actor=Actor.system("sign-in"), action=action, object_kind="user",
                     object_id=family.user_id)  # fmt: skip
        if not raced:
            await end(session, user_id=family.user_id, why="reuse", now=now, family_id=family.id)
            return RefreshRefused(
                "刷新令牌被重复使用，相关登录已终止", "The refresh token was used twice; the log-in is ended"
            )
    else:
        row.spent_at = now
    family.last_used_at, family.address, family.user_agent = now, seen.address[:64], seen.user_agent
    return Opened(user, family.id, new_refresh_token(session, family_id=family.id, token_key=token_key, now=now))


async def standing(
    session: AsyncSession, *, user_id: uuid.UUID, current: uuid.UUID | None, lifetimes: Lifetimes, now: datetime
) -> list[SessionView]:
    """A user's log-ins that stand, the last used first."""
    rows = await session.scalars(
        select(RefreshFamily)
        .where(
            RefreshFamily.user_id == user_id, RefreshFamily.ended_at.is_(None), RefreshFamily.expires_at > now,
            RefreshFamily.last_used_at > now - lifetimes.idle,
        )
        .order_by(RefreshFamily.last_used_at.desc(), RefreshFamily.id.desc())
        .limit(200)
    )  # fmt: skip
    return [
        SessionView(
            id=row.id, current=row.id == current, created_at=row.created_at, last_used_at=row.last_used_at,
            expires_at=row.expires_at, idle_until=min(row.expires_at, row.last_used_at + lifetimes.idle),
            address=row.address, user_agent=row.user_agent, device_label=row.device_label,
        )
        for row in rows
    ]  # fmt: skip


async def end(
    session: AsyncSession, *, user_id: uuid.UUID, why: str, now: datetime, family_id: uuid.UUID | None = None,
    but: uuid.UUID | None = None,
) -> int:  # fmt: skip
    """Ends log-ins of a user: one, all, or all `but` one; how many. Neither their refresh tokens nor their access
    tokens are good any more."""
    which = [RefreshFamily.user_id == user_id, RefreshFamily.ended_at.is_(None)]
    if family_id is not None:
        which.append(RefreshFamily.id == family_id)
    if but is not None:
        which.append(RefreshFamily.id != but)
    ended = await session.scalars(
        update(RefreshFamily).where(*which).values(ended_at=now, ended_why=why).returning(RefreshFamily.id)
    )
    return len(ended.all())


async def revoke(
    session: AsyncSession, *, user_id: uuid.UUID, actor: Actor, now: datetime, family_id: uuid.UUID | None = None,
    but: uuid.UUID | None = None, reason: str | None = None,
) -> int:  # fmt: skip
    """Ends log-ins because somebody wants it; raises `NotFound` for a single one that is not there."""
    count = await end(session, user_id=user_id, why="revoked", now=now, family_id=family_id, but=but)
    if family_id is not None and not count:
        raise NotFound
    audit.record(session, at=now, actor=actor, action="sessions.revoked", object_kind="user", object_id=user_id,
                 reason=reason, count=count)  # fmt: skip
    return count
