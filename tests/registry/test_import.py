"""Importing a register into a real database: all or nothing, twice the same, nothing in clear."""

import time
from datetime import UTC, datetime

import pytest
from sqlalchemy import event, func, select, text

from inspection.registry.households.models import Household, HouseholdMember, Lease, Person
from inspection.registry.imports.errors import ImportRefused
from inspection.registry.imports.report import Report
from inspection.registry.imports.service import import_register
from inspection.registry.places.models import HousingUnit
from storage.audit.models import AuditEntry
from storage.audit.service import Actor
from storage.database import Database, Role
from storage.problems import NotFound
from storage.vault.service import Vault
from tests.factories import World, make_world
from tests.registry.sheets import adult, child, row, sheet

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
ACTOR = Actor.system("cli")


async def run(
    database: Database, vault: Vault, world: World, content: bytes, *, apply: bool = True, create_units: bool = True
) -> Report:
    async with database.transaction(Role.APP, world.scope) as session:
        return await import_register(
            session, vault=vault, estate_id=world.estate_id, content=content, apply=apply, create_units=create_units,
            actor=ACTOR, now=NOW,
        )  # fmt: skip


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


async def test_a_rehearsal_changes_nothing(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=0)
    report = await run(database, vault, world, sheet(family(1)), apply=False)
    assert report.acceptable
    assert not report.applied
    assert report.counts["people"].new == 2
    assert await count(database, world, Person) == 0
    assert await count(database, world, HousingUnit) == 0


async def test_import_then_the_same_again_then_a_change(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=0)
    rows = family(1) + family(2)
    first = await run(database, vault, world, sheet(rows))
    assert first.applied
    assert {kind: c.new for kind, c in first.counts.items()} == {
        "units": 2, "households": 2, "people": 4, "members": 4, "leases": 2,
    }  # fmt: skip
    second = await run(database, vault, world, sheet(rows, encoding="gb18030"), create_units=False)
    assert {kind: (c.new, c.changed, c.unchanged) for kind, c in second.counts.items()} == {
        "units": (0, 0, 2), "households": (0, 0, 2), "people": (0, 0, 4), "members": (0, 0, 4), "leases": (0, 0, 2),
    }  # fmt: skip
    rows[0] |= {"姓名": "测试丁", "手机号": "13800000009", "最多居住人数": "5", "保障方式": "租赁补贴"}
    rows[1] |= {"最多居住人数": "5", "保障方式": "租赁补贴", "角色": "共同承租人"}
    for line in rows[:2]:
        line["合同止"] = "2030-06-30"
    third = await run(database, vault, world, sheet(rows))
    assert {kind: c.changed for kind, c in third.counts.items()} == dict.fromkeys(third.counts, 1)
    async with database.transaction(Role.APP, world.scope) as session:
        names = set(await session.scalars(select(Person.name)))
        tenant = (await session.scalars(select(Person).where(Person.name == "测试丁"))).one()
        kid = (await session.scalars(select(Person).where(Person.guardian_id == tenant.id))).one()
        statuses = set(await session.scalars(select(HousingUnit.status)))
        audits = (await session.scalars(select(AuditEntry).where(AuditEntry.action == "registry.import"))).all()
    assert names == {"测试甲", "测试丙", "测试丁"}
    assert tenant.phone_index == vault.index("phone", "13800000009")
    assert kid.name == "测试丙"
    assert statuses == {"allocated"}
    assert len(audits) == 3
    fourth = await run(database, vault, world, sheet(rows))
    assert all((c.new, c.changed) == (0, 0) for c in fourth.counts.values())


async def test_one_error_keeps_the_whole_file_out(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=0)
    with pytest.raises(ImportRefused) as caught:
        await run(database, vault, world, sheet([row(1), row(2, 角色="房东")]))
    report = caught.value.extra["report"]
    assert report["issue_counts"] == {"unknown-role": 1}
    assert await count(database, world, Person) == 0


async def test_unknown_units_are_refused_by_default(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    report = await run(database, vault, world, sheet([row(9)]), apply=False, create_units=False)
    assert report.issue_counts == {"unknown-unit": 1}


async def test_the_flat_is_let_already(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=1)
    taken = row(1, 楼栋="", 单元="", 房号="", 房源编号="U000", 楼层="", 最多居住人数="")
    report = await run(database, vault, world, sheet([taken]), apply=False, create_units=False)
    assert report.issue_counts == {"unit-already-let": 1}


async def test_a_lease_follows_another_one(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=0)
    await run(database, vault, world, sheet([row(1)]))
    ends = row(1, 合同止="2026-03-31", 离开日期="2026-03-31")
    follows = row(2, 房源编号="F00001", 房号="101", 合同起="2026-04-01", 合同止="2030-03-31", 入住日期="2026-04-01")
    report = await run(database, vault, world, sheet([follows, ends]))
    assert (report.counts["leases"].new, report.counts["leases"].changed) == (1, 1)
    assert await count(database, world, Lease) == 2


async def test_a_foreign_estate_is_not_there(database: Database, vault: Vault) -> None:
    mine = await make_world(database, vault, now=NOW, flats=0)
    theirs = await make_world(database, vault, now=NOW, flats=0)
    async with database.transaction(Role.APP, mine.scope) as session:
        with pytest.raises(NotFound):
            await import_register(
                session, vault=vault, estate_id=theirs.estate_id, content=sheet([row(1)]), actor=ACTOR, now=NOW
            )


async def test_no_number_is_stored_in_clear(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=0)
    rows = [*family(1), row(2, 身份证号=adult(77))]
    await run(database, vault, world, sheet(rows))
    async with database.transaction(Role.APP, world.scope) as session:
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
    for line in rows:
        for secret in filter(None, (line["身份证号"], line["手机号"])):
            assert secret not in dump
            assert secret.encode().hex() not in dump
        assert line["身份证号"][:4] + "********" + line["身份证号"][-4:] in dump


async def test_ten_thousand_rows_without_a_query_each(database: Database, vault: Vault) -> None:
    world = await make_world(database, vault, now=NOW, flats=0)
    rows = [row(n, 身份证号=adult_of(n)) for n in range(1, 10_001)]
    content = sheet(rows)
    statements = 0

    def counted(*_: object) -> None:
        nonlocal statements
        statements += 1

    engine = database.engine(Role.APP).sync_engine
    event.listen(engine, "before_cursor_execute", counted)
    try:
        started = time.monotonic()
        first = await run(database, vault, world, content)
        took = time.monotonic() - started
        in_first, statements = statements, 0
        second = await run(database, vault, world, content)
    finally:
        event.remove(engine, "before_cursor_execute", counted)
    assert first.applied
    assert all(c.unchanged == 10_000 for c in second.counts.values())
    assert in_first < 200
    assert statements < 20
    assert await count(database, world, Household) == await count(database, world, HouseholdMember) == 10_000
    assert took < 60


def adult_of(n: int) -> str:
    """Different ID numbers for ten thousand adults."""
    from datetime import date, timedelta

    from tests.ids import make_test_number

    return make_test_number(birth=date(1950, 1, 1) + timedelta(days=n), sequence=n % 1000)
