"""Users and their grants."""

import uuid
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.places.models import Estate
from inspection.users import administrators, passwords, queries, sessions
from inspection.users.errors import BadGrant, LoginTaken
from inspection.users.models import ScopeLevel, User, UserGrant, UserRole
from inspection.users.schemas import GrantInput, GrantView, UserInput, UserView
from storage.audit import service as audit
from storage.audit.service import Actor
from storage.ids import new_id
from storage.problems import NotFound

CODE_LENGTH = {ScopeLevel.DISTRICT: 6, ScopeLevel.STREET: 9, ScopeLevel.COMMUNITY: 12}


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
    session: AsyncSession, *, data: UserInput, password_hash: str, own: list[UserGrant] | None, actor: Actor,
    now: datetime,
) -> User:  # fmt: skip
    """Makes a user, without the grants; raises `LoginTaken`, `WeakPassword`, `BadGrant`.

    Whoever makes a user knows the password: so the user replaces it at the first log-in.
    """
    passwords.check(data.password, login=data.login, name=data.name)
    for wanted in data.grants:
        await check_grant(session, wanted, own)
    if await queries.by_login(session, data.login) is not None:
        raise LoginTaken
    user = User(
        id=new_id(), login=data.login, name=data.name, password_hash=password_hash, must_change_password=True,
        certificate_number=data.certificate_number, created_at=now,
    )  # fmt: skip
    session.add(user)
    await session.flush()
    audit.record(session, at=now, actor=actor, action="user.created", object_kind="user", object_id=user.id)
    return user


async def give(session: AsyncSession, *, user_id: uuid.UUID, data: GrantInput, actor: Actor, now: datetime) -> None:
    """Grants a role in a place; a grant that stands already is no error. `proposals.propose` decides whether."""
    standing = await queries.standing_grants(session, user_id)
    if any((g.role, g.level, g.code) == (data.role, data.level, data.code) for g in standing):
        return
    row = UserGrant(
        id=new_id(), user_id=user_id, role=data.role, level=data.level, code=data.code, granted_by=actor.user_id,
        granted_at=now,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    audit.record(session, at=now, actor=actor, action="grant.given", object_kind="user", object_id=user_id,
                 role=data.role, level=data.level, code=data.code)  # fmt: skip


async def standing_grant(session: AsyncSession, *, user_id: uuid.UUID, grant_id: uuid.UUID | None) -> UserGrant:
    """A user's grant that stands; raises `NotFound`."""
    row = await session.get(UserGrant, grant_id) if grant_id is not None else None
    if row is None or row.user_id != user_id or row.revoked_at is not None:
        raise NotFound
    return row


async def take(
    session: AsyncSession, *, user_id: uuid.UUID, grant_id: uuid.UUID | None, actor: Actor, now: datetime
) -> None:
    """Takes a grant back; raises `NotFound`, `LastAdministrator`. `proposals.propose` decides whether."""
    row = await standing_grant(session, user_id=user_id, grant_id=grant_id)
    if row.role == UserRole.ADMINISTRATOR:
        await administrators.leave_one(session, user_id=user_id, without=row)
    row.revoked_at = now
    await session.flush()
    audit.record(session, at=now, actor=actor, action="grant.revoked", object_kind="user", object_id=user_id,
                 role=row.role, level=row.level, code=row.code)  # fmt: skip


async def set_disabled(
    session: AsyncSession, *, user_id: uuid.UUID, disabled: bool, reason: str, own: list[UserGrant], actor: Actor,
    now: datetime,
) -> UserView:  # fmt: skip
    """Disables a user at once, or takes that back; raises `NotFound` for one who is not wholly within `own`, and
    `LastAdministrator`. One administrator is enough: this only takes away, and must not wait. All log-ins end, so that
    none comes back to life with the user."""
    await administrators.lock(session)
    user = await session.get(User, user_id)
    if user is None or not await queries.reaches(session, own=own, user_id=user_id):
        raise NotFound
    if disabled:
        await administrators.leave_one(session, user_id=user_id)
        await sessions.end(session, user_id=user_id, why="disabled", now=now)
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
        created_at=user.created_at, disabled_at=user.disabled_at, must_change_password=user.must_change_password,
        grants=[
            GrantView(id=g.id, role=UserRole(g.role), level=ScopeLevel(g.level), code=g.code, granted_at=g.granted_at)
            for g in grants
        ],
    )  # fmt: skip
