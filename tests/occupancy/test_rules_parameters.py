"""The rule set: complete, sourced, refused when it contradicts itself."""

from dataclasses import fields

import pytest

from gate_integration.occupancy.rules.parameters import DEFAULTS, ParameterError, Parameters

ROWS: dict[str, object] = {row.key: row.value for row in DEFAULTS}


def test_every_field_has_a_row_with_unit_and_source() -> None:
    assert len(DEFAULTS) == len({row.key for row in DEFAULTS}) == len(fields(Parameters)) - 1
    assert all(row.key.startswith("occupancy.") and row.unit and row.source for row in DEFAULTS)


def test_the_defaults_are_the_rule_set_that_they_seed() -> None:
    assert Parameters.from_rules({**ROWS, "cases.other": "x"}, version="v") == Parameters(version="v")


@pytest.mark.parametrize("value", [None, "14", True, 14.5])
def test_unusable_values_are_refused_by_name(value: object) -> None:
    with pytest.raises(ParameterError, match=r"occupancy\.sublet\.absent_days"):
        Parameters.from_rules({**ROWS, "occupancy.sublet.absent_days": value}, version="v")


def test_a_missing_key_is_refused_by_name() -> None:
    rows = {key: value for key, value in ROWS.items() if key != "occupancy.weight.prior"}
    with pytest.raises(ParameterError, match=r"occupancy\.weight\.prior"):
        Parameters.from_rules(rows, version="v")


def test_whole_numbers_may_come_as_floats_from_json() -> None:
    assert Parameters.from_rules({**ROWS, "occupancy.sublet.absent_days": 14.0}, version="v").absent_days == 14


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("occupancy.coverage.healthy_min_share", 1.5),
        ("occupancy.refusal.unknowns_per_hidden_person", 0),
        ("occupancy.absence.slack_after_days", -1),
        ("occupancy.long_stay.short_min_days", 20),
        ("occupancy.sublet.absent_days", 60),
        ("occupancy.vacant.rung_check_days", 30),
        ("occupancy.weight.day_unseen", 2.0),
        ("occupancy.weight.link.visit", -1.0),
        ("occupancy.weight.other_units", 0.5),
        ("occupancy.lent.min_days", 31),
    ],
)
def test_contradictions_are_refused(key: str, value: float) -> None:
    with pytest.raises(ParameterError, match="contradict"):
        Parameters.from_rules({**ROWS, key: value}, version="v")
