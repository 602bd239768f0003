"""People already on a terminal: listed, proposed, confirmed by a person, undone, gone; what erasure and time leave."""

import uuid
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from gate_integration.devices.errors import NumberTaken
from gate_integration.devices.models import Credential, DevicePerson, GateDevice
from gate_integration.removals import service as removals
from gate_integration.removals.errors import RemovalConfirmed
from gate_integration.removals.models import DeviceRemoval, RemovalState, What
from gate_integration.terminal_people import listing, queries, service
from gate_integration.terminal_people.columns import Entry, Field
from gate_integration.terminal_people.erasure import erase
from gate_integration.terminal_people.errors import (
    DecidedByPerson,
    EntryDecided,
    ExpectationDiffers,
    ListEmpty,
    ListUnreadable,
    MayBeRegistered,
    NothingToUndo,
    PersonLeft,
)
from gate_integration.terminal_people.models import EntryState, Level, TerminalCandidate, TerminalEntry, TerminalList
from gate_integration.terminal_people.retention import CLASSES
from gate_integration.terminal_people.schemas import TerminalEntryView
from gate_integration.terminal_people.service import Decision
from inspection.registry.consents.errors import NoProcessingBasis
from inspection.registry.consents.models import ConsentScope, Purpose
from inspection.registry.households.models import HouseholdMember
from storage.audit.service import Actor
from storage.clock import SimulatedClock
from storage.database import Database, Role, SystemScope
from storage.erasure.parts import Part
from storage.erasure.service import Subject, Tools
from storage.holds.reach import Cover
from storage.ids import new_id
from storage.objects.service import Objects
from storage.problems import NotFound
from storage.retention import classes
from storage.retention.periods import Window
from storage.vault.service import Vault
from tests.factories import World, give_consent, make_world
from tests.recognition import make_gate, put_on_device

MANAGER = Actor.user(uuid.UUID(int=7))


class Hall:
    """One terminal of one estate, and what is said about it."""

    def __init__(self, database: Database, vault: Vault, objects: Objects, clock: SimulatedClock) -> None:
        self.database, self.vault, self.objects, self.clock = database, vault, objects, clock
        self.world: World
        self.device: GateDevice

    async def open(self, *, cards: bool = True, **world: Any) -> "Hall":
        self.world = await make_world(self.database, self.vault, now=self.clock.now(), **world)
        self.device = await make_gate(self.database, self.world, now=self.clock.now())
        if cards:
            async with self.database.transaction(Role.APP, self.world.scope) as session:
                session.add_all(
                    Credential(
                        id=new_id(), estate_id=self.world.estate_id, kind="card", household_id=household,
                        number_index=self.vault.index("card", f"{n:010}"), valid_from=date(2025, 1, 1),
                    )
                    for n, household in enumerate(self.world.households)
                )  # fmt: skip
        return self

    async def receive(self, *entries: Entry) -> TerminalList:
        async with self.database.transaction(Role.APP, self.world.scope) as session:
            return await listing.receive(
                session, device_id=self.device.id, entries=entries, vault=self.vault, actor=MANAGER,
                now=self.clock.now(),
            )  # fmt: skip

    async def entries(self) -> dict[str, TerminalEntryView]:
        async with self.database.transaction(Role.APP, self.world.scope) as session:
            rows = await queries.page(
                session, device_id=self.device.id, state=None, level=None, missing=None, after=None, limit=100
            )
            beside = await queries.candidates(session, entry_ids=[row.id for row in rows])
            key = await listing.device_key(session, device=self.device, vault=self.vault, now=self.clock.now())
            return {
                row.number: TerminalEntryView.of(row, listing.opened(key, row), beside.get(row.id, [])) for row in rows
            }

    async def say(self, verb: Any, number: str = "", *, actor: Actor = MANAGER, **said: Any) -> Any:
        """One of the service's verbs, about a number's entry."""
        if number:
            said["entry_id"] = (await self.entries())[number].id
        if verb in {service.reject, service.undo}:
            said = {"vault": self.vault, "reason": "核对名单"} | said
        if verb in {service.confirm_exact, service.close_missing}:
            said["device_id"] = self.device.id
        async with self.database.transaction(Role.APP, self.world.scope) as session:
            return await verb(session, actor=actor, now=self.clock.now(), **said)

    async def mapped(self) -> dict[str, tuple[uuid.UUID, bool]]:
        async with self.database.transaction(Role.APP, self.world.scope) as session:
            found = await queries.mappings(session, device_id=self.device.id)
            return {number: (row.person_id, row.has_face) for number, row in found.items()}

    async def removals(self) -> list[tuple[str, str, str | None]]:
        async with self.database.transaction(Role.APP, self.world.scope) as session:
            rows = await session.scalars(
                select(DeviceRemoval).where(DeviceRemoval.device_id == self.device.id).order_by(DeviceRemoval.id)
            )
            return [(row.what, row.state, row.device_person_no) for row in rows]


