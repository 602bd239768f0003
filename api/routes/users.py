"""Administration of users."""

import uuid
from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.status_codes import HTTP_200_OK
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import UnitOfWork, Work, lifetimes, requires
from api.paging import AfterTextAndId, Cursor, Limit, Page, decode_cursor, paged
from api.parameters import Text
from inspection.users import passwords, proposals, queries, service, sessions
from inspection.users.models import Proposal, ProposalKind, ScopeLevel, User, UserGrant, UserRole
from inspection.users.proposals import Asked
from inspection.users.schemas import (
    Ended,
    GrantInput,
    ProposalView,
    ResetView,
    SessionView,
    UserInput,
    UserView,
    WhyInput,
)
from storage.problems import NotFound

ADMINISTRATORS = requires(UserRole.ADMINISTRATOR)
NEW_USER = "新建用户 / new user"
Reason = Annotated[str, QueryParameter(max_length=1000, description="理由 / why")]


async def own_grants(session: AsyncSession, work: UnitOfWork) -> list[UserGrant]:
    """The caller's grants of the roles that this route allows: the bounds of what they may see and give."""
    return await queries.standing_grants(session, work.caller.user_id, roles=work.acting_roles)


async def with_proposals(session: AsyncSession, work: UnitOfWork, user_id: uuid.UUID) -> UserView:
    """A user, with what waits for a second administrator."""
    user = await session.get(User, user_id)
    if user is None:
        raise NotFound
    view = await service.view(session, user)
    return msgspec.structs.replace(view, proposals=await proposals.open_of(session, user=user, now=work.now))


async def reached(session: AsyncSession, work: UnitOfWork, user_id: uuid.UUID) -> None:
    """Raises `NotFound` unless a user is wholly within the caller's own places."""
    own = await own_grants(session, work)
    if await session.get(User, user_id) is None or not await queries.reaches(session, own=own, user_id=user_id):
        raise NotFound


async def shown(session: AsyncSession, proposal: Proposal | None) -> ProposalView | None:
    """A proposal as shown."""
    if proposal is None:
        return None
    user = await session.get(User, proposal.user_id)
    return proposals.view(proposal, "" if user is None else user.login)


