"""An estate lives for weeks on the real database; then the rules are asked, and asked again."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from sqlalchemy import event, func, select, update

from gate_integration.devices.models import DeviceOutage, GateDevice
from gate_integration.enrolment import jobs
from gate_integration.enrolment import service as enrolment
from gate_integration.occupancy import store
from gate_integration.occupancy.evidence import evidence_for_estate
from gate_integration.occupancy.evidence_copy import OccupancyEvidence
from gate_integration.occupancy.models import Discrepancy, NotRaisedNote
from gate_integration.occupancy.parameters import read
from gate_integration.occupancy.rules.evidence import LinkKind
from gate_integration.occupancy.schemas import views
from gate_integration.occupancy.service import EstateEvaluation, evaluate_estate
from gate_integration.occupancy.timeline import OccupancyTimeline
from gate_integration.sightings.service import SightingService
from inspection.leads.models import Lead, LeadStatus
from inspection.registry.consents.errors import NoProcessingBasis
from inspection.registry.consents.models import ConsentScope, ProcessingBasis, Purpose
from inspection.registry.consents.service import withdraw_all
from inspection.registry.households.models import Absence, CareTag, Person, ServiceWorker, WorkerHousehold
from storage.audit.models import AuditEntry
from storage.audit.service import Actor
from storage.clock import local_day
from storage.database import Database, Role, SystemScope
from storage.ids import new_id
from storage.objects.models import StoredObject
from storage.objects.service import Objects
from storage.problems import NotFound
from storage.rules.values import Rules
from storage.vault.service import Vault
from tests.factories import World, give_consent, make_world
from tests.recognition import (
    FakeEngine,
    Pass,
    make_card,
    make_gate,
    near,
    picture_of,
    random_face,
    report,
    stay_in_contact,
)

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)  # 09:00 in Shanghai
ACTOR = Actor.system("test")
NORMAL, SUBLET, REFUSER, CARED, RELATIVE, VACANT = range(6)
LENT = "CREDENTIAL_LENT"
DAYS = 33


@dataclass
class Lived:
    """An estate after `DAYS` days; `end` is the morning after the last of them."""

    world: World
    gate: GateDevice
    sighter: SightingService
    end: datetime
    carer: uuid.UUID


def times(day: int, *hours: float) -> list[datetime]:
    """Moments of a day of the story, in Shanghai's hours (NOW is 9 o'clock of day 0)."""
    return [NOW + timedelta(days=day, hours=hour - 9) for hour in hours]


async def enrol(database: Database, vault: Vault, objects: Objects, world: World, person: uuid.UUID, seed: int) -> None:
    await give_consent(database, world, person, now=NOW)
    async with database.transaction(Role.APP, world.scope) as session:
        await enrolment.enrol(
            session, person_id=person, photo=picture_of(random_face(seed)), actor=ACTOR, now=NOW,
            engine=FakeEngine(), vault=vault, objects=objects,
        )  # fmt: skip


async def live(
    database: Database, vault: Vault, objects: Objects, *, bases: tuple[Purpose, ...] = tuple(Purpose)
) -> Lived:
    """Six flats: see the names of their indexes. Faces are told apart by seed."""
    world = await make_world(database, vault, now=NOW, flats=6, bases=bases)
    gate = await make_gate(database, world, now=NOW)
    sighter = SightingService(engine=FakeEngine(), vault=vault, objects=objects)
    for index in (NORMAL, SUBLET, CARED, RELATIVE, VACANT):
        await enrol(database, vault, objects, world, world.tenants[index], index)
    carer = Person(id=new_id(), estate_id=world.estate_id, name="护理员", created_at=NOW)
    worker_id = new_id()
    async with database.transaction(Role.APP, world.scope) as session:
        await vault.new_subject_key(session, estate_id=world.estate_id, subject_id=carer.id, now=NOW)
        session.add(carer)
        await session.flush()
        session.add(ServiceWorker(id=worker_id, estate_id=world.estate_id, person_id=carer.id, kind="carer",
                                  employer="测试", valid_from=date(2026, 1, 1), created_at=NOW))  # fmt: skip
        await session.flush()
        session.add(
            WorkerHousehold(worker_id=worker_id, household_id=world.households[CARED], estate_id=world.estate_id)
        )
    await enrol(database, vault, objects, world, carer.id, 50)
    cards = [await make_card(database, vault, world, index) for index in range(6)]
    passes = []
    for day in range(1, DAYS):

        def face(index: int, hour: float, seed: int, card: int | None = None, day: int = day) -> Pass:
            moment = times(day, hour)[0]
            seen = near(random_face(seed), 0.9, seed=1000 * seed + day)
            return Pass(gate, moment, picture_of(seen), credential=cards[card] if card is not None else None)

        passes += [face(NORMAL, 7.6, NORMAL), face(NORMAL, 18.2, NORMAL, NORMAL)]
        if day < 4:
            passes.append(face(SUBLET, 8, SUBLET))
        passes += [face(SUBLET, 7.2, 101, SUBLET), face(SUBLET, 22.5, 101)]
        passes += [face(REFUSER, 7.9, 102, REFUSER), face(REFUSER, 22.7, 102, REFUSER)]
        passes += [face(CARED, 10, CARED), face(CARED, 8.5, 50, CARED), face(CARED, 17, 50)]
        passes += [face(RELATIVE, 8.1, RELATIVE, RELATIVE), face(RELATIVE, 19.3, RELATIVE)]
        passes += [face(RELATIVE, 7.05, 103, RELATIVE), face(RELATIVE, 22.2, 103)]
    end = NOW + timedelta(days=DAYS)
    await report(database, objects, sighter, passes, now=end)
    await stay_in_contact(database, gate, until=end)
    return Lived(world, gate, sighter, end, carer.id)


async def run(database: Database, lived: Lived, *, at: datetime | None = None) -> EstateEvaluation:
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        return await evaluate_estate(session, estate_id=lived.world.estate_id, now=at or lived.end)


async def standing(database: Database, lived: Lived) -> dict[tuple[int, str], Discrepancy]:
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        rows = await store.standing(session, estate_id=lived.world.estate_id)
    return {(lived.world.households.index(row.household_id), row.rule): row for row in rows}


async def notes(database: Database, lived: Lived, index: int) -> dict[str, NotRaisedNote]:
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        return {row.rule: row for row in await store.notes(session, household_ids=[lived.world.households[index]])}


async def leads(database: Database, lived: Lived) -> list[Lead]:
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        return list(await session.scalars(select(Lead).where(Lead.estate_id == lived.world.estate_id)))


async def test_each_household_gets_what_is_right_and_no_more(
    database: Database, vault: Vault, objects: Objects
) -> None:
    lived = await live(database, vault, objects)
    done = await run(database, lived)
    found = await standing(database, lived)
    assert set(found) == {
        (SUBLET, "SUBLET"), (SUBLET, "LONG_STAY"), (SUBLET, LENT), (RELATIVE, "LONG_STAY"), (RELATIVE, LENT),
        (VACANT, "VACANT"),
    }  # fmt: skip
    assert (done.households, done.raised) == (6, 6)
    sublet = found[SUBLET, "SUBLET"]
    assert sublet.severity == "lead"
    assert sublet.admissibility == "lead_only"
    assert sublet.explanation_zh
    assert sublet.clears_zh
    assert sublet.rule_version == "shipped"
    assert len(sublet.event_ids) > 20
    (lead,) = await leads(database, lived)
    assert (lead.household_id, lead.rule, lead.status) == (lived.world.households[SUBLET], "SUBLET", LeadStatus.NEW)

    # The prompt and the lead of one household speak of the same person, and one is shown as part of the other.
    prompt = found[SUBLET, "LONG_STAY"]
    assert prompt.pseudonym_id == sublet.pseudonym_id
    shown = {view.rule: view.part_of for view in views([prompt, sublet], found.values())}
    assert shown == {"LONG_STAY": sublet.id, "SUBLET": None}
    lent = found[SUBLET, LENT]
    assert (lent.severity, lent.pseudonym_id, lent.counts["used_days"]) == ("prompt", sublet.pseudonym_id, 30)
    assert views([lent], found.values())[0].part_of == sublet.id
    relative = views([found[RELATIVE, "LONG_STAY"]], found.values())[0]
    assert relative.part_of is None

    # Whoever is not accused, and why.
    refuser, cared = await notes(database, lived, REFUSER), await notes(database, lived, CARED)
    assert {refuser["SUBLET"].code, refuser["VACANT"].code} == {"member-not-visible"}
    assert {refuser["LONG_STAY"].code, refuser[LENT].code} == {"within-hidden"}
    assert cared["SUBLET"].code == "registered-present"
    assert cared["LONG_STAY"].code == "worker-registered"
    assert cared["VACANT"].code == "unit-in-use"
    assert cared[LENT].code == "no-foreign-use"
    assert all(note.why_zh and note.why_en for note in (*refuser.values(), *cared.values()))

    # Asking again the next morning confirms, doubles nothing and moves no date.
    later = lived.end + timedelta(hours=2)
    again = await run(database, lived, at=later)
    assert (again.raised, again.confirmed, again.cleared) == (0, 6, 0)
    after = await standing(database, lived)
    assert after[SUBLET, "SUBLET"].first_flagged_at == lived.end
    assert after[SUBLET, "SUBLET"].last_confirmed_at == later
    assert len(await leads(database, lived)) == 1


async def test_the_tenant_comes_back(database: Database, vault: Vault, objects: Objects) -> None:
    lived = await live(database, vault, objects)
    await run(database, lived)
    back = lived.end + timedelta(hours=3)
    await report(database, objects, lived.sighter, [Pass(lived.gate, back, picture_of(random_face(SUBLET)))], now=back)
    tomorrow = lived.end + timedelta(days=1)
    await stay_in_contact(database, lived.gate, until=tomorrow)
    done = await run(database, lived, at=tomorrow)
    assert done.cleared == 1
    assert (SUBLET, "SUBLET") not in await standing(database, lived)
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        row = await session.scalar(
            select(Discrepancy).where(Discrepancy.household_id == lived.world.households[SUBLET],
                                      Discrepancy.rule == "SUBLET")
        )  # fmt: skip
        assert row is not None
        assert row.cleared_at == tomorrow
        assert row.cleared_why
        actions = set(
            await session.scalars(select(AuditEntry.action).where(AuditEntry.estate_id == lived.world.estate_id))
        )
        assert {"discrepancy.raised", "discrepancy.cleared", "lead.withdrawn"} <= actions
    (lead,) = await leads(database, lived)
    assert lead.status == LeadStatus.WITHDRAWN


async def test_an_outage_suppresses_and_neither_confirms_nor_clears(
    database: Database, vault: Vault, objects: Objects
) -> None:
    lived = await live(database, vault, objects)
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        session.add(DeviceOutage(estate_id=lived.world.estate_id, device_id=lived.gate.id, reason="offline",
                                 began_at=NOW + timedelta(days=6), ended_at=None))  # fmt: skip
    assert (await run(database, lived)).raised == 0
    suppressed = await notes(database, lived, SUBLET)
    assert {suppressed[rule].code for rule in ("SUBLET", "LONG_STAY", LENT)} == {"device-unhealthy"}
    assert (await notes(database, lived, VACANT))["VACANT"].code == "device-unhealthy"
    assert await leads(database, lived) == []

    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        outage = await session.scalar(select(DeviceOutage).where(DeviceOutage.device_id == lived.gate.id))
        assert outage is not None
        outage.ended_at = NOW + timedelta(days=6, hours=1)
    assert (await run(database, lived)).raised == 6
    # Days after which the gate was not heard of any more count as not observed, without any outage being recorded.
    silent = lived.end + timedelta(days=25)
    done = await run(database, lived, at=silent)
    assert done.held >= 1
    assert (VACANT, "VACANT") in await standing(database, lived)


async def test_refusing_weighs_nothing(database: Database, vault: Vault, objects: Objects) -> None:
    """Taking consent away from any tenant never adds a flag or a lead."""
    lived = await live(database, vault, objects)
    await run(database, lived)
    before = set(await standing(database, lived))
    async with database.transaction(Role.APP, lived.world.scope) as session:
        for tenant in lived.world.tenants:
            await withdraw_all(session, person_id=tenant, scopes=list(ConsentScope), reason="测试撤回", actor=ACTOR,
                               now=lived.end)  # fmt: skip
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        await jobs.apply_withdrawals(session, vault=vault, objects=objects, now=lived.end)
    await run(database, lived)
    after = set(await standing(database, lived))
    assert after <= before
    assert not {rule for _, rule in after} & {"SUBLET", "VACANT"}


async def test_absence_told_and_care_come_first(database: Database, vault: Vault, objects: Objects) -> None:
    lived = await live(database, vault, objects)
    async with database.transaction(Role.APP, lived.world.scope) as session:
        session.add(Absence(estate_id=lived.world.estate_id, person_id=lived.world.tenants[VACANT],
                            valid_from=date(2026, 3, 1), valid_to=date(2026, 5, 1), reason="hospital",
                            told_at=NOW))  # fmt: skip
        session.add(CareTag(estate_id=lived.world.estate_id, household_id=lived.world.households[SUBLET],
                            level="high", kind="elderly", valid_from=date(2026, 3, 1)))  # fmt: skip
    await run(database, lived)
    assert set(await standing(database, lived)) == {(RELATIVE, "LONG_STAY"), (RELATIVE, LENT)}
    assert (await notes(database, lived, VACANT))["VACANT"].code == "absence-told"
    assert (await notes(database, lived, SUBLET))["SUBLET"].code == "care-first"


async def test_without_a_basis_nothing_is_evaluated(database: Database, vault: Vault, objects: Objects) -> None:
    world = await make_world(database, vault, now=NOW, bases=(Purpose.ACCESS_CONTROL,))
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        assert not (await evaluate_estate(session, estate_id=world.estate_id, now=NOW)).ran


async def test_the_number_of_statements_does_not_grow_with_households(
    database: Database, vault: Vault, objects: Objects
) -> None:
    lived = await live(database, vault, objects)
    small = await make_world(database, vault, now=NOW, flats=1)
    statements = {}
    for estate_id in (lived.world.estate_id, small.estate_id):
        counted: list[str] = []
        listener: Callable[..., None] = lambda *args: counted.append(args[2])  # noqa: B023, E731
        engine = database.engine(Role.SYSTEM).sync_engine
        event.listen(engine, "before_cursor_execute", listener)
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            await evidence_for_estate(
                session, estate_id=estate_id, today=date(2026, 4, 4), rules=read(Rules({}, "")).evidence, now=lived.end
            )
        event.remove(engine, "before_cursor_execute", listener)
        statements[estate_id] = len(counted)
    assert statements[lived.world.estate_id] <= statements[small.estate_id] + 2 <= 20


async def test_arriving_together_is_a_link_beyond_chance_only(
    database: Database, vault: Vault, objects: Objects
) -> None:
    lived = await live(database, vault, objects)
    together, apart = random_face(201), random_face(202)
    passes = []
    for day in range(1, 12):
        home = times(day, 18.2)[0]  # the tenant of flat 0 comes home
        passes.append(Pass(lived.gate, home + timedelta(seconds=20), picture_of(together)))
        passes.append(Pass(lived.gate, home + timedelta(seconds=200), picture_of(apart)))
    await report(database, objects, lived.sighter, passes, now=lived.end)
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        found = await evidence_for_estate(
            session, estate_id=lived.world.estate_id, today=date(2026, 4, 4), rules=read(Rules({}, "")).evidence,
            now=lived.end,
        )  # fmt: skip
    (unknown,) = found[NORMAL].unknowns
    (link,) = unknown.links
    assert link.kind is LinkKind.ARRIVES_WITH_RESIDENT
    assert len(link.on) == 11
    assert all(day.with_resident == 1 for day in unknown.days.values())


async def test_the_frozen_copy_keeps_events_and_pictures(database: Database, vault: Vault, objects: Objects) -> None:
    lived = await live(database, vault, objects)
    await run(database, lived)
    sublet = (await standing(database, lived))[SUBLET, "SUBLET"]
    async with database.transaction(Role.APP, lived.world.scope) as session:
        copy = await OccupancyEvidence().freeze(session, discrepancy_ids=[sublet.id], now=lived.end)
        assert msgspec.json.encode(copy)
        assert copy["discrepancies"][0]["terms"] == sublet.terms
        assert {one["id"] for one in copy["events"]} == set(sublet.event_ids)
        assert {one["sighting"]["pseudonym"] for one in copy["events"]} == {copy["events"][0]["sighting"]["pseudonym"]}
        assert [one["id"] for one in copy["devices"]] == [str(lived.gate.id)]
        kept = await session.scalar(
            select(func.count()).select_from(StoredObject).where(
                StoredObject.estate_id == lived.world.estate_id, StoredObject.kind == "snapshot",
                StoredObject.expires_at.is_(None))
        )  # fmt: skip
        assert kept == len(copy["pictures_kept"]) == len(sublet.event_ids)
        with pytest.raises(NotFound):
            await OccupancyEvidence().freeze(session, discrepancy_ids=[new_id()], now=lived.end)
        savepoint = await session.begin_nested()
        await session.execute(update(ProcessingBasis).values(withdrawn_at=lived.end))
        with pytest.raises(NoProcessingBasis):
            await OccupancyEvidence().freeze(session, discrepancy_ids=[sublet.id], now=lived.end)
        await savepoint.rollback()
        flagged = await OccupancyTimeline().flagged(session, unit_ids=lived.world.units, on=local_day(lived.end))
        assert set(flagged) == {lived.world.units[index] for index in (SUBLET, RELATIVE, VACANT)}
        assert {one["rule"] for one in flagged[lived.world.units[SUBLET]]} == {"SUBLET", "LONG_STAY", LENT}