@pytest.fixture
def hall(database: Database, vault: Vault, objects: Objects, clock: SimulatedClock) -> Hall:
    return Hall(database, vault, objects, clock)


LIST = (
    Entry("000001", "住户0", "0000000000", "1幢1单元", "101", face=True),
    Entry("000002", "住户1", "0000000001", face=True),
    Entry("000003", "住户2"),
    Entry("000004", "无此人", face=True),
)


async def test_a_machine_proposes_and_a_person_confirms(hall: Hall) -> None:
    await hall.open()
    made = await hall.receive(*LIST)
    assert (made.entries, made.added, made.missing) == (4, 4, 0)
    entries = await hall.entries()
    assert [entry.level for entry in entries.values()] == [Level.EXACT, Level.EXACT, Level.LIKELY, Level.NONE]
    assert [reason.code for reason in entries["000001"].candidates[0].reasons] == [
        "household-card", "name", "address",
    ]  # fmt: skip
    assert entries["000001"].card == "…0000"
    assert await hall.mapped() == {}
    await give_consent(
        hall.database, hall.world, hall.world.tenants[0], now=hall.clock.now(), scopes=(ConsentScope.PUSH_TO_GATES,)
    )
    with pytest.raises(DecidedByPerson):
        await hall.say(service.confirm_exact, expected=2, actor=Actor.system("worker"))
    with pytest.raises(ExpectationDiffers):
        await hall.say(service.confirm_exact, expected=4)
    assert await hall.say(service.confirm_exact, expected=2) == 2
    await hall.say(service.confirm, "000003", person_id=hall.world.tenants[2], has_face=False)
    # Consent to push a face: counted; none: the face is to go, card and PIN stay; no face: nothing to do.
    assert await hall.mapped() == {
        "000001": (hall.world.tenants[0], True), "000002": (hall.world.tenants[1], False),
        "000003": (hall.world.tenants[2], False),
    }  # fmt: skip
    assert await hall.removals() == [(What.FACE, RemovalState.PENDING, "000002")]
    assert (await hall.entries())["000002"].removal_id is not None
    await hall.say(service.confirm, "000003", person_id=hall.world.tenants[2])
    with pytest.raises(EntryDecided):
        await hall.say(service.confirm, "000003", person_id=hall.world.tenants[1])


async def test_the_same_list_again_changes_nothing(hall: Hall) -> None:
    await hall.open()
    first = await hall.receive(*LIST)
    await hall.say(service.confirm_exact, expected=2)
    before, mapped, queued = await hall.entries(), await hall.mapped(), await hall.removals()
    again = await hall.receive(*LIST)
    assert again.id == first.id
    assert (await hall.entries(), await hall.mapped(), await hall.removals()) == (before, mapped, queued)
    changed = await hall.receive(*LIST[:3], Entry("000004", "无此人", "123456789"))
    assert (changed.unchanged, changed.changed) == (3, 1)
    async with hall.database.transaction(Role.APP, hall.world.scope) as session:
        assert await session.scalar(select(func.count()).select_from(TerminalList)) == 2


