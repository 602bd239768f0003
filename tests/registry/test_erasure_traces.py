"""What an erased person could still be found by, or a family be accused by: found in review, each with its test."""

import uuid
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from gate_integration.devices.models import DevicePerson
from gate_integration.occupancy.register_queries import leases
from inspection.leads.models import Lead, LeadStatus
from inspection.registry.history.models import Change, Kind
from inspection.registry.history.service import note
from inspection.registry.households.models import GuestStay, Household, HouseholdMember, Person
from inspection.registry.households.service import end_member
from inspection.registry.imports import service as imports
from inspection.registry.imports.models import ImportStatus, RegistryImport, RegistryImportIssue
from inspection.rights.models import RightsRequest, State
from storage.clock import SimulatedClock
from storage.database import Database, Role, SystemScope
from storage.erasure.lines import Stage
from storage.holds.models import LegalHold
from storage.ids import new_id
from storage.objects.models import StoredObject
from storage.objects.service import Objects
from storage.postgres.lease import Lease
from storage.settings import Settings
from storage.vault.service import Vault
from tests.factories import make_world
from tests.recognition import make_gate
from tests.registry.erasing import GONE, NOW, Desk, dump, make_desk, move_in

TODAY = date(2026, 3, 2)


@pytest.fixture
async def desk(
    database: Database, vault: Vault, objects: Objects, clock: SimulatedClock, test_settings: Settings, tmp_path: Path
) -> Desk:
    world = await make_world(database, vault, now=NOW, flats=2)
    return await make_desk(database, vault, objects, world, clock, test_settings, tmp_path)


async def test_words_of_officers_and_of_files_go_too(desk: Desk, cluster: Lease, database_name: str) -> None:
    """Reasons, a guest's name in a lead, a name in the wrong column of a file, an entry that ended long ago."""
    person_id = await move_in(desk, seed=71, leaves=GONE)
    name, number = (await desk.row(Person, person_id)).name, "3301-OLD-NUMBER"
    world, guest_of = desk.world, desk.world.households[1]
    device = await make_gate(desk.database, world, now=NOW)
    async with desk.database.transaction(Role.APP, world.scope) as session:
        session.add(GuestStay(estate_id=world.estate_id, household_id=guest_of, person_id=person_id,
                              valid_from=date(2026, 1, 1), valid_to=date(2026, 1, 9), relation="亲戚",
                              created_at=NOW))  # fmt: skip
        session.add(Lead(id=new_id(), estate_id=world.estate_id, household_id=guest_of, unit_id=world.units[1],
                         source="complaint", discrepancy_ids=[], summary_zh=f"{name}常住", summary_en=f"{name} lives",
                         status=LeadStatus.NEW, created_at=NOW))  # fmt: skip
        note(session, estate_id=world.estate_id, kind=Kind.MEMBER, change=Change.ENDED, record_id=new_id(),
             household_id=world.households[0], person_id=person_id, reason=f"{name}已搬走", actor=desk.clerk,
             now=NOW)  # fmt: skip
        session.add(DevicePerson(id=new_id(), estate_id=world.estate_id, device_id=device.id, person_id=person_id,
                                 number=number, has_face=True, since=NOW, removed_at=NOW))  # fmt: skip
        handed_in = await imports.hand_in(
            session, vault=desk.vault, objects=desk.objects, estate_id=world.estate_id, content=f"{name}".encode(),
            name="a.csv", queue=False, actor=desk.clerk, now=NOW,
        )  # fmt: skip
    async with desk.database.transaction(Role.SYSTEM, SystemScope()) as session:
        session.add(RegistryImportIssue(import_id=handed_in.id, position=0, estate_id=world.estate_id, row=2,
                                        column="角色", code="unknown-role", severity="error", value=name, zh="",
                                        en=""))  # fmt: skip
    async with desk.database.transaction(Role.APP, world.scope) as session:
        member = (await session.scalars(select(HouseholdMember).where(HouseholdMember.person_id == person_id))).one()
        member.valid_to = None
        await session.flush()
        await end_member(session, member_id=member.id, valid_to=GONE, reason=f"{name}退出", actor=desk.clerk, now=NOW)
    asked = await desk.ask(person_id)
    async with desk.database.transaction(Role.APP, world.scope) as session:
        row = await session.get_one(RightsRequest, asked.id)
        row.identified_by = f"{name}身份证"
    await desk.grant(asked.id)
    owner = cluster.cluster.url("postgres", database_name)
    assert name in (before := dump(owner))
    assert number in before
    await desk.erasure.carry_out()
    after = dump(owner)
    assert [line for line in after.splitlines() if name in line] == []
    assert number not in after
    ended = await desk.row(RegistryImport, handed_in.id)
    assert ended.status == ImportStatus.CANCELLED  # it would have brought the person back
    assert (await desk.row(StoredObject, ended.object_id)).destroyed_at == NOW


