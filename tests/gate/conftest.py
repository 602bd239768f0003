"""A running gate with one device."""

import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest_asyncio

from gate_integration.intake.intake import Intake
from storage.clock import SimulatedClock
from storage.database import Database, DatabaseUrls
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.factories import World, make_world
from tests.gate import support
from tests.gate.support import NOON


@dataclass
class Gate:
    """A running gate with one device."""

    port: int
    intake: Intake
    world: World
    device_id: uuid.UUID
    token: str


@pytest_asyncio.fixture(loop_scope="session")
async def gate(
    database: Database, urls: DatabaseUrls, vault: Vault, objects: Objects, clock: SimulatedClock, tmp_path: Path
) -> AsyncIterator[Gate]:
    clock.set(NOON)
    world = await make_world(database, vault, now=NOON, flats=1)
    device_id, token = await support.add_device(database, vault, world, now=NOON)
    with support.live_gate(urls, vault, objects, clock, support.gate_settings(tmp_path)) as (port, intake):
        yield Gate(port, intake, world, device_id, token)
