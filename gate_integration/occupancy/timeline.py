"""What the gates tell about a unit, for the field and office side. Implements `inspection.ports.UnitTimeline`."""

import uuid
from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.occupancy import store
from gate_integration.occupancy.schemas import views


class OccupancyTimeline:
    """Reads from the caller's session: row-level security decides what is there."""

    async def flagged(
        self, session: AsyncSession, *, unit_ids: Sequence[uuid.UUID], on: date
    ) -> dict[uuid.UUID, list[Any]]:
        """The open discrepancies of each unit, newest first, as JSON-ready values; units without any are left out."""
        rows = await store.of_units(session, unit_ids=unit_ids, on=on)
        found: dict[uuid.UUID, list[Any]] = {}
        for view in views(rows, rows):
            found.setdefault(view.unit_id, []).append(msgspec.to_builtins(view))
        return found
