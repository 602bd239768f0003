"""Every SQL statement about signing keys."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.webhook_keys.models import WebhookKey, WebhookMessage


async def standing(session: AsyncSession, *, device_id: uuid.UUID, now: datetime) -> Sequence[WebhookKey]:
    """Keys that are good or will be, oldest first, locked."""
    return (
        await session.scalars(
            select(WebhookKey)
            .where(
                WebhookKey.device_id == device_id,
                WebhookKey.revoked_at.is_(None),
                or_(WebhookKey.valid_until.is_(None), WebhookKey.valid_until > now),
            )
            .order_by(WebhookKey.created_at, WebhookKey.id)
            .with_for_update()
        )
    ).all()


async def key(session: AsyncSession, *, device_id: uuid.UUID, key_id: uuid.UUID) -> WebhookKey | None:
    """A key of a device within the scope, locked."""
    return await session.scalar(
        select(WebhookKey).where(WebhookKey.device_id == device_id, WebhookKey.id == key_id).with_for_update()
    )


async def listed(session: AsyncSession, *, device_id: uuid.UUID) -> list[tuple[WebhookKey, datetime | None]]:
    """All keys of a device, newest first, with the last message each signed."""
    last = (
        select(func.max(WebhookMessage.received_at))
        .where(WebhookMessage.key_id == WebhookKey.id)
        .correlate(WebhookKey)
        .scalar_subquery()
    )
    rows = await session.execute(
        select(WebhookKey, last)
        .where(WebhookKey.device_id == device_id)
        .order_by(WebhookKey.created_at.desc(), WebhookKey.id.desc())
    )
    return [(row, used) for row, used in rows]
