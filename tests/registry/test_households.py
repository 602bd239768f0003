"""Places, households, leases, guests, workers, care, absences: rules, overlaps, sealed numbers, audited views."""

import uuid
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from inspection.registry.consents.errors import NoProcessingBasis
from inspection.registry.consents.models import Purpose
from inspection.registry.errors import BadPeriod
from inspection.registry.households import care, errors, guests, papers, people, service, workers
from inspection.registry.households.detail import household_detail
from inspection.registry.households.models import (
    AbsenceReason,
    CareKind,
    CareLevel,
    HouseholdKind,
    MemberRole,
    WorkerKind,
)
from inspection.registry.households.people import PersonDetails, Secret
from inspection.registry.places import boundaries, queries
from inspection.registry.places import service as places
from inspection.registry.places.errors import (
    BadDivisionCode,
    BadGeofence,
    BadUnit,
    OutsideGrant,
    RoomTaken,
    UnitCodeTaken,
)
from inspection.registry.places.models import FundingType
from inspection.registry.places.service import NewUnit
from inspection.users.models import ScopeLevel, UserRole
from storage.audit.models import AuditEntry
from storage.audit.service import Actor
from storage.database import Database, Role, UserScope
from storage.problems import Invalid, NotFound, Problem
from storage.vault.crypto import SealBroken
from storage.vault.service import Vault
from tests.factories import make_user, make_world
from tests.ids import make_test_number
from tests.registry.sheets import adult, child

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
TODAY = date(2026, 3, 2)
ACTOR = Actor.user(uuid.UUID(int=1))
WHO: dict[str, Any] = {"actor": ACTOR, "now": NOW}
UNIT = NewUnit(building="9幢", entrance="1单元", code="N1", room_no="101", floor=1, max_people=2)


async def test_an_administrator_makes_an_estate_in_the_own_area_alone(database: Database, vault: Vault) -> None:
    user = await make_user(database, now=NOW, role=UserRole.ADMINISTRATOR, level=ScopeLevel.DISTRICT, code="999998")
    scope = UserScope(user, frozenset({UserRole.ADMINISTRATOR}))
    estate: dict[str, Any] = {
        "vault": vault, "name": "测试新区", "funding_type": FundingType.OTHER, "geofence": None,
        "actor": Actor.user(user), "now": NOW,
    }  # fmt: skip
    async with database.transaction(Role.APP, scope) as session:
        with pytest.raises(OutsideGrant):
            await places.create_estate(session, division_code="999997001", **estate)
        with pytest.raises(BadDivisionCode):
            await places.create_estate(session, division_code="9999980", **estate)
        made = await places.create_estate(session, division_code="999998001", **estate)
        added = await places.add_units(session, estate_id=made.id, units=[UNIT], actor=Actor.user(user), now=NOW)
    async with database.transaction(Role.APP, scope) as session:
        assert (await places.get_estate(session, estate_id=made.id)).name == "测试新区"
        assert (await places.get_unit(session, unit_id=added[0].unit.id)).building == "9幢"
        assert [e.id for e in await queries.estates(session, text_filter="新区", after=None, limit=9)] == [made.id]
        assert await queries.estates(session, text_filter=None, after=made.id, limit=9) == []


@pytest.mark.parametrize(
    ("crs", "polygon"),
    [
        ("epsg", [(1, 1), (2, 1), (2, 2)]),
        ("wgs84", [(1, 1), (2, 1), (1, 1)]),
        ("wgs84", [(1, 1), (2, 1), (200, 2)]),
        ("wgs84", [(1, 1), (2, 1), (float("nan"), 2)]),
        ("wgs84", [(1, 1), (2, 2), (3, 3)]),
    ],
)
def test_a_geofence_encloses_something(crs: str, polygon: list[tuple[float, float]]) -> None:
    with pytest.raises(BadGeofence):
        boundaries.checked_geofence(crs, polygon)


def test_a_geofence_is_stored_without_its_closing_corner() -> None:
    stored = boundaries.checked_geofence("gcj02", [(116, 39), (117, 39), (117, 40), (116, 39)])
    assert stored == {"crs": "gcj02", "polygon": [[116.0, 39.0], [117.0, 39.0], [117.0, 40.0]]}


