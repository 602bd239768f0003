"""Erasing a person: what is gone, what stays and why, who is told; with real dumps and a real second process."""

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import select

from api.erasure import Erasure, check_replayed, demand_replayed
from api.house import House
from gate_integration.devices.models import DevicePerson
from gate_integration.intake.models import PassEvent
from gate_integration.removals.models import DeviceRemoval, RemovalState, What
from inspection.registry.consents.models import Consent
from inspection.registry.households.erasure import ERASED_NAME
from inspection.registry.households.models import HouseholdMember, Person
from inspection.registry.households.people import Secret, unmask
from inspection.rights.errors import DecidedByAnother, RequestNotOpen, RequestStands
from inspection.rights.models import State
from storage.clock import SimulatedClock
from storage.database import Base, Database, DatabaseUrls, Role, SystemScope, urls_for
from storage.erasure.lines import Stage
from storage.erasure.models import ErasureReplay, Tombstone
from storage.objects.models import StoredObject
from storage.objects.service import Objects
from storage.objects.store import ObjectMissing
from storage.postgres.lease import Lease, create_database
from storage.settings import Settings, SettingsError
from storage.vault.models import SubjectKey
from storage.vault.service import Vault
from tests.conftest import ROOT
from tests.factories import make_world
from tests.registry.erasing import (
    GONE,
    NOW,
    SEEN,
    Desk,
    Known,
    dump,
    know_all,
    leave,
    make_desk,
    move_in,
    run,
    sightings_of,
    traces,
)
from tests.storage.test_migrations import import_all_models


@pytest.fixture
async def desk(
    database: Database, vault: Vault, objects: Objects, clock: SimulatedClock, test_settings: Settings, tmp_path: Path
) -> Desk:
    world = await make_world(database, vault, now=NOW, flats=2)
    return await make_desk(database, vault, objects, world, clock, test_settings, tmp_path)


