"""What is held stays, rows and bytes; the rest goes; after the release, or its end, it goes too."""

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from api.retention import REACH
from gate_integration.intake.models import PassEvent, RawDelivery
from inspection.cases.models import Case
from inspection.leads.models import Lead, LeadStatus
from inspection.users.models import ScopeLevel, UserRole
from storage.audit.models import AuditEntry
from storage.audit.service import Actor
from storage.database import Database, EstateScope, Role, SystemScope, UserScope
from storage.holds import service
from storage.holds.errors import HoldNotFound, HoldNotOpen, HoldThingNotFound, HoldTooLong, SecondPersonNeeded
from storage.holds.models import HoldScope, LegalHold
from storage.holds.reach import holds_on, wait_for_approvals
from storage.holds.schemas import HoldInput
from storage.holds.states import HoldState, state_of
from storage.ids import new_id
from storage.objects.service import Objects
from storage.objects.store import FilesystemStore
from storage.problems import Forbidden
from storage.vault.service import Vault
from tests.factories import make_user
from tests.storage.retained import Keeper

NOW = datetime(2026, 9, 1, 2, tzinfo=UTC)
OLD = NOW - timedelta(days=200)
MONTH = timedelta(days=30)


@pytest_asyncio.fixture(loop_scope="session")
async def keeper(database: Database, vault: Vault, tmp_path: Path) -> AsyncIterator[Keeper]:
    """An estate with objects in a folder of its own."""
    objects = Objects(FilesystemStore(tmp_path / "objects"), vault)
    made = await Keeper.make(database, vault, objects, now=NOW - timedelta(days=400))
    await made.clear(now=NOW + timedelta(days=1000))
    yield made
    objects.close()


class People:
    """Two managers of the keeper's estate."""

    def __init__(self, keeper: Keeper, first: uuid.UUID, second: uuid.UUID) -> None:
        self.keeper, self.first, self.second = keeper, first, second

    @classmethod
    async def make(cls, keeper: Keeper) -> "People":
        estate = str(keeper.world.estate_id)
        return cls(
            keeper,
            *[
                await make_user(keeper.database, now=OLD, role=role, level=ScopeLevel.ESTATE, code=estate)
                for role in (UserRole.MANAGER, UserRole.ADMINISTRATOR)
            ],
        )

    async def request(
        self, kind: HoldScope, thing: uuid.UUID, *, until: datetime = NOW + MONTH, now: datetime = NOW
    ) -> LegalHold:
        data = HoldInput(
            scope_kind=kind, scope_id=thing, legal_basis="行政处罚法 46", reason="法院调取证据", until=until
        )
        async with self.keeper.database.transaction(Role.APP, self.keeper.world.scope) as session:
            return await service.request(session, data=data, reach=REACH, actor=Actor.user(self.first), now=now)

    async def approve(self, hold: LegalHold, *, now: datetime = NOW) -> LegalHold:
        async with self.keeper.database.transaction(Role.APP, self.keeper.world.scope) as session:
            return await service.approve(session, hold_id=hold.id, actor=Actor.user(self.second), now=now)

    async def release(self, hold: LegalHold, *, now: datetime = NOW) -> LegalHold:
        async with self.keeper.database.transaction(Role.APP, self.keeper.world.scope) as session:
            return await service.release(
                session, hold_id=hold.id, reason="案件已审结", actor=Actor.user(self.first), now=now
            )

    async def lay(self, kind: HoldScope, thing: uuid.UUID, *, until: datetime = NOW + MONTH) -> LegalHold:
        return await self.approve(await self.request(kind, thing, until=until))


async def test_a_hold_keeps_rows_and_bytes_until_it_is_lifted(keeper: Keeper) -> None:
    people, world = await People.make(keeper), keeper.world
    held = await keeper.passes(OLD, person=world.tenants[0])
    free = await keeper.passes(OLD, person=world.tenants[1])
    hold = await people.lay(HoldScope.HOUSEHOLD, world.households[0])
    (pictures,) = await keeper.run("snapshots", now=NOW)
    (events,) = await keeper.run("events", now=NOW)
    assert (events.remaining, events.held) == (0, 1)
    assert (pictures.error, pictures.remaining, pictures.held) == (None, 0, 1)
    assert await keeper.ids(PassEvent) == set(held)
    assert free
    await keeper.run("objects.bytes", now=NOW)
    kept = [row for row in await keeper.pictures() if row.wrapped_key is not None]
    assert len(kept) == 1
    assert keeper.objects.store.get(str(kept[0].id))
    assert len(list(keeper.objects.store.keys(""))) == 1
    await people.release(hold)
    for code in ("snapshots", "events", "objects.bytes"):
        (run,) = await keeper.run(code, now=NOW)
        assert (run.remaining, run.held, run.error) == (0, 0, None)
    assert await keeper.ids(PassEvent) == set()
    assert list(keeper.objects.store.keys("")) == []


