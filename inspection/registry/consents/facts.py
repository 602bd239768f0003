"""What the gate side has to hear when a consent or a basis ends: a fact in the outbox and a job that applies it."""

import uuid
from datetime import datetime
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from storage.jobs import defer
from storage.outbox import OutboxFact

CONSENT_WITHDRAWN: Final = "consent-withdrawn"
BASIS_ENDED: Final = "basis-ended"
APPLY_TASK: Final = "consents.apply_withdrawals"


async def tell_consent_withdrawn(
    session: AsyncSession,
    *,
    estate_id: uuid.UUID,
    consent_id: uuid.UUID,
    person_id: uuid.UUID,
    scope: str,
    now: datetime,
) -> None:
    """Says that one scope of a person's consent ended."""
    payload = {"consent_id": str(consent_id), "person_id": str(person_id), "scope": str(scope)}
    session.add(OutboxFact(estate_id=estate_id, kind=CONSENT_WITHDRAWN, payload=payload, created_at=now))
    await apply_soon(session)


async def tell_basis_ended(
    session: AsyncSession, *, estate_id: uuid.UUID, basis_id: uuid.UUID, purpose: str, now: datetime
) -> None:
    """Says that a basis ended; whether another one holds for the purpose is for the reader to ask."""
    payload = {"basis_id": str(basis_id), "purpose": str(purpose)}
    session.add(OutboxFact(estate_id=estate_id, kind=BASIS_ENDED, payload=payload, created_at=now))
    await apply_soon(session)


async def apply_soon(session: AsyncSession) -> None:
    """One waiting job for all open facts: a job that has begun does not keep the next one from being put in."""
    await defer(session, task=APPLY_TASK, lock=APPLY_TASK)
