"""Passes become sightings: whose word counts, who is never named, and what is never made of a poor picture."""

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import select, text

from gate_integration.devices.models import CaptureMode, GateLevel
from gate_integration.enrolment import jobs, service
from gate_integration.sightings import retention
from gate_integration.sightings.models import Band, LinkKind, Pseudonym, Source
from gate_integration.sightings.service import SightingService
from inspection.registry.consents.basis import require_basis, withdraw_basis
from inspection.registry.consents.models import ConsentScope, Purpose
from inspection.registry.consents.service import withdraw_all
from inspection.registry.households.models import GuestStay, Person, ServiceWorker
from storage.audit.service import Actor
from storage.database import Database, Role, SystemScope
from storage.holds.reach import Reach
from storage.ids import new_id
from storage.objects.models import StoredObject
from storage.objects.service import Objects
from storage.retention.classes import Tools
from storage.retention.run import run_class
from storage.vault.service import Vault
from tests.factories import World, give_consent, make_world
from tests.recognition import (
    CROWD_PICTURE,
    GARBAGE,
    NO_FACE_PICTURE,
    FakeEngine,
    Pass,
    make_card,
    make_gate,
    near,
    picture_of,
    put_on_device,
    random_face,
    report,
)

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
TENANT, STRANGER = random_face(1), random_face(2)
ACTOR = Actor.system("test")


async def enrolled_world(database: Database, vault: Vault, objects: Objects) -> World:
    """Four flats; the first tenant is enrolled."""
    world = await make_world(database, vault, now=NOW)
    await give_consent(database, world, world.tenants[0], now=NOW)
    async with database.transaction(Role.APP, world.scope) as session:
        await service.enrol(
            session, person_id=world.tenants[0], photo=picture_of(TENANT), actor=ACTOR, now=NOW,
            engine=FakeEngine(), vault=vault, objects=objects,
        )  # fmt: skip
    return world


async def add_person(database: Database, vault: Vault, world: World, name: str) -> Person:
    """Somebody without a household."""
    person = Person(id=new_id(), estate_id=world.estate_id, name=name, created_at=NOW)
    async with database.transaction(Role.APP, world.scope) as session:
        await vault.new_subject_key(session, estate_id=world.estate_id, subject_id=person.id, now=NOW)
        session.add(person)
    return person


async def test_who_is_seen_and_who_is_not(database: Database, vault: Vault, objects: Objects) -> None:
    world = await enrolled_world(database, vault, objects)
    sighter = SightingService(engine=FakeEngine(), vault=vault, objects=objects)
    gate = await make_gate(database, world, now=NOW)
    card = await make_card(database, vault, world, 0)
    shown = {
        "tenant": Pass(gate, NOW, picture_of(near(TENANT, 0.8))),
        "maybe": Pass(gate, NOW + timedelta(minutes=1), picture_of(near(TENANT, 0.40))),
        "stranger": Pass(gate, NOW + timedelta(minutes=2), picture_of(near(STRANGER, 0.95)), credential=card),
        "again": Pass(gate, NOW + timedelta(minutes=3), picture_of(near(STRANGER, 0.9, seed=5))),
        "poor": Pass(gate, NOW + timedelta(minutes=4), picture_of(random_face(77), poor=True)),
        "nobody": Pass(gate, NOW + timedelta(minutes=5), NO_FACE_PICTURE),
        "crowd": Pass(gate, NOW + timedelta(minutes=6), CROWD_PICTURE),
        "garbage": Pass(gate, NOW + timedelta(minutes=7), GARBAGE),
        "card": Pass(gate, NOW + timedelta(minutes=8), credential=card),
        "failed": Pass(gate, NOW + timedelta(minutes=9), outcome="fail"),
        "replayed": Pass(gate, NOW - timedelta(days=3), picture_of(near(TENANT, 0.9)), replay=True),
    }
    seen = dict(zip(shown, await report(database, objects, sighter, list(shown.values()), now=NOW), strict=True))
    assert {name: row.band for name, row in seen.items()} == {
        "tenant": Band.MATCH, "maybe": Band.REVIEW, "stranger": Band.NO_MATCH, "again": Band.NO_MATCH,
        "poor": Band.UNUSABLE, "nobody": Band.UNUSABLE, "crowd": Band.UNUSABLE, "garbage": Band.UNUSABLE,
        "card": Band.UNUSABLE, "failed": Band.UNUSABLE, "replayed": Band.MATCH,
    }  # fmt: skip
    assert {name: row.reason for name, row in seen.items() if row.band == Band.UNUSABLE} == {
        "poor": "small", "nobody": "no-face", "crowd": "many-faces", "garbage": "not-a-picture",
        "card": "no-picture", "failed": "no-picture",
    }  # fmt: skip
    assert seen["tenant"].person_id == world.tenants[0]
    assert seen["tenant"].score == pytest.approx(0.8, abs=1e-3)
    assert seen["tenant"].engine == "fake/0123456789ab"
    assert seen["maybe"].person_id is None
    assert seen["stranger"].pseudonym_id == seen["again"].pseudonym_id
    assert [name for name, row in seen.items() if row.pseudonym_id is not None] == ["stranger", "again"]
    assert (seen["stranger"].unit_id, seen["stranger"].link_kind) == (world.units[0], LinkKind.UNIT_CREDENTIAL)
    assert (seen["card"].person_id, seen["card"].unit_id, seen["card"].source) == (
        None, world.units[0], Source.CREDENTIAL,
    )  # fmt: skip
    assert seen["again"].unit_id is None
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        kept = await session.execute(
            select(StoredObject.expires_at).where(StoredObject.estate_id == world.estate_id,
                                                  StoredObject.kind == "snapshot")
        )  # fmt: skip
        assert sorted((at - NOW).days for (at,) in kept).count(60) == 1


