"""From the queue to pass events: once each, in order, whatever fails on the way."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from gate_integration.devices import service
from gate_integration.devices.models import DeviceContact, DeviceOutage
from gate_integration.devices.schemas import CredentialInput, DevicePersonInput, ProfileInput
from gate_integration.intake import reader
from gate_integration.intake.drain import MAX_ATTEMPTS, Drainer
from gate_integration.intake.group_commit import STATEMENTS
from gate_integration.intake.intake import looks_live
from gate_integration.intake.models import DeliveryProblem, DeviceEpoch, EventKey, PassEvent, RawPending
from gate_integration.intake.ports import NewPass
from gate_integration.intake.replay import replay
from gate_integration.protocols import hikvision
from gate_integration.protocols.records import DeviceProfile, ParseProblem, Record
from storage.clock import SimulatedClock
from storage.database import Database, Role, SystemScope
from storage.ids import new_id
from storage.vault.service import Vault
from tests.factories import World, make_world
from tests.gate import support
from tests.gate.support import NOON, Watcher, as_json, event


async def deliver(
    database: Database, world: World, device_id: uuid.UUID, *bodies: bytes, at: datetime = NOON
) -> list[uuid.UUID]:
    """Puts deliveries where the intake puts them, by its own statement."""
    ids = [new_id() for _ in bodies]
    number = len(bodies)
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        raw = await session.connection()
        driver = (await raw.get_raw_connection()).driver_connection
        assert driver is not None
        await driver.execute(
            STATEMENTS[False, False], ids, [at] * number, [world.estate_id] * number, [device_id] * number,
            ["hikvision"] * number, ["application/json"] * number, list(bodies), [False] * number, ["[]"] * number,
            [looks_live(body) for body in bodies],
        )  # fmt: skip
    return ids


@pytest.fixture
async def world(database: Database, vault: Vault, clock: SimulatedClock) -> World:
    clock.set(NOON)
    return await make_world(database, vault, now=NOON, flats=2)


@pytest.fixture
async def device(database: Database, vault: Vault, world: World) -> uuid.UUID:
    return (await support.add_device(database, vault, world, now=NOON))[0]


async def waiting(database: Database, device_id: uuid.UUID) -> int:
    return await support.count(database, RawPending.delivery_id, RawPending.device_id == device_id)


async def test_duplicates_are_counted_and_never_make_a_second_event(
    database: Database, vault: Vault, clock: SimulatedClock, world: World, device: uuid.UUID
) -> None:
    one = as_json(event(5, NOON, employeeNoString="9"))
    await deliver(database, world, device, one, one, as_json(event(6, NOON)), one)
    drainer = await support.drain(database, clock, vault)
    await deliver(database, world, device, one)
    await support.drain(database, clock, vault)
    assert [e.counter for e in await support.events_of(database, device)] == [5, 6]
    assert drainer.total.duplicates == 2
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        key = await session.get_one(EventKey, (device, 0, "5"))
        assert key.copies == 3
        epoch = await session.get_one(DeviceEpoch, (device, 0))
        assert epoch.max_counter == 6


async def test_a_reset_counter_opens_an_epoch_and_an_ambiguous_number_is_kept_beside_the_other(
    database: Database, vault: Vault, clock: SimulatedClock, world: World, device: uuid.UUID
) -> None:
    later = NOON + timedelta(minutes=3)
    await deliver(database, world, device, as_json(event(5000, NOON)), as_json(event(5001, NOON)))
    await support.drain(database, clock, vault)
    other = as_json(event(5001, NOON - timedelta(minutes=7), minor=1, cardNo="44"))
    await deliver(database, world, device, other, other)
    await deliver(database, world, device, as_json(event(1, later)))
    await support.drain(database, clock, vault)
    await deliver(database, world, device, other, as_json(event(1, later)))
    await support.drain(database, clock, vault)
    events = await support.events_of(database, device)
    assert [(e.counter, e.marked) for e in events] == [(5000, None), (5001, None), (5001, "ambiguous"), (1, None)]
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        epochs = await session.scalars(
            select(DeviceEpoch.epoch).where(DeviceEpoch.device_id == device).order_by(DeviceEpoch.epoch)
        )
        assert list(epochs) == [0, 1]
        copies = await session.scalar(select(func.sum(EventKey.copies)).where(EventKey.device_id == device))
        assert copies == 3


async def test_live_deliveries_go_before_history(
    database: Database, vault: Vault, clock: SimulatedClock, world: World, device: uuid.UUID
) -> None:
    history = [as_json(event(n, NOON - timedelta(days=40), live=False)) for n in range(1, 6)]
    await deliver(database, world, device, *history, as_json(event(900, NOON)))
    drainer = Drainer(database=database, clock=clock, vault=vault, sighter=Watcher())
    assert await drainer.drain_once(limit=1) == 1
    assert [e.counter for e in await support.events_of(database, device)] == [900]
    while await drainer.drain_once():
        pass
    events = await support.events_of(database, device)
    assert [e.counter for e in events[1:]] == [1, 2, 3, 4, 5]
    assert all(e.replay and e.effective_reason == "replay" for e in events[1:])
    assert events[1].effective_at == NOON - timedelta(days=40)


async def test_both_clocks_are_kept_and_an_implausible_one_is_not_used(
    database: Database, vault: Vault, clock: SimulatedClock, world: World, device: uuid.UUID
) -> None:
    await deliver(
        database, world, device,
        as_json(event(1, NOON - timedelta(minutes=2))),
        as_json(event(2, NOON + timedelta(days=60))),
        as_json(event(3, NOON - timedelta(days=60))),
        as_json(event(4, None)),
    )  # fmt: skip
    await support.drain(database, clock, vault)
    events = {e.counter: e for e in await support.events_of(database, device)}
    assert events[1].effective_at == NOON - timedelta(minutes=2)
    assert [events[n].effective_reason for n in (1, 2, 3, 4)] == [
        "device", "device_time_ahead", "device_time_far_back", "device_time_missing",
    ]  # fmt: skip
    assert all(events[n].effective_at == NOON for n in (2, 3, 4))
    assert events[2].device_time == NOON + timedelta(days=60)
    assert events[2].device_time_text is not None
    assert events[4].device_time is None


async def test_cards_and_numbers_are_resolved_to_who_held_them(
    database: Database, vault: Vault, clock: SimulatedClock, world: World, device: uuid.UUID
) -> None:
    async with database.transaction(Role.APP, world.scope) as session:
        card = await service.register_credential(
            session,
            estate_id=world.estate_id,
            data=CredentialInput(number="0012345678", household_id=world.households[0], valid_from=NOON.date()),
            vault=vault, actor=support.ACTOR, now=NOON,
        )  # fmt: skip
        await service.map_person(
            session, device_id=device, data=DevicePersonInput(person_id=world.tenants[1], number="000015"),
            actor=support.ACTOR, now=NOON,
        )  # fmt: skip
    watcher = Watcher()
    bodies = [
        as_json(event(1, NOON, minor=1, cardNo="0012345678")),
        as_json(event(2, NOON, employeeNoString="000015")),
        as_json(event(3, NOON, employeeNoString="15")),
        as_json(event(4, NOON, minor=76)),
        as_json(event(5, NOON, minor=21)),  # a lock: no pass
        as_json(event(6, NOON, minor=1, cardNo="12345678")),
    ]
    await deliver(database, world, device, *bodies)
    await support.drain(database, clock, vault, watcher)
    seen = {p.event.counter: p for p in watcher.seen}
    assert sorted(n for n in seen if n) == [1, 2, 3, 4, 6]
    assert seen[1].credential is not None
    assert (seen[1].credential.id, seen[1].credential.household_id) == (card.id, world.households[0])
    assert seen[1].event.credential_id == card.id
    assert seen[2].person_id == world.tenants[1]
    assert seen[3].person_id is None
    assert seen[3].event.device_person_no == "15"
    assert seen[6].credential is None
    assert (seen[4].event.outcome, seen[4].device.entrance_id) == ("fail", world.entrance_id)
    async with database.transaction(Role.APP, world.scope) as session:
        await service.withdraw_credential(
            session, credential_id=card.id, actor=support.ACTOR, now=NOON + timedelta(hours=1)
        )
    clock.set(NOON + timedelta(hours=2))
    await deliver(
        database, world, device,
        as_json(event(7, NOON + timedelta(minutes=30), minor=1, cardNo="0012345678")),
        as_json(event(8, NOON + timedelta(minutes=90), minor=1, cardNo="0012345678")),
        at=NOON + timedelta(hours=2),
    )  # fmt: skip
    await support.drain(database, clock, vault, watcher)
    seen = {p.event.counter: p for p in watcher.seen}
    assert seen[7].credential is not None
    assert seen[8].credential is None


async def test_directions_come_from_the_device_or_its_readers(
    database: Database, vault: Vault, clock: SimulatedClock, world: World
) -> None:
    both, _ = await support.add_device(
        database, vault, world, now=NOON, direction="both", profile=ProfileInput(readers={"1": "in", "2": "out"})
    )
    bodies = [as_json(event(n, NOON, cardReaderNo=n, doorNo=1)) for n in (1, 2, 3)]
    await deliver(database, world, both, *bodies, as_json(event(4, NOON, doorNo=2)))
    await support.drain(database, clock, vault)
    assert [e.direction for e in await support.events_of(database, both)] == ["in", "out", "unknown", "out"]


async def test_two_drainers_keep_each_device_in_order_and_double_nothing(
    database: Database, vault: Vault, clock: SimulatedClock, world: World
) -> None:
    devices = [(await support.add_device(database, vault, world, now=NOON))[0] for _ in range(4)]
    for start in range(0, 60, 6):
        for one in devices:
            bodies = [as_json(event(n, NOON + timedelta(seconds=n))) for n in range(start + 1, start + 7)]
            await deliver(database, world, one, *bodies, bodies[0])
    watcher = Watcher()
    drainers = [Drainer(database=database, clock=clock, vault=vault, sighter=watcher) for _ in range(3)]

    async def drain(drainer: Drainer) -> None:
        idle = 0
        while idle < 5:
            if await drainer.drain_once(limit=7):
                idle = 0
            else:
                idle += 1
                await asyncio.sleep(0.02)

    await asyncio.gather(*(drain(d) for d in drainers))
    assert sum(d.total.events for d in drainers) == 240
    assert sum(d.total.duplicates for d in drainers) == 40
    assert sum(1 for d in drainers if d.total.events) > 1
    for one in devices:
        assert await waiting(database, one) == 0
        assert [e.counter for e in await support.events_of(database, one)] == list(range(1, 61))
        assert [p.event.counter for p in watcher.seen if p.device.id == one] == list(range(1, 61))


class Broken(Watcher):
    """Fails on one event."""

    def __init__(self, counter: int) -> None:
        super().__init__()
        self.counter = counter
        self.mended = False

    async def sight(self, session: AsyncSession, *, events: Sequence[NewPass], now: datetime) -> None:
        if not self.mended and any(p.event.counter == self.counter for p in events):
            raise KeyError("a name that must not reach a log")
        await super().sight(session, events=events, now=now)


async def test_a_poison_delivery_waits_is_given_up_with_a_problem_and_blocks_nobody(
    database: Database, vault: Vault, clock: SimulatedClock, world: World, device: uuid.UUID,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    ids = await deliver(database, world, device, *(as_json(event(n, NOON)) for n in range(1, 6)))
    broken = Broken(3)
    drainer = Drainer(database=database, clock=clock, vault=vault, sighter=broken)
    assert await drainer.drain_once() >= 5
    assert [e.counter for e in await support.events_of(database, device)] == [1, 2, 4, 5]
    assert await waiting(database, device) == 1
    assert await drainer.drain_once() == 0  # it waits its time
    for _ in range(MAX_ATTEMPTS - 1):
        clock.advance(timedelta(hours=3))
        await drainer.drain_once()
    assert await waiting(database, device) == 0
    assert "must not reach" not in caplog.text
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        problem = (await session.scalars(select(DeliveryProblem).where(DeliveryProblem.delivery_id == ids[2]))).one()
        assert (problem.code, problem.detail) == ("unreadable", f"KeyError, {MAX_ATTEMPTS} tries")
        broken.mended = True
        result = await replay(session, vault=vault, sighter=broken, now=clock.now(), delivery_ids=[ids[2]])
    assert (result.events, result.duplicates) == (1, 0)
    assert sorted(e.counter or 0 for e in await support.events_of(database, device)) == [1, 2, 3, 4, 5]


async def test_replay_with_a_better_parser_adds_what_was_missed_and_doubles_nothing(
    database: Database, vault: Vault, clock: SimulatedClock, world: World, device: uuid.UUID,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    def old_parser(body: bytes, content_type: str, profile: DeviceProfile) -> tuple[list[Record], list[ParseProblem]]:
        records, problems = hikvision.parse(body, content_type, profile)
        kept = [r for r in records if r.counter != 2]
        return kept, problems + [ParseProblem("old-parser", "not understood")] * (len(records) - len(kept))

    monkeypatch.setitem(reader.PARSERS, "hikvision", ("hikvision/0", old_parser))
    ids = await deliver(database, world, device, *(as_json(event(n, NOON + timedelta(seconds=n))) for n in (1, 2, 3)))
    await support.drain(database, clock, vault)
    assert [e.counter for e in await support.events_of(database, device)] == [1, 3]
    monkeypatch.undo()
    for expected in (1, 0):
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            result = await replay(session, vault=vault, sighter=Watcher(), now=clock.now(), device_id=device)
        assert (result.deliveries, result.events, result.duplicates) == (3, expected, 3 - expected)
    assert [e.counter for e in await support.events_of(database, device)] == [1, 3, 2]
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        problems = list(await session.scalars(select(DeliveryProblem).where(DeliveryProblem.delivery_id == ids[1])))
        assert [(p.code, p.parser, p.resolved_at is not None) for p in problems] == [
            ("old-parser", "hikvision/0", True)
        ]
        copies = await session.scalar(select(func.sum(EventKey.copies)).where(EventKey.device_id == device))
        assert copies == 0
        with pytest.raises(ValueError, match="asks for"):
            await replay(session, vault=vault, sighter=Watcher(), now=clock.now())


async def test_contact_and_silence_make_and_end_outages(
    database: Database, vault: Vault, clock: SimulatedClock, world: World, device: uuid.UUID
) -> None:
    heartbeat = b'{"eventType":"heartBeat","dateTime":"2026-03-02T12:00:00+08:00"}'
    await deliver(database, world, device, heartbeat, at=NOON + timedelta(minutes=1))
    await support.drain(database, clock, vault)
    assert await support.count(database, PassEvent.id, PassEvent.device_id == device) == 0

    async def outages() -> list[tuple[datetime, datetime | None]]:
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            rows = await session.scalars(
                select(DeviceOutage).where(DeviceOutage.device_id == device).order_by(DeviceOutage.began_at)
            )
            return [(row.began_at, row.ended_at) for row in rows]

    async def mark(now: datetime) -> None:
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            await service.mark_silent(session, now)

    heard = NOON + timedelta(minutes=1)
    await mark(heard + timedelta(minutes=60))
    assert await outages() == []
    await mark(heard + timedelta(minutes=61))
    await mark(heard + timedelta(minutes=90))
    assert await outages() == [(heard, None)]
    back = heard + timedelta(hours=3)
    clock.set(back)
    await deliver(database, world, device, as_json(event(1, back)), at=back)
    await mark(back + timedelta(minutes=61))  # a delivery that waits is contact
    await support.drain(database, clock, vault)
    assert await outages() == [(heard, back)]
    again = back + timedelta(hours=5)
    await deliver(database, world, device, as_json(event(2, again)), at=again)  # no job noticed this one
    await support.drain(database, clock, vault)
    assert await outages() == [(heard, back), (back, again)]
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        contact = await session.get_one(DeviceContact, device)
        assert (contact.last_contact_at, contact.last_event_at, contact.last_heartbeat_at) == (again, again, heard)


async def test_a_drainer_runs_until_it_is_stopped(
    database: Database, vault: Vault, clock: SimulatedClock, world: World, device: uuid.UUID
) -> None:
    stop = asyncio.Event()
    drainer = Drainer(database=database, clock=clock, vault=vault, sighter=Watcher())
    running = asyncio.create_task(drainer.run(stop))
    await deliver(database, world, device, as_json(event(1, NOON)))
    for _ in range(100):
        if await support.count(database, PassEvent.id, PassEvent.device_id == device):
            break
        await asyncio.sleep(0.02)
    stop.set()
    await asyncio.wait_for(running, 5)
    assert drainer.total.events >= 1


async def test_replay_notes_anew_what_still_cannot_be_read(
    database: Database, vault: Vault, clock: SimulatedClock, world: World, device: uuid.UUID
) -> None:
    ids = await deliver(database, world, device, b"neither JSON nor XML")
    await support.drain(database, clock, vault)
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        result = await replay(session, vault=vault, sighter=Watcher(), now=clock.now(), device_id=device)
    assert result.problems == 1
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        problems = list(await session.scalars(select(DeliveryProblem).where(DeliveryProblem.delivery_id == ids[0])))
    assert sorted(p.resolved_at is None for p in problems) == [False, True]
