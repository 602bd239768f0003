"""Service workers: carers, couriers, cleaners the estate knows; told in one call."""

import uuid
from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.households import queries
from inspection.registry.households.errors import ForeignHousehold, RecordEnded
from inspection.registry.households.models import ServiceWorker, WorkerHousehold, WorkerKind
from inspection.registry.households.people import PersonDetails, check_period, resolve
from inspection.registry.places.service import get_estate
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.problems import NotFound
from storage.vault.service import Vault


async def register_worker(
    session: AsyncSession,
    *,
    vault: Vault,
    estate_id: uuid.UUID,
    person: PersonDetails | uuid.UUID,
    kind: WorkerKind,
    employer: str,
    household_ids: Collection[uuid.UUID],
    valid_from: date,
    valid_to: date | None,
    actor: Actor,
    now: datetime,
) -> ServiceWorker:
    """Records somebody who works in an estate: for the households named, or for all of it when none is.

    Raises what `people.resolve` raises, `BadPeriod`, `ForeignHousehold`.
    """
    await get_estate(session, estate_id=estate_id)
    check_period(valid_from, valid_to, not_before=local_day(now))
    wanted = set(household_ids)
    if wanted != await queries.households_of_estate(session, estate_id=estate_id, household_ids=wanted):
        raise ForeignHousehold
    found = await resolve(session, vault=vault, estate_id=estate_id, person=person, actor=actor, now=now)
    row = ServiceWorker(
        id=new_id(), estate_id=estate_id, person_id=found.id, kind=kind, employer=employer, valid_from=valid_from,
        valid_to=valid_to, recorded_by=actor.user_id, created_at=now,
    )  # fmt: skip
    session.add(row)
    await session.flush()
    session.add_all(
        WorkerHousehold(worker_id=row.id, household_id=household_id, estate_id=estate_id)
        for household_id in sorted(wanted)
    )
    await session.flush()
    record(session, at=now, actor=actor, action="worker.register", object_kind="service_worker", object_id=row.id,
           estate_id=estate_id, person_id=str(found.id), kind=kind, households=len(wanted))  # fmt: skip
    return row


async def end_worker(
    session: AsyncSession, *, worker_id: uuid.UUID, valid_to: date, actor: Actor, now: datetime
) -> ServiceWorker:
    """Sets a worker's last day. Raises `NotFound`, `RecordEnded`, `BadPeriod`."""
    row = await queries.locked(session, ServiceWorker, worker_id)
    if row is None:
        raise NotFound("没有这条服务人员记录", "No such service worker")
    if row.valid_to is not None and row.valid_to < local_day(now):
        raise RecordEnded
    check_period(row.valid_from, valid_to)
    row.valid_to = valid_to
    await session.flush()
    record(session, at=now, actor=actor, action="worker.end", object_kind="service_worker", object_id=row.id,
           estate_id=row.estate_id, subject_id=row.person_id, valid_to=valid_to.isoformat())  # fmt: skip
    return row
