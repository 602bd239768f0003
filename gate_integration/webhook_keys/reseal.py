"""Secrets of senders, when the key of their estate is replaced."""

import uuid

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.webhook_keys.keys import place
from gate_integration.webhook_keys.models import WebhookKey
from storage.vault import crypto


async def reseal(session: AsyncSession, estate_id: uuid.UUID, old: bytes, new: bytes) -> None:
    """Seals them again in the transaction that replaces the key: the intake knows one key of an estate at a time."""
    keys = select(WebhookKey).where(WebhookKey.estate_id == estate_id, WebhookKey.sealed.is_not(None))
    for row in await session.scalars(keys.with_for_update()):
        plain = crypto.unseal(old, row.sealed or b"", place=place(row.id))
        row.sealed = crypto.seal(new, plain, place=place(row.id))
