"""Every SQL statement of reading deliveries."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import cast

from sqlalchemy import Text, any_, bindparam, column, delete, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import ARRAY, UUID, distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices.models import Credential, DevicePerson, GateDevice
from gate_integration.intake.epochs import DeviceSerials
from gate_integration.intake.models import DeliveryProblem, DeviceEpoch, EventKey, RawDelivery, RawPending

_WAITING = """
SELECT delivery_id, device_id FROM (
  (SELECT delivery_id, device_id, live FROM raw_pending
    WHERE live AND (not_before IS NULL OR not_before <= :now) AND device_id <> ALL (:busy)
    ORDER BY delivery_id LIMIT :most)
  UNION ALL
  (SELECT delivery_id, device_id, live FROM raw_pending
    WHERE NOT live AND (not_before IS NULL OR not_before <= :now) AND device_id <> ALL (:busy)
    ORDER BY delivery_id LIMIT :most)
) waiting ORDER BY live DESC, delivery_id LIMIT :most
"""
_TRY_DEVICES = (
    "SELECT device FROM unnest(:devices) AS device "
    "WHERE pg_try_advisory_xact_lock(hashtextextended('ruhu-drain/' || device::text, 0))"
)
_LOCK_DEVICE = "SELECT pg_advisory_xact_lock(hashtextextended('ruhu-drain/' || CAST(:device AS text), 0))"
_ROWS_A_STATEMENT = 1000  # a statement takes 32,767 parameters
_UUIDS = ARRAY(UUID(as_uuid=True))


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery this transaction may read, in the order it has to."""

    delivery_id: uuid.UUID
    received_at: datetime
    device_id: uuid.UUID
    attempts: int


async def claim(session: AsyncSession, *, now: datetime, limit: int) -> list[Claim]:
    """The next deliveries: live ones first, in order of arrival within a device, whole devices at a time.

    A device that another drainer reads is passed over: its lock lasts as long as that transaction.
    """
    busy: set[uuid.UUID] = set()
    while True:
        waiting = (
            await session.execute(
                text(_WAITING).bindparams(bindparam("busy", type_=_UUIDS)),
                {"now": now, "busy": list(busy), "most": limit},
            )
        ).all()
        if not waiting:
            return []
        devices = list({device for _, device in waiting})
        mine = await try_devices(session, devices)
        # Read again: what was seen before the lock may have been read by the drainer that held it.
        claims = await claimed(session, ids=[delivery for delivery, device in waiting if device in mine])
        if claims:
            return claims
        busy.update(devices)


