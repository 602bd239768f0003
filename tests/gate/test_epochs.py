"""Identity of events across retries, replays, pulls, clock jumps and factory resets."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gate_integration.intake.epochs import (
    DeviceSerials,
    Placement,
    PlacementKind,
    Stored,
    advance,
    event_key_text,
    place,
)
from gate_integration.protocols.records import CredentialKind, Outcome, Record, RecordKind

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def record(counter: int | None, minutes: float | None, content: str = "c", *, replay: bool = False) -> Record:
    time = None if minutes is None else START + timedelta(minutes=minutes)
    return Record(
        kind=RecordKind.ACCESS,
        outcome=Outcome.PASS,
        credential=CredentialKind.FACE,
        counter=counter,
        key_text=None,
        device_time_text=time.isoformat() if time else None,
        device_time=time,
        person_no=None,
        card_no=None,
        door_no=None,
        reader_no=None,
        replay=replay,
        code="5/75",
        content=content,
    )


class Device:
    """What the intake does with placements, in memory: one row per (epoch, key)."""

    def __init__(self) -> None:
        self.serials = DeviceSerials(0, None, None)
        self.rows: dict[tuple[int, str], Record] = {}

    def take(self, item: Record) -> PlacementKind:
        same = [
            Stored(epoch, row.content, row.device_time_text, row.device_time)
            for (epoch, key), row in self.rows.items()
            if row.counter == item.counter
            and (item.counter is not None or key == event_key_text(item, Placement(0, PlacementKind.NEW)))
        ]
        placement = place(self.serials, same, item)
        self.serials = advance(self.serials, item, placement)
        if placement.kind is not PlacementKind.DUPLICATE:
            key = (placement.epoch, event_key_text(item, placement))
            assert key not in self.rows, "an event would be lost"
            self.rows[key] = item
        return placement.kind

    def takes(self, *items: Record) -> list[str]:
        return [self.take(item).value for item in items]


def test_whole_log_replay_on_connect_and_retry() -> None:
    device = Device()
    log = [record(n, n) for n in range(1, 20)]
    assert device.take(log[18]) is PlacementKind.NEW
    assert set(device.takes(*(replace(r, replay=True) for r in log[:18]))) == {"late"}
    assert set(device.takes(*log)) == {"duplicate"}
    assert device.serials == DeviceSerials(0, 19, START + timedelta(minutes=19))


def test_factory_reset_and_a_straggler_of_the_old_epoch() -> None:
    device = Device()
    device.takes(*(record(n, n) for n in range(1, 40)))
    assert device.takes(record(1, 1000), record(2, 1001), record(4, 1003)) == ["new_epoch", "new", "new"]
    assert device.serials.epoch == 1
    assert device.takes(record(3, 1002), record(7, 7), record(39, 39)) == ["late", "duplicate", "duplicate"]
    assert device.takes(record(40, 40), record(40, 40), record(5, 1004)) == ["ambiguous", "duplicate", "new"]


def test_reset_at_once() -> None:
    assert Device().takes(record(1, 0), record(1, 90.5), record(2, 91)) == ["new", "new_epoch", "new"]


def test_twelve_hours_back_inside_a_run() -> None:
    jump = [record(15, 0), record(16, -719), record(17, 2)]  # captured: 10:35:23, 22:35:56 the day before, 10:37:34
    device = Device()
    assert device.takes(*jump) == ["new", "new", "new"]
    assert device.takes(*jump) == ["duplicate"] * 3
    assert Device().takes(jump[1], jump[0], jump[2]) == ["new", "ambiguous", "new"]


def test_push_and_pull_of_one_event() -> None:
    pushed = record(9, 0)
    without_zone = replace(
        pushed, device_time_text="2026-03-01 08:00:00", device_time=START - timedelta(hours=8), replay=True
    )
    other_zone = replace(pushed, device_time_text="2026-03-01T16:00:00", device_time=START + timedelta(hours=1))
    rows = [Stored(0, pushed.content, pushed.device_time_text, pushed.device_time)]
    for pulled, marked in ((pushed, False), (without_zone, True), (other_zone, True)):
        placed = place(DeviceSerials(0, 9, START), rows, pulled)
        assert placed == Placement(0, PlacementKind.DUPLICATE, marked)


def test_equal_counter_with_other_content() -> None:
    device = Device()
    device.takes(record(1, 0), record(100, 10))
    assert device.takes(record(100, 10, "other"), record(100, 10, "other")) == ["ambiguous", "duplicate"]
    assert device.takes(record(100, 11.5), record(1, 5, "other")) == ["ambiguous", "ambiguous"]
    assert {key for _, key in device.rows if "~" in key}


def test_unreadable_times() -> None:
    device = Device()
    assert device.takes(record(10, None), record(5, 1), record(11, 2)) == ["new", "ambiguous", "new"]
    assert device.takes(record(4, None), record(11, None), record(10, None)) == ["ambiguous", "ambiguous", "duplicate"]


def test_replay_never_opens_an_epoch() -> None:
    device = Device()
    device.takes(record(100, 10))
    assert device.takes(record(3, 900, replay=True), record(3, 900)) == ["ambiguous", "duplicate"]
    assert device.takes(record(4, 901)) == ["new_epoch"]


def test_without_counter() -> None:
    device = Device()
    assert device.takes(record(None, 1), record(None, 1), record(None, 2), record(None, 1, "x")) == [
        "new",
        "duplicate",
        "new",
        "new",
    ]
    assert device.serials == DeviceSerials(0, None, None)
    assert place(device.serials, [], record(None, None)).marked
    own = replace(record(None, 1), key_text="uuid")
    assert event_key_text(own, Placement(0, PlacementKind.NEW)) == "k:uuid"


EVENTS = st.builds(
    record,
    st.none() | st.integers(1, 12),
    st.none() | st.integers(-800, 800),
    st.sampled_from(["a", "b"]),
    replay=st.booleans(),
)


@given(st.lists(EVENTS, max_size=30))
def test_nothing_is_lost_and_a_second_delivery_adds_nothing(events: list[Record]) -> None:
    device = Device()
    device.takes(*events)  # asserts that no key is taken twice
    kept, serials = len(device.rows), device.serials
    assert set(device.takes(*events)) <= {"duplicate"}
    assert (len(device.rows), device.serials) == (kept, serials)
