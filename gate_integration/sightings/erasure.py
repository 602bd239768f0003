"""Sightings of an erased person."""

from datetime import datetime

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.sightings.models import Sighting
from storage.erasure.parts import Part
from storage.erasure.service import Proof, Subject, Tools


async def erase(session: AsyncSession, subject: Subject, tools: Tools, now: datetime) -> list[Proof]:
    """Deletes every sighting matched to the person. No pseudonym is linked to anybody, so there is none to look for."""
    del tools, now
    own = Sighting.person_id == subject.subject_id
    if subject.keeps(Part.TRAIL):
        count = await session.scalar(select(func.count()).select_from(Sighting).where(own))
        return [Proof(noun="sighting", done="kept", count=count or 0, kept_why=str(Part.TRAIL))]
    gone = await session.scalars(delete(Sighting).where(own).returning(Sighting.id))
    return [Proof(noun="sighting", done="deleted", count=len(gone.all()))]
