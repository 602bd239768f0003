"""Leases renewed, people who come back, changes made meanwhile: an import writes over nothing it was not told to."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from inspection.registry.households.models import HouseholdMember, Lease
from inspection.registry.imports.jobs import Looked, Workshop
from inspection.registry.imports.reader import read
from inspection.registry.missing.models import MissingRecord
from inspection.registry.missing.service import end_records
from storage.database import Database, Role
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.factories import World, make_world
from tests.registry.importing import ACTOR, NOW, Desk, counts, desk_for, saved, workbook
from tests.registry.sheets import row, sheet


@pytest.fixture
def desk(database: Database, vault: Vault, objects: Objects, tmp_path: Path) -> Desk:
    return desk_for(database, vault, objects, tmp_path)


@pytest.fixture
async def world(database: Database, vault: Vault) -> World:
    return await make_world(database, vault, now=NOW, flats=0)


async def test_a_lease_renewed_under_its_number_leaves_the_old_one_as_it_was(desk: Desk, world: World) -> None:
    await desk.run(world, sheet([row(1, 合同起="2024-01-01", 合同止="2025-12-31")]))
    renewed = sheet([row(1, 合同起="2026-01-01", 合同止="2027-12-31")])
    assert counts(await desk.run(world, renewed))["leases"] == (1, 0, 0)
    async with desk.database.transaction(Role.APP, world.scope) as session:
        days = {(one.valid_from, one.valid_to) for one in await session.scalars(select(Lease))}
    assert days == {(date(2024, 1, 1), date(2025, 12, 31)), (date(2026, 1, 1), date(2027, 12, 31))}
    assert counts(await desk.run(world, renewed))["leases"] == (0, 0, 1)


@pytest.mark.parametrize("turned", [False, True])
async def test_somebody_who_left_and_came_back_has_both_stays(desk: Desk, world: World, turned: bool) -> None:
    """The register knows one stay without end; the file says that it was two."""
    await desk.run(world, sheet([row(1, 入住日期="2025-01-05")]))
    both = [row(1, 入住日期="2025-01-05", 离开日期="2025-06-30"), row(1, 入住日期="2025-09-01")]
    content = sheet(both[::-1] if turned else both)
    assert counts(await desk.run(world, content))["members"] == (1, 1, 0)
    assert counts(await desk.run(world, content))["members"] == (0, 0, 2)


async def test_what_somebody_changes_meanwhile_is_not_written_over(
    desk: Desk, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stay that an officer ends while an import is being written ends, whichever of the two comes first."""
    await desk.run(world, sheet([row(1)]))
    checked = await desk.check(world, sheet([row(1, 角色="共同承租人")]))
    await desk.confirm(world, checked.id)
    waited: list[bool] = []
    real = Workshop.look

    async def look(shop: Workshop, session: AsyncSession, *rest: Any) -> Looked:
        found = await real(shop, session, *rest)
        async with desk.database.transaction(Role.APP, world.scope) as other:
            free = await other.scalars(select(HouseholdMember.id).with_for_update(skip_locked=True))
            waited.append(not free.all())
        return found

    monkeypatch.setattr(Workshop, "look", look)
    await desk.shop.apply(import_id=checked.id)
    assert waited == [True]


async def test_a_lease_that_ended_runs_again_only_with_a_warning(desk: Desk, world: World) -> None:
    await desk.run(world, sheet([row(1, 合同止="2026-02-01")]))
    checked = await desk.check(world, sheet([row(1, 合同止="2029-12-31")]))
    assert [(one.code, one.value) for one in await desk.issues(world, checked.id)] == [("lease-resumes", "2026-02-01")]


async def test_ending_what_a_list_lacks_prolongs_nothing(desk: Desk, world: World) -> None:
    """A last day after the lease's own end is not the lease's."""
    await desk.run(world, sheet([row(1, 合同止="2026-04-30", 离开日期="2026-04-30"), row(2)]), full_list=True)
    await desk.run(world, sheet([row(2)]), full_list=True)
    async with desk.database.transaction(Role.APP, world.scope) as session:
        lacking = await session.scalars(select(MissingRecord.id).where(MissingRecord.kind == "household"))
        await end_records(
            session, estate_id=world.estate_id, ids=lacking.all(), last_day=date(2026, 6, 30), reason="名册中已无此户",
            actor=ACTOR, now=NOW,
        )  # fmt: skip
    async with desk.database.transaction(Role.APP, world.scope) as session:
        lease = (await session.scalars(select(Lease).where(Lease.number == "HT00001"))).one()
        member = (
            await session.scalars(select(HouseholdMember).where(HouseholdMember.household_id == lease.household_id))
        ).one()
    assert (lease.valid_to, member.valid_to) == (date(2026, 4, 30), date(2026, 4, 30))


def test_days_of_a_workbook_that_counts_from_1904_are_not_shifted() -> None:
    rows = [row(1) | {"合同起": 44620, "合同止": date(2029, 12, 31), "楼层": 3, "手机号": True}]  # 2026-03-01
    book = workbook(rows)
    book.epoch = CALENDAR_MAC_1904
    table = read(saved(book))
    (found,) = table.rows
    cells = {column.value: text for column, text in found.cells.items()}
    assert (cells["合同起"], cells["楼层"]) == ("2026-03-01", "3")
    assert cells["合同止"].startswith("2029-12-31")
