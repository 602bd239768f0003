"""What the drainer hands on: new passes with all that was found out about them, to whoever recognises people."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.intake.models import PassEvent


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """A device as events need it; `direction` is the device's own, an event carries the one that holds for it."""

    id: uuid.UUID
    estate_id: uuid.UUID
    capture_mode: str
    level: str
    building_id: uuid.UUID | None
    entrance_id: uuid.UUID | None
    unit_id: uuid.UUID | None
    direction: str
    camera: bool
    reports_strangers: bool


@dataclass(frozen=True, slots=True)
class CredentialFacts:
    """The credential that was shown, as registered; `person_id` is its holder, where it has one."""

    id: uuid.UUID
    kind: str
    household_id: uuid.UUID | None
    unit_id: uuid.UUID | None
    person_id: uuid.UUID | None


@dataclass(frozen=True, slots=True)
class NewPass:
    """A stored access event that somebody passed or failed.

    `person_id`: whom the device itself recognised, by its own number of the person. `picture_ids`: stored objects of
    the pictures, in the order the device sent them; always empty in modes other than `snapshot`.
    """

    event: PassEvent
    device: DeviceFacts
    person_id: uuid.UUID | None
    credential: CredentialFacts | None
    picture_ids: tuple[uuid.UUID, ...]


class Sighter(Protocol):
    """Makes sightings of passes."""

    async def sight(self, session: AsyncSession, *, events: Sequence[NewPass], now: datetime) -> None:
        """Within the transaction that stores the events; called again with the same events when that rolls back."""
        ...
