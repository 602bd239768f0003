"""From stored deliveries to pass events: parse, place, resolve, store. The caller holds the devices' locks.

Reading the same delivery again gives the same events: what is stored already is found by its key and left as it is.
"""

import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices.contact import Heard, contact
from gate_integration.devices.models import CaptureMode, GateDevice
from gate_integration.devices.profile import direction_of, parser_profile
from gate_integration.intake import queries
from gate_integration.intake.effective_time import LIVE_HOURS, effective_time
from gate_integration.intake.epochs import (
    DeviceSerials,
    Placement,
    PlacementKind,
    Stored,
    advance,
    event_key_text,
    place,
)
from gate_integration.intake.models import DeliveryProblem, PassEvent, RawDelivery
from gate_integration.intake.ports import Sighter
from gate_integration.intake.resolve import Found, new_passes, resolve
from gate_integration.protocols import hikvision, webhook
from gate_integration.protocols.records import DeviceProfile, ParseProblem, Record, RecordKind
from storage.ids import new_id
from storage.vault.service import Vault

Parse = Callable[[bytes, str, DeviceProfile], tuple[list[Record], list[ParseProblem]]]
PARSERS: dict[str, tuple[str, Parse]] = {
    "hikvision": (f"hikvision/{hikvision.PARSER_VERSION}", hikvision.parse),
    "webhook": (f"webhook/{webhook.PARSER_VERSION}", webhook.parse),
}
UNCLEARED = ParseProblem("uncleared", "the body could not be cleared of pictures and is never read")
_INT32 = 2**31


@dataclass(slots=True)
class ReadResult:
    """What reading came to. `duplicates`: events that were stored before."""

    deliveries: int = 0
    events: int = 0
    duplicates: int = 0
    heartbeats: int = 0
    problems: int = 0

    def add(self, other: "ReadResult") -> None:
        """Adds the counts of another."""
        for name in ("deliveries", "events", "duplicates", "heartbeats", "problems"):
            setattr(self, name, getattr(self, name) + getattr(other, name))


@dataclass(slots=True)
class _Known:
    """A stored event, or one of this batch, by its key."""

    epoch: int
    key: str
    stored: Stored


@dataclass(slots=True)
class _Ledger:
    """The counting of the batch's devices while its records are placed."""

    serials: dict[uuid.UUID, DeviceSerials]
    known: dict[tuple[uuid.UUID, str], list[_Known]]
    moved: dict[uuid.UUID, dict[int, DeviceSerials]] = field(default_factory=dict)
    copies: Counter[tuple[uuid.UUID, int, str]] = field(default_factory=Counter)


def is_heartbeat(record: Record) -> bool:
    """Word of health without a number of its own: noted as contact, not stored as an event."""
    return record.kind is RecordKind.HEALTH and record.counter is None and "/" not in record.code


def base_key(record: Record) -> str:
    """The text all stored events of a record's number share."""
    return event_key_text(record, Placement(0, PlacementKind.NEW))


def found_at(delivery: RawDelivery, device: GateDevice, record: Record) -> Found:
    """A record with the moment it is taken to have happened at."""
    at, reason = effective_time(
        device_time=record.device_time,
        received_at=delivery.received_at,
        replay=record.replay,
        live_hours=device.profile.get("live_hours", LIVE_HOURS),
    )
    return Found(delivery, device, record, at, reason.value)


class DeliveryReader:
    """Reads deliveries within the caller's transaction."""

    def __init__(self, vault: Vault, sighter: Sighter) -> None:
        self.vault = vault
        self.sighter = sighter

    async def read(
        self, session: AsyncSession, deliveries: Sequence[RawDelivery], *, now: datetime, again: bool = False
    ) -> ReadResult:
        """Reads deliveries in the order given. `again`: duplicates are not counted, devices were not heard just now."""
        devices = await queries.devices(session, {d.device_id for d in deliveries})
        result = ReadResult(deliveries=len(deliveries))
        heard: dict[uuid.UUID, Heard] = {}
        found: list[Found] = []
        if again:
            await queries.resolve_problems(session, ids=[d.id for d in deliveries], now=now)
        for delivery in deliveries:
            device = devices[delivery.device_id]
            parser, records, problems = parse(delivery, device)
            result.problems += len(problems)
            session.add_all(problem_row(delivery, parser, problem, now) for problem in problems)
            news = heard.setdefault(device.id, Heard(device))
            news.at.append(delivery.received_at)
            for record in records:
                if is_heartbeat(record):
                    result.heartbeats += 1
                    news.heartbeat_at = later(news.heartbeat_at, delivery.received_at)
                else:
                    found.append(found_at(delivery, device, record))
                    news.event_at = later(news.event_at, delivery.received_at)
        events = await self._store(session, found, now=now, again=again)
        result.events = events
        result.duplicates = len(found) - events
        if not again:
            await contact(session, heard=heard)
        return result

    async def _store(self, session: AsyncSession, found: list[Found], *, now: datetime, again: bool) -> int:
        """Places records, stores what is new, hands passes on; gives back how many events are new."""
        if not found:
            return 0
        ids = {f.device.id for f in found}
        ledger = _Ledger(await queries.serials(session, ids), await known_events(session, {key_of(f) for f in found}))
        resolved = await resolve(session, found, vault=self.vault)
        made: list[tuple[Found, PassEvent]] = []
        keys: list[dict[str, object]] = []
        for item, who in zip(found, resolved, strict=True):
            event = place_one(ledger, item)
            if event is None:
                continue
            row, key = event
            row.credential_id = who.credential.id if who.credential is not None else None
            row.device_person_id = who.device_person_id
            made.append((item, row))
            keys.append(key)
        added = await queries.add_keys(session, keys)
        if not again:
            await queries.count_copies(session, ledger.copies)
        await queries.save_serials(
            session,
            estates={f.device.id: f.device.estate_id for f in found},
            moved={device: list(states.values()) for device, states in ledger.moved.items()},
        )
        who_of = {id(item): who for item, who in zip(found, resolved, strict=True)}
        new = [(item, row) for item, row in made if row.id in added]
        session.add_all(row for _, row in new)
        await session.flush()
        passes = new_passes((item.device, row, who_of[id(item)]) for item, row in new)
        if passes:
            await self.sighter.sight(session, events=passes, now=now)
        return len(new)


