"""Importing a register into a real database: all or nothing, twice the same, nothing in clear."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, func, select, text

from inspection.registry.households.models import Household, HouseholdMember, Lease, Person
from inspection.registry.imports import jobs, queries, service
from inspection.registry.imports.errors import ImportFileGone, ImportNotReady, ImportRunning
from inspection.registry.imports.models import ImportStatus
from inspection.registry.places.models import HousingUnit
from storage.audit.models import AuditEntry
from storage.audit.service import Actor
from storage.database import Database, Role, SystemScope
from storage.objects.service import Objects
from storage.problems import NotFound
from storage.vault.service import Vault
from tests.factories import World, make_world
from tests.ids import make_test_number
from tests.registry.importing import NOW, Desk, counts, desk_for, report_of
from tests.registry.sheets import adult, child, row, sheet

KINDS = ("units", "households", "people", "members", "leases")


@pytest.fixture
def desk(database: Database, vault: Vault, objects: Objects, tmp_path: Path) -> Desk:
    return desk_for(database, vault, objects, tmp_path)


@pytest.fixture
async def world(database: Database, vault: Vault) -> World:
    return await make_world(database, vault, now=NOW, flats=0)


def family(index: int) -> list[dict[str, str]]:
    tenant = row(index)
    return [
        tenant,
        row(
            index, 角色="共同居住人", 姓名="测试丙", 身份证号=child(index), 手机号="", 监护人身份证号=tenant["身份证号"]
        ),
    ]


async def count(database: Database, world: World, table: type) -> int:
    async with database.transaction(Role.APP, world.scope) as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_a_checked_file_changes_nothing(desk: Desk, world: World) -> None:
    view = await desk.check(world, sheet(family(1)))
    assert (view.status, view.rows_total, view.rows_checked) == (ImportStatus.CHECKED, 2, 2)
    assert view.report is not None
    assert view.report.acceptable
    assert view.report.counts["people"].new == 2
    assert (view.records_total, view.records_applied) == (7, 0)
    assert await count(desk.database, world, Person) == 0
    assert await count(desk.database, world, HousingUnit) == 0


async def test_import_then_the_same_again_then_a_change(desk: Desk, world: World) -> None:
    rows = family(1) + family(2)
    first = await desk.run(world, sheet(rows))
    assert {kind: new for kind, (new, _, _) in counts(first).items()} == {
        "units": 2, "households": 2, "people": 4, "members": 4, "leases": 2,
    }  # fmt: skip
    assert (first.records_total, first.records_applied) == (14, 14)
    second = await desk.run(world, sheet(rows, encoding="gb18030"), create_units=False)
    assert counts(second) == {
        "units": (0, 0, 2), "households": (0, 0, 2), "people": (0, 0, 4), "members": (0, 0, 4), "leases": (0, 0, 2),
    }  # fmt: skip
    rows[0] |= {"姓名": "测试丁", "手机号": "13800000009", "最多居住人数": "5", "保障方式": "租赁补贴"}
    rows[1] |= {"最多居住人数": "5", "保障方式": "租赁补贴", "角色": "共同承租人"}
    for line in rows[:2]:
        line["合同止"] = "2030-06-30"
    third = await desk.run(world, sheet(rows))
    assert {kind: changed for kind, (_, changed, _) in counts(third).items()} == dict.fromkeys(KINDS, 1)
    async with desk.database.transaction(Role.APP, world.scope) as session:
        names = set(await session.scalars(select(Person.name)))
        tenant = (await session.scalars(select(Person).where(Person.name == "测试丁"))).one()
        kid = (await session.scalars(select(Person).where(Person.guardian_id == tenant.id))).one()
        statuses = set(await session.scalars(select(HousingUnit.status)))
        audits = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "registry.import"))).all()
    assert names == {"测试甲", "测试丙", "测试丁"}
    assert tenant.phone_index == desk.vault.index("phone", "13800000009")
    assert kid.name == "测试丙"
    assert statuses == {"allocated"}
    assert len(audits) == 3
    fourth = await desk.run(world, sheet(rows))
    assert all(c[:2] == (0, 0) for c in counts(fourth).values())


async def test_the_same_file_again_touches_no_row(desk: Desk, world: World) -> None:
    """Not even the versions of rows move: nothing is rewritten with what it was."""
    content = sheet(family(1))
    await desk.run(world, content, full_list=True)
    tables = ("housing_unit", "household", "person", "household_member", "lease", "missing_record", "register_change")

    async def versions() -> dict[str, list[str]]:
        async with desk.database.transaction(Role.APP, world.scope) as session:
            return {
                t: sorted(await session.scalars(text(f"SELECT xmin::text || ctid::text FROM {t}")))  # noqa: S608
                for t in tables
            }

    before = await versions()
    again = await desk.run(world, content, full_list=True)
    assert (again.records_total, again.records_applied) == (0, 0)
    assert await versions() == before


async def test_one_error_keeps_the_whole_file_out(desk: Desk, world: World) -> None:
    view = await desk.check(world, sheet([row(1), row(2, 角色="房东")]))
    assert (view.status, report_of(view)) == (ImportStatus.REFUSED, {"unknown-role": 1})
    assert view.ended_at is not None
    (found,) = await desk.issues(world, view.id)
    assert (found.row, found.column, found.value) == (3, "角色", "房东")
    assert await count(desk.database, world, Person) == 0
    with pytest.raises(ImportNotReady):
        await desk.confirm(world, view.id)
    with pytest.raises(ImportNotReady):
        await desk.cancel(world, view.id)


async def test_unknown_units_are_refused_by_default(desk: Desk, world: World) -> None:
    assert report_of(await desk.check(world, sheet([row(9)]), create_units=False)) == {"unknown-unit": 1}


async def test_the_flat_is_let_already(desk: Desk, database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    taken = row(1, 楼栋="", 单元="", 房号="", 房源编号="U000", 楼层="", 最多居住人数="")
    assert report_of(await desk.check(world, sheet([taken]), create_units=False)) == {"unit-already-let": 1}


async def test_a_lease_follows_another_one(desk: Desk, world: World) -> None:
    await desk.run(world, sheet([row(1)]))
    ends = row(1, 合同止="2026-03-31", 离开日期="2026-03-31")
    follows = row(2, 房源编号="F00001", 房号="101", 合同起="2026-04-01", 合同止="2030-03-31", 入住日期="2026-04-01")
    assert counts(await desk.run(world, sheet([follows, ends])))["leases"][:2] == (1, 1)
    assert await count(desk.database, world, Lease) == 2


async def test_a_foreign_estate_is_not_there(desk: Desk, world: World, database: Database, vault: Vault) -> None:
    theirs = await make_world(database, vault, now=NOW, flats=0)
    strange = World(theirs.estate_id, "", theirs.building_id, theirs.entrance_id)
    import_id = await desk.hand_in(theirs, sheet([row(1)]))
    with pytest.raises(NotFound):
        await desk.view(world, import_id)
    strange.estate_id = world.estate_id
    with pytest.raises(NotFound):
        await desk.confirm(strange, import_id)


async def test_one_import_at_a_time(desk: Desk, world: World) -> None:
    content = sheet([row(1)])
    first = await desk.hand_in(world, content)
    assert await desk.hand_in(world, content) == first  # the answer was lost: the same again
    with pytest.raises(ImportRunning) as caught:
        await desk.hand_in(world, sheet([row(2)]))
    assert caught.value.extra["import_id"] == str(first)
    with pytest.raises(ImportRunning):
        await desk.hand_in(world, content, full_list=True)
    await desk.cancel(world, first)
    await desk.shop.check(import_id=first)  # its job comes too late
    assert (await desk.view(world, first)).status is ImportStatus.CANCELLED
    await desk.run(world, sheet([row(2)]))


async def test_the_register_changed_after_the_confirmation(desk: Desk, world: World) -> None:
    checked = await desk.check(world, sheet([row(1), row(2)]))
    await desk.confirm(world, checked.id)
    await desk.confirm(world, checked.id)  # asked twice, meant once
    with pytest.raises(ImportNotReady):
        await desk.cancel(world, checked.id)
    async with desk.database.transaction(Role.APP, world.scope) as session:
        session.add(Household(estate_id=world.estate_id, number="BZ00001", kind="in_kind", created_at=NOW))
    await desk.shop.apply(import_id=checked.id)
    again = await desk.view(world, checked.id)
    assert again.status is ImportStatus.CHECKED
    assert again.report is not None
    assert again.report.register_changed
    assert counts(again)["households"] == (1, 0, 1)
    assert await count(desk.database, world, Person) == 0
    await desk.confirm(world, checked.id)
    await desk.shop.apply(import_id=checked.id)
    assert (await desk.view(world, checked.id)).status is ImportStatus.APPLIED
    await desk.shop.apply(import_id=checked.id)  # a job that was put in twice
    assert await count(desk.database, world, Person) == 2


async def test_lost_jobs_come_back_and_forgotten_imports_go(desk: Desk, world: World) -> None:
    async def jobs_of(import_id: object) -> int:
        async with desk.database.transaction(Role.SYSTEM, SystemScope()) as session:
            return int(
                await session.scalar(
                    text("SELECT count(*) FROM procrastinate_jobs WHERE args->>'import_id' = :id"),
                    {"id": str(import_id)},
                )
                or 0
            )

    async def sweep() -> None:
        async with desk.database.transaction(Role.SYSTEM, SystemScope()) as session:
            await jobs.sweep(session, now=desk.clock.now())

    lost = await desk.hand_in(world, sheet([row(1)]))
    async with desk.database.transaction(Role.SYSTEM, SystemScope()) as session:
        await session.execute(text("DELETE FROM procrastinate_jobs WHERE args->>'import_id' = :id"), {"id": str(lost)})
    await sweep()
    assert await jobs_of(lost) == 0
    desk.clock.set(NOW + timedelta(minutes=11))
    await sweep()
    assert await jobs_of(lost) == 1
    await desk.shop.check(import_id=lost)
    assert (await desk.view(world, lost)).status is ImportStatus.CHECKED
    desk.clock.set(NOW + timedelta(days=8))
    await sweep()
    assert (await desk.view(world, lost)).status is ImportStatus.CANCELLED
    bad = await desk.check(world, b"")
    assert len(await desk.issues(world, bad.id)) == 1
    desk.clock.set(NOW + timedelta(days=16))
    await sweep()
    assert await desk.issues(world, bad.id) == []


async def test_an_import_that_kills_its_workers_is_given_up(desk: Desk, world: World) -> None:
    import_id = await desk.hand_in(world, sheet([row(1)]))
    for _ in range(jobs.MOST_ATTEMPTS):
        async with desk.database.transaction(Role.SYSTEM, SystemScope()) as session:
            begun = await queries.begin(
                session, import_id=import_id, stages=(ImportStatus.WAITING, ImportStatus.CHECKING), now=NOW
            )
            assert begun is not None
    await desk.shop.check(import_id=import_id)
    assert (await desk.view(world, import_id)).status is ImportStatus.FAILED


async def test_a_file_that_is_gone(desk: Desk, world: World) -> None:
    import_id = await desk.hand_in(world, sheet([row(1)]))
    async with desk.database.transaction(Role.SYSTEM, SystemScope()) as session:
        found = await queries.get(session, import_id=import_id)
        assert found is not None
        await desk.objects.destroy(session, object_id=found.object_id, now=NOW)
        with pytest.raises(ImportFileGone):
            await service.file_of(session, found, objects=desk.objects, now=NOW)
    await desk.shop.check(import_id=import_id)
    assert (await desk.view(world, import_id)).status is ImportStatus.FAILED


async def test_no_number_is_stored_in_clear(desk: Desk, world: World) -> None:
    rows = [*family(1), row(2, 身份证号=adult(77))]
    await desk.run(world, sheet(rows), actor=Actor.system("cli"))
    await desk.check(world, sheet([row(3, 角色="房东"), row(4, 姓名=row(4)["身份证号"])]))
    async with desk.database.transaction(Role.APP, world.scope) as session:
        tables = list(
            await session.scalars(
                text("SELECT DISTINCT table_name FROM information_schema.columns WHERE table_schema = 'public'")
            )
        )
        readable = [
            t for t in tables if await session.scalar(text("SELECT has_table_privilege(:t, 'SELECT')"), {"t": t})
        ]
        dump = ""
        for table in readable:
            dump += "\n".join(str(line) for line in await session.scalars(text(f'SELECT t::text FROM "{table}" t')))  # noqa: S608
    assert "BZ00001" in dump
    assert "unknown-role" in dump
    for line in rows:
        for secret in filter(None, (line["身份证号"], line["手机号"])):
            assert secret not in dump
            assert secret.encode().hex() not in dump
        assert line["身份证号"][:4] + "********" + line["身份证号"][-4:] in dump


async def test_five_thousand_rows_without_a_query_each(desk: Desk, world: World) -> None:
    rows = [row(n, 身份证号=adult_of(n)) for n in range(1, 5_001)]
    content = sheet(rows)
    statements = 0

    def counted(*_: object) -> None:
        nonlocal statements
        statements += 1

    engine = desk.database.engine(Role.SYSTEM).sync_engine
    event.listen(engine, "before_cursor_execute", counted)
    try:
        await desk.run(world, content)
        in_first, statements = statements, 0
        second = await desk.run(world, content)
    finally:
        event.remove(engine, "before_cursor_execute", counted)
    assert all(c == (0, 0, 5_000) for c in counts(second).values())
    assert in_first < 250
    assert statements < 80
    assert await count(desk.database, world, Household) == await count(desk.database, world, HouseholdMember) == 5_000


def adult_of(n: int) -> str:
    """Different ID numbers for thousands of adults."""
    return make_test_number(birth=date(1950, 1, 1) + timedelta(days=n), sequence=n % 1000)
