"""Every SQL statement about devices."""

import uuid
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices.models import (
    SILENCE,
    Credential,
    DeviceContact,
    DeviceOutage,
    DevicePerson,
    DeviceToken,
    GateDevice,
)
from gate_integration.devices.schemas import DeliveryView, DeviceHealth, DeviceView
from gate_integration.intake.models import DeliveryProblem, RawDelivery, RawPending
from inspection.registry.households.models import Household, Person
from inspection.registry.places.models import Building, Entrance, HousingUnit

OUTAGE_DAYS = 30


async def device(session: AsyncSession, device_id: uuid.UUID) -> GateDevice | None:
    """A device within the scope."""
    return await session.scalar(select(GateDevice).where(GateDevice.id == device_id))


async def standing_tokens(session: AsyncSession, device_id: uuid.UUID) -> list[DeviceToken]:
    """Tokens that are good, oldest first."""
    return list(
        await session.scalars(
            select(DeviceToken)
            .where(DeviceToken.device_id == device_id, DeviceToken.revoked_at.is_(None))
            .order_by(DeviceToken.created_at, DeviceToken.id)
            .with_for_update()
        )
    )


async def building_of(
    session: AsyncSession, *, building_id: uuid.UUID | None, entrance_id: uuid.UUID | None, unit_id: uuid.UUID | None
) -> tuple[uuid.UUID, uuid.UUID | None, uuid.UUID | None, uuid.UUID] | None:
    """(building, entrance, unit, estate) of the one place named, filled in upwards; None when it is not in scope."""
    if unit_id is not None:
        unit = await session.scalar(select(HousingUnit).where(HousingUnit.id == unit_id))
        return (unit.building_id, unit.entrance_id, unit.id, unit.estate_id) if unit is not None else None
    if entrance_id is not None:
        entrance = await session.scalar(select(Entrance).where(Entrance.id == entrance_id))
        return (entrance.building_id, entrance.id, None, entrance.estate_id) if entrance is not None else None
    building = await session.scalar(select(Building).where(Building.id == building_id))
    return (building.id, None, None, building.estate_id) if building is not None else None


async def estate_of_holder(
    session: AsyncSession, *, household_id: uuid.UUID | None, unit_id: uuid.UUID | None, person_id: uuid.UUID | None
) -> set[uuid.UUID | None]:
    """The estates of what a credential names; holds None for something outside the scope."""
    estates: set[uuid.UUID | None] = set()
    if household_id is not None:
        estates.add(await session.scalar(select(Household.estate_id).where(Household.id == household_id)))
    if unit_id is not None:
        estates.add(await session.scalar(select(HousingUnit.estate_id).where(HousingUnit.id == unit_id)))
    if person_id is not None:
        estates.add(
            await session.scalar(select(Person.estate_id).where(Person.id == person_id, Person.erased_at.is_(None)))
        )
    return estates


async def credential(session: AsyncSession, credential_id: uuid.UUID) -> Credential | None:
    """A credential within the scope."""
    return await session.scalar(select(Credential).where(Credential.id == credential_id))


async def standing_number(session: AsyncSession, *, device_id: uuid.UUID, number: str) -> DevicePerson | None:
    """Whom a number means on a device now."""
    return await session.scalar(
        select(DevicePerson).where(
            DevicePerson.device_id == device_id, DevicePerson.number == number, DevicePerson.removed_at.is_(None)
        )
    )


async def health(
    session: AsyncSession, *, now: datetime, after: tuple[str, uuid.UUID] | None, limit: int
) -> list[DeviceHealth]:
    """Devices by name with contact, outages, queue and open problems."""
    outages = (
        select(
            DeviceOutage.device_id,
            func.count().label("number"),
            func.min(DeviceOutage.began_at).filter(DeviceOutage.ended_at.is_(None)).label("since"),
        )
        .where(func.coalesce(DeviceOutage.ended_at, now) >= now - timedelta(days=OUTAGE_DAYS))
        .group_by(DeviceOutage.device_id)
        .subquery()
    )
    pending = select(RawPending.device_id, func.count().label("number")).group_by(RawPending.device_id).subquery()
    problems = (
        select(DeliveryProblem.device_id, func.count().label("number"))
        .where(DeliveryProblem.resolved_at.is_(None))
        .group_by(DeliveryProblem.device_id)
        .subquery()
    )
    query = (
        select(
            GateDevice,
            DeviceContact,
            outages.c.since,
            func.coalesce(outages.c.number, 0),
            func.coalesce(pending.c.number, 0),
            func.coalesce(problems.c.number, 0),
        )
        .outerjoin(DeviceContact, DeviceContact.device_id == GateDevice.id)
        .outerjoin(outages, outages.c.device_id == GateDevice.id)
        .outerjoin(pending, pending.c.device_id == GateDevice.id)
        .outerjoin(problems, problems.c.device_id == GateDevice.id)
        .order_by(GateDevice.name, GateDevice.id)
        .limit(limit)
    )
    if after is not None:
        query = query.where(tuple_(GateDevice.name, GateDevice.id) > after)
    return [
        DeviceHealth(
            device=DeviceView.of(found),
            last_contact_at=contact.last_contact_at if contact is not None else None,
            last_event_at=contact.last_event_at if contact is not None else None,
            last_heartbeat_at=contact.last_heartbeat_at if contact is not None else None,
            outage_since=since,
            outages_30_days=number,
            pending=waiting,
            problems=wrong,
        )
        for found, contact, since, number, waiting, wrong in await session.execute(query)
    ]


