"""Devices, credentials and numbers: what may be said of them, and who sees it."""

import uuid
from datetime import date, timedelta

import pytest
from sqlalchemy import select

from gate_integration.devices import queries, service
from gate_integration.devices.errors import (
    BadProfile,
    CredentialTaken,
    CredentialWithoutHolder,
    DeviceRetired,
    NumberTaken,
    PlaceMismatch,
    SerialTaken,
)
from gate_integration.devices.models import DeviceToken, GateLevel
from gate_integration.devices.profile import direction_of, parser_profile, rhythm, silences
from gate_integration.devices.schemas import CredentialInput, DeviceInput, DevicePersonInput, ProfileInput
from storage.audit.models import AuditEntry
from storage.database import Database, Role, SystemScope
from storage.problems import NotFound
from storage.vault.crypto import blind_index
from storage.vault.service import Vault
from tests.factories import World, make_world
from tests.gate import support
from tests.gate.support import ACTOR, NOON


@pytest.fixture
async def world(database: Database, vault: Vault) -> World:
    return await make_world(database, vault, now=NOON, flats=2)


async def test_a_token_is_stored_as_a_keyed_hash_and_its_making_is_audited(
    database: Database, vault: Vault, world: World
) -> None:
    device_id, token = await support.add_device(database, vault, world, now=NOON)
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        stored = (await session.scalars(select(DeviceToken).where(DeviceToken.device_id == device_id))).one()
        assert stored.token_hash == blind_index(vault.device_token_key, token)
        assert token.encode() not in stored.token_hash
        entry = (await session.scalars(select(AuditEntry).where(AuditEntry.object_id == device_id))).one()
        assert entry.action == "device.added"
        assert token not in str(entry.payload)


async def test_a_third_token_revokes_the_oldest(database: Database, vault: Vault, world: World) -> None:
    device_id, _ = await support.add_device(database, vault, world, now=NOON)
    for minute in (1, 2):
        async with database.transaction(Role.APP, world.scope) as session:
            await service.rotate_token(
                session, device_id=device_id, vault=vault, actor=ACTOR, now=NOON + timedelta(minutes=minute)
            )
    async with database.transaction(Role.APP, world.scope) as session:
        tokens = list(
            await session.scalars(
                select(DeviceToken).where(DeviceToken.device_id == device_id).order_by(DeviceToken.created_at)
            )
        )
    assert [t.revoked_at is None for t in tokens] == [False, True, True]


async def test_a_place_fits_its_level_and_its_estate(database: Database, vault: Vault, world: World) -> None:
    other = await make_world(database, vault, now=NOON, flats=1)

    async def add(level: GateLevel, profile: ProfileInput | None = None, **place: uuid.UUID) -> uuid.UUID | None:
        async with database.transaction(Role.APP, world.scope) as session:
            made = await service.add_device(
                session,
                data=DeviceInput(
                    estate_id=world.estate_id, name="门", serial=uuid.uuid4().hex, level=level,
                    profile=profile or ProfileInput(), **place,
                ),
                vault=vault, actor=ACTOR, now=NOON,
            )  # fmt: skip
            return made.device.entrance_id

    assert await add(GateLevel.ESTATE) is None
    assert await add(GateLevel.UNIT, unit_id=world.units[0]) == world.entrance_id
    both = {"building_id": world.building_id, "entrance_id": world.entrance_id}
    assert await add(GateLevel.ENTRANCE, **both) == world.entrance_id
    for level, place in (
        (GateLevel.ESTATE, {"unit_id": world.units[0]}),
        (GateLevel.UNIT, {}),
        (GateLevel.BUILDING, {"entrance_id": world.entrance_id}),
        (GateLevel.ENTRANCE, both | {"building_id": other.building_id}),
    ):
        with pytest.raises(PlaceMismatch):
            await add(level, **place)
    with pytest.raises(NotFound):
        await add(GateLevel.ENTRANCE, entrance_id=other.entrance_id)
    with pytest.raises(BadProfile):
        await add(GateLevel.ESTATE, ProfileInput(zone="Asia/Nowhere"))


async def test_a_serial_number_is_registered_once(database: Database, vault: Vault, world: World) -> None:
    data = DeviceInput(estate_id=world.estate_id, name="门", serial="TWICE", level=GateLevel.ESTATE)
    async with database.transaction(Role.APP, world.scope) as session:
        await service.add_device(session, data=data, vault=vault, actor=ACTOR, now=NOON)
    with pytest.raises(SerialTaken):
        async with database.transaction(Role.APP, world.scope) as session:
            await service.add_device(session, data=data, vault=vault, actor=ACTOR, now=NOON)


