"""Bases and consents: recorded, renewed, withdrawn, expired; each end is told once to the gate side."""

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from inspection.registry.consents import jobs, service
from inspection.registry.consents.basis import (
    NewBasis,
    basis_for,
    list_bases,
    record_basis,
    require_basis,
    withdraw_basis,
)
from inspection.registry.consents.errors import (
    AgeUnknown,
    BasisEnded,
    ConsentWithdrawn,
    GuardianRequired,
    NoProcessingBasis,
    NoticeOutdated,
    NotTheGuardian,
)
from inspection.registry.consents.facts import APPLY_TASK
from inspection.registry.consents.models import Consent, ConsentScope, Purpose
from inspection.registry.consents.service import Channel
from inspection.registry.errors import BadPeriod
from inspection.registry.households import guests
from inspection.registry.households.models import HouseholdMember, Person
from inspection.registry.households.people import PersonDetails
from storage.audit.models import AuditEntry
from storage.audit.service import Actor
from storage.database import Database, Role, SystemScope
from storage.outbox import OutboxFact
from storage.problems import NotFound
from storage.vault.service import Vault
from tests.factories import World, make_world

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
TODAY = date(2026, 3, 2)
ACTOR = Actor.user(uuid.UUID(int=1))
ALL = tuple(ConsentScope)


def basis(**changed: object) -> NewBasis:
    sound = {
        "purpose": Purpose.ACCESS_CONTROL, "legal_basis": "测试依据", "assessment_number": "PIA-2",
        "assessment_date": date(2026, 2, 1), "notice_version": "v2", "signed_by": "测试", "valid_from": TODAY,
        "valid_to": date(2026, 12, 31),
    }  # fmt: skip
    return NewBasis(**(sound | changed))  # type: ignore[arg-type]


async def give(
    database: Database,
    world: World,
    person: uuid.UUID,
    scopes: Sequence[ConsentScope] = ALL,
    *,
    notice: str = "v1",
    guardian: uuid.UUID | None = None,
    valid_to: date | None = None,
) -> list[Consent]:
    async with database.transaction(Role.APP, world.scope) as session:
        return await service.give(
            session, person_id=person, scopes=scopes, notice_version=notice, channel=Channel.DOOR,
            guardian_id=guardian, valid_to=valid_to, actor=ACTOR, now=NOW,
        )  # fmt: skip


async def facts(database: Database, world: World) -> list[tuple[str, dict[str, str]]]:
    async with database.transaction(Role.APP, world.scope) as session:
        rows = await session.scalars(select(OutboxFact).order_by(OutboxFact.id))
        return [(row.kind, row.payload) for row in rows]


async def waiting_jobs(database: Database) -> int:
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        query = text("SELECT count(*) FROM procrastinate_jobs WHERE task_name = :task AND status = 'todo'")
        return await session.scalar(query, {"task": APPLY_TASK}) or 0


async def standing(database: Database, world: World, person: uuid.UUID, on: date = TODAY) -> frozenset[ConsentScope]:
    async with database.transaction(Role.APP, world.scope) as session:
        return (await service.standing_scopes(session, [person], on))[person]


async def actions(database: Database, world: World) -> list[str]:
    async with database.transaction(Role.APP, world.scope) as session:
        return list(await session.scalars(select(AuditEntry.action).order_by(AuditEntry.id)))


async def child_of(database: Database, world: World, vault: Vault, guardian: uuid.UUID | None) -> uuid.UUID:
    async with database.transaction(Role.APP, world.scope) as session:
        kid = Person(
            estate_id=world.estate_id,
            name="测试儿童",
            birth_date=date(2016, 1, 1),
            guardian_id=guardian,
            created_at=NOW,
        )
        session.add(kid)
        await session.flush()
        return kid.id


async def test_a_purpose_is_off_until_a_basis_is_recorded(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=1, bases=())
    async with database.transaction(Role.APP, world.scope) as session:
        with pytest.raises(NoProcessingBasis):
            await require_basis(session, world.estate_id, Purpose.ACCESS_CONTROL, TODAY)
        row = await record_basis(session, estate_id=world.estate_id, basis=basis(), actor=ACTOR, now=NOW)
        assert (await require_basis(session, world.estate_id, Purpose.ACCESS_CONTROL, TODAY)).id == row.id
        assert await basis_for(session, world.estate_id, Purpose.TENANCY_COMPLIANCE, TODAY) is None
        assert await basis_for(session, world.estate_id, Purpose.ACCESS_CONTROL, date(2027, 1, 1)) is None
        await withdraw_basis(session, basis_id=row.id, reason="测试", actor=ACTOR, now=NOW)
        assert await basis_for(session, world.estate_id, Purpose.ACCESS_CONTROL, TODAY) is None
        with pytest.raises(BasisEnded):
            await withdraw_basis(session, basis_id=row.id, reason="测试", actor=ACTOR, now=NOW)
        assert [b.id for b in await list_bases(session, estate_id=world.estate_id)] == [row.id]
    assert await facts(database, world) == [("basis-ended", {"basis_id": str(row.id), "purpose": "access_control"})]
    assert await waiting_jobs(database) == 1
    assert await actions(database, world) == ["basis.record", "basis.withdraw"]


