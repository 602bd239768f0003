"""Who a person is at an estate: their roles there and their certificate, read from the database at each act."""

import uuid
from dataclasses import dataclass

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.places.models import Estate
from inspection.users.models import DIVISIONS, ScopeLevel, User, UserGrant, UserRole
from storage.audit.service import Actor
from storage.problems import Forbidden


class HumanNeeded(Forbidden):
    """A machine asked for what a person alone may do."""

    code = "human-actor-needed"
    title_zh = "该操作须由人作出"
    title_en = "Only a person may do this"


@dataclass(frozen=True, slots=True)
class Officer:
    """A person with what they may be at one estate. `certificate_number`: 执法证号 or None."""

    user_id: uuid.UUID
    name: str
    certificate_number: str | None
    roles: frozenset[UserRole]


async def officers_at(
    session: AsyncSession, *, user_ids: frozenset[uuid.UUID], estate_id: uuid.UUID
) -> dict[uuid.UUID, Officer]:
    """Those of `user_ids` who are not disabled, with their roles at the estate (an empty set without a grant)."""
    covers = or_(
        UserGrant.level == ScopeLevel.ALL,
        and_(UserGrant.level == ScopeLevel.ESTATE, UserGrant.code == str(estate_id)),
        and_(UserGrant.level.in_(DIVISIONS), UserGrant.code != "", Estate.division_code.startswith(UserGrant.code)),
    )
    rows = await session.execute(
        select(User.id, User.name, User.certificate_number, UserGrant.role)
        .select_from(User)
        .join(Estate, Estate.id == estate_id)
        .outerjoin(UserGrant, and_(UserGrant.user_id == User.id, UserGrant.revoked_at.is_(None), covers))
        .where(User.id.in_(user_ids), User.disabled_at.is_(None))
    )
    found: dict[uuid.UUID, Officer] = {}
    for user_id, name, certificate, role in rows:
        before = found[user_id].roles if user_id in found else frozenset()
        added = frozenset() if role is None else frozenset({UserRole(role)})
        found[user_id] = Officer(user_id, name, certificate, before | added)
    return found


async def require(
    session: AsyncSession, *, actor: Actor, estate_id: uuid.UUID, any_of: frozenset[UserRole] | None = None
) -> Officer:
    """The person who acts, with one of the roles at the estate; any role when `any_of` is None.

    Raises `HumanNeeded` for anything that is no person and `Forbidden` for a person without such a role there.
    """
    if actor.user_id is None or actor.kind != "user":
        raise HumanNeeded
    officer = (await officers_at(session, user_ids=frozenset({actor.user_id}), estate_id=estate_id)).get(actor.user_id)
    if officer is None or not (officer.roles if any_of is None else officer.roles & any_of):
        raise Forbidden
    return officer
