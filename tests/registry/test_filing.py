"""Counting the people whose faces are stored: one human once, a warning, a duty with its last day, filings."""

import json
import uuid
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from gate_integration.enrolment.counting import StoredFaces
from gate_integration.enrolment.models import FaceTemplate
from gate_integration.sightings.models import Pseudonym
from inspection.cases.deadlines import published_calendar
from inspection.filing import service
from inspection.filing.count import Thresholds, filing_due, level
from inspection.filing.models import FilingKind, Level
from inspection.filing.schemas import StandingView
from inspection.registry.households.models import Person
from inspection.users.authority import HumanNeeded
from inspection.users.models import ScopeLevel, UserRole
from storage.audit.models import AuditEntry
from storage.audit.service import Actor
from storage.database import Database, Role, SystemScope
from storage.ids import new_id
from storage.problems import Invalid
from storage.vault.service import Vault
from tests.factories import World, make_user, make_world
from tests.recognition import make_gate, put_on_device

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
TODAY = date(2026, 3, 2)
LIMITS = Thresholds(80_000, 100_000, 30)
CALENDAR = published_calendar()


def test_the_levels_begin_with_their_numbers() -> None:
    wanted = {79_999: Level.BELOW, 80_000: Level.WARNING, 99_999: Level.WARNING, 100_000: Level.DUTY}
    assert {total: level(total, LIMITS) for total in wanted} == wanted


def due(history: list[tuple[date, Level]], filings: list[tuple[date, FilingKind]]) -> date | None:
    found = filing_due(history, filings, calendar=CALENDAR, working_days=30)
    return found.date if found else None


def test_thirty_working_days_count_from_the_day_the_number_was_reached() -> None:
    reached = [(TODAY, Level.WARNING), (TODAY + timedelta(days=1), Level.DUTY), (TODAY + timedelta(days=2), Level.DUTY)]
    last = due(reached, [])
    assert last == date(2026, 4, 15)  # 清明 lies between
    assert due([*reached, (TODAY + timedelta(days=3), Level.BELOW)], []) == last
    assert due(reached[:1], []) is None
    assert due([], []) is None


def test_a_filing_ends_the_duty_and_a_cancelled_one_does_not() -> None:
    reached = [(TODAY, Level.DUTY)]
    first = (TODAY + timedelta(days=9), FilingKind.FIRST)
    ended = (TODAY + timedelta(days=20), FilingKind.CANCELLATION)
    assert due(reached, [first]) is None
    assert due(reached, [(first[0], FilingKind.CHANGE)]) is not None
    assert due([*reached, (TODAY + timedelta(days=30), Level.DUTY)], [first, ended]) is not None
    assert due(reached, [first, ended]) is None


async def set_rules(database: Database, warn: int, duty: int) -> None:
    """A nationwide rule set with lower numbers."""
    async with database.transaction(Role.OWNER, SystemScope()) as session:
        found = uuid.uuid4()
        await session.execute(
            text("INSERT INTO rule_set (id, jurisdiction, version, effective_from, note, created_at) VALUES "
                 "(:id, '', (SELECT coalesce(max(version), 0) + 1 FROM rule_set), '2012-07-15', 'test', now())"),
            {"id": found},
        )  # fmt: skip
        for key, value in (("filing.warn_from", warn), ("filing.duty_from", duty)):
            await session.execute(
                text("INSERT INTO rule_value (rule_set_id, key, value, unit, source) VALUES "
                     "(:id, :key, CAST(:value AS jsonb), 'people', 'test')"),
                {"id": found, "key": key, "value": json.dumps(value)},
            )  # fmt: skip


async def enrolled(database: Database, world: World, *, index: bytes | None) -> uuid.UUID:
    """Somebody with a template."""
    person = Person(id=new_id(), estate_id=world.estate_id, name="测试人员", id_number_index=index, created_at=NOW)
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        session.add(person)
        await session.flush()
        session.add(FaceTemplate(id=new_id(), estate_id=world.estate_id, person_id=person.id, engine="fake",
                                 model_hash="0", sealed=b"x", quality={}, created_at=NOW))  # fmt: skip
    return person.id