@pytest.mark.parametrize("kind", list(HoldScope))
async def test_a_hold_on_anything_reaches_what_belongs_to_it(keeper: Keeper, kind: HoldScope) -> None:
    people, world = await People.make(keeper), keeper.world
    (event,) = await keeper.passes(OLD, person=world.tenants[0], unit=world.units[0])
    thing = {
        HoldScope.ESTATE: world.estate_id, HoldScope.UNIT: world.units[0], HoldScope.HOUSEHOLD: world.households[0],
        HoldScope.PERSON: world.tenants[0], HoldScope.DEVICE: keeper.device_id,
    }.get(kind) or await a_case(keeper, people.first)  # fmt: skip
    async with keeper.database.transaction(Role.SYSTEM, SystemScope()) as session:
        assert await REACH.locate[kind](session, thing) == world.estate_id
        assert await REACH.locate[kind](session, new_id()) is None
    await people.lay(kind, thing)
    await keeper.run("events", now=NOW)
    assert await keeper.ids(PassEvent) == {event}
    async with keeper.database.transaction(Role.SYSTEM, SystemScope()) as session:
        found = await holds_on(
            session, reach=REACH, now=NOW, person_id=world.tenants[0], estate_id=world.estate_id,
            device_id=keeper.device_id,
        )  # fmt: skip
        assert [one.scope_kind for one in found] == [kind]
        assert await holds_on(session, reach=REACH, now=NOW, person_id=world.tenants[1]) == []


async def a_case(keeper: Keeper, user: uuid.UUID) -> uuid.UUID:
    place = {"household_id": keeper.world.households[0], "unit_id": keeper.world.units[0]}
    lead, case = new_id(), new_id()
    async with keeper.database.transaction(Role.APP, keeper.world.scope) as session:
        session.add(Lead(id=lead, estate_id=keeper.world.estate_id, source="hotline", discrepancy_ids=[], **place,
                         summary_zh="测试线索", summary_en="", status=LeadStatus.ACCEPTED, created_at=OLD))  # fmt: skip
        await session.flush()
        session.add(Case(id=case, estate_id=keeper.world.estate_id, lead_id=lead, number=f"n-{case}", state="notice",
                         opened_by=user, opened_at=OLD, version=1, **place))  # fmt: skip
    return case


async def test_a_held_month_of_deliveries_is_not_dropped(keeper: Keeper) -> None:
    people = await People.make(keeper)
    other = new_id()
    async with keeper.database.transaction(Role.SYSTEM, SystemScope()) as session:
        await session.execute(text("SELECT ruhu_ensure_partition('2025-10-01')"))
        session.add(keeper.gate(other, OLD))
    at = datetime(2025, 10, 5, tzinfo=UTC)
    held = await keeper.deliveries(at)
    keeper.device_id, mine = other, keeper.device_id
    await keeper.deliveries(at, at)
    await people.lay(HoldScope.DEVICE, mine)
    (run,) = await keeper.run("deliveries", now=NOW)
    assert (run.rows, run.held, run.remaining) == (2, 1, 0)
    assert await keeper.ids(RawDelivery) == set(held)


async def test_a_request_holds_nothing_and_lapses(keeper: Keeper) -> None:
    people = await People.make(keeper)
    await keeper.passes(OLD)
    hold = await people.request(HoldScope.ESTATE, keeper.world.estate_id)
    (run,) = await keeper.run("events", now=NOW)
    assert (run.held, await keeper.ids(PassEvent)) == (0, set())
    with pytest.raises(HoldNotOpen):
        await people.approve(hold, now=NOW + timedelta(days=14))
    async with keeper.database.transaction(Role.APP, keeper.world.scope) as session:
        lapsed = await service.page(session, state=HoldState.LAPSED, after=None, limit=9, now=NOW + timedelta(days=14))
        assert [one.id for one in lapsed] == [hold.id]
    assert (await people.approve(hold)).approved_at == NOW


async def test_nobody_approves_their_own_request_not_even_in_the_table(keeper: Keeper) -> None:
    people = await People.make(keeper)
    hold = await people.request(HoldScope.PERSON, keeper.world.tenants[0])
    async with keeper.database.transaction(Role.APP, keeper.world.scope) as session:
        with pytest.raises(SecondPersonNeeded):
            await service.approve(session, hold_id=hold.id, actor=Actor.user(people.first), now=NOW)
        with pytest.raises(Forbidden):
            await service.approve(session, hold_id=hold.id, actor=Actor.system("worker"), now=NOW)
    with pytest.raises(IntegrityError):
        async with keeper.database.transaction(Role.APP, keeper.world.scope) as session:
            (await session.get_one(LegalHold, hold.id)).approved_by = people.first
    with pytest.raises(ProgrammingError):  # an approved hold is not stretched
        async with keeper.database.transaction(Role.APP, keeper.world.scope) as session:
            (await session.get_one(LegalHold, hold.id)).until = NOW + timedelta(days=3000)


