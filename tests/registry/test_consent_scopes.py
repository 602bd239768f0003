"""Each scope of consent is withdrawn by itself, and one job run destroys what it covers and nothing else."""

import uuid
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from gate_integration.devices.models import DevicePerson
from gate_integration.enrolment import jobs
from gate_integration.enrolment.models import FaceTemplate
from gate_integration.intake.models import PassEvent
from gate_integration.removals.models import DeviceRemoval, RemovalState, What
from gate_integration.removals.service import confirm
from inspection.registry.consents.models import ConsentScope
from inspection.registry.consents.service import withdraw_all
from storage.audit.models import AuditEntry
from storage.clock import SimulatedClock
from storage.database import Database, Role, SystemScope
from storage.objects.models import StoredObject
from storage.objects.service import Objects
from storage.settings import Settings
from storage.vault.service import Vault
from tests.factories import make_world
from tests.recognition import make_card
from tests.registry.erasing import NOW, Desk, Known, know_all, make_desk, move_in

LATER = NOW + timedelta(hours=1)


@pytest.fixture
async def desk(
    database: Database, vault: Vault, objects: Objects, clock: SimulatedClock, test_settings: Settings, tmp_path: Path
) -> Desk:
    world = await make_world(database, vault, now=NOW, flats=1)
    return await make_desk(database, vault, objects, world, clock, test_settings, tmp_path)


async def withdrawn(desk: Desk, known: Known, scope: ConsentScope) -> dict[str, bool]:
    """Withdraws a scope, lets the job run once, and tells what still stands."""
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        await withdraw_all(session, person_id=known.person_id, scopes=[scope], reason="本人要求", actor=desk.clerk,
                           now=LATER)  # fmt: skip
    async with desk.database.transaction(Role.SYSTEM, SystemScope()) as session:
        await jobs.apply_withdrawals(session, vault=desk.vault, objects=desk.objects, now=LATER)
    await desk.delete_bytes()
    async with desk.database.transaction(Role.SYSTEM, SystemScope()) as session:
        template = (await session.scalars(select(FaceTemplate).where(FaceTemplate.person_id == known.person_id))).one()
        entry = (await session.scalars(select(DevicePerson).where(DevicePerson.person_id == known.person_id))).one()
        event = await session.get_one(PassEvent, known.event_id)
        photo, snapshot = [await session.get_one(StoredObject, one) for one in known.objects]
        assert event.device_person_id == entry.id
    kept = set(desk.objects.store.keys())
    assert (str(known.objects[0]) in kept) == (photo.wrapped_key is not None)
    assert (str(known.objects[1]) in kept) == (snapshot.wrapped_key is not None)
    return {
        "template": template.sealed is not None, "photo": photo.wrapped_key is not None, "face on gate": entry.has_face,
        "snapshot": snapshot.wrapped_key is not None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("scope", "gone"),
    [
        (ConsentScope.TEMPLATE, "template"),
        (ConsentScope.KEEP_PHOTO, "photo"),
        (ConsentScope.PUSH_TO_GATES, "face on gate"),
        (ConsentScope.OFF_DEVICE, "snapshot"),
    ],
)
async def test_a_scope_takes_with_it_what_it_covers_and_nothing_else(
    desk: Desk, scope: ConsentScope, gone: str
) -> None:
    known = await know_all(desk, await move_in(desk, seed=100 + list(ConsentScope).index(scope)), seed=71)
    left = await withdrawn(desk, known, scope)
    assert {what for what, stands in left.items() if not stands} == {gone}


async def removals(desk: Desk, person_id: uuid.UUID) -> list[DeviceRemoval]:
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        return list(await session.scalars(select(DeviceRemoval).where(DeviceRemoval.person_id == person_id)))


async def actions(desk: Desk, person_id: uuid.UUID) -> set[str]:
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        return set(await session.scalars(select(AuditEntry.action).where(AuditEntry.object_id == person_id)))


async def test_a_gate_forgets_the_face_while_the_card_goes_on_working(desk: Desk) -> None:
    known = await know_all(desk, await move_in(desk, seed=111), seed=72)
    await make_card(desk.database, desk.vault, desk.world, 0)
    await withdrawn(desk, known, ConsentScope.PUSH_TO_GATES)
    (waiting,) = await removals(desk, known.person_id)
    assert (waiting.what, waiting.state, waiting.other_way_in) == (What.FACE, RemovalState.PENDING, True)
    assert (waiting.device_id, waiting.device_person_no) == (known.device.id, known.number)
    assert "device-removal.no-other-way-in" not in await actions(desk, known.person_id)
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        done = await confirm(session, removal_id=waiting.id, note="现场核对", actor=desk.clerk, now=LATER)
        assert (done.state, done.device_person_no, done.confirmed_by) == ("confirmed", None, desk.clerk.user_id)


async def test_without_another_way_in_the_withdrawal_still_counts_and_an_alarm_is_raised(desk: Desk) -> None:
    known = await know_all(desk, await move_in(desk, seed=112), seed=73)
    left = await withdrawn(desk, known, ConsentScope.PUSH_TO_GATES)
    assert not left["face on gate"]
    (waiting,) = await removals(desk, known.person_id)
    assert (waiting.state, waiting.other_way_in) == (RemovalState.PENDING, False)
    assert "device-removal.no-other-way-in" in await actions(desk, known.person_id)
