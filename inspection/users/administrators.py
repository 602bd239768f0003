"""Who administers whom, and how many do: what a second administrator can and cannot confirm."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.places.models import Estate
from inspection.users.errors import LastAdministrator
from inspection.users.models import DIVISIONS, ScopeLevel, User, UserGrant, UserRole

STILL_COUNTS = timedelta(days=30)
"""An administrator who was disabled counts as the second one for so long: otherwise one could disable the other and
then decide alone. A person with access to the server can end that earlier, see `ruhu user`."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a grant holds. `division_code`: an estate's, for level estate."""

    level: str
    code: str
    division_code: str | None = None


async def lock(session: AsyncSession) -> None:
    """One change of grants at a time: two that each leave one administrator would leave none."""
    await session.execute(select(func.pg_advisory_xact_lock(func.hashtext("ruhu: grants"))))


async def place_of(session: AsyncSession, *, level: str, code: str) -> Place:
    """A place; of an estate only one within the session's scope has a division."""
    if level != ScopeLevel.ESTATE:
        return Place(level, code)
    estate = await session.get(Estate, uuid.UUID(code))
    return Place(level, code, None if estate is None else estate.division_code)


def covers(held: Place, wanted: Place) -> bool:
    """Whether an administrator's place includes another one."""
    if held.level == ScopeLevel.ALL:
        return True
    if held.level == ScopeLevel.ESTATE or wanted.level == ScopeLevel.ALL:
        return (held.level, held.code) == (wanted.level, wanted.code)
    code = wanted.code if wanted.level in DIVISIONS else wanted.division_code
    return code is not None and code.startswith(held.code)


async def administrators_of(
    session: AsyncSession, *, places: list[Place], now: datetime, enabled: bool
) -> set[uuid.UUID]:
    """Who could give and take all that is given in `places`; `enabled`: and can do it today."""
    query = (
        select(User.id, UserGrant.level, UserGrant.code)
        .join(UserGrant, UserGrant.user_id == User.id)
        .where(UserGrant.role == UserRole.ADMINISTRATOR, UserGrant.revoked_at.is_(None))
    )
    here = User.disabled_at.is_(None)
    query = query.where(here if enabled else or_(here, User.disabled_at > now - STILL_COUNTS))
    held: dict[uuid.UUID, list[Place]] = {}
    for user_id, level, code in await session.execute(query):
        held.setdefault(user_id, []).append(Place(level, code))
    return {
        user_id
        for user_id, of_user in held.items()
        if all(any(covers(h, wanted) for h in of_user) for wanted in places)
    }


async def leave_one(session: AsyncSession, *, user_id: uuid.UUID, without: UserGrant | None = None) -> None:
    """Raises `LastAdministrator` if a user (or one of their grants) is all that is left: of administrators of
    everything where there are any, of administrators at all where there are none of everything."""
    rows = list(
        await session.scalars(
            select(UserGrant)
            .join(User, User.id == UserGrant.user_id)
            .where(UserGrant.role == UserRole.ADMINISTRATOR, UserGrant.revoked_at.is_(None), User.disabled_at.is_(None))
        )
    )
    widest = [row for row in rows if row.level == ScopeLevel.ALL] or rows
    going = [row for row in widest if row.user_id == user_id and (without is None or row.id == without.id)]
    if going and len(going) == len(widest):
        raise LastAdministrator
