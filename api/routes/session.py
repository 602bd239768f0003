"""Signing in and out."""

from datetime import timedelta

from litestar import delete, get, post
from litestar.datastructures import State
from litestar.params import JSONBody
from litestar.status_codes import HTTP_200_OK

from api.access import Work, access_token, requires
from api.context import Context
from inspection.users import service
from inspection.users.models import User, UserRole
from inspection.users.schemas import Refresh, SignIn, Tokens, UserView
from storage.database import EstateScope, Role
from storage.problems import NotFound, Problem


@post(
    "/api/v1/session", status_code=HTTP_200_OK, tags=["session"], operation_id="signIn", summary="登录 / Sign in"
)  # fmt: skip
async def sign_in(data: JSONBody[SignIn], state: State) -> Tokens:
    """Checks a name and password; five wrong ones lock the name for a quarter of an hour."""
    context: Context = state.context
    now = context.clock.now()
    async with context.database.transaction(Role.APP, EstateScope(())) as session:
        result = await service.sign_in(
            session, login=data.login, password=data.password, token_key=context.vault.token_key,
            lifetime=timedelta(seconds=context.settings.refresh_token_s), now=now,
        )  # fmt: skip
    if isinstance(result, Problem):
        raise result
    user, family_id, refresh_token = result
    seconds = context.settings.access_token_s
    token = access_token(context.vault.token_key, user_id=user.id, family_id=family_id, now=now, seconds=seconds)
    return Tokens(access_token=token, refresh_token=refresh_token, expires_in=seconds)


@post(
    "/api/v1/session/refresh", status_code=HTTP_200_OK, tags=["session"], operation_id="refreshSession",
    summary="刷新令牌 / Refresh the tokens",
)  # fmt: skip
async def refresh(data: JSONBody[Refresh], state: State) -> Tokens:
    """Exchanges a refresh token for new tokens; using one twice ends the log-in."""
    context: Context = state.context
    now = context.clock.now()
    async with context.database.transaction(Role.APP, EstateScope(())) as session:
        result = await service.refresh(session, token=data.refresh_token, token_key=context.vault.token_key, now=now)
    if isinstance(result, Problem):
        raise result
    user_id, family_id, refresh_token = result
    seconds = context.settings.access_token_s
    token = access_token(context.vault.token_key, user_id=user_id, family_id=family_id, now=now, seconds=seconds)
    return Tokens(access_token=token, refresh_token=refresh_token, expires_in=seconds)


@delete(
    "/api/v1/session",
    guards=[requires(*UserRole)],
    tags=["session"],
    operation_id="signOut",
    summary="退出登录 / Sign out",
)
async def sign_out(work: Work) -> None:
    """Ends this log-in: its access and refresh tokens are no longer good."""
    async with work.transaction() as session:
        await service.end_family(session, family_id=work.caller.family_id, why="signed-out", now=work.now)


@get("/api/v1/me", guards=[requires(*UserRole)], tags=["session"], operation_id="whoAmI", summary="当前用户 / Who am I")
async def me(work: Work) -> UserView:
    """The caller, with roles and places."""
    async with work.transaction() as session:
        user = await session.get(User, work.caller.user_id)
        if user is None:
            raise NotFound
        return await service.view(session, user)


handlers = [sign_in, refresh, sign_out, me]
