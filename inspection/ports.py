"""What the field and office side needs from the gate side: the gate side implements, the wiring binds."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.rights.holdings import Holding


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


class EnrolledPeople(Protocol):
    """Counts whose faces are stored, here and on gates (人脸识别技术应用安全管理办法 15)."""

    async def count(self, session: AsyncSession) -> tuple[int, int]:
        """Registered people, one human of several estates once, and unregistered ones; in the worker's scope."""
        ...


class GateHoldings(Protocol):
    """What the gate side holds of a person, for the person."""

    async def holdings(self, session: AsyncSession, *, person_id: uuid.UUID, now: datetime) -> list[Holding]:
        """One entry for each category of data."""
        ...
