"""Since when somebody could be seen, and how well the gates worked: by example."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from gate_integration.devices.models import CaptureMode, GateLevel
from gate_integration.occupancy.company import exceeds_chance
from gate_integration.occupancy.gates import Gate, GateMap, UnitPlace
from gate_integration.occupancy.parameters import read
from storage.ids import new_id
from storage.rules.values import Rules

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)  # 09:00 in Shanghai
DAY = date(2026, 3, 2)
PERSON = new_id()
UNIT = UnitPlace(new_id(), new_id(), new_id())


def a_gate(level: GateLevel = GateLevel.ENTRANCE, **changes: object) -> Gate:
    gate = Gate(
        id=new_id(), level=level, building_id=UNIT.building_id, entrance_id=UNIT.entrance_id, unit_id=None,
        capture_mode=CaptureMode.SNAPSHOT, camera=True, direction="both", exit_recorded=True, created_at=NOW,
        last_contact=NOW + timedelta(days=60),
    )  # fmt: skip
    return replace(gate, **changes)  # type: ignore[arg-type]


def seen_from(
    *gates: Gate, enrolled: datetime | None = NOW, entries: dict[uuid.UUID, datetime] | None = None,
    basis: datetime | None = NOW,
) -> date | None:  # fmt: skip
    found = GateMap(
        gates,
        {PERSON: enrolled} if enrolled else {},
        {(PERSON, gate): at for gate, at in (entries or {}).items()},
        basis,
    )
    return found.visible_from(PERSON, found.of(UNIT))


def test_visible_from_the_first_whole_day() -> None:
    assert seen_from(a_gate()) == DAY + timedelta(days=1)
    assert seen_from(a_gate(), enrolled=NOW + timedelta(days=4)) == DAY + timedelta(days=5)
    assert seen_from(a_gate(), basis=NOW + timedelta(days=9)) == DAY + timedelta(days=10)
    assert seen_from(a_gate(), basis=None) is None
    assert seen_from(a_gate(), enrolled=None) is None


def test_a_way_round_hides_and_a_complete_level_does_not() -> None:
    blind = a_gate(camera=False)
    assert seen_from(a_gate(), blind) is None
    assert seen_from(a_gate(GateLevel.ESTATE), blind) == DAY + timedelta(days=1)
    assert seen_from(a_gate(GateLevel.ESTATE), a_gate(GateLevel.ESTATE, capture_mode=CaptureMode.IDENTITY)) is None


def test_the_terminals_own_entry_counts_where_it_is() -> None:
    gate = a_gate(capture_mode=CaptureMode.IDENTITY)
    later = NOW + timedelta(days=2)
    assert seen_from(gate, entries={gate.id: later}) == DAY + timedelta(days=3)
    assert seen_from(gate, a_gate(capture_mode=CaptureMode.IDENTITY), entries={gate.id: later}) is None
    assert seen_from(a_gate(capture_mode=CaptureMode.EDGE)) is None


def test_gates_of_other_places_do_not_cover_a_unit() -> None:
    others = [a_gate(entrance_id=new_id()), a_gate(GateLevel.BUILDING, building_id=new_id()),
              a_gate(GateLevel.UNIT, unit_id=new_id())]  # fmt: skip
    assert not any(gate.covers(UNIT) for gate in others)
    own = [a_gate(GateLevel.ESTATE), a_gate(GateLevel.BUILDING), a_gate(GateLevel.UNIT, unit_id=UNIT.unit_id)]
    assert all(gate.covers(UNIT) for gate in own)


def test_a_day_is_observed_to_the_share_that_worked() -> None:
    begin = datetime(2026, 3, 4, 16, tzinfo=UTC)  # midnight in Shanghai, the 5th
    outages = ((begin, begin + timedelta(hours=6)), (begin + timedelta(hours=3), begin + timedelta(hours=12)))
    gate = a_gate(outages=outages, last_contact=NOW + timedelta(days=5))
    assert gate.worked(date(2026, 3, 5)) == 0.5
    assert gate.worked(date(2026, 3, 6)) == 1.0
    assert gate.worked(DAY) == 15 / 24
    assert gate.worked(date(2026, 3, 1)) == 0.0
    assert gate.worked(date(2026, 3, 8)) == 0.0
    assert a_gate(last_contact=None).worked(date(2026, 3, 6)) == 0.0
    assert a_gate(outages=((begin, None),)).worked(date(2026, 3, 20)) == 0.0


def test_coverage_is_of_the_gates_with_cameras() -> None:
    two = [a_gate(), a_gate(last_contact=None), a_gate(camera=False)]
    found = GateMap(two, {}, {}, NOW)
    first, coverage = found.coverage(two, date(2026, 2, 1), date(2026, 3, 5))
    assert first == date(2026, 3, 3)
    assert coverage.healthy == {date(2026, 3, 3): 0.5, date(2026, 3, 4): 0.5}
    blind, nothing = GateMap([], {}, {}, NOW).coverage([a_gate(camera=False)], date(2026, 2, 1), date(2026, 3, 5))
    assert (blind, nothing.healthy) == (date(2026, 3, 5), {})


def test_chance_is_allowed_for() -> None:
    parameters = read(Rules({}, "")).evidence
    assert exceeds_chance(observed=10, unknown_passes=[(30, 60)], days=30, parameters=parameters)
    assert not exceeds_chance(observed=2, unknown_passes=[(30, 60)], days=30, parameters=parameters)
    busy = [(60, 2000)]  # a household that passes all day long: 33 together are chance
    assert not exceeds_chance(observed=45, unknown_passes=busy, days=30, parameters=parameters)