async def count(database: Database) -> tuple[int, int]:
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        return await StoredFaces().count(session)


async def clear(database: Database) -> None:
    """What earlier examples left is counted no more."""
    async with database.transaction(Role.OWNER, SystemScope()) as session:
        for table in ("face_template", "sighting", "pseudonym", "device_person"):
            await session.execute(text(f"DELETE FROM {table}"))  # noqa: S608 - names from above


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 4) | st.none()), max_size=12, unique=True))
async def test_one_human_of_two_estates_counts_once(
    database: Database, vault: Vault, humans: list[tuple[int, int | None]]
) -> None:
    await clear(database)
    worlds = [await make_world(database, vault, now=NOW, flats=0) for _ in range(2)]
    for estate, human in humans:
        await enrolled(database, worlds[estate], index=None if human is None else bytes([human]) * 32)
    numbered = {human for _, human in humans if human is not None}
    assert await count(database) == (len(numbered) + sum(human is None for _, human in humans), 0)


async def test_faces_on_gates_and_unregistered_people_count_too(database: Database, vault: Vault) -> None:
    await clear(database)
    world = await make_world(database, vault, now=NOW, flats=2)
    device = await make_gate(database, world, now=NOW)
    await put_on_device(database, device, world.tenants[0], now=NOW)
    await put_on_device(database, device, world.tenants[1], now=NOW, has_face=False)
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        session.add(Pseudonym(estate_id=world.estate_id, number=1, engine="fake", model_hash="0", centroid_sealed=b"x",
                              faces=1, first_seen_at=NOW, last_seen_at=NOW))  # fmt: skip
    assert await count(database) == (1, 1)


async def test_the_count_is_kept_warned_of_and_filed(database: Database, vault: Vault) -> None:
    await clear(database)
    world = await make_world(database, vault, now=NOW, flats=0)
    await set_rules(database, 2, 3)
    clerk = Actor.user(await make_user(database, now=NOW, role=UserRole.ADMINISTRATOR, level=ScopeLevel.ALL, code=""))
    seen = []
    for day in range(3):
        await enrolled(database, world, index=bytes([day]) * 32)
        now = NOW + timedelta(days=day)
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            for _ in range(2):
                await service.count(session, enrolled=StoredFaces(), now=now)
            seen.append(StandingView.of(await service.standing(session, now=now)))
    assert [(one.newest.total, one.newest.level) for one in seen if one.newest] == [
        (1, Level.BELOW), (2, Level.WARNING), (3, Level.DUTY),
    ]  # fmt: skip
    assert (seen[0].notice_zh, seen[0].file_by) == (None, None)
    assert "接近3人" in (seen[1].notice_zh or "")
    assert seen[2].file_by == date(2026, 4, 16)
    assert "2026-04-16" in (seen[2].notice_en or "")
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        told = await session.scalars(select(AuditEntry.action).where(AuditEntry.object_kind == "enrolled_count"))
        assert sorted(told) == ["filing.duty", "filing.warning"]
    later = NOW + timedelta(days=3)
    async with database.transaction(Role.APP, world.scope) as session:
        with pytest.raises(Invalid):
            await service.file(session, kind=FilingKind.FIRST, number="BA-1", filed_on=date(2027, 1, 1), actor=clerk,
                               now=later)  # fmt: skip
        with pytest.raises(HumanNeeded):
            await service.file(session, kind=FilingKind.FIRST, number="BA-1", filed_on=TODAY,
                               actor=Actor.system("worker"), now=later)  # fmt: skip
        await service.file(session, kind=FilingKind.FIRST, number="BA-1", filed_on=later.date(), actor=clerk, now=later)
        view = StandingView.of(await service.standing(session, now=later))
    assert (view.file_by, view.notice_zh, [one.number for one in view.filings]) == (None, None, ["BA-1"])
    assert [one.day for one in view.history] == [TODAY + timedelta(days=day) for day in range(3)]


async def test_before_any_count_nothing_is_said() -> None:
    nothing = service.Standing(None, LIMITS, None, [], [])
    assert (StandingView.of(nothing).newest, StandingView.of(nothing).notice_zh) == (None, None)
