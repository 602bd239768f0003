"""SQL about users."""

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, String, and_, cast, exists, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.places.models import Estate
from inspection.users.models import (
    DIVISIONS,
    RefreshFamily,
    RefreshToken,
    ScopeLevel,
    SecondFactor,
    User,
    UserGrant,
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A user whose log-in stands, their roles, and whether they have a second factor."""

    user: User
    roles: frozenset[str]
    second_factor: bool


async def caller(session: AsyncSession, *, user_id: uuid.UUID, family_id: uuid.UUID, now: datetime) -> SignedIn | None:
    """An enabled user whose log-in still stands."""
    factor = exists().where(
        SecondFactor.user_id == User.id, SecondFactor.confirmed_at.is_not(None), SecondFactor.ended_at.is_(None)
    )
    rows = (
        await session.execute(
            select(User, UserGrant.role, factor)
            .join(RefreshFamily, and_(RefreshFamily.user_id == User.id, RefreshFamily.id == family_id))
            .outerjoin(UserGrant, and_(UserGrant.user_id == User.id, UserGrant.revoked_at.is_(None)))
            .where(
                User.id == user_id,
                User.disabled_at.is_(None),
                RefreshFamily.ended_at.is_(None),
                RefreshFamily.expires_at > now,
            )
        )
    ).all()
    if not rows:
        return None
    return SignedIn(rows[0][0], frozenset(role for _, role, _ in rows if role is not None), rows[0][2])


async def by_login(session: AsyncSession, login: str) -> User | None:
    """The user of a log-in name, locked for the rest of the transaction."""
    found: User | None = await session.scalar(select(User).where(User.login == login).with_for_update())
    return found


async def standing_grants(
    session: AsyncSession, user_id: uuid.UUID, *, roles: Collection[str] | None = None
) -> list[UserGrant]:
    """A user's grants that stand, of any role or of some."""
    found = (await grants_of(session, [user_id]))[user_id]
    return found if roles is None else [grant for grant in found if grant.role in roles]


async def refresh_token(session: AsyncSession, token_hash: bytes) -> tuple[RefreshToken, RefreshFamily] | None:
    """A refresh token with its family, locked."""
    row = (
        await session.execute(
            select(RefreshToken, RefreshFamily)
            .join(RefreshFamily, RefreshFamily.id == RefreshToken.family_id)
            .where(RefreshToken.token_hash == token_hash)
            .with_for_update()
        )
    ).first()
    return (row[0], row[1]) if row is not None else None


def within(own: Sequence[UserGrant]) -> ColumnElement[bool]:
    """Grants (rows of `UserGrant`) whose place lies within one of `own`.

    Estates are those of the session's scope: call it in a transaction over the same grants.
    """
    if any(grant.level == ScopeLevel.ALL for grant in own):
        return true()
    return or_(
        and_(UserGrant.level == ScopeLevel.ESTATE, UserGrant.code.in_(select(cast(Estate.id, String)))),
        *(
            and_(UserGrant.level.in_(DIVISIONS), UserGrant.code.startswith(grant.code, autoescape=True))
            for grant in own
            if grant.level in DIVISIONS
        ),
    )


async def page_of_users(
    session: AsyncSession,
    *,
    own: Sequence[UserGrant],
    after: tuple[str, uuid.UUID] | None,
    limit: int,
    text: str | None,
) -> list[User]:
    """Users by log-in name, after a position: those with a grant within `own`, all for somebody whose grant is all."""
    query = select(User).order_by(User.login, User.id).limit(limit)
    if not any(grant.level == ScopeLevel.ALL for grant in own):
        query = query.where(exists().where(UserGrant.user_id == User.id, UserGrant.revoked_at.is_(None), within(own)))
    if after is not None:
        login, user_id = after
        query = query.where(or_(User.login > login, and_(User.login == login, User.id > user_id)))
    if text:
        query = query.where(or_(User.login.contains(text, autoescape=True), User.name.contains(text, autoescape=True)))
    return list(await session.scalars(query))


async def reaches(session: AsyncSession, *, own: Sequence[UserGrant], user_id: uuid.UUID) -> bool:
    """Whether every standing grant of a user lies within `own`; one without any is for those whose grant is all."""
    if any(grant.level == ScopeLevel.ALL for grant in own):
        return True
    counts = (
        await session.execute(
            select(func.count(), func.count().filter(within(own))).where(
                UserGrant.user_id == user_id, UserGrant.revoked_at.is_(None)
            )
        )
    ).one()
    return bool(counts[0] and counts[0] == counts[1])


async def grants_of(session: AsyncSession, user_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, list[UserGrant]]:
    """The standing grants of several users."""
    found: dict[uuid.UUID, list[UserGrant]] = {user_id: [] for user_id in user_ids}
    rows = await session.scalars(
        select(UserGrant)
        .where(UserGrant.user_id.in_(user_ids), UserGrant.revoked_at.is_(None))
        .order_by(UserGrant.granted_at, UserGrant.id)
    )
    for row in rows:
        found[row.user_id].append(row)
    return found