async def test_units_have_their_own_code_and_room(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=3)

    async def add(**changed: Any) -> None:
        values: dict[str, Any] = {
            "building": "1幢",
            "entrance": "1单元",
            "code": "N1",
            "room_no": "901",
            "floor": 9,
            "max_people": 2,
        }
        async with database.transaction(Role.APP, world.scope) as session:
            await places.add_units(session, estate_id=world.estate_id, units=[NewUnit(**(values | changed))], **WHO)

    with pytest.raises(UnitCodeTaken):
        await add(code="U001")
    with pytest.raises(RoomTaken):
        await add(room_no="101")
    for wrong in ({"code": ""}, {"floor": 999}, {"max_people": 0}):
        with pytest.raises(BadUnit):
            await add(**wrong)
    await add()
    async with database.transaction(Role.APP, world.scope) as session:
        page: dict[str, Any] = {"estate_id": world.estate_id, "limit": 2}
        first = await queries.units(session, building="1幢", text_filter=None, after=None, **page)
        rest = await queries.units(session, building=None, text_filter=None, after=first[-1].unit.code, **page)
        by_room = await queries.units(session, building=None, text_filter="102", after=None, **page)
    assert [r.unit.code for r in first + rest] == ["N1", "U000", "U001", "U002"]
    assert [r.unit.room_no for r in by_room] == ["102"]


async def test_a_unit_is_let_once_at_a_time(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=2)
    lease: dict[str, Any] = {"household_id": world.households[1], "unit_id": world.units[0], "number": "L9", **WHO}
    with pytest.raises(errors.UnitAlreadyLet):
        async with database.transaction(Role.APP, world.scope) as session:
            await service.add_lease(session, valid_from=TODAY, valid_to=None, **lease)
    async with database.transaction(Role.APP, world.scope) as session:
        detail = await household_detail(session, household_id=world.households[0])
        await service.end_lease(session, lease_id=detail.leases[0].id, valid_to=TODAY, **WHO)
        await service.add_lease(session, valid_from=TODAY + timedelta(days=1), valid_to=None, **lease)
    with pytest.raises(errors.UnitAlreadyLet):
        async with database.transaction(Role.APP, world.scope) as session:
            await service.end_lease(session, lease_id=detail.leases[0].id, valid_to=TODAY + timedelta(days=9), **WHO)


