"""Passages of an erased person: whose entry was used, what was pictured, and what the device wrote of them."""

import json
import uuid
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, LargeBinary, func, literal, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices.models import Credential, DevicePerson
from gate_integration.intake.models import PassEvent, RawDelivery, RawPending
from gate_integration.sightings.models import Sighting
from inspection.registry.households.models import Person
from storage.erasure.parts import Part
from storage.erasure.service import Proof, Subject, Tools
from storage.objects.models import StoredObject


async def erase(session: AsyncSession, subject: Subject, tools: Tools, now: datetime) -> list[Proof]:
    """Takes the person out of pass events, destroys the pictures, and empties the deliveries that name them.

    Runs before sightings and entries go, since they tell which events are meant. A picture that was kept for a case
    stays with the case. An emptied delivery cannot be read again; its events stand.
    """
    events = list(await session.scalars(select(PassEvent).where(passages(subject.subject_id)).with_for_update()))
    if subject.keeps(Part.TRAIL):
        return [Proof(noun="pass-event", done="kept", count=len(events), kept_why=str(Part.TRAIL))]
    destroyed, kept = await destroy_pictures(session, events, tools, now)
    cards = set(await session.scalars(select(Credential.id).where(Credential.person_id == subject.subject_id)))
    entries = set(await session.scalars(select(DevicePerson.id).where(DevicePerson.person_id == subject.subject_id)))
    for event in events:
        if event.device_person_id in entries:
            event.device_person_id = event.device_person_no = None
        if event.credential_id in cards:
            event.credential_id = None
        event.extra = {}
    emptied = await empty_deliveries(session, subject, {event.delivery_id for event in events})
    proofs = [
        Proof(noun="snapshot", done="destroyed", count=destroyed),
        Proof(noun="pass-event", done="unlinked", count=len(events)),
        Proof(noun="raw-delivery", done="emptied", count=emptied),
    ]
    if kept:
        proofs.append(Proof(noun="snapshot", done="kept", count=kept, kept_why=str(Part.CASE_RECORDS)))
    return proofs


def passages(person_id: uuid.UUID) -> ColumnElement[bool]:
    """Pass events by an entry or a card of the person, or in which the person was recognised."""
    return or_(
        PassEvent.device_person_id.in_(select(DevicePerson.id).where(DevicePerson.person_id == person_id)),
        PassEvent.credential_id.in_(select(Credential.id).where(Credential.person_id == person_id)),
        PassEvent.id.in_(select(Sighting.pass_event_id).where(Sighting.person_id == person_id)),
    )


async def destroy_pictures(
    session: AsyncSession, events: Collection[PassEvent], tools: Tools, now: datetime
) -> tuple[int, int]:
    """Destroys the pictures of events but those kept for a case, which no day ends; says how many went and stay."""
    wanted = {uuid.UUID(p["object_id"]) for event in events for p in event.pictures if p.get("object_id") is not None}
    rows = await session.execute(
        select(StoredObject.id, StoredObject.expires_at).where(
            StoredObject.id.in_(wanted), StoredObject.destroyed_at.is_(None)
        )
    )
    for_cases = set()
    destroyed = 0
    for object_id, expires_at in rows.all():
        if expires_at is None:
            for_cases.add(str(object_id))
            continue
        await tools.objects.destroy(session, object_id=object_id, now=now)
        destroyed += 1
    for event in events:
        event.pictures = [p for p in event.pictures if p.get("object_id") in for_cases]
    return destroyed, len(for_cases)


async def empty_deliveries(session: AsyncSession, subject: Subject, delivery_ids: Collection[uuid.UUID]) -> int:
    """Empties the bodies these events came from, and those of the estate that hold the person's name as written.

    Those that still wait to be read are left: their events name nobody any more once the entry is gone.
    """
    person = await session.get(Person, subject.subject_id)
    named: list[ColumnElement[bool]] = []
    if person is not None and person.erased_at is None and not subject.keeps(Part.REGISTER):
        for form in spellings(person.name):
            place = func.position(literal(form, LargeBinary).op("IN")(RawDelivery.body))
            named.append(place > 0)
    waiting = select(RawPending.delivery_id)
    gone = await session.scalars(
        update(RawDelivery)
        .where(
            RawDelivery.estate_id == subject.estate_id,
            RawDelivery.body.is_not(None),
            RawDelivery.id.not_in(waiting),
            or_(RawDelivery.id.in_(delivery_ids), *named),
        )
        .values(body=None)
        .returning(RawDelivery.id)
    )
    return len(gone.all())


def spellings(name: str) -> set[bytes]:
    """The bytes a device writes a name in: UTF-8, GB 18030, and JSON escapes in either case."""
    escaped = json.dumps(name)[1:-1]
    return {name.encode(), name.encode("gb18030"), escaped.encode(), escaped.upper().replace("\\U", "\\u").encode()}
