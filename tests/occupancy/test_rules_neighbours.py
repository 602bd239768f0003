"""Somebody registered next door who cannot be recognised is no stranger here."""

from dataclasses import replace

import pytest

from gate_integration.occupancy.rules.evaluate import evaluate
from gate_integration.occupancy.rules.evidence import HouseholdEvidence
from gate_integration.occupancy.rules.neighbours import with_neighbours
from tests.occupancy.build import DEFAULT, card_user, day, household, member, unknown

TODAY = day(60)


def two_flats(
    *, refuses: bool, there: int, here: int = 20
) -> tuple[list[HouseholdEvidence], dict[str, dict[str, int]]]:
    """An unknown person who uses this flat's card, and next door somebody who may be the same."""
    mine = household(
        members=(member("a", seen=range(60)),),
        unknowns=(unknown("u1", seen=range(20, 60)), unknown("empty", seen=())),
        card_users=(card_user("u1", used=range(20, 60, 2)), card_user("known", used=range(0), pseudonym=False)),
    )
    next_door = member("b", seen=range(60)) if not refuses else member("b", visible=None)
    other = replace(household(members=(next_door,)), household_id="h2", unit_id="unit-2")
    return [mine, other], {"u1": {"unit-1": here, "unit-2": there, "unit-9": 40}}


@pytest.mark.parametrize(
    ("refuses", "there", "flagged"), [(False, 30, True), (True, 30, False), (True, 20, False), (True, 5, True)]
)
def test_only_who_may_be_the_neighbour_is_left_out(refuses: bool, there: int, flagged: bool) -> None:
    found, links = two_flats(refuses=refuses, there=there)
    mine, other = with_neighbours(found, links, TODAY)
    answer = evaluate(mine, DEFAULT, TODAY)
    assert {one.rule for one in answer.discrepancies} == ({"LONG_STAY", "CREDENTIAL_LENT"} if flagged else set())
    if not flagged:
        told = {(why.rule, why.why_code) for why in answer.not_raised}
        assert {("LONG_STAY", "maybe-neighbour"), ("CREDENTIAL_LENT", "maybe-neighbour")} <= told
    assert other == found[1]


def test_without_links_elsewhere_nothing_changes() -> None:
    found, _ = two_flats(refuses=True, there=30)
    assert with_neighbours(found, {}, TODAY) == found
