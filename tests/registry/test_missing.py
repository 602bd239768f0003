"""What a full list lacks: listed, ended by a person alone, gone when a file names it again; and the history of it."""

import uuid
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import ProgrammingError

from inspection.registry.history import queries as history
from inspection.registry.history.schemas import ChangeView
from inspection.registry.households import guests, people
from inspection.registry.households import service as households
from inspection.registry.households.models import Household, HouseholdMember, Lease, Person
from inspection.registry.missing import queries, service
from inspection.registry.missing.errors import AlreadyDecided, UnitStillLet
from inspection.registry.missing.models import MissingKind, MissingStatus
from inspection.registry.missing.schemas import MissingView
from inspection.registry.places.models import HousingUnit
from storage.database import Database, Role
from storage.objects.service import Objects
from storage.problems import NotFound
from storage.vault.service import Vault
from tests.factories import World, make_world
from tests.registry.importing import ACTOR, NOW, Desk, desk_for, report_of
from tests.registry.sheets import adult, row, sheet

DAY = date(2026, 3, 1)
WHY = "名册中已无，电话核实已搬走"
SON = {
    "角色": "共同居住人",
    "姓名": "测试子",
    "手机号": "",
    "身份证号": adult(5),
    "合同编号": "",
    "合同起": "",
    "合同止": "",
}
VACANT = {"房源编号": "F00009", "楼栋": "1幢", "单元": "1单元", "房号": "109", "楼层": "1", "最多居住人数": "2"}


@pytest.fixture
def desk(database: Database, vault: Vault, objects: Objects, tmp_path: Path) -> Desk:
    return desk_for(database, vault, objects, tmp_path)


@pytest.fixture
async def world(database: Database, vault: Vault) -> World:
    return await make_world(database, vault, now=NOW, flats=0)


def everything() -> list[dict[str, str]]:
    return [row(1), row(1, **SON), row(2), VACANT]


async def listed(desk: Desk, world: World, status: MissingStatus = MissingStatus.OPEN) -> list[MissingView]:
    async with desk.database.transaction(Role.APP, world.scope) as session:
        found = await queries.of_estate(
            session, estate_id=world.estate_id, status=status, kind=None, after=None, limit=100
        )
        return [
            MissingView.of(m, unit=unit, building=building, entrance=entrance, household=household, person=person)
            for m, unit, building, entrance, household, person in found
        ]


async def end(desk: Desk, world: World, found: Sequence[MissingView], last_day: date = DAY) -> None:
    async with desk.database.transaction(Role.APP, world.scope) as session:
        await service.end_records(
            session, estate_id=world.estate_id, ids=[m.id for m in found], last_day=last_day, reason=WHY,
            actor=ACTOR, now=desk.clock.now(),
        )  # fmt: skip


async def first(desk: Desk, world: World, table: type[Any], **named: Any) -> Any:
    async with desk.database.transaction(Role.APP, world.scope) as session:
        return (await session.scalars(select(table).filter_by(estate_id=world.estate_id, **named))).one()


async def changes(desk: Desk, world: World, household_id: uuid.UUID) -> list[ChangeView]:
    async with desk.database.transaction(Role.APP, world.scope) as session:
        rows = await history.of_household(session, household_id=household_id, after=None, limit=100)
        return [ChangeView.of(*r) for r in rows]


