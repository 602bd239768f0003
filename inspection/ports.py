"""What the field and office side needs from the gate side: the gate side implements, the wiring binds."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession


class GateEvidence(Protocol):
    """Copies what a lead rests on, since sightings and snapshots expire."""

    async def freeze(
        self, session: AsyncSession, *, discrepancy_ids: Sequence[uuid.UUID], now: datetime
    ) -> dict[str, Any]:
        """A copy of the discrepancies with their terms, counts, explanations, device health and events, as JSON.

        Pictures that belong to the events are kept from expiring.
        """
        ...


class UnitTimeline(Protocol):
    """What the gates tell about a unit, for a person who reads it with a reason."""

    async def flagged(
        self, session: AsyncSession, *, unit_ids: Sequence[uuid.UUID], on: date
    ) -> dict[uuid.UUID, list[Any]]:
        """The open discrepancies of each unit that may be read on a day, newest first, as JSON-ready values."""
        ...
