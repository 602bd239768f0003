"""The frozen copy of what a lead rests on. Implements `inspection.ports.GateEvidence`."""

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime, time
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices.models import DeviceOutage, GateDevice
from gate_integration.intake.models import PassEvent
from gate_integration.occupancy import store
from gate_integration.occupancy.schemas import views
from gate_integration.sightings import queries as sightings
from gate_integration.sightings.models import Sighting
from inspection.registry.consents.models import Purpose
from inspection.registry.consents.service import require_basis
from storage.audit import service as audit
from storage.audit.service import Actor
from storage.clock import SHANGHAI, local_day
from storage.problems import NotFound

FORMAT = 1


class OccupancyEvidence:
    """Copies discrepancies with all that supports them, and keeps their pictures from expiring."""

    async def freeze(
        self, session: AsyncSession, *, discrepancy_ids: Sequence[uuid.UUID], now: datetime
    ) -> dict[str, Any]:
        """The copy as JSON.

        Raises `NotFound` when one of the discrepancies is not in scope, `NoProcessingBasis` when the estate's basis
        has ended: what it rests on must not be looked at any more.
        """
        rows = await store.by_ids(session, ids=discrepancy_ids)
        if {row.id for row in rows} != set(discrepancy_ids):
            raise NotFound
        for estate_id in {row.estate_id for row in rows}:
            await require_basis(session, estate_id, Purpose.TENANCY_COMPLIANCE, local_day(now))
        event_ids = {uuid.UUID(event) for row in rows for event in row.event_ids}
        seen = await store.events_with_sightings(session, ids=event_ids)
        objects = await store.keep_objects(session, ids=_pictures(event for event, _ in seen))
        numbers = await sightings.numbers(
            session, ids=[one.pseudonym_id for _, one in seen if one is not None and one.pseudonym_id is not None]
        )
        devices, outages = await store.health_of(
            session,
            device_ids={event.device_id for event, _ in seen},
            begin=min((datetime.combine(row.first_day, time(), SHANGHAI) for row in rows), default=now),
            end=now,
        )
        for row in rows:
            audit.record(
                session, at=now, actor=Actor.system("occupancy"), action="evidence.frozen", object_kind="discrepancy",
                object_id=row.id, estate_id=row.estate_id, events=len(row.event_ids), pictures=len(objects),
            )  # fmt: skip
        return {
            "format": FORMAT,
            "frozen_at": now.isoformat(),
            "discrepancies": [msgspec.to_builtins(view) for view in views(rows, rows)],
            "events": [_event(event, sighting, numbers) for event, sighting in seen],
            "pictures_kept": sorted(str(row.id) for row in objects),
            "devices": [_device(device, outages) for device in devices],
        }


def _pictures(events: Iterable[PassEvent]) -> set[uuid.UUID]:
    return {
        uuid.UUID(picture["object_id"])
        for event in events
        for picture in event.pictures
        if picture.get("object_id") is not None
    }


def _event(event: PassEvent, sighting: Sighting | None, numbers: dict[uuid.UUID, int]) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "device_id": str(event.device_id),
        "device_time_text": event.device_time_text,
        "received_at": event.received_at.isoformat(),
        "effective_at": event.effective_at.isoformat(),
        "effective_reason": event.effective_reason,
        "credential_kind": event.credential_kind,
        "direction": event.direction,
        "outcome": event.outcome,
        "replay": event.replay,
        "pictures": [picture["object_id"] for picture in event.pictures if picture.get("object_id") is not None],
        "sighting": None if sighting is None else {
            "id": str(sighting.id), "band": sighting.band, "source": sighting.source, "reason": sighting.reason,
            "score": sighting.score, "margin": sighting.margin, "quality": sighting.quality,
            "searched": sighting.searched, "engine": sighting.engine, "link_kind": sighting.link_kind,
            "pseudonym": numbers.get(sighting.pseudonym_id) if sighting.pseudonym_id is not None else None,
        },
    }  # fmt: skip


def _device(device: GateDevice, outages: Iterable[DeviceOutage]) -> dict[str, Any]:
    return {
        "id": str(device.id), "name": device.name, "vendor": device.vendor, "serial": device.serial,
        "firmware": device.firmware, "level": device.level, "direction": device.direction,
        "capture_mode": device.capture_mode,
        "outages": [
            {"reason": one.reason, "began_at": one.began_at.isoformat(),
             "ended_at": one.ended_at.isoformat() if one.ended_at is not None else None}
            for one in outages if one.device_id == device.id
        ],
    }  # fmt: skip
