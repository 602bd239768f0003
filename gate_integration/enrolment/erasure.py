"""Templates and enrolment photographs of an erased person; running matchers are told."""

from datetime import datetime

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.enrolment import queries, service
from gate_integration.enrolment.models import FaceTemplate
from storage.audit.service import Actor
from storage.erasure.service import Proof, Subject, Tools


async def erase(session: AsyncSession, subject: Subject, tools: Tools, now: datetime) -> list[Proof]:
    """Destroys templates and photographs, whatever else has to stay, and moves the estate's generation on.

    A matrix in another running process carries the generation it was made from: its next search drops the person.
    """
    found = await queries.templates_before(session, before=now, person_id=subject.subject_id)
    photos = sum(row.photo_object_id is not None for row in found)
    destroyed = await service.destroy(
        session, templates=found, reason="erasure", actor=Actor.system("erasure"), objects=tools.objects, now=now
    )
    # How a face was lit and turned is a measurement of a body too.
    await session.execute(update(FaceTemplate).where(FaceTemplate.person_id == subject.subject_id).values(quality={}))
    generation = await queries.bump(session, estate_id=subject.estate_id)
    return [
        Proof(noun="face-template", done="destroyed", count=destroyed),
        Proof(noun="enrolment-photo", done="destroyed", count=photos),
        Proof(noun="gallery-generation", done="moved-on", count=generation),
    ]