async def try_devices(session: AsyncSession, devices: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """The devices among `devices` that nobody else reads; they are this transaction's until it ends."""
    found = await session.scalars(
        text(_TRY_DEVICES).bindparams(bindparam("devices", type_=_UUIDS)), {"devices": sorted(devices)}
    )
    return {cast("uuid.UUID", device) for device in found}


async def lock_device(session: AsyncSession, device_id: uuid.UUID) -> None:
    """Waits until nobody else reads a device."""
    await session.execute(text(_LOCK_DEVICE), {"device": str(device_id)})


async def claimed(session: AsyncSession, *, ids: Sequence[uuid.UUID]) -> list[Claim]:
    """Locks the pending rows of deliveries that still wait."""
    rows = await session.execute(
        select(RawPending.delivery_id, RawPending.received_at, RawPending.device_id, RawPending.attempts)
        .where(RawPending.delivery_id == any_(bindparam("ids", value=list(ids), type_=_UUIDS)))
        .order_by(RawPending.live.desc(), RawPending.delivery_id)
        .with_for_update(skip_locked=True)
    )
    return [Claim(*row) for row in rows]


async def done(session: AsyncSession, *, ids: Sequence[uuid.UUID]) -> None:
    """Takes deliveries off the queue."""
    await session.execute(
        delete(RawPending).where(RawPending.delivery_id == any_(bindparam("ids", value=list(ids), type_=_UUIDS)))
    )


async def put_off(session: AsyncSession, *, delivery_id: uuid.UUID, until: datetime) -> None:
    """Counts a try and makes a delivery wait."""
    await session.execute(
        update(RawPending)
        .where(RawPending.delivery_id == delivery_id)
        .values(attempts=RawPending.attempts + 1, not_before=until)
    )


async def deliveries(session: AsyncSession, claims: Sequence[Claim]) -> list[RawDelivery]:
    """The deliveries of claims, in their order; the span of arrival names the partitions to look into."""
    times = [c.received_at for c in claims]
    rows = await session.scalars(
        select(RawDelivery).where(
            RawDelivery.id == any_(bindparam("ids", value=[c.delivery_id for c in claims], type_=_UUIDS)),
            RawDelivery.received_at.between(min(times), max(times)),
        )
    )
    found = {row.id: row for row in rows}
    return [found[c.delivery_id] for c in claims if c.delivery_id in found]


async def stored_deliveries(
    session: AsyncSession,
    *,
    device_id: uuid.UUID | None,
    delivery_ids: Collection[uuid.UUID] | None,
    after: uuid.UUID | None,
    limit: int,
) -> list[RawDelivery]:
    """Deliveries that were read before, in order of arrival, in pages."""
    query = select(RawDelivery).where(
        ~select(RawPending.delivery_id).where(RawPending.delivery_id == RawDelivery.id).exists()
    )
    if device_id is not None:
        query = query.where(RawDelivery.device_id == device_id)
    if delivery_ids is not None:
        query = query.where(RawDelivery.id.in_(delivery_ids))
    if after is not None:
        query = query.where(RawDelivery.id > after)
    return list(await session.scalars(query.order_by(RawDelivery.id).limit(limit)))


async def devices(session: AsyncSession, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, GateDevice]:
    """Devices by id."""
    return {d.id: d for d in await session.scalars(select(GateDevice).where(GateDevice.id.in_(ids)))}


async def serials(session: AsyncSession, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, DeviceSerials]:
    """How far devices have counted in their newest epoch."""
    rows = await session.scalars(
        select(DeviceEpoch)
        .ext(distinct_on(DeviceEpoch.device_id))
        .where(DeviceEpoch.device_id.in_(ids))
        .order_by(DeviceEpoch.device_id, DeviceEpoch.epoch.desc())
    )
    return {r.device_id: DeviceSerials(r.epoch, r.max_counter, r.max_device_time, r.started) for r in rows}


async def save_serials(
    session: AsyncSession, *, estates: Mapping[uuid.UUID, uuid.UUID], moved: Mapping[uuid.UUID, Sequence[DeviceSerials]]
) -> None:
    """Writes every epoch that moved."""
    for device_id, states in moved.items():
        for state in states:
            values = {
                "max_counter": state.max_counter, "max_device_time": state.max_device_time, "started": state.started,
            }  # fmt: skip
            await session.execute(
                insert(DeviceEpoch)
                .values(device_id=device_id, epoch=state.epoch, estate_id=estates[device_id], **values)
                .on_conflict_do_update(index_elements=["device_id", "epoch"], set_=values)
            )


async def event_keys(session: AsyncSession, wanted: Collection[tuple[uuid.UUID, str]]) -> list[EventKey]:
    """Every stored event of the numbers asked for, all epochs."""
    pairs = list(wanted)
    given = (
        func.unnest(
            bindparam("devices", value=[d for d, _ in pairs], type_=_UUIDS),
            bindparam("bases", value=[b for _, b in pairs], type_=ARRAY(Text())),
        )
        .table_valued(column("device", UUID(as_uuid=True)), column("base", Text()), name="given")
        .render_derived()
    )
    return list(
        await session.scalars(
            select(EventKey)
            .join(given, (EventKey.device_id == given.c.device) & (EventKey.base == given.c.base))
            .order_by(EventKey.epoch, EventKey.key)
        )
    )


async def add_keys(session: AsyncSession, rows: Sequence[Mapping[str, object]]) -> set[uuid.UUID]:
    """Writes event keys and gives back the events that are new by them."""
    added: set[uuid.UUID] = set()
    for start in range(0, len(rows), _ROWS_A_STATEMENT):
        part = list(rows[start : start + _ROWS_A_STATEMENT])
        added.update(
            await session.scalars(
                insert(EventKey).values(part).on_conflict_do_nothing().returning(EventKey.pass_event_id)
            )
        )
    return added


async def count_copies(session: AsyncSession, copies: Mapping[tuple[uuid.UUID, int, str], int]) -> None:
    """Counts duplicates beside the events they repeat."""
    for (device_id, epoch, key), number in copies.items():
        await session.execute(
            update(EventKey)
            .where(EventKey.device_id == device_id, EventKey.epoch == epoch, EventKey.key == key)
            .values(copies=EventKey.copies + number)
        )


async def credentials(
    session: AsyncSession, wanted: Collection[tuple[uuid.UUID, str, bytes]]
) -> dict[tuple[uuid.UUID, str, bytes], list[Credential]]:
    """Credentials by estate, kind and number index, withdrawn ones too: an event may be older than a withdrawal."""
    found: dict[tuple[uuid.UUID, str, bytes], list[Credential]] = {}
    if wanted:
        for row in await session.scalars(
            select(Credential).where(
                tuple_(Credential.estate_id, Credential.kind, Credential.number_index).in_(list(wanted))
            )
        ):
            found.setdefault((row.estate_id, row.kind, row.number_index), []).append(row)
    return found


async def device_people(
    session: AsyncSession, wanted: Collection[tuple[uuid.UUID, str]]
) -> dict[tuple[uuid.UUID, str], list[DevicePerson]]:
    """People by device and number, removed ones too."""
    found: dict[tuple[uuid.UUID, str], list[DevicePerson]] = {}
    if wanted:
        for row in await session.scalars(
            select(DevicePerson).where(tuple_(DevicePerson.device_id, DevicePerson.number).in_(list(wanted)))
        ):
            found.setdefault((row.device_id, row.number), []).append(row)
    return found


async def resolve_problems(session: AsyncSession, *, ids: Collection[uuid.UUID], now: datetime) -> None:
    """Closes the problems of deliveries that are read again; what is still wrong is noted anew."""
    await session.execute(
        update(DeliveryProblem)
        .where(DeliveryProblem.delivery_id.in_(ids), DeliveryProblem.resolved_at.is_(None))
        .values(resolved_at=now)
    )


async def ensure_partition(session: AsyncSession, *, month: date) -> None:
    """Makes the partition of deliveries for a day's month, unless it is there."""
    await session.execute(text("SELECT ruhu_ensure_partition(:month)"), {"month": month})
