"""Signing in and out, and the caller's own log-ins."""

import uuid
from typing import Any

from litestar import Request, delete, get, post
from litestar.datastructures import State
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK

from api.access import UNFINISHED, Work, lifetimes, requires, seen_from
from api.context import Context
from api.sign_in import exchange, open_session
from inspection.users import service, sessions
from inspection.users.models import User, UserRole
from inspection.users.schemas import Ended, Refresh, SessionView, SignIn, Tokens, UserView
from storage.problems import NotFound

EVERYBODY = requires(*UserRole)


@post(
    "/api/v1/session", status_code=HTTP_200_OK, tags=["session"], operation_id="signIn", summary="登录 / Sign in"
)  # fmt: skip
async def sign_in(data: JSONBody[SignIn], state: State, request: Request[Any, Any, Any]) -> Tokens:
    """Checks a name and password, and a code where the account has a second factor. Wrong ones make the next try from
    the same address wait, up to a quarter of an hour."""
    context: Context = state.context
    return await open_session(context, data, seen_from(request, data.device_label))


@post(
    "/api/v1/session/refresh", status_code=HTTP_200_OK, tags=["session"], operation_id="refreshSession",
    summary="刷新令牌 / Refresh the tokens",
)  # fmt: skip
async def refresh(data: JSONBody[Refresh], state: State, request: Request[Any, Any, Any]) -> Tokens:
    """Exchanges a refresh token for new tokens; using one twice ends the log-in, but for a repetition from the same
    place within seconds."""
    context: Context = state.context
    return await exchange(context, data.refresh_token, seen_from(request))


@delete(
    "/api/v1/session", guards=[EVERYBODY], tags=["session"], operation_id="signOut", summary="退出登录 / Sign out",
    opt=UNFINISHED,
)  # fmt: skip
async def sign_out(work: Work) -> None:
    """Ends this log-in: its access and refresh tokens are no longer good."""
    async with work.transaction() as session:
        await sessions.end(
            session, user_id=work.caller.user_id, family_id=work.caller.family_id, why="signed-out", now=work.now
        )


@get(
    "/api/v1/me", guards=[EVERYBODY], tags=["session"], operation_id="whoAmI", summary="当前用户 / Who am I",
    opt=UNFINISHED,
)  # fmt: skip
async def me(work: Work) -> UserView:
    """The caller, with roles and places."""
    async with work.transaction() as session:
        user = await session.get(User, work.caller.user_id)
        if user is None:
            raise NotFound
        return await service.view(session, user)


@get(
    "/api/v1/me/sessions", guards=[EVERYBODY], tags=["session"], operation_id="listSessions",
    summary="我的登录 / My log-ins",
)  # fmt: skip
async def list_sessions(work: Work) -> list[SessionView]:
    """The caller's log-ins that stand, the last used first."""
    async with work.transaction() as session:
        return await sessions.standing(
            session, user_id=work.caller.user_id, current=work.caller.family_id, lifetimes=lifetimes(work.context),
            now=work.now,
        )  # fmt: skip


@delete(
    "/api/v1/me/sessions/{session_id:uuid}", guards=[EVERYBODY], tags=["session"], operation_id="endSession",
    summary="终止一次登录 / End one of my log-ins",
)  # fmt: skip
async def end_session(session_id: FromPath[uuid.UUID], work: Work) -> None:
    """Ends one of the caller's log-ins, at once."""
    async with work.transaction() as session:
        await sessions.revoke(
            session, user_id=work.caller.user_id, family_id=session_id, actor=work.actor, now=work.now
        )


@delete(
    "/api/v1/me/sessions", guards=[EVERYBODY], status_code=HTTP_200_OK, tags=["session"],
    operation_id="endOtherSessions", summary="终止其他登录 / End all my other log-ins",
)  # fmt: skip
async def end_other_sessions(work: Work) -> Ended:
    """Ends all of the caller's log-ins but this one."""
    async with work.transaction() as session:
        count = await sessions.revoke(
            session, user_id=work.caller.user_id, but=work.caller.family_id, actor=work.actor, now=work.now
        )
    return Ended(ended=count)


handlers = [sign_in, refresh, sign_out, me, list_sessions, end_session, end_other_sessions]
