"""The steps of signing in, each transaction by itself: no connection is held while a password is checked."""

import contextlib
from collections.abc import AsyncIterator

from sqlalchemy.ext.asyncio import AsyncSession

from api.access import UnitOfWork, access_token, lifetimes, second_factor_needed
from api.context import Context
from inspection.users import factors, queries, sessions, tries
from inspection.users import sign_in as steps
from inspection.users.errors import SignInBusy, WrongPassword
from inspection.users.schemas import SignIn, Tokens
from inspection.users.sessions import Opened, Seen
from storage.database import EstateScope, Role
from storage.problems import Problem

NOWHERE = EstateScope(())


async def open_session(context: Context, data: SignIn, seen: Seen) -> Tokens:
    """Signs somebody in; raises the problem that there is."""
    vault, now = context.vault, context.clock.now()
    subjects = tries.subjects_of(
        vault.index_key, login=data.login, address=seen.address, device_token=data.device_token
    )
    async with context.database.transaction(Role.APP, NOWHERE) as session:
        await tries.admit(session, subjects=subjects, now=now)
        stored = await steps.find(session, login=data.login)
    try:
        fits = await context.hashing.fits(stored, data.password)
        renew = fits and stored is not None and context.hashing.outdated(stored)
        rehashed = await context.hashing.hash(data.password) if renew else None
    except SignInBusy:
        async with context.database.transaction(Role.APP, NOWHERE) as session:
            await tries.take_back(session, subjects=subjects, forget=False)
        raise
    async with context.database.transaction(Role.APP, NOWHERE) as session:
        result = await steps.finish(
            session, tried=steps.Checked(data.login, stored, fits, rehashed, data.code), subjects=subjects, seen=seen,
            vault=vault, lifetimes=lifetimes(context), now=now,
        )  # fmt: skip
        tokens = await _tokens(session, context, result)
    if isinstance(tokens, Problem):
        raise tokens
    return tokens


async def exchange(context: Context, refresh_token: str, seen: Seen) -> Tokens:
    """New tokens for a refresh token; raises the problem that there is."""
    async with context.database.transaction(Role.APP, NOWHERE) as session:
        result = await sessions.refresh(
            session, token=refresh_token, seen=seen, token_key=context.vault.refresh_key,
            lifetimes=lifetimes(context), now=context.clock.now(),
        )  # fmt: skip
        tokens = await _tokens(session, context, result)
    if isinstance(tokens, Problem):
        raise tokens
    return tokens


async def _tokens(session: AsyncSession, context: Context, result: Opened | Problem) -> Tokens | Problem:
    if isinstance(result, Problem):
        return result
    await context.vault.learn_tokens(session)  # one that another process has retired signs no more
    user, key, seconds = result.user, context.vault.token_key, context.settings.access_token_s
    roles = frozenset(grant.role for grant in await queries.standing_grants(session, user.id))
    needed = second_factor_needed(context, roles)
    return Tokens(
        access_token=access_token(
            key, user_id=user.id, family_id=result.family_id, now=context.clock.now(), seconds=seconds
        ),
        refresh_token=result.refresh_token, expires_in=seconds,
        device_token=tries.new_device_token(context.vault.index_key, login=user.login, family_id=result.family_id),
        must_change_password=user.must_change_password,
        must_set_up_second_factor=needed and await factors.standing(session, user_id=user.id) is None,
    )  # fmt: skip


@contextlib.asynccontextmanager
async def counted(work: UnitOfWork) -> AsyncIterator[AsyncSession]:
    """A transaction for what asks for a password or a code of somebody signed in.

    The try is counted in a transaction of its own, since a wrong one rolls the other back; a right one is forgotten
    with the deed. Raises `SignInLocked`.
    """
    async with work.transaction() as session:
        subject = await tries.admit_code(
            session, key=work.context.vault.index_key, user_id=work.caller.user_id, now=work.now
        )
    async with work.transaction() as session:
        yield session
        await tries.forget_code(session, subject=subject)


async def check_password(session: AsyncSession, work: UnitOfWork, password: str) -> None:
    """Raises `WrongPassword` unless it is the caller's."""
    stored = await steps.find(session, login=work.caller.login)
    if not await work.context.hashing.fits(stored, password):
        raise WrongPassword