async def test_a_full_list_lists_what_it_lacks_and_ends_nothing(desk: Desk, world: World) -> None:
    await desk.run(world, sheet(everything()), full_list=True)
    assert await listed(desk, world) == []
    await desk.run(world, sheet([row(1)]))
    assert await listed(desk, world) == []  # a part of the list says nothing of the rest
    checked = await desk.check(world, sheet([row(1)]), full_list=True)
    assert checked.report is not None
    assert checked.report.missing == {"unit": 2, "household": 1, "member": 1}
    assert await listed(desk, world) == []  # not before it is confirmed
    await desk.cancel(world, checked.id)
    await desk.run(world, sheet([row(1)]), full_list=True)
    found = {(m.kind, m.label) for m in await listed(desk, world)}
    assert found == {
        (MissingKind.UNIT, "1幢1单元102 F00002"), (MissingKind.UNIT, "1幢1单元109 F00009"),
        (MissingKind.HOUSEHOLD, "BZ00002"), (MissingKind.MEMBER, "BZ00001 测试子"),
    }  # fmt: skip
    assert (await first(desk, world, Lease, number="HT00002")).valid_to == date(2029, 12, 31)
    before = {m.id for m in await listed(desk, world)}
    await desk.run(world, sheet([row(1)]), full_list=True)
    assert {m.id for m in await listed(desk, world)} == before
    await desk.run(world, sheet([row(2)]))
    assert {m.kind for m in await listed(desk, world)} == {MissingKind.UNIT, MissingKind.MEMBER}
    assert {m.label for m in await listed(desk, world, MissingStatus.RETURNED)} == {"BZ00002", "1幢1单元102 F00002"}
    await desk.run(world, sheet([row(2)]), full_list=True)
    assert [m.label for m in await listed(desk, world, MissingStatus.SETTLED)] == ["BZ00001 测试子"]  # with all of it


async def test_a_person_ends_what_is_missing(desk: Desk, world: World) -> None:
    await desk.run(world, sheet(everything()), full_list=True)
    await desk.run(world, sheet([row(1)]), full_list=True)
    found = await listed(desk, world)
    let = [m for m in found if m.label.endswith("F00002")]
    with pytest.raises(UnitStillLet):
        await end(desk, world, let)
    await end(desk, world, found)
    assert await listed(desk, world) == []
    assert {(m.reason, m.last_day, m.decided_by) for m in await listed(desk, world, MissingStatus.ENDED)} == {
        (WHY, DAY, ACTOR.user_id)
    }
    assert (await first(desk, world, Lease, number="HT00002")).valid_to == DAY
    assert (await first(desk, world, HousingUnit, code="F00009")).status == "withdrawn"
    son = await first(desk, world, Person, name="测试子")
    assert (await first(desk, world, HouseholdMember, person_id=son.id)).valid_to == DAY
    with pytest.raises(AlreadyDecided):
        await end(desk, world, found)
    again = await desk.run(world, sheet([row(1)]), full_list=True)
    assert again.report is not None
    assert again.report.missing == {}
    # A file that names them again: the unit comes back, the person stays as somebody decided.
    back = await desk.run(world, sheet([row(1), row(1, **SON), VACANT]))
    assert report_of(back) == {"unit-returns": 1, "member-ended": 1}
    assert (await first(desk, world, HousingUnit, code="F00009")).status == "vacant"
    assert (await first(desk, world, HouseholdMember, person_id=son.id)).valid_to == DAY


async def test_what_was_dismissed_stays_so(desk: Desk, world: World) -> None:
    await desk.run(world, sheet(everything()), full_list=True)
    lacking = sheet([row(1), row(2), VACANT])
    await desk.run(world, lacking, full_list=True)
    (found,) = await listed(desk, world)
    async with desk.database.transaction(Role.APP, world.scope) as session:
        await service.dismiss_records(
            session, estate_id=world.estate_id, ids=[found.id], reason="名册漏登", actor=ACTOR, now=NOW
        )
    await desk.run(world, lacking, full_list=True)
    assert await listed(desk, world) == []
    await desk.run(world, sheet(everything()), full_list=True)
    assert [m.id for m in await listed(desk, world, MissingStatus.RETURNED)] == [found.id]
    await desk.run(world, lacking, full_list=True)
    assert len(await listed(desk, world)) == 1
    with pytest.raises(NotFound):
        async with desk.database.transaction(Role.APP, world.scope) as session:
            await service.dismiss_records(
                session, estate_id=world.estate_id, ids=[uuid.uuid4()], reason="没有", actor=ACTOR, now=NOW
            )


