"""What an erased person said in requests of theirs."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.rights.models import RightsRequest
from storage.erasure.service import Proof, Subject, Tools


async def erase(session: AsyncSession, subject: Subject, tools: Tools, now: datetime) -> list[Proof]:
    """Empties the details of every request; that it was made, and how it was decided, stays without any name."""
    del tools, now
    gone = await session.scalars(
        update(RightsRequest)
        .where(RightsRequest.person_id == subject.subject_id, RightsRequest.details_sealed.is_not(None))
        .values(details_sealed=None)
        .returning(RightsRequest.id)
    )
    return [Proof(noun="request-details", done="emptied", count=len(gone.all()))]
