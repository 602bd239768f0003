"""What the worker does for enrolment: consents withdrawn or expired, bases ended. Each run can be repeated."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.enrolment import queries, service
from gate_integration.enrolment.models import FaceTemplate
from gate_integration.removals import service as removals
from gate_integration.sightings.pseudonyms import forget_without_basis
from inspection.registry.consents.facts import BASIS_ENDED, CONSENT_WITHDRAWN
from inspection.registry.consents.models import ConsentScope
from storage.audit import service as audit
from storage.audit.service import Actor
from storage.clock import local_day
from storage.objects.service import Objects
from storage.outbox import OutboxFact
from storage.vault.service import Vault

BATCH = 500

_WORKER = Actor.system("worker")


@dataclass(frozen=True, slots=True)
class Withdrawals:
    """What one run destroyed."""

    facts: int
    templates: int
    photos: int


async def apply_withdrawals(session: AsyncSession, *, vault: Vault, objects: Objects, now: datetime) -> Withdrawals:
    """Destroys what is no longer covered, told by facts of the outbox or found by expiry.

    With the basis of tenancy compliance the pseudonyms of an estate go too.

    A fact covers what was made until it was written: a consent given again later keeps its later templates.
    Facts: `consent-withdrawn` {person_id, scope}, `basis-ended` {purpose}; both need `estate_id` of their row.
    """
    day = local_day(now)
    templates = photos = 0
    facts = await queries.open_facts(session, kinds=(CONSENT_WITHDRAWN, BASIS_ENDED), limit=BATCH)
    for fact in facts:
        destroyed = await (_consent(session, fact, objects=objects, now=now)
                           if fact.kind == CONSENT_WITHDRAWN
                           else _basis(session, fact, objects=objects, now=now))  # fmt: skip
        templates += destroyed[0]
        photos += destroyed[1]
        fact.processed_at = now
    await session.flush()
    if any(fact.kind == BASIS_ENDED for fact in facts):
        await forget_without_basis(session, vault=vault, now=now)
    for found, whole in (
        (await queries.templates_without_consent(session, on=day), True),
        (await queries.photos_without_consent(session, on=day), False),
    ):
        destroyed = await _destroy(session, found, whole=whole, reason="consent-not-standing", objects=objects, now=now)
        templates += destroyed[0]
        photos += destroyed[1]
    return Withdrawals(len(facts), templates, photos)


async def _consent(session: AsyncSession, fact: OutboxFact, *, objects: Objects, now: datetime) -> tuple[int, int]:
    person_id, scope = uuid.UUID(fact.payload["person_id"]), fact.payload["scope"]
    if scope == ConsentScope.PUSH_TO_GATES:
        entries = await removals.queue_faces(
            session, person_id=person_id, reason=CONSENT_WITHDRAWN, actor=_WORKER, now=now
        )
        audit.record(
            session, at=now, actor=_WORKER, action="device-face.disregarded", object_kind="person",
            object_id=person_id, estate_id=fact.estate_id, reason=CONSENT_WITHDRAWN, entries=entries,
        )  # fmt: skip
    if scope == ConsentScope.OFF_DEVICE:
        await _let_pictures_go(session, person_id=person_id, estate_id=fact.estate_id, before=fact.created_at, now=now,
                               objects=objects)  # fmt: skip
    if scope not in {ConsentScope.TEMPLATE, ConsentScope.KEEP_PHOTO}:
        return 0, 0
    found = await queries.templates_before(session, before=fact.created_at, person_id=person_id)
    if scope == ConsentScope.KEEP_PHOTO:
        return await _destroy(session, found, whole=False, reason=CONSENT_WITHDRAWN, objects=objects, now=now)
    # A photograph that may be kept stays: gates need it, and its own consent covers it.
    return await service.destroy(
        session, templates=found, reason=CONSENT_WITHDRAWN, actor=_WORKER, objects=objects, now=now, photos=False
    ), 0


async def _let_pictures_go(
    session: AsyncSession, *, person_id: uuid.UUID, estate_id: uuid.UUID, before: datetime, now: datetime,
    objects: Objects,
) -> None:  # fmt: skip
    """Destroys the pictures that left a gate and were recognised as this person; those of a case stay with it."""
    found = await queries.snapshots_of(session, person_id=person_id, before=before)
    for object_id in found:
        await objects.destroy(session, object_id=object_id, now=now)
    audit.record(
        session, at=now, actor=_WORKER, action="snapshot.destroyed", object_kind="person", object_id=person_id,
        estate_id=estate_id, reason=CONSENT_WITHDRAWN, pictures=len(found),
    )  # fmt: skip


async def _basis(session: AsyncSession, fact: OutboxFact, *, objects: Objects, now: datetime) -> tuple[int, int]:
    standing = await queries.standing_bases(session, estate_id=fact.estate_id, on=local_day(now))
    if service.PURPOSES & standing:
        return 0, 0
    found = await queries.templates_before(session, before=now, estate_id=fact.estate_id)
    return await _destroy(session, found, whole=True, reason=BASIS_ENDED, objects=objects, now=now)


async def _destroy(
    session: AsyncSession,
    templates: Sequence[FaceTemplate],
    *,
    whole: bool,
    reason: str,
    objects: Objects,
    now: datetime,
) -> tuple[int, int]:
    photos = sum(template.photo_object_id is not None for template in templates)
    if whole:
        return await service.destroy(
            session, templates=templates, reason=reason, actor=_WORKER, objects=objects, now=now
        ), photos
    return 0, await service.destroy_photos(
        session, templates=templates, reason=reason, actor=_WORKER, objects=objects, now=now
    )