async def test_what_is_gone_from_the_list_is_closed_by_a_person(hall: Hall) -> None:
    await hall.open()
    await hall.receive(*LIST)
    await hall.say(service.confirm_exact, expected=2)
    await hall.say(service.decide, "000004", decision=Decision.LEFT, remove=True, reason="现场核对")
    with pytest.raises(ListEmpty):
        await hall.receive()
    assert (await hall.receive(LIST[0])).missing == 3
    assert set(await hall.mapped()) == {"000001", "000002"}
    await hall.receive(*LIST[:2])
    assert (await hall.entries())["000002"].missing_since is None
    await hall.receive(LIST[0])
    with pytest.raises(ExpectationDiffers):
        await hall.say(service.close_missing, expected=1)
    assert await hall.say(service.close_missing, expected=3) == 3
    assert set(await hall.mapped()) == {"000001"}
    assert sorted(await hall.removals(), key=str) == [
        (What.FACE, RemovalState.CONFIRMED, None), (What.FACE, RemovalState.PENDING, "000001"),
        (What.PERSON, RemovalState.CONFIRMED, None),
    ]  # fmt: skip
    closed = (await hall.entries())["000004"]
    assert (closed.state, closed.name, closed.candidates) == (EntryState.CLOSED, "", [])
    with pytest.raises(NothingToUndo):
        await hall.say(service.undo, "000004")
    # A number that comes back is another entry.
    await hall.receive(*LIST)
    async with hall.database.transaction(Role.APP, hall.world.scope) as session:
        numbers = await session.scalars(select(TerminalEntry.number).where(TerminalEntry.closed_at.is_(None)))
        assert sorted(numbers) == ["000001", "000002", "000003", "000004"]


async def test_what_was_said_can_be_taken_back(hall: Hall) -> None:
    await hall.open()
    await hall.receive(*LIST)
    await hall.say(service.confirm_exact, expected=2)
    await hall.say(service.undo, "000002")
    assert set(await hall.mapped()) == {"000001"}
    assert [state for _, state, _ in await hall.removals()] == [RemovalState.PENDING, RemovalState.WITHDRAWN]
    entry = (await hall.entries())["000002"]
    assert (entry.state, entry.level, entry.person_id) == (EntryState.OPEN, Level.EXACT, None)
    with pytest.raises(NothingToUndo):
        await hall.say(service.undo, "000002")
    # A mapping can be undone although the face has gone meanwhile.
    removal = (await hall.entries())["000001"].removal_id
    assert removal is not None
    async with hall.database.transaction(Role.APP, hall.world.scope) as session:
        await removals.confirm(session, removal_id=removal, note="现场", actor=MANAGER, now=hall.clock.now())
    await hall.say(service.undo, "000001")
    assert await hall.mapped() == {}
    # A removal that nobody carried out is withdrawn, one that was is not.
    await hall.say(service.decide, "000004", decision=Decision.OTHER, remove=True, reason="现场核对")
    await hall.say(service.undo, "000004")
    await hall.say(service.decide, "000004", decision=Decision.LEFT, remove=True, reason="现场核对")
    removal = (await hall.entries())["000004"].removal_id
    assert removal is not None
    async with hall.database.transaction(Role.APP, hall.world.scope) as session:
        await removals.confirm(session, removal_id=removal, note="现场", actor=MANAGER, now=hall.clock.now())
    with pytest.raises(RemovalConfirmed):
        await hall.say(service.undo, "000004")