async def test_an_erasure_speaks_against_nobody_who_remains(desk: Desk) -> None:
    """The unknown face of a member who refused, or a flat that only a guest was in, is nobody's any more."""
    person_id = await move_in(desk, seed=72, leaves=GONE)
    await desk.erase(person_id)
    async with desk.database.transaction(Role.SYSTEM, SystemScope()) as session:
        told = {row[0]: row[2] for row in await leases(session, estate_id=desk.world.estate_id, on=TODAY)}
    home, other = desk.world.households
    assert told == {home: date(2026, 3, 3), other: date(2025, 1, 1)}
    assert (await desk.row(Household, other)).evidence_from is None


async def test_a_hold_approved_after_the_decision_is_in_every_line_of_the_ledger(desk: Desk) -> None:
    """A restore does what the ledger says: so nothing stands there that a hold forbade before it was done."""
    person_id = await move_in(desk, seed=73, leaves=GONE)
    asked = await desk.ask(person_id)
    await desk.grant(asked.id)
    await hold(desk, person_id)
    assert (await desk.erasure.carry_out()).erased == 1
    assert (await desk.request(asked.id)).state == State.PARTLY_DONE
    lines = [one for one in (await desk.erasure.ledger.read()).entries if one.request_id == asked.id]
    assert {one.stage: one.kept for one in lines} == dict.fromkeys(Stage, ("case_records", "register", "trail"))


async def hold(desk: Desk, person_id: uuid.UUID) -> None:
    """A hold on a person, in force."""
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        session.add(LegalHold(id=new_id(), estate_id=desk.world.estate_id, scope_kind="person", scope_id=person_id,
                              legal_basis="民事诉讼法 84", reason="诉讼保全", requested_by=desk.clerk.user_id,
                              requested_at=NOW, approve_before=NOW + timedelta(days=3),
                              until=datetime(2026, 6, 1, tzinfo=UTC)))  # fmt: skip
    async with desk.database.transaction(Role.APP, desk.world.scope) as session:
        row = (await session.scalars(select(LegalHold).where(LegalHold.scope_id == person_id))).one()
        row.approved_by, row.approved_at = desk.chief.user_id, NOW


async def test_no_hold_comes_into_force_while_a_person_is_erased(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    person_id = await move_in(desk, seed=74, leaves=GONE)
    asked = await desk.ask(person_id)
    await desk.grant(asked.id)
    tried: list[bool] = []
    append = desk.erasure.ledger.append

    async def meanwhile(entry: object) -> object:
        async with desk.database.transaction(Role.SYSTEM, SystemScope()) as session:
            question = "SELECT pg_try_advisory_xact_lock(hashtextextended('ruhu-legal-hold', 0))"
            tried.append(bool(await session.scalar(text(question))))
        return await append(entry)  # type: ignore[arg-type]

    monkeypatch.setattr(desk.erasure.ledger, "append", meanwhile)
    await desk.erasure.carry_out()
    assert tried == [False, True]  # the intent is written under the lock, what was done after it
