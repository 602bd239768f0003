"""One estate that cannot be judged keeps no other from being judged."""

import uuid
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from api.house import House
from api.worker import Worker
from gate_integration.occupancy import service as occupancy
from storage.clock import SimulatedClock
from storage.database import Database
from storage.objects.service import Objects
from storage.settings import Settings
from storage.vault.service import Vault
from tests.factories import make_world


async def test_one_estate_that_fails_stops_no_other(
    database: Database, vault: Vault, objects: Objects, clock: SimulatedClock, test_settings: Settings, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    worlds = [await make_world(database, vault, now=clock.now()) for _ in range(2)]
    judged: set[uuid.UUID] = set()

    async def judge(session: Any, *, estate_id: uuid.UUID, now: datetime) -> None:
        assert session.in_transaction()
        assert now == clock.now()
        judged.add(estate_id)
        if estate_id == worlds[0].estate_id:
            raise KeyError("a name that must not reach a log")

    monkeypatch.setattr(occupancy, "evaluate_estate", judge)
    monkeypatch.setattr("api.worker.make_engine", lambda _: None)
    worker = Worker(
        House(replace(test_settings, data_dir=tmp_path), clock, database.urls, database, vault, objects, None)
    )
    with pytest.raises(KeyError):
        await worker.evaluate()
    assert judged >= {world.estate_id for world in worlds}
    assert "must not reach" not in caplog.text
