"""Passwords: chosen by their owner, or made for them until they choose."""

import secrets
import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.users import sessions
from inspection.users.errors import WeakPassword
from inspection.users.models import User
from inspection.users.password_rules import acceptable
from storage.audit import service as audit
from storage.audit.service import Actor
from storage.problems import NotFound


def check(password: str, *, login: str, name: str) -> None:
    """Raises `WeakPassword` for what anybody would try first."""
    if not acceptable(password, login=login, name=name):
        raise WeakPassword


def temporary_password() -> str:
    """120 random bits, to be replaced at the first log-in."""
    return secrets.token_urlsafe(15)


async def change(
    session: AsyncSession, *, user_id: uuid.UUID, family_id: uuid.UUID, password_hash: str, now: datetime
) -> int:
    """The caller's new password, checked and hashed; ends their other log-ins, and tells how many."""
    user = await _user(session, user_id)
    user.password_hash, user.must_change_password, user.password_changed_at = password_hash, False, now
    audit.record(session, at=now, actor=Actor.user(user_id), action="password.changed", object_kind="user",
                 object_id=user_id)  # fmt: skip
    return await sessions.end(session, user_id=user_id, why="password", now=now, but=family_id)


async def reset(
    session: AsyncSession, *, user_id: uuid.UUID, password_hash: str, actor: Actor, reason: str, now: datetime
) -> None:
    """A password somebody else made: good for one log-in, in which it is replaced. All log-ins end."""
    user = await _user(session, user_id)
    user.password_hash, user.must_change_password, user.password_changed_at = password_hash, True, now
    await sessions.end(session, user_id=user_id, why="password", now=now)
    audit.record(session, at=now, actor=actor, action="password.reset", object_kind="user", object_id=user_id,
                 reason=reason)  # fmt: skip


async def _user(session: AsyncSession, user_id: uuid.UUID) -> User:
    user = await session.get(User, user_id, with_for_update=True)
    if user is None:
        raise NotFound
    return user