async def test_a_hold_has_an_end_within_bounds_and_a_thing_in_scope(keeper: Keeper, database: Database) -> None:
    people, world = await People.make(keeper), keeper.world
    for until in (NOW, NOW - MONTH, NOW + timedelta(days=367)):
        with pytest.raises(HoldTooLong):
            await people.request(HoldScope.UNIT, world.units[0], until=until)
    with pytest.raises(HoldThingNotFound):
        await people.request(HoldScope.UNIT, world.households[0])
    hold = await people.request(HoldScope.UNIT, world.units[0], until=NOW + timedelta(days=366))
    async with database.transaction(Role.APP, EstateScope((new_id(),))) as session:
        with pytest.raises(HoldNotFound):
            await service.hold(session, hold.id)
        with pytest.raises(HoldThingNotFound):
            await service.request(
                session, reach=REACH, actor=Actor.user(people.first), now=NOW,
                data=HoldInput(scope_kind=HoldScope.UNIT, scope_id=world.units[0], legal_basis="测试", reason="测试",
                               until=NOW + MONTH),
            )  # fmt: skip
    inspector = await make_user(database, now=OLD, role=UserRole.INSPECTOR, level=ScopeLevel.ALL, code="")
    async with database.transaction(Role.APP, UserScope(inspector, frozenset({"manager"}))) as session:
        assert await service.page(session, state=None, after=None, limit=9, now=NOW) == []


async def test_prolonging_needs_an_approval_and_ends_the_warning(keeper: Keeper) -> None:
    people = await People.make(keeper)
    end = NOW + timedelta(days=13)
    hold = await people.lay(HoldScope.UNIT, keeper.world.units[0], until=end)
    far = await people.lay(HoldScope.UNIT, keeper.world.units[1], until=NOW + timedelta(days=15))

    async def warned() -> list[uuid.UUID]:
        async with keeper.database.transaction(Role.APP, keeper.world.scope) as session:
            return [one.id for one in await service.expiring(session, after=None, limit=9, now=NOW)]

    async def prolong(until: datetime) -> LegalHold:
        async with keeper.database.transaction(Role.APP, keeper.world.scope) as session:
            return await service.prolong(
                session, hold_id=hold.id, reason="审理延期", until=until, reach=REACH, actor=Actor.user(people.first),
                now=NOW,
            )  # fmt: skip

    assert await warned() == [hold.id]
    with pytest.raises(HoldTooLong):
        await prolong(end)
    longer = await prolong(end + MONTH)
    assert await warned() == [hold.id], "asked for is not given"
    await people.approve(longer)
    assert await warned() == []
    assert (longer.prolongs_id, longer.scope_id, far.prolongs_id) == (hold.id, hold.scope_id, None)
    await keeper.passes(OLD, unit=keeper.world.units[0])
    (run,) = await keeper.run("events", now=end + timedelta(days=1))
    assert run.held == 1, "the first has ended, the second works"
    await people.release(longer)
    with pytest.raises(HoldNotOpen):
        await people.release(longer)
    async with keeper.database.transaction(Role.SYSTEM, SystemScope()) as session:
        actions = await session.scalars(
            select(AuditEntry.action).where(AuditEntry.object_id == longer.id).order_by(AuditEntry.id)
        )
        assert actions.all() == ["hold.requested", "hold.approved", "hold.released"]


async def test_an_approval_waits_for_a_deletion_that_has_not_seen_it(keeper: Keeper) -> None:
    people = await People.make(keeper)
    hold = await people.request(HoldScope.ESTATE, keeper.world.estate_id)
    async with keeper.database.transaction(Role.SYSTEM, SystemScope()) as deleting:
        await wait_for_approvals(deleting)
        approving = asyncio.create_task(people.approve(hold))
        async with keeper.database.transaction(Role.SYSTEM, SystemScope()) as other:
            waiting = text("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            while not await other.scalar(waiting):  # noqa: ASYNC110 - the server has no event to wait for
                await asyncio.sleep(0.01)
        assert not approving.done(), "it waits"
    assert (await approving).approved_at == NOW


@given(st.booleans(), st.booleans(), st.integers(-2, 2), st.integers(-2, 2))
def test_states(approved: bool, released: bool, before: int, until: int) -> None:
    state = state_of(
        approve_before=NOW + before * MONTH, until=NOW + until * MONTH, approved_at=OLD if approved else None,
        released_at=OLD if released else None, now=NOW,
    )  # fmt: skip
    assert (state is HoldState.RELEASED) == released
    if not released:
        assert (state in {HoldState.IN_FORCE, HoldState.ENDED}) == approved
        assert (state is HoldState.IN_FORCE) == (approved and until > 0)
        assert (state is HoldState.REQUESTED) == (not approved and min(before, until) > 0)