@pytest.mark.parametrize(
    "changed",
    [
        {"valid_to": TODAY - timedelta(days=1), "valid_from": TODAY - timedelta(days=9)},
        {"valid_from": date(2027, 1, 1)},
        {"assessment_date": TODAY + timedelta(days=1)},
    ],
)
async def test_a_basis_has_a_sound_period(database: Database, vault: Vault, changed: dict[str, object]) -> None:
    world = await make_world(database, vault, now=NOW, flats=0)
    async with database.transaction(Role.APP, world.scope) as session:
        with pytest.raises(BadPeriod):
            await record_basis(session, estate_id=world.estate_id, basis=basis(**changed), actor=ACTOR, now=NOW)


async def test_scopes_are_given_and_withdrawn_singly(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=2)
    person, other = world.tenants
    given = await give(database, world, person)
    await give(database, world, other, [ConsentScope.TEMPLATE])
    assert await standing(database, world, person) == set(ALL)
    photo = next(c for c in given if c.scope == ConsentScope.KEEP_PHOTO)
    async with database.transaction(Role.APP, world.scope) as session:
        await service.withdraw(session, consent_id=photo.id, reason="本人要求", actor=ACTOR, now=NOW)
        with pytest.raises(ConsentWithdrawn):
            await service.withdraw(session, consent_id=photo.id, reason="本人要求", actor=ACTOR, now=NOW)
    assert await standing(database, world, person) == set(ALL) - {ConsentScope.KEEP_PHOTO}
    assert await standing(database, world, other) == {ConsentScope.TEMPLATE}
    told = {"consent_id": str(photo.id), "person_id": str(person), "scope": "keep_photo"}
    assert await facts(database, world) == [("consent-withdrawn", told)]
    assert await waiting_jobs(database) == 1
    assert (await actions(database, world))[-1] == "consent.withdraw"
    async with database.transaction(Role.APP, world.scope) as session:
        ended = await service.withdraw_all(
            session, person_id=person, scopes=ALL, reason="本人要求", actor=ACTOR, now=NOW
        )
    assert len(ended) == 3
    assert await standing(database, world, person) == frozenset()
    assert len(await facts(database, world)) == 4
    assert await waiting_jobs(database) == 1


