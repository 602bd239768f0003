"""Entries and cards of an erased person."""

import os
from datetime import datetime

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices.models import Credential, DevicePerson
from gate_integration.removals import service
from gate_integration.removals.models import DeviceRemoval
from storage.audit.service import Actor
from storage.erasure.parts import Part
from storage.erasure.service import Proof, Subject, Tools

ERASURE = Actor.system("erasure")
INDEX_BYTES = 32


async def erase(session: AsyncSession, subject: Subject, tools: Tools, now: datetime) -> list[Proof]:
    """Queues the removal from every device: the face alone while the person still lives here, else the entry.

    A card of theirs alone ends and its number is forgotten; one of the household stays the household's.
    """
    del tools
    if subject.keeps(Part.REGISTER):
        queued = await service.queue_faces(
            session, person_id=subject.subject_id, reason="erasure", actor=ERASURE, now=now
        )
        return [Proof(noun="device-face", done="queued-for-removal", count=queued)]
    queued = await service.queue_person(session, person_id=subject.subject_id, reason="erasure", actor=ERASURE, now=now)
    # Entries that ended before still say by which number a device knew the person.
    own = DevicePerson.person_id == subject.subject_id
    former = (await session.scalars(delete(DevicePerson).where(own).returning(DevicePerson.id))).all()
    await session.execute(update(DeviceRemoval).where(DeviceRemoval.person_id == subject.subject_id).values(note=None))
    cards = (
        await session.scalars(select(Credential).where(Credential.person_id == subject.subject_id).with_for_update())
    ).all()
    for card in cards:
        if card.household_id is None and card.unit_id is None:
            card.withdrawn_at = card.withdrawn_at or now
            card.number_index = os.urandom(INDEX_BYTES)
        card.person_id = None
    return [
        Proof(noun="device-entry", done="queued-for-removal", count=queued),
        Proof(noun="former-device-entry", done="deleted", count=len(former)),
        Proof(noun="credential", done="unlinked", count=len(cards)),
    ]