async def test_the_household_of_the_card_is_searched_first(database: Database, vault: Vault, objects: Objects) -> None:
    world = await enrolled_world(database, vault, objects)
    sighter = SightingService(engine=FakeEngine(), vault=vault, objects=objects)
    gate = await make_gate(database, world, now=NOW, level=GateLevel.ESTATE)
    own, other = await make_card(database, vault, world, 0), await make_card(database, vault, world, 1)
    rows = await report(
        database, objects, sighter,
        [Pass(gate, NOW, picture_of(TENANT), credential=own),
         Pass(gate, NOW + timedelta(minutes=1), picture_of(TENANT), credential=other)], now=NOW,
    )  # fmt: skip
    assert [row.searched for row in rows] == ["household", "estate"]
    assert [row.unit_id for row in rows] == [world.units[0], world.units[1]]
    assert {row.person_id for row in rows} == {world.tenants[0]}


async def test_the_terminals_own_word(database: Database, vault: Vault, objects: Objects) -> None:
    world = await enrolled_world(database, vault, objects)
    await give_consent(database, world, world.tenants[1], now=NOW, scopes=(ConsentScope.PUSH_TO_GATES,))
    sighter = SightingService(engine=FakeEngine(), vault=vault, objects=objects)
    gate = await make_gate(database, world, now=NOW, capture_mode=CaptureMode.IDENTITY)
    known = await put_on_device(database, gate, world.tenants[0], now=NOW)
    no_pictures = await put_on_device(database, gate, world.tenants[1], now=NOW)
    refuser = await put_on_device(database, gate, world.tenants[2], now=NOW)
    rows = await report(
        database, objects, sighter,
        [Pass(gate, NOW, entry=known),
         Pass(gate, NOW + timedelta(minutes=1), entry=known, kind="card"),
         Pass(gate, NOW + timedelta(minutes=2), entry=known, kind="fingerprint"),
         Pass(gate, NOW + timedelta(minutes=3), entry=refuser),
         Pass(gate, NOW + timedelta(minutes=4), picture_of(STRANGER), entry=no_pictures),
         Pass(gate, NOW + timedelta(minutes=5), picture_of(STRANGER), entry=known),
         Pass(gate, NOW + timedelta(minutes=6), NO_FACE_PICTURE, entry=known)], now=NOW,
    )  # fmt: skip
    assert [(row.band, row.person_id, row.reason) for row in rows] == [
        (Band.MATCH, world.tenants[0], "no-picture"),
        (Band.UNUSABLE, None, "no-picture"),  # a card names nobody
        (Band.UNUSABLE, None, "no-picture"),  # nor does a finger
        (Band.UNUSABLE, None, "no-picture"),  # no consent to be on the gates
        (Band.MATCH, world.tenants[1], "no-picture"),  # no consent to pictures leaving the gate: not looked at
        (Band.REVIEW, None, "device-disagrees"),
        (Band.MATCH, world.tenants[0], "no-face"),
    ]
    assert [row.unit_id for row in rows[:3]] == [None, world.units[0], world.units[0]]
    assert all(row.pseudonym_id is None for row in rows)