async def recent_deliveries(
    session: AsyncSession, *, device_id: uuid.UUID, before: tuple[datetime, uuid.UUID] | None, limit: int
) -> list[DeliveryView]:
    """Deliveries of a device, newest first, without bodies."""
    query = (
        select(
            RawDelivery.id,
            RawDelivery.received_at,
            RawDelivery.content_type,
            func.coalesce(func.octet_length(RawDelivery.body), 0),
            RawDelivery.sealed,
            func.jsonb_array_length(RawDelivery.cutouts),
            select(RawPending.delivery_id).where(RawPending.delivery_id == RawDelivery.id).exists(),
        )
        .where(RawDelivery.device_id == device_id)
        .order_by(RawDelivery.received_at.desc(), RawDelivery.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(tuple_(RawDelivery.received_at, RawDelivery.id) < before)
    return [
        DeliveryView(id=row[0], received_at=row[1], content_type=row[2], bytes=row[3], sealed=row[4], cutouts=row[5],
                     pending=row[6])
        for row in await session.execute(query)
    ]  # fmt: skip


async def problems(
    session: AsyncSession, *, device_id: uuid.UUID, before: tuple[datetime, uuid.UUID] | None, limit: int
) -> Sequence[DeliveryProblem]:
    """Problems of a device's deliveries, newest first."""
    query = (
        select(DeliveryProblem)
        .where(DeliveryProblem.device_id == device_id)
        .order_by(DeliveryProblem.at.desc(), DeliveryProblem.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(tuple_(DeliveryProblem.at, DeliveryProblem.id) < before)
    return (await session.scalars(query)).all()


async def end_outages(session: AsyncSession, *, device_id: uuid.UUID, at: datetime) -> None:
    """Ends the outages of a device that stand."""
    await session.execute(
        update(DeviceOutage)
        .where(DeviceOutage.device_id == device_id, DeviceOutage.ended_at.is_(None))
        .values(ended_at=at)
    )


async def not_known_silent(session: AsyncSession) -> Sequence[tuple[GateDevice, datetime]]:
    """Devices in service without a standing silence, locked, with the moment they were last heard of."""
    waiting = (
        select(RawPending.device_id, func.max(RawPending.received_at).label("at"))
        .group_by(RawPending.device_id)
        .subquery()
    )
    rows = await session.execute(
        select(GateDevice, func.greatest(GateDevice.created_at, DeviceContact.last_contact_at, waiting.c.at))
        .outerjoin(DeviceContact, DeviceContact.device_id == GateDevice.id)
        .outerjoin(waiting, waiting.c.device_id == GateDevice.id)
        .where(
            GateDevice.retired_at.is_(None),
            ~select(DeviceOutage.id)
            .where(
                DeviceOutage.device_id == GateDevice.id,
                DeviceOutage.reason == SILENCE,
                DeviceOutage.ended_at.is_(None),
            )
            .exists(),
        )
        .order_by(GateDevice.id)
        .with_for_update(of=GateDevice, skip_locked=True)
    )
    return [(device, last) for device, last in rows]


async def contacts(session: AsyncSession, *, device_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, DeviceContact]:
    """When devices were heard; locked in the order of their ids, so that two transactions never wait for each other."""
    rows = await session.scalars(
        select(DeviceContact)
        .where(DeviceContact.device_id.in_(device_ids))
        .order_by(DeviceContact.device_id)
        .with_for_update()
    )
    return {row.device_id: row for row in rows}


async def standing_silences(
    session: AsyncSession, *, device_ids: Collection[uuid.UUID]
) -> dict[uuid.UUID, DeviceOutage]:
    """The silences of devices that have not ended."""
    rows = await session.scalars(
        select(DeviceOutage).where(
            DeviceOutage.device_id.in_(device_ids), DeviceOutage.reason == SILENCE, DeviceOutage.ended_at.is_(None)
        )
    )
    return {row.device_id: row for row in rows}


async def note_contact(
    session: AsyncSession, *, device: GateDevice, at: datetime, event_at: datetime | None, heartbeat_at: datetime | None
) -> None:
    """Moves the moments at which a device was heard forward, never back."""
    values = {"last_contact_at": at, "last_event_at": event_at, "last_heartbeat_at": heartbeat_at}
    await session.execute(
        insert(DeviceContact)
        .values(device_id=device.id, estate_id=device.estate_id, **values)
        .on_conflict_do_update(
            index_elements=["device_id"],
            set_={name: func.greatest(getattr(DeviceContact, name), value) for name, value in values.items()},
        )
    )
