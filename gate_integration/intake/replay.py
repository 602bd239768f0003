"""Reading stored deliveries again, after a parser learnt something. Nothing is doubled, nothing is lost."""

import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.intake import queries
from gate_integration.intake.ports import Sighter
from gate_integration.intake.reader import DeliveryReader, ReadResult
from storage.vault.service import Vault

PAGE = 200


async def replay(
    session: AsyncSession,
    *,
    vault: Vault,
    sighter: Sighter,
    now: datetime,
    device_id: uuid.UUID | None = None,
    delivery_ids: Collection[uuid.UUID] | None = None,
) -> ReadResult:
    """Reads the deliveries of a device, or those named, within the caller's (system) transaction.

    Events that are stored stay as they are and are not counted as copies; events that could not be read before are
    added; problems that are gone are resolved, those that stay are noted under the parser's present version.
    Deliveries that still wait in the queue are left to the drainers. Raises ValueError when neither is named.
    """
    if device_id is None and delivery_ids is None:
        raise ValueError("replay asks for a device or for deliveries")
    reader = DeliveryReader(vault, sighter)
    total = ReadResult()
    locked: set[uuid.UUID] = set()
    after: uuid.UUID | None = None
    while True:
        page = await queries.stored_deliveries(
            session, device_id=device_id, delivery_ids=delivery_ids, after=after, limit=PAGE
        )
        if not page:
            return total
        for device in sorted({d.device_id for d in page} - locked):
            await queries.lock_device(session, device)
            locked.add(device)
        total.add(await reader.read(session, page, now=now, again=True))
        after = page[-1].id
        await session.flush()  # what is forgotten before it was written would be lost
        session.expunge_all()
