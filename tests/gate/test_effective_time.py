"""Which clock counts."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_integration.intake.effective_time import AHEAD, TimeReason, effective_time
from tests.gate.support import NOON


@pytest.mark.parametrize(
    ("offset", "replay", "device", "reason"),
    [
        (timedelta(0), False, True, TimeReason.DEVICE),
        (AHEAD, False, True, TimeReason.DEVICE),
        (AHEAD + timedelta(seconds=1), False, False, TimeReason.AHEAD),
        (AHEAD + timedelta(seconds=1), True, False, TimeReason.AHEAD),
        (timedelta(hours=-24), False, True, TimeReason.DEVICE),
        (timedelta(hours=-24, seconds=-1), False, False, TimeReason.FAR_BACK),
        (timedelta(days=-400), True, True, TimeReason.REPLAY),
        (None, False, False, TimeReason.MISSING),
        (None, True, False, TimeReason.MISSING),
    ],
)
def test_the_device_counts_while_it_is_plausible(
    offset: timedelta | None, replay: bool, device: bool, reason: TimeReason
) -> None:
    told = None if offset is None else NOON + offset
    at, why = effective_time(device_time=told, received_at=NOON, replay=replay)
    assert why is reason
    assert at == (told if device else NOON)


@given(st.one_of(st.none(), st.timedeltas()), st.booleans(), st.integers(1, 1000))
def test_nothing_happens_after_it_arrived(offset: timedelta | None, replay: bool, hours: int) -> None:
    try:
        told = None if offset is None else NOON + offset
    except OverflowError:
        return
    at, _ = effective_time(device_time=told, received_at=NOON, replay=replay, live_hours=hours)
    assert at <= NOON + AHEAD
    assert at in (told, NOON)
