"""Signing in, in three steps, so that no connection to the database is held while a password is checked.

`tries.admit` in a transaction of its own, `find`, the password check in the pool of `hashing`, `finish`.
"""

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.users import factors, queries, tries
from inspection.users.errors import SecondFactorMissing, SignInFailed, WrongCode
from inspection.users.models import User
from inspection.users.sessions import Lifetimes, Opened, Seen, open_family
from inspection.users.tries import Subjects
from storage.audit import service as audit
from storage.audit.service import Actor
from storage.problems import Problem
from storage.vault.service import Vault


@dataclass(frozen=True, slots=True)
class Checked:
    """A try whose password was checked. `stored`: the hash it was checked against, None without such a user;
    `rehashed`: the same password hashed with today's parameters, where the stored hash has others."""

    login: str
    stored: str | None
    fits: bool
    rehashed: str | None
    code: str | None


async def find(session: AsyncSession, *, login: str) -> str | None:
    """The password hash of a log-in name."""
    found: str | None = await session.scalar(select(User.password_hash).where(User.login == login))
    return found


async def finish(
    session: AsyncSession, *, tried: Checked, subjects: Subjects, seen: Seen, vault: Vault, lifetimes: Lifetimes,
    now: datetime,
) -> Opened | Problem:  # fmt: skip
    """Opens a log-in, or tells why not. Failures are given back, since their audit rows have to be committed."""
    user = await queries.by_login(session, tried.login)
    right = tried.fits and user is not None and user.disabled_at is None and user.password_hash == tried.stored
    if user is None or not right:
        _failed(session, subjects, None if user is None else user.id, "password", now)
        return SignInFailed()
    factor = await factors.standing(session, user_id=user.id)
    if factor is not None:
        if tried.code is None:
            await tries.take_back(session, subjects=subjects, forget=False)
            return SecondFactorMissing()
        counted = await tries.admit_code(session, key=vault.index_key, user_id=user.id, now=now)
        if not await factors.accepts(session, factor=factor, code=tried.code, vault=vault, now=now):
            _failed(session, subjects, user.id, "code", now)
            return WrongCode()
        await tries.forget_code(session, subject=counted)
    await tries.take_back(session, subjects=subjects, forget=True)
    if tried.rehashed is not None:
        user.password_hash = tried.rehashed
    opened = await open_family(session, user=user, seen=seen, token_key=vault.refresh_key, lifetimes=lifetimes, now=now)
    audit.record(session, at=now, actor=Actor.user(user.id), action="sign-in", object_kind="user", object_id=user.id,
                 second_factor=factor is not None)  # fmt: skip
    return opened


def _failed(session: AsyncSession, subjects: Subjects, user_id: uuid.UUID | None, what: str, now: datetime) -> None:
    """An audit row: what was typed as a name may be a password typed into the wrong field, so it is not in it."""
    audit.record(session, at=now, actor=Actor.system("sign-in"), action="sign-in.failed", object_kind="user",
                 object_id=user_id, wrong=what, account=subjects.account.hex(),
                 address=subjects.address.hex())  # fmt: skip
