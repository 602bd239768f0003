"""SQL about users."""

import uuid
from datetime import datetime

from sqlalchemy import and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.users.models import RefreshFamily, RefreshToken, User, UserGrant


async def caller(
    session: AsyncSession, *, user_id: uuid.UUID, family_id: uuid.UUID, now: datetime
) -> tuple[User, list[str]] | None:
    """An enabled user whose log-in still stands, with their roles."""
    rows = (
        await session.execute(
            select(User, UserGrant.role)
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
    return rows[0][0], [role for _, role in rows if role is not None]


async def by_login(session: AsyncSession, login: str) -> User | None:
    """The user of a log-in name, locked for the rest of the transaction."""
    found: User | None = await session.scalar(select(User).where(User.login == login).with_for_update())
    return found


async def standing_grants(session: AsyncSession, user_id: uuid.UUID) -> list[UserGrant]:
    """A user's grants that stand."""
    return list(
        await session.scalars(
            select(UserGrant)
            .where(UserGrant.user_id == user_id, UserGrant.revoked_at.is_(None))
            .order_by(UserGrant.granted_at, UserGrant.id)
        )
    )


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


async def page_of_users(
    session: AsyncSession, *, after: tuple[str, uuid.UUID] | None, limit: int, text: str | None
) -> list[User]:
    """Users by log-in name, after a position."""
    query = select(User).order_by(User.login, User.id).limit(limit)
    if after is not None:
        login, user_id = after
        query = query.where(or_(User.login > login, and_(User.login == login, User.id > user_id)))
    if text:
        query = query.where(or_(User.login.contains(text, autoescape=True), User.name.contains(text, autoescape=True)))
    return list(await session.scalars(query))