async def test_guests_and_workers_are_known_in_their_time(database: Database, vault: Vault, objects: Objects) -> None:
    world = await make_world(database, vault, now=NOW)
    guest = await add_person(database, vault, world, "客人")
    worker = await add_person(database, vault, world, "护理员")
    async with database.transaction(Role.APP, world.scope) as session:
        session.add(GuestStay(estate_id=world.estate_id, household_id=world.households[0], person_id=guest.id,
                              valid_from=date(2026, 3, 1), valid_to=date(2026, 3, 10), relation="亲属",
                              created_at=NOW))  # fmt: skip
        session.add(ServiceWorker(estate_id=world.estate_id, person_id=worker.id, kind="carer", employer="测试",
                                  valid_from=date(2026, 3, 1), created_at=NOW))  # fmt: skip
    faces = {guest.id: random_face(11), worker.id: random_face(12)}
    for person, face in faces.items():
        await give_consent(database, world, person, now=NOW)
        async with database.transaction(Role.APP, world.scope) as session:
            await service.enrol(session, person_id=person, photo=picture_of(face), actor=ACTOR, now=NOW,
                                engine=FakeEngine(), vault=vault, objects=objects)  # fmt: skip
    sighter = SightingService(engine=FakeEngine(), vault=vault, objects=objects)
    gate = await make_gate(database, world, now=NOW)
    late = NOW + timedelta(days=20)
    during = await report(database, objects, sighter, [Pass(gate, NOW, picture_of(f)) for f in faces.values()], now=NOW)
    after = await report(
        database, objects, sighter, [Pass(gate, late, picture_of(f)) for f in faces.values()], now=late
    )
    assert [row.person_id for row in during] == [guest.id, worker.id]
    assert [row.person_id for row in after] == [None, worker.id]


async def test_without_a_basis_nothing_is_looked_at(database: Database, vault: Vault, objects: Objects) -> None:
    world = await make_world(database, vault, now=NOW, bases=())
    sighter = SightingService(engine=FakeEngine(), vault=vault, objects=objects)
    gate = await make_gate(database, world, now=NOW, level=GateLevel.UNIT, unit_id=world.units[0])
    (row,) = await report(database, objects, sighter, [Pass(gate, NOW, picture_of(STRANGER))], now=NOW)
    assert (row.band, row.reason, row.unit_id, row.pseudonym_id) == (Band.UNUSABLE, "no-basis", None, None)


async def test_access_control_alone_makes_no_pseudonym(database: Database, vault: Vault, objects: Objects) -> None:
    world = await make_world(database, vault, now=NOW, bases=(Purpose.ACCESS_CONTROL,))
    sighter = SightingService(engine=FakeEngine(), vault=vault, objects=objects)
    gate = await make_gate(database, world, now=NOW)
    (row,) = await report(database, objects, sighter, [Pass(gate, NOW, picture_of(STRANGER))], now=NOW)
    assert (row.band, row.pseudonym_id) == (Band.UNUSABLE, None)


async def test_sighting_again_changes_nothing_and_estates_do_not_mix(
    database: Database, vault: Vault, objects: Objects
) -> None:
    sighter = SightingService(engine=FakeEngine(), vault=vault, objects=objects)
    worlds = [await make_world(database, vault, now=NOW, flats=1) for _ in range(2)]
    gates = [await make_gate(database, world, now=NOW) for world in worlds]
    rows = await report(database, objects, sighter, [Pass(gate, NOW, picture_of(STRANGER)) for gate in gates], now=NOW)
    assert rows[0].pseudonym_id != rows[1].pseudonym_id
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        found = {row.id: row for row in await session.scalars(select(Pseudonym))}
        assert [found[row.pseudonym_id].number for row in rows if row.pseudonym_id] == [1, 1]


async def test_who_withdraws_is_found_no_more_and_never_joined_to_a_pseudonym(
    database: Database, vault: Vault, objects: Objects
) -> None:
    world = await enrolled_world(database, vault, objects)
    sighter = SightingService(engine=FakeEngine(), vault=vault, objects=objects)
    gate = await make_gate(database, world, now=NOW)
    (before,) = await report(database, objects, sighter, [Pass(gate, NOW, picture_of(TENANT))], now=NOW)
    assert before.person_id == world.tenants[0]
    later = NOW + timedelta(days=1)
    async with database.transaction(Role.APP, world.scope) as session:
        await withdraw_all(session, person_id=world.tenants[0], scopes=[ConsentScope.TEMPLATE], reason="测试撤回",
                           actor=ACTOR, now=later)  # fmt: skip
    # The matrix in memory is refused at once, before the job that destroys has run.
    (at_once,) = await report(database, objects, sighter, [Pass(gate, later, picture_of(TENANT))], now=later)
    assert at_once.person_id is None
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        await jobs.apply_withdrawals(session, vault=vault, objects=objects, now=later)
    await give_consent(database, world, world.tenants[0], now=later, scopes=(ConsentScope.TEMPLATE,))
    async with database.transaction(Role.APP, world.scope) as session:
        await service.enrol(session, person_id=world.tenants[0], photo=picture_of(TENANT), actor=ACTOR, now=later,
                            engine=FakeEngine(), vault=vault, objects=objects)  # fmt: skip
    (again,) = await report(database, objects, sighter, [Pass(gate, later, picture_of(TENANT))], now=later)
    assert (again.person_id, again.pseudonym_id) == (world.tenants[0], None)
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        assert (await session.get_one(Pseudonym, at_once.pseudonym_id)).faces == 1
    assert at_once.person_id is None


