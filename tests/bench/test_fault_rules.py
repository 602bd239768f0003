"""The pure parts of the fault harness: schedule, journal, invariants; and how the supervisor paces its starts."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.faults.invariants import Findings, exactly_once, nothing_left, same_bytes, steps_in_order
from bench.faults.journal import Entry, Journal, line, parse
from bench.faults.schedule import KILLS, WEIGHTS, Kind, plan
from storage.postgres.supervisor import LONGEST_PAUSE_S, pause_before_start

KEYS = st.text(st.characters(codec="utf-8"), max_size=8)


@given(seed=st.integers(), kills=st.integers(1, 300), available=st.sets(st.sampled_from(sorted(KILLS)), min_size=1))
def test_a_schedule_has_as_many_kills_as_asked_and_only_kinds_that_can_be_had(
    seed: int, kills: int, available: set[Kind]
) -> None:
    steps = plan(seed=seed, kills=kills, available=available)
    assert len(steps) == kills
    assert {step.kind for step in steps} <= available
    assert [step.number for step in steps] == list(range(1, kills + 1))
    assert all(0 <= step.where < 1.0001 and 0 <= step.amount <= 1 and step.acks >= 0 for step in steps)


@given(seed=st.integers(), kills=st.integers(1, 300))
def test_the_same_seed_gives_the_same_schedule(seed: int, kills: int) -> None:
    assert plan(seed=seed, kills=kills) == plan(seed=seed, kills=kills, available=list(reversed(Kind)))


def test_faults_that_end_nothing_come_on_top_and_a_long_schedule_has_every_kind() -> None:
    steps = plan(seed=7, kills=100)
    counts = Counter(step.kind for step in steps)
    assert sum(counts[kind] for kind in KILLS) == 100
    assert len(steps) > 100
    assert set(counts) == set(Kind) == set(WEIGHTS)
    assert any(step.acks == 0 for step in steps)
    assert any(step.acks > 0 for step in steps)


@pytest.mark.parametrize(("kills", "available"), [(0, tuple(Kind)), (5, ()), (5, (Kind.STALL, Kind.DISK_FULL))])
def test_a_schedule_without_kills_is_none(kills: int, available: tuple[Kind, ...]) -> None:
    with pytest.raises(ValueError, match="at least one kill"):
        plan(seed=1, kills=kills, available=available)


@given(acknowledged=st.sets(KEYS), others=st.sets(KEYS))
def test_what_is_stored_once_is_right_whether_acknowledged_or_not(acknowledged: set[str], others: set[str]) -> None:
    assert exactly_once("event", acknowledged, sorted(acknowledged | others)).sound


@given(stored=st.lists(KEYS, unique=True, min_size=1), data=st.data())
def test_one_that_is_missing_or_twice_there_is_named(stored: list[str], data: st.DataObject) -> None:
    one = data.draw(st.sampled_from(stored))
    lost = exactly_once("event", stored, [key for key in stored if key != one])
    assert (lost.lost, lost.doubled, lost.sound) == ([f"event {one}"], [], False)
    doubled = exactly_once("event", stored, [*stored, one])
    assert (doubled.lost, doubled.doubled, doubled.sound) == ([], [f"event {one} (2 times)"], False)


def test_photos_are_compared_by_their_bytes() -> None:
    sent = {"a": "11", "b": "22", "c": "33"}
    assert same_bytes(sent, {"a": "11", "b": "22"}).sound
    assert same_bytes(sent, {"a": "11", "b": "33", "c": None}).unreadable == ["photo b", "photo c"]


def test_steps_of_a_case_are_numbered_without_a_gap() -> None:
    assert steps_in_order({"a": [1, 2, 3], "b": []}).sound
    assert steps_in_order({"a": [1, 3], "b": [1, 1, 2], "c": [1]}).other == [
        "case a: positions [1, 3]", "case b: positions [1, 1, 2]",
    ]  # fmt: skip


def test_leftovers_are_named_and_findings_add_up() -> None:
    found = nothing_left({"processes": 0, "sockets": 2})
    assert found.other == ["sockets: 2"]
    found.add(Findings(lost=["x"], doubled=["y"], unreadable=["z"], other=["w"]))
    assert found == Findings(["x"], ["y"], ["z"], ["sockets: 2", "w"])
    assert Findings().sound
    assert not Findings(unreadable=["z"]).sound


@given(entries=st.lists(st.builds(Entry, KEYS, KEYS, st.integers(1, 99), KEYS, KEYS)), torn=st.integers(0, 10**6))
def test_a_journal_reads_what_was_written_but_for_a_torn_end(entries: list[Entry], torn: int) -> None:
    lines = [line(entry) for entry in entries]
    assert parse(lines) == entries
    if lines:
        lines[-1] = lines[-1][: torn % len(lines[-1])]
        assert parse(filter(None, lines)) == entries[:-1]


def test_a_journal_is_on_disk_before_it_counts(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journal")
    journal.open()
    entry = Entry("photo", "id", 3, "digest", "visit")
    journal.add(entry)
    assert (journal.count, journal.read()) == (1, [entry])
    journal.close()


def test_a_server_that_was_ready_is_started_again_at_once_and_one_that_never_is_less_and_less_often() -> None:
    pauses = [pause_before_start(failures) for failures in range(3000)]
    assert pauses[0] <= 0.1
    assert pauses == sorted(pauses)
    assert pauses[-1] == LONGEST_PAUSE_S
