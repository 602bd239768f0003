"""From a photograph at enrolment to sightings at a gate, with the real engine and the real database."""

from datetime import UTC, datetime, timedelta

import pytest

from gate_integration.enrolment import service
from gate_integration.faces.engine import SFaceEngine
from gate_integration.sightings.models import Band
from gate_integration.sightings.service import SightingService
from storage.audit.service import Actor
from storage.database import Database, Role
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.factories import give_consent, make_world
from tests.recognition import Pass, make_gate, report

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)


@pytest.mark.faces
async def test_real_photographs_end_to_end(
    database: Database, vault: Vault, objects: Objects, engine: SFaceEngine, pictures: dict[str, bytes]
) -> None:
    world = await make_world(database, vault, now=NOW)
    await give_consent(database, world, world.tenants[0], now=NOW)
    async with database.transaction(Role.APP, world.scope) as session:
        await service.enrol(
            session, person_id=world.tenants[0], photo=pictures["tenant_1"], actor=Actor.system("test"), now=NOW,
            engine=engine, vault=vault, objects=objects,
        )  # fmt: skip
    sighter = SightingService(engine=engine, vault=vault, objects=objects)
    gate = await make_gate(database, world, now=NOW)
    names = ["tenant_2", "tenant_3", "stranger", "carer", "stranger"]
    rows = await report(
        database, objects, sighter,
        [Pass(gate, NOW + timedelta(minutes=n), pictures[name]) for n, name in enumerate(names)], now=NOW,
    )  # fmt: skip
    assert [row.band for row in rows] == [Band.MATCH] * 2 + [Band.NO_MATCH] * 3
    assert {row.person_id for row in rows[:2]} == {world.tenants[0]}
    assert rows[2].pseudonym_id == rows[4].pseudonym_id != rows[3].pseudonym_id