async def test_households_and_members(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    async with database.transaction(Role.APP, world.scope) as session:
        home = await service.create_household(
            session, estate_id=world.estate_id, number="NEW", kind=HouseholdKind.RENT_SUBSIDY, **WHO
        )
        member: dict[str, Any] = {"vault": vault, "household_id": home.id, "role": MemberRole.CO_RESIDENT, **WHO}
        parent = PersonDetails(name="测试甲", id_number=adult(1), phone="+86 139-0000-0001")
        row = await service.add_member(session, person=parent, valid_from=TODAY, **member)
        with pytest.raises(errors.AlreadyMember):
            await service.add_member(session, person=parent, valid_from=TODAY, **member)
        with pytest.raises(errors.ChildWithoutGuardian):
            await service.add_member(
                session, person=PersonDetails(name="测试子", id_number=child(1)), valid_from=TODAY, **member
            )
        kid = PersonDetails(name="测试子", id_number=child(1), guardian_id=row.person_id)
        await service.add_member(session, person=kid, valid_from=TODAY, **member)
        with pytest.raises(BadPeriod):
            await service.end_member(session, member_id=row.id, valid_to=TODAY - timedelta(days=1), **WHO)
        await service.end_member(session, member_id=row.id, valid_to=TODAY, **WHO)
    with pytest.raises(errors.HouseholdNumberTaken):
        async with database.transaction(Role.APP, world.scope) as session:
            await service.create_household(
                session, estate_id=world.estate_id, number="NEW", kind=HouseholdKind.IN_KIND, **WHO
            )


@pytest.mark.parametrize(
    ("details", "problem"),
    [
        (PersonDetails(name=" "), errors.BadPerson),
        (PersonDetails(name="测试", id_number="123"), errors.BadIdNumber),
        (PersonDetails(name="测试", phone="123"), errors.BadPhone),
        (PersonDetails(name="测试", birth_date=TODAY + timedelta(days=1)), errors.BadPerson),
        (PersonDetails(name="测试", id_number=adult(1), birth_date=date(1980, 1, 1)), errors.PersonDiffers),
        (PersonDetails(name="测试", guardian_id=uuid.UUID(int=5)), errors.BadPerson),
        (uuid.UUID(int=7), NotFound),
    ],
)
async def test_people_who_cannot_be_recorded(
    database: Database, vault: Vault, details: PersonDetails | uuid.UUID, problem: type[Problem]
) -> None:
    world = await make_world(database, vault, now=NOW, flats=0)
    async with database.transaction(Role.APP, world.scope) as session:
        with pytest.raises(problem) as caught:
            await people.resolve(session, vault=vault, estate_id=world.estate_id, person=details, **WHO)
    assert adult(1) not in str(caught.value)


async def test_somebody_known_is_recognised_and_filled_in(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=0)
    at: dict[str, Any] = {"vault": vault, "estate_id": world.estate_id, **WHO}
    async with database.transaction(Role.APP, world.scope) as session:
        bare = PersonDetails(name="测试甲", id_number=adult(1))
        first = await people.resolve(session, person=bare, **at)
        fuller = PersonDetails(name="测试甲", id_number=f" {adult(1)} ", phone="13900000001")
        assert (await people.resolve(session, person=fuller, **at)).id == first.id
        assert first.phone_sealed is not None
        before = first.phone_sealed
        other = PersonDetails(name="测试甲", id_number=adult(1), phone="13900000002")
        assert (await people.resolve(session, person=other, **at)).phone_sealed == before
        with pytest.raises(errors.PersonDiffers):
            await people.resolve(session, person=PersonDetails(name="测试乙", id_number=adult(1)), **at)
        elder = await people.resolve(session, person=PersonDetails(name="测试丙", id_number=adult(2)), **at)
        guarded = PersonDetails(name="测试甲", id_number=adult(1), guardian_id=elder.id)
        assert (await people.resolve(session, person=guarded, **at)).guardian_id == elder.id
        young = PersonDetails(name="测试丁", id_number=child(1), guardian_id=elder.id)
        too_young = (await people.resolve(session, person=young, **at)).id
        with pytest.raises(errors.BadPerson):
            await people.resolve(session, person=PersonDetails(name="测试戊", guardian_id=too_young), **at)
        assert (await people.resolve(session, person=first.id, **at)).id == first.id
        assert first.id_number_masked == adult(1)[:4] + "********" + adult(1)[-4:]


async def test_a_number_is_unmasked_for_a_purpose_and_before_witnesses(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=0, bases=(Purpose.WELFARE_CHECK,))
    async with database.transaction(Role.APP, world.scope) as session:
        details = PersonDetails(name="测试甲", id_number=adult(1))
        person = await people.resolve(session, vault=vault, estate_id=world.estate_id, person=details, **WHO)
    view: dict[str, Any] = {"vault": vault, "person_id": person.id, **WHO}
    async with database.transaction(Role.APP, world.scope) as session:
        with pytest.raises(NoProcessingBasis):
            await people.unmask(
                session, secret=Secret.ID_NUMBER, purpose=Purpose.TENANCY_COMPLIANCE, reason="核对", **view
            )
        with pytest.raises(Invalid):
            await people.unmask(session, secret=Secret.ID_NUMBER, purpose=Purpose.WELFARE_CHECK, reason=" ", **view)
        with pytest.raises(errors.NothingRecorded):
            await people.unmask(session, secret=Secret.PHONE, purpose=Purpose.WELFARE_CHECK, reason="核对", **view)
        clear = await people.unmask(
            session, secret=Secret.ID_NUMBER, purpose=Purpose.WELFARE_CHECK, reason="核对身份", **view
        )
    assert clear == adult(1)
    async with database.transaction(Role.APP, world.scope) as session:
        (seen,) = await session.scalars(select(AuditEntry).where(AuditEntry.action == "person.unmask"))
        assert (seen.purpose, seen.reason, seen.object_id) == ("welfare_check", "核对身份", person.id)
        assert seen.actor_user_id == ACTOR.user_id
        assert adult(1) not in str(seen.payload)
        await vault.destroy_subject_key(session, subject_id=person.id, now=NOW)
        with pytest.raises(errors.PersonErased):
            await people.unmask(session, secret=Secret.ID_NUMBER, purpose=Purpose.WELFARE_CHECK, reason="核对", **view)


async def test_a_sealed_number_does_not_open_in_another_place(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=0)
    async with database.transaction(Role.APP, world.scope) as session:
        first, second = [
            await people.resolve(
                session, vault=vault, estate_id=world.estate_id,
                person=PersonDetails(name="测试", id_number=adult(n), phone=f"1390000000{n}"), **WHO,
            )
            for n in (1, 2)
        ]  # fmt: skip
        second.id_number_sealed = first.id_number_sealed
        first.id_number_sealed = first.phone_sealed
    async with database.transaction(Role.APP, world.scope) as session:
        for person in (first, second):
            row = await people.get_person(session, person_id=person.id)
            key = await people.subject_key(session, vault=vault, person=row, now=NOW)
            with pytest.raises(SealBroken):
                papers.opened(key, row.id_number_sealed or b"", papers.place(row.estate_id, row.id, papers.ID_NUMBER))


async def test_a_guest_stay_in_one_call(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    stay: dict[str, Any] = {
        "vault": vault, "household_id": world.households[0], "valid_from": TODAY, "relation": "姐妹", **WHO,
    }  # fmt: skip
    until = TODAY + timedelta(days=10)
    guest = PersonDetails(name="测试客", id_number=adult(5))
    async with database.transaction(Role.APP, world.scope) as session:
        row = await guests.register_guest(session, person=guest, valid_to=until, **stay)
        with pytest.raises(errors.StayOverlaps):
            await guests.register_guest(session, person=guest, valid_to=until, **stay)
        with pytest.raises(errors.AlreadyMember):
            await guests.register_guest(session, person=world.tenants[0], valid_to=until, **stay)
        with pytest.raises(BadPeriod):
            await guests.register_guest(
                session, person=guest, valid_to=TODAY - timedelta(days=1),
                **(stay | {"valid_from": TODAY - timedelta(days=5)}),
            )  # fmt: skip
        with pytest.raises(BadPeriod):
            await guests.extend_stay(session, stay_id=row.id, valid_to=until, **WHO)
        later = await guests.register_guest(
            session, person=row.person_id, valid_to=until + timedelta(days=9),
            **(stay | {"valid_from": until + timedelta(days=5)}),
        )  # fmt: skip
        with pytest.raises(errors.StayOverlaps):
            await guests.extend_stay(session, stay_id=row.id, valid_to=until + timedelta(days=6), **WHO)
        await guests.cancel_stay(session, stay_id=later.id, **WHO)
        assert (await guests.extend_stay(session, stay_id=row.id, valid_to=until + timedelta(days=6), **WHO)).valid_to
        with pytest.raises(errors.RecordEnded):
            await guests.cancel_stay(session, stay_id=later.id, **WHO)
        with pytest.raises(NotFound):
            await guests.cancel_stay(session, stay_id=world.estate_id, **WHO)


async def test_workers_care_and_absences_show_in_the_household(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    other = await make_world(database, vault, now=NOW, flats=1)
    home, tenant = world.households[0], world.tenants[0]
    worker: dict[str, Any] = {
        "vault": vault, "estate_id": world.estate_id, "kind": WorkerKind.CARER, "employer": "测试护理站",
        "person": PersonDetails(name="测试护", id_number=make_test_number(birth=date(1979, 1, 1))),
        "valid_from": TODAY, "valid_to": None, **WHO,
    }  # fmt: skip
    async with database.transaction(Role.APP, world.scope) as session:
        with pytest.raises(errors.ForeignHousehold):
            await workers.register_worker(session, household_ids=[other.households[0]], **worker)
        carer = await workers.register_worker(session, household_ids=[home], **worker)
        await workers.register_worker(session, household_ids=[], **worker)
        tag = await care.add_care_tag(
            session, household_id=home, level=CareLevel.HIGH, kind=CareKind.LONE_ELDER, valid_from=TODAY,
            valid_to=None, **WHO,
        )  # fmt: skip
        away = await care.tell_absence(
            session, person_id=tenant, valid_from=TODAY, valid_to=TODAY + timedelta(days=3),
            reason=AbsenceReason.HOSPITAL, **WHO,
        )  # fmt: skip
        detail = await household_detail(session, household_id=home)
        assert [w.id for w in detail.workers] == [carer.id]
        assert [t.id for t in detail.care_tags] == [tag.id]
        assert [(a.id, a.reason) for a in detail.absences] == [(away.id, "hospital")]
        assert [m.person_id for m in detail.members] == [tenant]
        assert detail.leases[0].address == "1幢1单元101"
        await workers.end_worker(session, worker_id=carer.id, valid_to=TODAY, **WHO)
        await care.end_care_tag(session, tag_id=tag.id, valid_to=TODAY, **WHO)
        await care.cancel_absence(session, absence_id=away.id, **WHO)
        with pytest.raises(errors.RecordEnded):
            await care.cancel_absence(session, absence_id=away.id, **WHO)
    tomorrow: dict[str, Any] = {"actor": ACTOR, "now": NOW + timedelta(days=1), "valid_to": TODAY}
    async with database.transaction(Role.APP, world.scope) as session:
        with pytest.raises(errors.RecordEnded):
            await workers.end_worker(session, worker_id=carer.id, **tomorrow)
        with pytest.raises(errors.RecordEnded):
            await care.end_care_tag(session, tag_id=tag.id, **tomorrow)
    async with database.transaction(Role.APP, other.scope) as session:
        with pytest.raises(NotFound):
            await household_detail(session, household_id=home)