async def test_nobody_loses_access_over_an_uncertain_match(hall: Hall) -> None:
    await hall.open()
    await hall.receive(*LIST)
    with pytest.raises(MayBeRegistered):
        await hall.say(service.decide, "000003", decision=Decision.LEFT, remove=True, reason="现场核对")
    with pytest.raises(NotFound):
        await hall.say(service.reject, "000003", person_id=hall.world.tenants[0])
    await hall.say(service.reject, "000003", person_id=hall.world.tenants[2])
    entry = (await hall.entries())["000003"]
    assert (entry.level, [one.rejected for one in entry.candidates]) == (Level.NONE, [True])
    await hall.receive(*LIST)
    assert (await hall.entries())["000003"].level is Level.NONE
    await hall.say(service.undo, "000003")
    assert (await hall.entries())["000003"].level is Level.LIKELY
    await hall.say(service.reject, "000003", person_id=None)
    await hall.say(service.decide, "000003", decision=Decision.GUEST, remove=False, reason="亲属，待报备")
    assert (await hall.entries())["000003"].state is EntryState.NOTED
    await hall.say(service.decide, "000003", decision=Decision.LEFT, remove=True, reason="已离开")
    assert await hall.removals() == [(What.PERSON, RemovalState.PENDING, "000003")]
    for verb, said in (
        (service.decide, {"decision": Decision.LEFT, "remove": True, "reason": "已离开"}),
        (service.reject, {"person_id": None}),
    ):
        with pytest.raises(EntryDecided):
            await hall.say(verb, "000003", **said)


async def test_who_has_left_or_belongs_elsewhere_is_not_confirmed(hall: Hall) -> None:
    await hall.open()
    await hall.receive(*LIST)
    other = await make_world(hall.database, hall.vault, now=hall.clock.now(), flats=1)
    with pytest.raises(NotFound):
        await hall.say(service.confirm, "000001", person_id=other.tenants[0])
    async with hall.database.transaction(Role.APP, hall.world.scope) as session:
        member = await session.scalar(select(HouseholdMember).where(HouseholdMember.person_id == hall.world.tenants[0]))
        assert member is not None
        member.valid_to = date(2026, 3, 1)
    with pytest.raises(PersonLeft):
        await hall.say(service.confirm, "000001", person_id=hall.world.tenants[0])
    await hall.receive(*LIST)
    (candidate,) = (await hall.entries())["000001"].candidates
    assert not candidate.here
    await hall.say(service.decide, "000001", decision=Decision.LEFT, remove=True, reason="已退房")
    assert await hall.removals() == [(What.PERSON, RemovalState.PENDING, "000001")]


async def test_a_number_that_was_mapped_by_hand_keeps_its_person_until_that_is_ended(hall: Hall) -> None:
    await hall.open()
    entry = await put_on_device(hall.database, hall.device, hall.world.tenants[1], now=hall.clock.now())
    await hall.receive(Entry(entry.number, "住户0", "0000000000"), Entry(entry.number + "0", "住户1"))
    found = (await hall.entries())[entry.number]
    assert found.number != entry.number or len(entry.number) < 11
    with pytest.raises(NumberTaken):
        await hall.say(service.confirm, entry.number, person_id=hall.world.tenants[0])
    await hall.say(service.reject, entry.number, person_id=None)
    with pytest.raises(NumberTaken):
        await hall.say(service.decide, entry.number, decision=Decision.LEFT, remove=True, reason="已离开")
    await hall.say(service.confirm, entry.number, person_id=hall.world.tenants[1])
    assert (await hall.mapped())[entry.number][0] == hall.world.tenants[1]


async def test_a_number_given_to_somebody_else_is_asked_about_again(hall: Hall) -> None:
    await hall.open()
    await hall.receive(*LIST)
    await hall.say(service.confirm_exact, expected=2)
    await hall.receive(Entry("000001", "住户3", "0000000003"), *LIST[1:])
    entry = (await hall.entries())["000001"]
    assert (entry.state, entry.decision) == (EntryState.OPEN, "renamed")
    await hall.say(service.confirm, "000001", person_id=hall.world.tenants[3])
    assert (await hall.mapped())["000001"][0] == hall.world.tenants[3]
    async with hall.database.transaction(Role.APP, hall.world.scope) as session:
        ended = select(func.count()).where(DevicePerson.number == "000001", DevicePerson.removed_at.is_not(None))
        assert await session.scalar(ended) == 1