async def test_somebody_who_left_in_the_meantime(desk: Desk, world: World) -> None:
    await desk.run(world, sheet(everything()), full_list=True)
    await desk.run(world, sheet([row(1), row(2), VACANT]), full_list=True)
    (found,) = await listed(desk, world)
    async with desk.database.transaction(Role.APP, world.scope) as session:
        await households.end_member(session, member_id=found.record_id, valid_to=DAY, actor=ACTOR, now=NOW)
    await end(desk, world, [found])
    assert [m.id for m in await listed(desk, world, MissingStatus.SETTLED)] == [found.id]


async def test_whoever_has_no_id_number_is_never_missing(desk: Desk, world: World) -> None:
    await desk.run(world, sheet([row(1)]))
    home = await first(desk, world, Household, number="BZ00001")
    async with desk.database.transaction(Role.APP, world.scope) as session:
        await households.add_member(
            session, vault=desk.vault, household_id=home.id, person=people.PersonDetails(name="测试婴"),
            role="co_resident", valid_from=DAY, actor=ACTOR, now=NOW,
        )  # fmt: skip
    await desk.run(world, sheet([row(1)]), full_list=True)
    assert await listed(desk, world) == []


async def test_the_history_of_a_household(desk: Desk, world: World) -> None:
    await desk.run(world, sheet([row(1)]), name="一月.csv")
    desk.clock.set(NOW + timedelta(days=1))
    fixed = row(1, 姓名="测试更", 手机号="13800000008", 入住日期="2025-01-09", 合同止="2030-12-31")
    await desk.run(world, sheet([fixed]), name="二月.csv")
    home = await first(desk, world, Household, number="BZ00001")
    async with desk.database.transaction(Role.APP, world.scope) as session:
        stay = await guests.register_guest(
            session, vault=desk.vault, household_id=home.id, person=people.PersonDetails(name="测试客"),
            valid_from=DAY, valid_to=date(2026, 3, 9), relation="亲属", actor=ACTOR, now=NOW,
        )  # fmt: skip
        await guests.extend_stay(session, stay_id=stay.id, valid_to=date(2026, 3, 20), actor=ACTOR, now=NOW)
        await guests.cancel_stay(session, stay_id=stay.id, actor=ACTOR, now=NOW)
    found = await changes(desk, world, home.id)
    told = [(c.kind, c.change, c.import_name) for c in found]
    assert told == [
        ("guest", "cancelled", None), ("guest", "extended", None), ("guest", "added", None),
        ("lease", "changed", "二月.csv"), ("member", "changed", "二月.csv"), ("person", "changed", "二月.csv"),
        ("lease", "added", "一月.csv"), ("member", "added", "一月.csv"), ("household", "added", "一月.csv"),
    ]  # fmt: skip
    by = {(c.kind, c.change): c for c in found}
    extended = by["guest", "extended"]
    assert (extended.before, extended.after) == (
        {"valid_from": "2026-03-01", "valid_to": "2026-03-09"},
        {"valid_from": "2026-03-01", "valid_to": "2026-03-20", "cancelled": False},
    )
    person = by["person", "changed"]
    assert (person.before, person.after, person.person_name) == (None, {"fields": ["name", "phone"]}, "测试更")
    assert person.id_number_masked == row(1)["身份证号"][:4] + "********" + row(1)["身份证号"][-4:]
    lease = by["lease", "changed"]
    assert lease.before is not None
    assert (lease.before["valid_to"], lease.actor_user_id) == ("2029-12-31", ACTOR.user_id)
    async with desk.database.transaction(Role.APP, world.scope) as session:
        unit = (await session.scalars(select(HousingUnit.id))).one()
        of_unit = await history.of_unit(session, unit_id=unit, after=None, limit=2)
        rest = await history.of_unit(session, unit_id=unit, after=of_unit[-1][0].id, limit=2)
        assert [r[0].change for r in [*of_unit, *rest]] == ["changed", "added", "added"]


async def test_history_is_appended_and_never_altered(desk: Desk, world: World) -> None:
    await desk.run(world, sheet([row(1)]))
    for statement in ("UPDATE register_change SET reason = 'x'", "DELETE FROM register_change"):
        with pytest.raises(ProgrammingError):
            async with desk.database.transaction(Role.APP, world.scope) as session:
                await session.execute(text(statement))
