"""Local days."""

from datetime import UTC, date, datetime

import pytest

from storage.clock import local_day


def test_the_local_day_turns_at_midnight_in_shanghai() -> None:
    assert local_day(datetime(2026, 9, 28, 15, 59, 59, tzinfo=UTC)) == date(2026, 9, 28)
    assert local_day(datetime(2026, 9, 28, 16, tzinfo=UTC)) == date(2026, 9, 29)
    with pytest.raises(ValueError, match="aware"):
        local_day(datetime(2026, 9, 28))  # noqa: DTZ001