async def test_without_a_basis_nothing_is_taken_in(hall: Hall) -> None:
    await hall.open(bases=(Purpose.TENANCY_COMPLIANCE,))
    with pytest.raises(NoProcessingBasis):
        await hall.receive(*LIST)


async def test_columns_are_kept_and_an_unreadable_list_says_what_it_has(hall: Hall) -> None:
    await hall.open()
    strange = "甲,乙\n1,住户0\n".encode()
    with pytest.raises(ListUnreadable) as caught:
        await hall.say(read_list, content=strange, device_id=hall.device.id)
    assert caught.value.extra == {"reason": "no-headings", "headings": ["甲", "乙"]}
    with pytest.raises(ListUnreadable) as caught:
        await hall.say(read_list, content=b"PK\x03\x04", device_id=hall.device.id)
    assert caught.value.extra == {"reason": "bad-xlsx", "row": 0}
    for heading in ("丙", "甲"):
        await hall.say(service.set_columns, columns={Field.NUMBER: heading, Field.NAME: "乙"}, device_id=hall.device.id)
    assert (await hall.say(read_list, content=strange, device_id=hall.device.id))[0] == [Entry("1", "住户0")]


async def read_list(session: Any, *, content: bytes, device_id: uuid.UUID, **_: Any) -> Any:
    return await service.read_list(session, device_id=device_id, content=content)


async def test_an_erased_person_is_in_no_entry_and_no_name_comes_back_with_the_next_list(hall: Hall) -> None:
    await hall.open()
    await hall.receive(*LIST, Entry("000005", "住户0"))
    await hall.say(service.confirm_exact, expected=2)
    person = hall.world.tenants[0]
    tools = Tools(hall.vault, hall.objects)

    async def erased(*kept: Part) -> list[int]:
        subject = Subject(
            subject_id=person, estate_id=hall.world.estate_id, request_id=new_id(), kept=frozenset(kept)
        )  # fmt: skip
        async with hall.database.transaction(Role.SYSTEM, SystemScope()) as session:
            proofs = await erase(session, subject, tools, hall.clock.now())
            if not kept:
                await removals.queue_person(
                    session, person_id=person, reason="erasure", actor=MANAGER, now=hall.clock.now()
                )
        return [proof.count for proof in proofs]

    assert await erased(Part.REGISTER) == []
    assert await erased() == [2, 0]
    assert set(await hall.entries()) == {"000002", "000003", "000004"}
    async with hall.database.transaction(Role.APP, hall.world.scope) as session:
        pointing = select(func.count()).where(TerminalCandidate.person_id == person)
        assert await session.scalar(pointing) == 0
    await hall.receive(*LIST)
    back = (await hall.entries())["000001"]
    assert (back.state, back.name, back.card, back.candidates) == (EntryState.REMOVING, "", "", [])
    await hall.receive(Entry("000001", "住户0", "1"), *LIST[1:])
    assert (await hall.entries())["000001"].name == ""


async def test_time_takes_undecided_closed_and_old_ones(hall: Hall) -> None:
    await hall.open()
    await hall.receive(*LIST)
    await hall.say(service.confirm_exact, expected=2)
    await hall.receive(LIST[0], LIST[2], LIST[3])
    await hall.say(service.close_missing, expected=1)
    later = hall.clock.now() + timedelta(days=400)
    tools = classes.Tools(hall.vault, hall.objects)
    gone = []
    for one in CLASSES:
        days = int(one.described.rule.value)
        due = classes.Due(later, (Window(later - timedelta(days=days), days, "1", None),), Cover())
        async with hall.database.transaction(Role.SYSTEM, SystemScope()) as session:
            assert (await one.count(session, due=due)).overdue >= 1
            gone.append((await one.destroy(session, due=due, limit=100, wait=True, tools=tools)).rows)
    assert gone[0] >= 1
    assert set(await hall.entries()) == {"000001"}
