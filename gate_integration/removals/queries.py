"""Every statement about removals."""

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy import exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices.models import Credential, DevicePerson
from gate_integration.removals.models import DeviceRemoval, RemovalState
from inspection.registry.households.models import HouseholdMember


async def entries_of(session: AsyncSession, *, person_id: uuid.UUID, faces_only: bool) -> Sequence[DevicePerson]:
    """The person's standing entries on devices; with `faces_only` those that the device recognises by face."""
    query = select(DevicePerson).where(DevicePerson.person_id == person_id, DevicePerson.removed_at.is_(None))
    if faces_only:
        query = query.where(DevicePerson.has_face)
    return (await session.scalars(query.order_by(DevicePerson.id).with_for_update())).all()


async def other_way_in(session: AsyncSession, *, person_id: uuid.UUID, on: date) -> bool:
    """Whether the person, or a household they belong to on a day, has a card, PIN or QR code that stands."""
    homes = select(HouseholdMember.household_id).where(
        HouseholdMember.person_id == person_id,
        HouseholdMember.valid_from <= on,
        or_(HouseholdMember.valid_to.is_(None), HouseholdMember.valid_to >= on),
    )
    found = await session.scalar(
        select(
            exists().where(
                Credential.withdrawn_at.is_(None),
                Credential.valid_from <= on,
                or_(Credential.person_id == person_id, Credential.household_id.in_(homes)),
            )
        )
    )
    return bool(found)


async def add(session: AsyncSession, rows: Sequence[dict[str, object]]) -> int:
    """Queues removals; one that is pending already is not doubled. Says how many are new."""
    if not rows:
        return 0
    added = await session.scalars(
        insert(DeviceRemoval).on_conflict_do_nothing().returning(DeviceRemoval.id), list(rows)
    )
    return len(added.all())


async def locked(session: AsyncSession, removal_id: uuid.UUID) -> DeviceRemoval | None:
    """A removal, locked."""
    return await session.get(DeviceRemoval, removal_id, with_for_update=True)


async def page(
    session: AsyncSession,
    *,
    state: RemovalState | None,
    device_id: uuid.UUID | None,
    person_id: uuid.UUID | None,
    after: uuid.UUID | None,
    limit: int,
) -> Sequence[DeviceRemoval]:
    """Removals in order of queueing."""
    query = select(DeviceRemoval).order_by(DeviceRemoval.id).limit(limit)
    for column, value in (
        (DeviceRemoval.state, state), (DeviceRemoval.device_id, device_id), (DeviceRemoval.person_id, person_id),
    ):  # fmt: skip
        if value is not None:
            query = query.where(column == value)
    if after is not None:
        query = query.where(DeviceRemoval.id > after)
    return (await session.scalars(query)).all()