@contextmanager
def matcher(desk: Desk, master_key: bytes, folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """A second process that recognises."""
    running = subprocess.Popen(
        [sys.executable, "-m", "tests.registry.matcher"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=ROOT,
    )  # fmt: skip
    try:
        line = {"master_key": master_key.hex(), "objects": str(folder), "url": desk.database.urls.by_role[Role.SYSTEM]}
        assert say(running, line) == "ready"
        yield running
    finally:
        assert running.stdin is not None
        running.stdin.close()
        running.wait(30)
        assert running.stdout is not None
        running.stdout.close()


def say(running: "subprocess.Popen[str]", line: object) -> str:
    assert running.stdin is not None
    assert running.stdout is not None
    running.stdin.write(json.dumps(line) + "\n")
    running.stdin.flush()
    return running.stdout.readline().strip()


def recognises(running: "subprocess.Popen[str]", known: Known, at: datetime) -> str | None:
    asked = {"device": str(known.device.id), "face": known.face.tolist(), "at": at.isoformat()}
    found: str | None = json.loads(say(running, asked))["person"]
    return found


async def test_an_erased_person_is_in_no_dump_no_object_no_running_matcher_and_not_back_after_a_restore(
    desk: Desk, master_key: bytes, tmp_path: Path, cluster: Lease, database_name: str, test_settings: Settings,
) -> None:  # fmt: skip
    known = await know_all(desk, await move_in(desk, seed=11, leaves=GONE), seed=11)
    other = await know_all(desk, await move_in(desk, seed=12), seed=12)
    owner = cluster.cluster.url("postgres", database_name)
    before = dump(owner)
    assert len(traces(known, before)) >= 10
    backup = tmp_path / "backup.dump"
    run("pg_dump", "--dbname", owner, "--format=custom", "--file", str(backup))
    with matcher(desk, master_key, desk.objects.store.root) as running:  # type: ignore[attr-defined]  # a folder here
        assert recognises(running, known, SEEN + timedelta(minutes=1)) == str(known.person_id)
        assert recognises(running, other, SEEN + timedelta(minutes=2)) == str(other.person_id)
        done = await desk.erase(known.person_id)
        assert recognises(running, known, SEEN + timedelta(minutes=3)) is None
        assert recognises(running, other, SEEN + timedelta(minutes=4)) == str(other.person_id)
    assert (done.state, done.kept) == (State.DONE, [])
    # What waits to be taken off a device has to say which entry; it is emptied when the device has done it.
    assert traces(known, dump(owner)) == ["device number"]
    await confirm_all(desk, known.person_id)
    assert traces(known, dump(owner)) == []
    assert "龘䶮12号" in dump(owner)
    for object_id in [*known.objects, known.visit_photo]:
        with pytest.raises(ObjectMissing):
            desk.objects.store.get(str(object_id))
        row = await desk.row(StoredObject, object_id)
        assert (row.wrapped_key, row.destroyed_at) == (None, NOW)
    await restored_and_replayed(desk, known, other, backup, cluster, test_settings, tmp_path)


async def confirm_all(desk: Desk, person_id: uuid.UUID) -> None:
    from gate_integration.removals.service import confirm

    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        for row in await session.scalars(select(DeviceRemoval.id).where(DeviceRemoval.person_id == person_id)):
            await confirm(session, removal_id=row, note="现场核对", actor=desk.clerk, now=NOW)


async def restored_and_replayed(
    desk: Desk, known: Known, other: Known, backup: Path, cluster: Lease, settings: Settings, folder: Path
) -> None:
    name = f"restored_{uuid.uuid4().hex[:10]}"
    superuser = cluster.cluster.url("postgres", name)
    with psycopg.connect(cluster.cluster.url("postgres", "postgres"), autocommit=True) as connection:
        create_database(connection, name)
    try:
        run("pg_restore", "--dbname", superuser, str(backup))
        with psycopg.connect(superuser) as connection:
            connection.execute("INSERT INTO restore_epoch (epoch, began_at, reason) VALUES (2, now(), 'test')")
        assert len(traces(known, dump(superuser))) >= 10
        restored = Database(database_urls(settings, cluster, name))
        house = House(settings, desk.erasure.clock, restored.urls, restored, desk.vault, desk.objects, None)
        with pytest.raises(SettingsError, match="ledger"):
            await demand_replayed(house)
        again = Erasure(
            database=restored, settings=desk_settings(settings, folder), clock=desk.erasure.clock, vault=desk.vault,
            objects=desk.objects,
        )  # fmt: skip
        first = await again.replay()
        assert (first.erased, first.damage) == (1, ())
        assert (await again.replay()).erased == 0
        await demand_replayed(house)
        async with restored.transaction(Role.SYSTEM, SystemScope()) as session:
            assert (await session.get_one(ErasureReplay, 2)).entries >= 1
            person = await session.get_one(Person, other.person_id)
            assert await desk.vault.subject_key(session, estate_id=person.estate_id, subject_id=person.id, now=NOW)
        assert set(traces(known, dump(superuser))) <= {"device number"}
        await restored.dispose()
    finally:
        with psycopg.connect(cluster.cluster.url("postgres", "postgres"), autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def desk_settings(settings: Settings, folder: Path) -> Settings:
    from dataclasses import replace

    return replace(settings, ledger=folder / "ledger")


def database_urls(settings: Settings, cluster: Lease, name: str) -> DatabaseUrls:
    from dataclasses import replace

    return urls_for(replace(settings, database_name=name), cluster)


async def test_nothing_is_left_to_link_and_the_proof_says_so(desk: Desk) -> None:
    known = await know_all(desk, await move_in(desk, seed=21, leaves=GONE), seed=21)
    done = await desk.erase(known.person_id)
    person = await desk.row(Person, known.person_id)
    assert (person.name, person.erased_at, person.birth_date, person.id_number_masked) == (ERASED_NAME, NOW, None, "")
    key = await desk.row(SubjectKey, known.person_id)
    assert (key.wrapped, key.destroyed_at) == (None, NOW)
    stone = await desk.row(Tombstone, known.person_id)
    assert (stone.request_id, stone.kept, stone.erased_at) == (done.id, [], NOW)
    event = await desk.row(PassEvent, known.event_id)
    assert (event.device_person_id, event.device_person_no, event.pictures) == (None, None, [])
    assert await sightings_of(desk, known.person_id) == 0
    async with desk.database.transaction(Role.SYSTEM, SystemScope()) as session:
        for table in (HouseholdMember, DevicePerson):
            assert (await session.scalars(select(table.id).where(table.person_id == known.person_id))).all() == []
        consents = (await session.scalars(select(Consent).where(Consent.person_id == known.person_id))).all()
        assert {(row.withdrawn_at, row.withdrawn_reason, row.notice_version) for row in consents} == {
            (NOW, "erasure", "v1")
        }
        removal = (await session.scalars(select(DeviceRemoval).where(DeviceRemoval.person_id == known.person_id))).one()
        assert (removal.device_id, removal.device_person_no, removal.what, removal.state) == (
            known.device.id, known.number, What.PERSON, RemovalState.PENDING,
        )  # fmt: skip
    counts = {(row["noun"], row["done"]): row["count"] for row in done.proof}
    assert counts[("face-template", "destroyed")] == 1
    assert counts[("sighting", "deleted")] == 1
    assert counts[("raw-delivery", "emptied")] == 2
    assert counts[("snapshot", "destroyed")] == 1
    assert counts[("visit-photo", "destroyed")] == 1
    assert counts[("subject-key", "destroyed")] == 1
    assert counts[("device-entry", "queued-for-removal")] == 1
    assert counts[("household_member", "deleted")] == 1


async def test_a_running_lease_keeps_the_register_row_and_nothing_else_until_it_ends(
    desk: Desk, clock: SimulatedClock
) -> None:
    known = await know_all(desk, await move_in(desk, seed=31), seed=31)
    part = await desk.erase(known.person_id)
    assert (part.state, part.kept) == (State.PARTLY_DONE, ["running_lease"])
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        person = await session.get_one(Person, known.person_id)
        assert (person.name, person.erased_at) == (known.name, None)
        number = await unmask(
            session, vault=desk.vault, person_id=person.id, secret=Secret.ID_NUMBER, purpose="tenancy_compliance",  # type: ignore[arg-type]
            reason="核对", actor=desk.clerk, now=NOW,
        )  # fmt: skip
        assert number == known.id_number  # sealed again under a new key
    key = await desk.row(SubjectKey, known.person_id)
    assert key.wrapped not in known.secrets
    assert await sightings_of(desk, known.person_id) == 0
    for object_id in known.objects:
        assert (await desk.row(StoredObject, object_id)).wrapped_key is None
    async with desk.database.transaction(Role.SYSTEM, SystemScope()) as session:
        entry = (await session.scalars(select(DevicePerson).where(DevicePerson.person_id == known.person_id))).one()
        assert (entry.has_face, entry.removed_at) == (False, None)  # the card of the same entry goes on working
        removal = (await session.scalars(select(DeviceRemoval).where(DeviceRemoval.person_id == known.person_id))).one()
        assert removal.what == What.FACE
    assert (await desk.erasure.carry_out()).erased == 0
    await leave(desk, known.person_id, date(2026, 3, 2))
    clock.advance(timedelta(days=2))
    assert (await desk.erasure.carry_out()).erased == 1
    assert (await desk.request(part.id)).state == State.DONE
    assert (await desk.row(Person, known.person_id)).name == ERASED_NAME


async def test_a_second_person_decides_and_once(desk: Desk) -> None:
    person = await move_in(desk, seed=41, leaves=GONE)
    asked = await desk.ask(person)
    with pytest.raises(RequestStands):
        await desk.ask(person)
    clerk, desk.chief = desk.chief, desk.clerk
    with pytest.raises(DecidedByAnother):
        await desk.grant(asked.id)
    desk.chief = clerk
    await desk.grant(asked.id)
    with pytest.raises(RequestNotOpen):
        await desk.grant(asked.id)


@pytest.mark.parametrize("dies", ["before the commit", "after the commit"])
async def test_a_crash_on_either_side_of_the_commit_is_finished_by_the_next_run(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, dies: str
) -> None:
    known = await know_all(desk, await move_in(desk, seed=51, leaves=GONE), seed=51)
    asked = await desk.ask(known.person_id)
    await desk.grant(asked.id)
    with monkeypatch.context() as patched:
        if dies == "before the commit":
            patched.setattr("api.erasure.erase_subject", _die)
        else:
            append = desk.erasure.ledger.append

            async def once(entry: object) -> object:
                if entry.stage is Stage.DONE:  # type: ignore[attr-defined]
                    raise KeyboardInterrupt
                return await append(entry)  # type: ignore[arg-type]

            patched.setattr(desk.erasure.ledger, "append", once)
        with pytest.raises(KeyboardInterrupt):
            await desk.erasure.one(asked.id)
    assert await stages(desk, asked.id) == [Stage.INTENT]
    finished = await desk.erasure.carry_out()
    assert finished.confirmed == (0 if dies == "before the commit" else 1)
    assert (await desk.request(asked.id)).state == State.DONE
    assert (await desk.erasure.carry_out()).confirmed == 0
    assert (await stages(desk, asked.id)).count(Stage.DONE) == 1


async def stages(desk: Desk, request_id: uuid.UUID) -> list[Stage]:
    return [one.stage for one in (await desk.erasure.ledger.read()).entries if one.request_id == request_id]


async def test_one_that_fails_stops_no_other(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first, second = [await move_in(desk, seed=seed, leaves=GONE) for seed in (61, 62)]
    asked = [await desk.ask(person) for person in (first, second)]
    for one in asked:
        await desk.grant(one.id)
    real = desk.erasure.one

    async def fails(request_id: uuid.UUID) -> bool:
        if request_id == asked[0].id:
            raise KeyError("a name that must not reach a log")
        return await real(request_id)

    with monkeypatch.context() as patched:
        patched.setattr(desk.erasure, "one", fails)
        with pytest.raises(KeyError):
            await desk.erasure.carry_out()
    assert [(await desk.request(one.id)).state for one in asked] == [State.APPROVED, State.DONE]
    assert "must not reach" not in caplog.text
    await desk.erasure.carry_out()


async def _die(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_database_that_was_never_restored_may_be_served(
    urls: DatabaseUrls, vault: Vault, objects: Objects, test_settings: Settings, clock: SimulatedClock
) -> None:
    check_replayed(House(test_settings, clock, urls, Database(urls), vault, objects, None))


HANDLED = {
    "absence": "deleted", "consent": "ended, proof stays", "credential": "unlinked", "device_person": "deleted",
    "device_removal": "number emptied when confirmed", "face_template": "destroyed", "guest_stay": "deleted",
    "household_member": "deleted", "missing_record": "ids only", "occupant_met": "emptied outside cases",
    "person": "tombstone", "photo_import_line": "deleted", "terminal_entry": "deleted",
    "terminal_candidate": "deleted", "register_change": "ids and days only", "rights_request": "details emptied",
    "service_worker": "deleted", "sighting": "deleted", "stored_object": "destroyed", "subject_key": "destroyed",
    "tombstone": "is one", "audit_payload": "deleted",
}  # fmt: skip


def test_every_table_that_points_at_a_person_is_thought_of() -> None:
    """A new one needs an eraser in `api.erasure.ERASERS`, or a reason to stay, and a line here."""
    import_all_models()
    pointing = {
        table.name
        for table in Base.metadata.tables.values()
        if {"person_id", "subject_id", "guardian_id"} & set(table.columns.keys())
    }
    assert pointing == set(HANDLED)