async def test_what_is_out_of_service_or_out_of_scope_cannot_be_changed(
    database: Database, vault: Vault, world: World
) -> None:
    other = await make_world(database, vault, now=NOON, flats=1)
    device_id, _ = await support.add_device(database, vault, world, now=NOON)
    async with database.transaction(Role.APP, other.scope) as session:
        with pytest.raises(NotFound):
            await service.rotate_token(session, device_id=device_id, vault=vault, actor=ACTOR, now=NOON)
    async with database.transaction(Role.APP, world.scope) as session:
        view = await service.retire_device(session, device_id=device_id, actor=ACTOR, now=NOON)
        assert view.retired_at == NOON
        with pytest.raises(DeviceRetired):
            await service.rotate_token(session, device_id=device_id, vault=vault, actor=ACTOR, now=NOON)


async def test_a_credential_has_one_holder_in_one_estate(database: Database, vault: Vault, world: World) -> None:
    other = await make_world(database, vault, now=NOON, flats=1)

    async def register(number: str, **holder: uuid.UUID) -> uuid.UUID:
        async with database.transaction(Role.APP, world.scope) as session:
            view = await service.register_credential(
                session, estate_id=world.estate_id,
                data=CredentialInput(number=number, valid_from=date(2026, 3, 1), **holder),
                vault=vault,
                actor=ACTOR, now=NOON,
            )  # fmt: skip
            return view.id

    first = await register("77", household_id=world.households[0], person_id=world.tenants[0])
    with pytest.raises(CredentialTaken):
        await register("77", unit_id=world.units[1])
    with pytest.raises(CredentialWithoutHolder):
        await register("78")
    with pytest.raises(NotFound):
        await register("78", household_id=other.households[0])
    async with database.transaction(Role.APP, world.scope) as session:
        for _ in range(2):
            view = await service.withdraw_credential(session, credential_id=first, actor=ACTOR, now=NOON)
            assert view.withdrawn_at == NOON
        with pytest.raises(NotFound):
            await service.withdraw_credential(session, credential_id=uuid.uuid4(), actor=ACTOR, now=NOON)
    assert await register("77", unit_id=world.units[1]) != first


async def test_a_number_means_one_person_at_a_time(database: Database, vault: Vault, world: World) -> None:
    other = await make_world(database, vault, now=NOON, flats=1)
    device_id, _ = await support.add_device(database, vault, world, now=NOON)

    async def say(person: uuid.UUID, *, has_face: bool = False) -> uuid.UUID:
        async with database.transaction(Role.APP, world.scope) as session:
            view = await service.map_person(
                session, device_id=device_id,
                data=DevicePersonInput(person_id=person, number="000015", has_face=has_face), actor=ACTOR, now=NOON,
            )  # fmt: skip
            assert view.has_face is has_face
            return view.id

    first = await say(world.tenants[0])
    assert await say(world.tenants[0], has_face=True) == first
    with pytest.raises(NumberTaken):
        await say(world.tenants[1])
    with pytest.raises(NotFound):
        await say(other.tenants[0])
    async with database.transaction(Role.APP, world.scope) as session:
        gone = await service.unmap_person(session, device_id=device_id, number="000015", actor=ACTOR, now=NOON)
        assert gone.removed_at == NOON
        with pytest.raises(NotFound):
            await service.unmap_person(session, device_id=device_id, number="000015", actor=ACTOR, now=NOON)
    assert await say(world.tenants[1]) != first


async def test_health_lists_devices_of_the_scope(database: Database, vault: Vault, world: World) -> None:
    device_id, _ = await support.add_device(database, vault, world, now=NOON)
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        await service.mark_silent(session, NOON + timedelta(hours=2))
    async with database.transaction(Role.APP, world.scope) as session:
        (row,) = await queries.health(session, now=NOON + timedelta(hours=2), after=None, limit=10)
        assert (row.device.id, row.outage_since, row.outages_30_days) == (device_id, NOON, 1)
        assert (row.pending, row.problems, row.last_contact_at) == (0, 0, None)
        assert await queries.health(session, now=NOON, after=(row.device.name, row.device.id), limit=10) == []
        assert await queries.recent_deliveries(session, device_id=device_id, before=(NOON, device_id), limit=5) == []
        assert await queries.problems(session, device_id=device_id, before=(NOON, device_id), limit=5) == []


def test_silences_are_the_long_gaps() -> None:
    minutes = [NOON + timedelta(minutes=m) for m in (0, 10, 200, 205)]
    assert silences(None, [minutes[2], minutes[0], minutes[1]], rhythm({})) == [(minutes[1], minutes[2])]
    assert silences(minutes[2], [minutes[0], minutes[3]], rhythm({})) == []
    assert rhythm({"silence_minutes": 5}) == timedelta(minutes=5)


def test_a_profile_row_becomes_what_the_parser_needs() -> None:
    profile = parser_profile(
        "hikvision", {"zone": "Asia/Urumqi", "codes": {"5/23": {"kind": "door"}}, "limits": {"a": 1}}
    )
    assert (profile.zone, profile.codes, profile.limits) == ("Asia/Urumqi", {"5/23": {"kind": "door"}}, {"a": 1})
    assert direction_of("both", {"readers": {"2": "up"}}, reader_no=2, door_no=None) == "unknown"
