"""Cases and leads at the end of their time: what another still shows or a hold keeps stays, the rest goes."""

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest_asyncio
from sqlalchemy import delete, select, update

from inspection.cases.models import Case
from inspection.leads.models import Lead, LeadStatus
from inspection.visits.models import OccupantMet, Visit, VisitStatus
from storage.database import Database, Role, SystemScope
from storage.holds.models import HoldScope
from storage.ids import new_id
from storage.objects.models import StoredObject
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore
from storage.vault.service import Vault
from tests.storage.retained import Keeper
from tests.storage.test_holds import NOW, OLD, People

LONG_AGO = NOW - timedelta(days=800)


@pytest_asyncio.fixture(loop_scope="session")
async def keeper(database: Database, vault: Vault, tmp_path: Path) -> AsyncIterator[Keeper]:
    """An estate with objects in a folder of its own, and no case of another test."""
    objects = Objects(FilesystemStore(tmp_path / "objects"), vault)
    made = await Keeper.make(database, vault, objects, now=NOW - timedelta(days=1000))
    await made.clear(now=NOW)
    async with database.transaction(Role.OWNER, SystemScope()) as session:
        for table in (OccupantMet, Visit, Case, Lead):
            await session.execute(delete(table))
    yield made
    objects.close()


async def picture(keeper: Keeper) -> uuid.UUID:
    """A snapshot that an accepted lead has taken off its expiry."""
    await keeper.passes(OLD)
    newest = (await keeper.pictures())[-1].id
    async with keeper.database.transaction(Role.SYSTEM, SystemScope()) as session:
        await session.execute(update(StoredObject).where(StoredObject.id == newest).values(expires_at=None))
    return newest


async def lead(keeper: Keeper, *pictures: uuid.UUID, status: LeadStatus = LeadStatus.SETTLED) -> uuid.UUID:
    """A lead of the first household, decided long ago, that shows pictures."""
    row = Lead(
        id=new_id(), estate_id=keeper.world.estate_id, household_id=keeper.world.households[0],
        unit_id=keeper.world.units[0], source="hotline", discrepancy_ids=[], summary_zh="测试线索", summary_en="",
        status=status, created_at=LONG_AGO, decided_at=LONG_AGO,
        evidence={"pictures_kept": [str(one) for one in pictures]},
    )  # fmt: skip
    async with keeper.database.transaction(Role.APP, keeper.world.scope) as session:
        session.add(row)
    return row.id


async def closed_case(keeper: Keeper, lead_id: uuid.UUID, user: uuid.UUID) -> uuid.UUID:
    """The case of a lead, closed long ago."""
    row = Case(
        id=new_id(), estate_id=keeper.world.estate_id, household_id=keeper.world.households[0],
        unit_id=keeper.world.units[0], lead_id=lead_id, number=f"n-{lead_id}", state="closed", opened_by=user,
        opened_at=LONG_AGO, closed_at=LONG_AGO, version=1,
    )  # fmt: skip
    async with keeper.database.transaction(Role.APP, keeper.world.scope) as session:
        session.add(row)
    return row.id


async def visit(
    keeper: Keeper, case_id: uuid.UUID, user: uuid.UUID, status: VisitStatus, met: uuid.UUID | None = None
) -> None:
    """A visit of a case, at which somebody may have been met."""
    row = Visit(
        id=new_id(), estate_id=keeper.world.estate_id, household_id=keeper.world.households[0],
        unit_id=keeper.world.units[0], kind="follow_up", case_id=case_id, assigned_to=user, status=status,
        created_by=user, created_at=LONG_AGO,
    )  # fmt: skip
    async with keeper.database.transaction(Role.APP, keeper.world.scope) as session:
        session.add(row)
        await session.flush()
        if met is not None:
            session.add(
                OccupantMet(id=new_id(), estate_id=keeper.world.estate_id, visit_id=row.id, body_digest=b"",
                            person_id=met, recorded_by=user, recorded_at=LONG_AGO)
            )  # fmt: skip


async def alive(keeper: Keeper, object_id: uuid.UUID) -> bool:
    """Whether a picture still has its key."""
    async with keeper.database.transaction(Role.SYSTEM, SystemScope()) as session:
        return await session.scalar(select(StoredObject.wrapped_key).where(StoredObject.id == object_id)) is not None


async def test_a_visit_that_was_never_made_keeps_no_closed_case(keeper: Keeper) -> None:
    people = await People.make(keeper)
    for status in (VisitStatus.PLANNED, VisitStatus.STARTED):
        await visit(keeper, await closed_case(keeper, await lead(keeper), people.first), people.first, status)
    (run,) = await keeper.run("cases", now=NOW)
    assert (run.error, run.remaining, run.rows) == (None, 0, 6)
    assert await keeper.ids(Visit) == await keeper.ids(Case) == set()


async def test_a_picture_that_another_lead_shows_outlives_the_case(keeper: Keeper) -> None:
    people = await People.make(keeper)
    shared, own = await picture(keeper), await picture(keeper)
    await closed_case(keeper, await lead(keeper, shared, own), people.first)
    other = await lead(keeper, shared, status=LeadStatus.ACCEPTED)
    (run,) = await keeper.run("cases", now=NOW)
    assert (run.error, run.remaining, run.objects) == (None, 0, 1)
    assert (await alive(keeper, shared), await alive(keeper, own)) == (True, False)
    async with keeper.database.transaction(Role.OWNER, SystemScope()) as session:
        await session.execute(update(Lead).where(Lead.id == other).values(status=LeadStatus.DISMISSED))
    (run,) = await keeper.run("leads.unfounded", now=NOW)
    assert (run.objects, await alive(keeper, shared)) == (1, False)


async def test_a_held_picture_holds_the_case_and_the_lead_that_show_it(keeper: Keeper) -> None:
    people = await People.make(keeper)
    first, second = await picture(keeper), await picture(keeper)
    await closed_case(keeper, await lead(keeper, first), people.first)
    await lead(keeper, second, status=LeadStatus.DISMISSED)
    hold = await people.lay(HoldScope.DEVICE, keeper.device_id)
    for code in ("cases", "leads.unfounded"):
        (run,) = await keeper.run(code, now=NOW)
        assert (run.rows, run.held, run.remaining) == (0, 1, 0)
    assert await alive(keeper, first)
    assert await alive(keeper, second)
    await people.release(hold)
    for code in ("cases", "leads.unfounded"):
        (run,) = await keeper.run(code, now=NOW)
        assert (run.objects, run.held, run.remaining) == (1, 0, 0)


async def test_a_hold_on_somebody_who_was_met_holds_the_case_of_that_visit(keeper: Keeper) -> None:
    people, somebody = await People.make(keeper), keeper.world.tenants[1]
    case = await closed_case(keeper, await lead(keeper), people.first)
    await visit(keeper, case, people.first, VisitStatus.DONE, met=somebody)
    hold = await people.lay(HoldScope.PERSON, somebody)
    (run,) = await keeper.run("cases", now=NOW)
    assert (run.held, run.remaining, await keeper.ids(Case)) == (1, 0, {case})
    await people.release(hold)
    (run,) = await keeper.run("cases", now=NOW)
    assert (run.held, run.error, await keeper.ids(Case)) == (0, None, set())
