"""Contact with devices and its absence: an outage suppresses suspicion, it never raises any."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices import queries
from gate_integration.devices.models import SILENCE, DeviceOutage, GateDevice
from gate_integration.devices.profile import rhythm, silences
from storage.ids import new_id


@dataclass(slots=True)
class Heard:
    """What was heard of one device: arrival times, and the newest arrival of an event and of a heartbeat."""

    device: GateDevice
    at: list[datetime] = field(default_factory=list)
    event_at: datetime | None = None
    heartbeat_at: datetime | None = None


async def contact(session: AsyncSession, *, heard: Mapping[uuid.UUID, Heard]) -> None:
    """Notes that devices were heard, closes their outages, and records silences that no job had noticed."""
    if not heard:
        return
    before = await queries.contacts(session, device_ids=heard.keys())
    standing = await queries.standing_silences(session, device_ids=heard.keys())
    for device_id, news in sorted(heard.items(), key=lambda item: item[0].int):
        row = before.get(device_id)
        last = row.last_contact_at if row is not None else None
        after = sorted(moment for moment in news.at if last is None or moment > last)
        outage = standing.get(device_id)
        if outage is not None:
            ends = [moment for moment in after if moment >= outage.began_at]
            if ends:
                outage.ended_at = last = ends[0]
        for began, ended in silences(last, after, rhythm(news.device.profile)):
            session.add(
                DeviceOutage(
                    id=new_id(), estate_id=news.device.estate_id, device_id=device_id, reason=SILENCE,
                    began_at=began, ended_at=ended,
                )
            )  # fmt: skip
        await queries.note_contact(
            session, device=news.device, at=max(news.at), event_at=news.event_at, heartbeat_at=news.heartbeat_at
        )