async def test_a_withdrawal_that_is_rolled_back_is_not_told(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    (given,) = await give(database, world, world.tenants[0], [ConsentScope.TEMPLATE])
    async with database.transaction(Role.APP, world.scope) as session:
        await service.withdraw(session, consent_id=given.id, reason="本人要求", actor=ACTOR, now=NOW)
        await session.rollback()
    assert await facts(database, world) == []
    assert await standing(database, world, world.tenants[0]) == {ConsentScope.TEMPLATE}


async def test_consent_is_to_the_current_notice(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=1, bases=())
    with pytest.raises(NoProcessingBasis):
        await give(database, world, world.tenants[0])
    async with database.transaction(Role.APP, world.scope) as session:
        old = basis(notice_version="v1", valid_from=date(2026, 2, 2))
        await record_basis(session, estate_id=world.estate_id, basis=old, actor=ACTOR, now=NOW)
    await give(database, world, world.tenants[0], [ConsentScope.TEMPLATE])
    async with database.transaction(Role.APP, world.scope) as session:
        await record_basis(session, estate_id=world.estate_id, basis=basis(), actor=ACTOR, now=NOW)
    with pytest.raises(NoticeOutdated) as caught:
        await give(database, world, world.tenants[0])
    assert caught.value.extra == {"current_versions": ["v2"]}
    await give(database, world, world.tenants[0], [ConsentScope.TEMPLATE], notice="v2")
    async with database.transaction(Role.APP, world.scope) as session:
        rows = await service.list_consents(session, person_id=world.tenants[0])
    assert [(c.notice_version, c.withdrawn_reason) for c in rows] == [("v2", None), ("v1", "renewed")]
    assert await facts(database, world) == []


async def test_the_same_consent_again_changes_nothing(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    first = await give(database, world, world.tenants[0])
    again = await give(database, world, world.tenants[0])
    assert [c.id for c in first] == [c.id for c in again]
    with pytest.raises(BadPeriod):
        await give(database, world, world.tenants[0], valid_to=TODAY - timedelta(days=1))


async def test_under_fourteen_the_registered_guardian_consents(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=2)
    guardian, stranger = world.tenants
    kid = await child_of(database, world, vault, guardian)
    orphan = await child_of(database, world, vault, None)
    with pytest.raises(GuardianRequired):
        await give(database, world, kid)
    with pytest.raises(NotTheGuardian):
        await give(database, world, kid, guardian=stranger)
    with pytest.raises(NotTheGuardian):
        await give(database, world, orphan, guardian=guardian)
    with pytest.raises(NotTheGuardian):
        await give(database, world, guardian, guardian=stranger)
    given = await give(database, world, kid, guardian=guardian)
    assert {c.given_by_guardian_id for c in given} == {guardian}
    async with database.transaction(Role.APP, world.scope) as session:
        minor = await session.get(Person, guardian)
        assert minor is not None
        minor.birth_date = date(2010, 1, 1)
    with pytest.raises(NotTheGuardian):
        await give(database, world, kid, [ConsentScope.TEMPLATE], guardian=guardian, valid_to=TODAY)
    async with database.transaction(Role.APP, world.scope) as session:
        nobody = await session.get(Person, stranger)
        assert nobody is not None
        nobody.birth_date = None
    with pytest.raises(AgeUnknown):
        await give(database, world, stranger)


async def test_foreign_people_are_not_there(database: Database, vault: Vault) -> None:
    mine = await make_world(database, vault, now=NOW, flats=1)
    theirs = await make_world(database, vault, now=NOW, flats=1)
    with pytest.raises(NotFound):
        await give(database, mine, theirs.tenants[0])
    async with database.transaction(Role.APP, mine.scope) as session:
        with pytest.raises(NotFound):
            await service.list_consents(session, person_id=theirs.tenants[0])


async def expire(database: Database, world: World, days: int) -> jobs.Ended:
    """The job over the test's own estate: other tests' rows share the database."""
    async with database.transaction(Role.SYSTEM, world.scope) as session:
        return await jobs.expire(session, NOW + timedelta(days=days))


async def test_a_day_that_passes_ends_consents_and_bases_once(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=1, bases=())
    async with database.transaction(Role.APP, world.scope) as session:
        short = basis(valid_to=TODAY + timedelta(days=5))
        await record_basis(session, estate_id=world.estate_id, basis=short, actor=ACTOR, now=NOW)
    person = world.tenants[0]
    await give(database, world, person, [ConsentScope.TEMPLATE], notice="v2", valid_to=TODAY)
    await give(database, world, person, [ConsentScope.OFF_DEVICE], notice="v2")
    assert await expire(database, world, 0) == jobs.Ended(0, 0, 0)
    assert await standing(database, world, person, TODAY + timedelta(days=1)) == {ConsentScope.OFF_DEVICE}
    assert await expire(database, world, 1) == jobs.Ended(0, 1, 0)
    assert await expire(database, world, 1) == jobs.Ended(0, 0, 0)
    assert await expire(database, world, 6) == jobs.Ended(1, 0, 0)
    assert [kind for kind, _ in await facts(database, world)] == ["consent-withdrawn", "basis-ended"]
    assert (await actions(database, world))[-2:] == ["consent.expire", "basis.expire"]


async def test_whoever_left_no_longer_consents(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=2)
    leaver, stayer = world.tenants
    async with database.transaction(Role.APP, world.scope) as session:
        stay = await guests.register_guest(
            session, vault=vault, household_id=world.households[1],
            person=PersonDetails(name="测试客", birth_date=date(1990, 1, 1)), valid_from=TODAY,
            valid_to=TODAY + timedelta(days=3), relation="亲属", actor=ACTOR, now=NOW,
        )  # fmt: skip
        unattached = Person(estate_id=world.estate_id, name="测试未登", birth_date=date(1990, 1, 1), created_at=NOW)
        session.add(unattached)
    for person in (leaver, stayer, stay.person_id, unattached.id):
        await give(database, world, person, [ConsentScope.TEMPLATE])
    async with database.transaction(Role.APP, world.scope) as session:
        member = (await session.scalars(select(HouseholdMember).where(HouseholdMember.person_id == leaver))).one()
        member.valid_to = TODAY
    assert (await expire(database, world, 0)).consents_of_leavers == 0
    assert (await expire(database, world, 1)).consents_of_leavers == 1
    assert await standing(database, world, leaver) == frozenset()
    assert (await expire(database, world, 4)).consents_of_leavers == 1
    assert await standing(database, world, stay.person_id) == frozenset()
    assert await standing(database, world, stayer) == await standing(database, world, unattached.id) != frozenset()


async def test_scopes_of_nobody(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=0)
    async with database.transaction(Role.APP, world.scope) as session:
        assert await service.standing_scopes(session, [], TODAY) == {}
        assert await session.scalar(select(func.count()).select_from(Consent)) == 0
