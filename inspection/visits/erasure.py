"""What inspectors wrote and photographed of an erased person, outside cases."""

import uuid
from datetime import datetime

from sqlalchemy import exists, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from inspection.registry.households.models import Person
from inspection.visits.models import OccupantMet, Photo, Visit
from storage.erasure.parts import Part
from storage.erasure.service import Proof, Subject, Tools
from storage.objects.models import StoredObject


async def erase(session: AsyncSession, subject: Subject, tools: Tools, now: datetime) -> list[Proof]:
    """Empties what was recorded of the person at visits that belong to no case, and destroys those visits' photos.

    A photograph shows a flat; whether it shows a person nobody recorded. So the photos of a visit go when this person
    was met there and no other registered person was. Records of a case stay as long as the case's.
    """
    if subject.keeps(Part.TRAIL):
        return [Proof(noun="visit", done="kept", count=1, kept_why=str(Part.TRAIL))]
    photos = await photos_of(session, subject_id=subject.subject_id)
    for object_id in photos:
        await tools.objects.destroy(session, object_id=object_id, now=now)
    person = await session.get(Person, subject.subject_id)
    written = person.name if person is not None and person.erased_at is None else ""
    emptied, kept = (
        await session.execute(
            text("SELECT emptied, kept FROM ruhu_erase_field_records(:subject, :written)"),
            {"subject": subject.subject_id, "written": "" if subject.keeps(Part.REGISTER) else written},
        )
    ).one()
    proofs = [
        Proof(noun="visit-photo", done="destroyed", count=len(photos)),
        Proof(noun="occupant-met", done="emptied", count=emptied),
    ]
    if kept:
        proofs.append(Proof(noun="occupant-met", done="kept", count=kept, kept_why=str(Part.CASE_RECORDS)))
    return proofs


async def photos_of(session: AsyncSession, *, subject_id: uuid.UUID) -> list[uuid.UUID]:
    """Objects of photos of visits, outside cases, at which this person was met and no other registered one."""
    met, other = aliased(OccupantMet), aliased(OccupantMet)
    return list(
        await session.scalars(
            select(Photo.object_id)
            .join(Visit, Visit.id == Photo.visit_id)
            .join(StoredObject, StoredObject.id == Photo.object_id)
            .where(
                Visit.case_id.is_(None),
                StoredObject.destroyed_at.is_(None),
                exists().where(met.visit_id == Visit.id, met.person_id == subject_id),
                ~exists().where(
                    other.visit_id == Visit.id, other.person_id.is_not(None), other.person_id != subject_id
                ),
            )
        )
    )