def parse(delivery: RawDelivery, device: GateDevice) -> tuple[str, list[Record], list[ParseProblem]]:
    """The parser's name, and what it makes of a delivery."""
    name, reads = PARSERS[delivery.protocol]
    if delivery.sealed:
        return name, [], [UNCLEARED]
    records, problems = reads(
        delivery.body or b"", delivery.content_type, parser_profile(device.vendor, device.profile)
    )
    return name, records, problems


def problem_row(delivery: RawDelivery, parser: str, problem: ParseProblem, now: datetime) -> DeliveryProblem:
    """A problem beside its delivery."""
    return DeliveryProblem(
        id=new_id(), estate_id=delivery.estate_id, device_id=delivery.device_id, delivery_id=delivery.id,
        received_at=delivery.received_at, parser=parser, code=problem.code[:64], detail=problem.detail[:500], at=now,
    )  # fmt: skip


def later(one: datetime | None, other: datetime) -> datetime:
    """The later of two moments."""
    return other if one is None or other > one else one


def key_of(item: Found) -> tuple[uuid.UUID, str]:
    """Device and base key of a record."""
    return item.device.id, base_key(item.record)


async def known_events(
    session: AsyncSession, wanted: set[tuple[uuid.UUID, str]]
) -> dict[tuple[uuid.UUID, str], list[_Known]]:
    """What is stored under the numbers asked for."""
    known: dict[tuple[uuid.UUID, str], list[_Known]] = {}
    for row in await queries.event_keys(session, wanted):
        stored = Stored(row.epoch, row.content.hex(), row.device_time_text, row.device_time)
        known.setdefault((row.device_id, row.base), []).append(_Known(row.epoch, row.key, stored))
    return known


def place_one(ledger: _Ledger, item: Found) -> tuple[PassEvent, dict[str, object]] | None:
    """The event and event key of a record; None for a duplicate, which is counted."""
    record, device = item.record, item.device
    seen = ledger.serials.get(device.id) or DeviceSerials(0, None, None)
    base = base_key(record)
    known = ledger.known.setdefault((device.id, base), [])
    placement = place(seen, [k.stored for k in known], record)
    if placement.kind is PlacementKind.DUPLICATE:
        alike = [k for k in known if k.epoch == placement.epoch and k.stored.content == record.content]
        exact = [k for k in alike if k.stored.device_time_text == record.device_time_text]
        ledger.copies[(device.id, placement.epoch, (exact or alike)[0].key)] += 1
        return None
    after = advance(seen, record, placement)
    if after != seen:
        ledger.serials[device.id] = after
        ledger.moved.setdefault(device.id, {})[after.epoch] = after
    key = event_key_text(record, placement)
    time_text = record.device_time_text[:64] if record.device_time_text else None
    known.append(_Known(placement.epoch, key, Stored(placement.epoch, record.content, time_text, record.device_time)))
    event = pass_event(item, marked=placement.kind.value if placement.marked else None)
    return event, {
        "device_id": device.id, "epoch": placement.epoch, "key": key, "base": base, "estate_id": device.estate_id,
        "content": bytes.fromhex(record.content), "device_time_text": time_text, "device_time": record.device_time,
        "pass_event_id": event.id, "copies": 0,
    }  # fmt: skip


def pass_event(item: Found, *, marked: str | None) -> PassEvent:
    """The row of an event, both clocks in it."""
    record, device, delivery = item.record, item.device, item.delivery
    return PassEvent(
        id=new_id(),
        estate_id=device.estate_id,
        device_id=device.id,
        delivery_id=delivery.id,
        kind=record.kind.value,
        outcome=record.outcome.value,
        credential_kind=record.credential.value,
        device_person_no=record.person_no[:64] if record.person_no else None,
        direction=direction_of(
            device.direction, device.profile, reader_no=record.reader_no, door_no=record.door_no, told=record.direction
        ),
        door_no=record.door_no if record.door_no is not None and abs(record.door_no) < _INT32 else None,
        code=record.code[:64],
        counter=record.counter,
        device_time_text=record.device_time_text[:64] if record.device_time_text else None,
        device_time=record.device_time,
        received_at=delivery.received_at,
        effective_at=item.at,
        effective_reason=item.at_reason,
        replay=record.replay,
        marked=marked,
        pictures=pictures_of(item),
        extra=record.extra,
    )


def pictures_of(item: Found) -> list[dict[str, Any]]:
    """Where the pictures of a record are: position, keyed hash, stored object or None."""
    snapshot = item.device.capture_mode == CaptureMode.SNAPSHOT
    cutouts = item.delivery.cutouts
    return [
        {
            "index": picture.index,
            "digest": picture.digest,
            "object_id": cutouts[picture.index].get("object_id")
            if snapshot and picture.index < len(cutouts) and cutouts[picture.index]["digest"] == picture.digest
            else None,
        }
        for picture in item.record.pictures
    ]