@get(
    "/api/v1/users", guards=[requires(UserRole.ADMINISTRATOR, UserRole.AUDITOR)], tags=["users"],
    operation_id="listUsers", summary="用户列表 / List users",
)  # fmt: skip
async def list_users(
    work: Work,
    text: Text = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[UserView]:
    """Users with a grant within the caller's own places, by log-in name."""
    after = decode_cursor(cursor, AfterTextAndId)
    async with work.transaction() as session:
        rows = await service.page(session, own=await own_grants(session, work), after=after, limit=limit + 1, text=text)
    return paged(rows, limit=limit, key=lambda row: (row.login, row.id))


@post(
    "/api/v1/users",
    guards=[ADMINISTRATORS],
    tags=["users"],
    operation_id="createUser",
    summary="新建用户 / Create a user",
)
async def create_user(data: JSONBody[UserInput], work: Work) -> UserView:
    """Makes a user, with grants inside the administrator's own scope; they wait for a second administrator where there
    is one. The user replaces the password at the first log-in."""
    passwords.check(data.password, login=data.login, name=data.name)
    password_hash = await work.context.hashing.hash(data.password)
    async with work.transaction() as session:
        own = await own_grants(session, work)
        user = await service.create_user(
            session, data=data, password_hash=password_hash, own=own, actor=work.actor, now=work.now
        )
        for wanted in data.grants:
            asked = Asked(ProposalKind.GRANT, user.id, wanted.reason or NEW_USER, grant=wanted)
            await proposals.propose(session, asked=asked, own=own, actor=work.actor, now=work.now)
        return await with_proposals(session, work, user.id)


@post(
    "/api/v1/users/{user_id:uuid}/grants", guards=[ADMINISTRATORS], tags=["users"], operation_id="grantRole",
    summary="授予角色 / Grant a role",
)  # fmt: skip
async def grant_role(user_id: FromPath[uuid.UUID], data: JSONBody[GrantInput], work: Work) -> UserView:
    """Grants a role in a place, or proposes it where there is a second administrator; repeating it changes nothing."""
    asked = Asked(ProposalKind.GRANT, user_id, data.reason, grant=data)
    async with work.transaction() as session:
        own = await own_grants(session, work)
        await proposals.propose(session, asked=asked, own=own, actor=work.actor, now=work.now)
        return await with_proposals(session, work, user_id)


@delete(
    "/api/v1/users/{user_id:uuid}/grants/{grant_id:uuid}", guards=[ADMINISTRATORS], status_code=HTTP_200_OK,
    tags=["users"], operation_id="revokeRole", summary="撤销角色 / Revoke a role",
)  # fmt: skip
async def revoke_role(
    user_id: FromPath[uuid.UUID], grant_id: FromPath[uuid.UUID], work: Work, reason: Reason = ""
) -> UserView:
    """Takes a role back, or proposes it where there is a second administrator. Where it cannot wait, disable the
    user: one administrator is enough for that."""
    async with work.transaction() as session:
        row = await service.standing_grant(session, user_id=user_id, grant_id=grant_id)
        standing = GrantInput(role=UserRole(row.role), level=ScopeLevel(row.level), code=row.code)
        asked = Asked(ProposalKind.REVOKE, user_id, reason, grant=standing, grant_id=grant_id)
        own = await own_grants(session, work)
        await proposals.propose(session, asked=asked, own=own, actor=work.actor, now=work.now)
        return await with_proposals(session, work, user_id)


class Disabling(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why somebody may no longer sign in, or may again."""

    disabled: bool
    reason: Annotated[str, msgspec.Meta(min_length=2, max_length=1000)]


@post(
    "/api/v1/users/{user_id:uuid}/disabled", guards=[ADMINISTRATORS], status_code=HTTP_200_OK, tags=["users"],
    operation_id="disableUser", summary="停用或恢复用户 / Disable or enable a user",
)  # fmt: skip
async def disable_user(user_id: FromPath[uuid.UUID], data: JSONBody[Disabling], work: Work) -> UserView:
    """Disables a user at once, or takes that back."""
    async with work.transaction() as session:
        return await service.set_disabled(
            session, user_id=user_id, disabled=data.disabled, reason=data.reason,
            own=await own_grants(session, work), actor=work.actor, now=work.now,
        )  # fmt: skip


@get(
    "/api/v1/users/{user_id:uuid}/sessions", guards=[ADMINISTRATORS], tags=["users"], operation_id="listUserSessions",
    summary="用户的登录 / A user's log-ins",
)  # fmt: skip
async def list_user_sessions(user_id: FromPath[uuid.UUID], work: Work) -> list[SessionView]:
    """A user's log-ins that stand, the last used first."""
    async with work.transaction() as session:
        await reached(session, work, user_id)
        return await sessions.standing(
            session, user_id=user_id, current=work.caller.family_id, lifetimes=lifetimes(work.context), now=work.now
        )


@delete(
    "/api/v1/users/{user_id:uuid}/sessions", guards=[ADMINISTRATORS], status_code=HTTP_200_OK, tags=["users"],
    operation_id="endUserSessions", summary="终止用户的全部登录 / End all log-ins of a user",
)  # fmt: skip
async def end_user_sessions(user_id: FromPath[uuid.UUID], work: Work, reason: Reason = "") -> Ended:
    """Ends all log-ins of a user, at once: a lost phone, a doubt."""
    async with work.transaction() as session:
        await reached(session, work, user_id)
        count = await sessions.revoke(session, user_id=user_id, actor=work.actor, now=work.now, reason=reason or None)
    return Ended(ended=count)


@post(
    "/api/v1/users/{user_id:uuid}/second-factor-reset", guards=[ADMINISTRATORS], status_code=HTTP_200_OK,
    tags=["users"], operation_id="resetSecondFactor", summary="重置双因素验证 / Reset a user's second factor",
)  # fmt: skip
async def reset_second_factor(user_id: FromPath[uuid.UUID], data: JSONBody[WhyInput], work: Work) -> ResetView:
    """Takes the second factor of somebody who lost it away, or proposes it where there is a second administrator."""
    async with work.transaction() as session:
        asked = Asked(ProposalKind.RESET_FACTOR, user_id, data.reason)
        proposal = await proposals.propose(
            session, asked=asked, own=await own_grants(session, work), actor=work.actor, now=work.now
        )
        return ResetView(proposal=await shown(session, proposal))


@post(
    "/api/v1/users/{user_id:uuid}/password-reset", guards=[ADMINISTRATORS], status_code=HTTP_200_OK, tags=["users"],
    operation_id="resetPassword", summary="重置密码 / Reset a user's password",
)  # fmt: skip
async def reset_password(user_id: FromPath[uuid.UUID], data: JSONBody[WhyInput], work: Work) -> ResetView:
    """A temporary password, shown once, for somebody who forgot theirs; that of an administrator is proposed where
    there is a second one, since whoever knows it could confirm in their name."""
    temporary = passwords.temporary_password()
    password_hash = await work.context.hashing.hash(temporary)
    async with work.transaction() as session:
        asked = Asked(ProposalKind.RESET_PASSWORD, user_id, data.reason)
        proposal = await proposals.propose(
            session, asked=asked, own=await own_grants(session, work), actor=work.actor, now=work.now,
            password_hash=password_hash,
        )  # fmt: skip
        view = await shown(session, proposal)
    return ResetView(proposal=view, temporary_password=temporary if view is None else None)


handlers = [
    list_users, create_user, grant_role, revoke_role, disable_user, list_user_sessions, end_user_sessions,
    reset_second_factor, reset_password,
]  # fmt: skip