async def test_unseen_pseudonyms_are_forgotten_for_good(database: Database, vault: Vault, objects: Objects) -> None:
    world = await make_world(database, vault, now=NOW)
    sighter = SightingService(engine=FakeEngine(), vault=vault, objects=objects)
    gate = await make_gate(database, world, now=NOW)
    (first,) = await report(database, objects, sighter, [Pass(gate, NOW, picture_of(STRANGER))], now=NOW)
    later = NOW + timedelta(days=31)
    pseudonyms = next(one for one in retention.CLASSES if one.described.code == "pseudonyms")
    for moment in (NOW + timedelta(days=29), later):
        await run_class(database, retention=pseudonyms, reach=Reach(), tools=Tools(vault, objects), now=moment,
                        actor=ACTOR)  # fmt: skip
        async with database.transaction(Role.SYSTEM, world.scope) as session:
            seen = await session.get_one(Pseudonym, first.pseudonym_id)
            assert (seen.forgotten_at is not None) == (moment == later)
    async with database.transaction(Role.SYSTEM, world.scope) as session:
        row = await session.get_one(Pseudonym, first.pseudonym_id)
        assert row.centroid_sealed is None
        assert row.forgotten_at == later
        assert await vault.subject_keys(session, estate_id=world.estate_id, subject_ids=[row.id], now=later) == {}
    (again,) = await report(database, objects, sighter, [Pass(gate, later, picture_of(STRANGER))], now=later)
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        assert (await session.get_one(Pseudonym, again.pseudonym_id)).number == 2


async def test_the_end_of_the_basis_ends_pseudonyms_and_templates(
    database: Database, vault: Vault, objects: Objects
) -> None:
    world = await enrolled_world(database, vault, objects)
    sighter = SightingService(engine=FakeEngine(), vault=vault, objects=objects)
    gate = await make_gate(database, world, now=NOW)
    (seen,) = await report(database, objects, sighter, [Pass(gate, NOW, picture_of(STRANGER))], now=NOW)
    for purpose, templates in ((Purpose.TENANCY_COMPLIANCE, 1), (Purpose.ACCESS_CONTROL, 0)):
        async with database.transaction(Role.APP, world.scope) as session:
            basis = await require_basis(session, world.estate_id, purpose, date(2026, 3, 2))
            await withdraw_basis(session, basis_id=basis.id, reason="测试终止", actor=ACTOR, now=NOW)
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            await jobs.apply_withdrawals(session, vault=vault, objects=objects, now=NOW)
            assert (await session.get_one(Pseudonym, seen.pseudonym_id)).forgotten_at == NOW
            assert len(await service.templates_of(session, person_id=world.tenants[0])) == templates


async def test_tables_hold_no_vector_in_clear(database: Database, vault: Vault, objects: Objects) -> None:
    world = await enrolled_world(database, vault, objects)
    sighter = SightingService(engine=FakeEngine(), vault=vault, objects=objects)
    gate = await make_gate(database, world, now=NOW)
    await report(database, objects, sighter, [Pass(gate, NOW, picture_of(STRANGER))], now=NOW)
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        tables = (await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))).all()
        for table in tables:
            if not (await session.scalar(text("SELECT has_table_privilege(:name, 'SELECT')"), {"name": table})):
                continue
            for vector in (TENANT, STRANGER):
                hidden = vector.astype("<f4").tobytes()[:24].hex()
                found = await session.scalar(
                    text(f'SELECT count(*) FROM "{table}" t WHERE t::text LIKE :vector'),  # noqa: S608 - a catalogue name
                    {"vector": f"%{hidden}%"},
                )
                assert found == 0, table


async def test_the_picture_of_whoever_refuses_is_let_go_at_once(
    database: Database, vault: Vault, objects: Objects
) -> None:
    world = await enrolled_world(database, vault, objects)
    sighter = SightingService(engine=FakeEngine(), vault=vault, objects=objects)
    gate = await make_gate(database, world, now=NOW)
    refuser = await put_on_device(database, gate, world.tenants[1], now=NOW)
    rows = await report(
        database, objects, sighter,
        [Pass(gate, NOW, picture_of(STRANGER), entry=refuser),
         Pass(gate, NOW + timedelta(minutes=1), picture_of(near(TENANT, 0.9)))], now=NOW,
    )  # fmt: skip
    assert [row.band for row in rows] == [Band.UNUSABLE, Band.MATCH]
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        expiries = await session.scalars(
            select(StoredObject.expires_at)
            .where(StoredObject.estate_id == world.estate_id, StoredObject.kind == "snapshot")
            .order_by(StoredObject.id)
        )
        assert [at is not None and at <= NOW for at in expiries] == [True, False]
