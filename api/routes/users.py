"""Administration of users."""

import uuid
from typing import Annotated

import msgspec
from litestar import delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.status_codes import HTTP_200_OK
from sqlalchemy.ext.asyncio import AsyncSession

from api.access import UnitOfWork, Work, requires
from api.paging import AfterTextAndId, Cursor, Limit, Page, decode_cursor, paged
from api.parameters import Text
from inspection.users import queries, service
from inspection.users.models import UserGrant, UserRole
from inspection.users.schemas import GrantInput, UserInput, UserView

ADMINISTRATORS = requires(UserRole.ADMINISTRATOR)


async def own_grants(session: AsyncSession, work: UnitOfWork) -> list[UserGrant]:
    """The caller's grants of the roles that this route allows: the bounds of what they may see and give."""
    return await queries.standing_grants(session, work.caller.user_id, roles=work.acting_roles)


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
    """Makes a user, with grants inside the administrator's own scope."""
    async with work.transaction() as session:
        own = await own_grants(session, work)
        return await service.create_user(session, data=data, own=own, actor=work.actor, now=work.now)


@post(
    "/api/v1/users/{user_id:uuid}/grants", guards=[ADMINISTRATORS], tags=["users"], operation_id="grantRole",
    summary="授予角色 / Grant a role",
)  # fmt: skip
async def grant_role(user_id: FromPath[uuid.UUID], data: JSONBody[GrantInput], work: Work) -> UserView:
    """Grants a role in a place; repeating it changes nothing."""
    async with work.transaction() as session:
        own = await own_grants(session, work)
        return await service.grant(session, user_id=user_id, data=data, own=own, actor=work.actor, now=work.now)


@delete(
    "/api/v1/users/{user_id:uuid}/grants/{grant_id:uuid}", guards=[ADMINISTRATORS], status_code=HTTP_200_OK,
    tags=["users"], operation_id="revokeRole", summary="撤销角色 / Revoke a role",
)  # fmt: skip
async def revoke_role(user_id: FromPath[uuid.UUID], grant_id: FromPath[uuid.UUID], work: Work) -> UserView:
    """Takes a role back; it is gone with the next request of that user."""
    async with work.transaction() as session:
        own = await own_grants(session, work)
        return await service.revoke(
            session, user_id=user_id, grant_id=grant_id, own=own, actor=work.actor, now=work.now
        )


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


handlers = [list_users, create_user, grant_role, revoke_role, disable_user]
