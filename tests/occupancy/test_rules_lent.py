"""CREDENTIAL_LENT: when it asks, and when it keeps silent and why."""

from dataclasses import replace
from datetime import date
from uuid import UUID

from gate_integration.occupancy.cards import card_users
from gate_integration.occupancy.rows import CardUse
from gate_integration.occupancy.rules.evaluate import evaluate
from gate_integration.occupancy.rules.outcome import Rule, Severity
from tests.occupancy.build import DEFAULT, card_user, day, flag, guest, household, member, outage, raised, why

TODAY, FIRST_DAY = day(60), day(1)
HOME = member(seen=range(60))
H1, H2, U1, U2, TENANT, NEIGHBOUR, STRANGER, WORKER = (UUID(int=n) for n in range(1, 9))


def test_a_stranger_with_the_card_is_a_prompt() -> None:
    result = evaluate(household(members=(HOME,), card_users=(card_user(used=(40, 45, 50, 59)),)), DEFAULT, TODAY)
    assert raised(result) == {"CREDENTIAL_LENT"}
    found = flag(result, Rule.CREDENTIAL_LENT)
    assert found is not None
    assert found.severity is Severity.PROMPT
    assert (found.counts["used_days"], found.counts["uses"], found.counts["people"]) == (4, 4, 1)
    assert (found.first_day, found.last_day) == (day(40), day(59))
    assert found.pseudonym_id == "u1"
    assert found.event_ids == ("u1-card-040", "u1-card-045", "u1-card-050", "u1-card-059")
    assert "请与住户核实" in found.texts.explanation_zh
    assert "不是结论" in found.texts.explanation_zh
    assert "ask the household" in found.texts.explanation_en


def test_a_neighbour_with_the_card_is_asked_about_without_being_named() -> None:
    users = (card_user("neighbour", used=range(40, 60, 3), pseudonym=False), card_user("u2", used=(50, 52, 54)))
    found = flag(evaluate(household(members=(HOME,), card_users=users), DEFAULT, TODAY), Rule.CREDENTIAL_LENT)
    assert found is not None
    assert found.counts["people"] == 2
    assert found.pseudonym_ids == ()
    assert "neighbour" not in found.texts.explanation_zh + found.texts.explanation_en


def test_only_the_strangers_own_terms_are_given() -> None:
    users = (card_user("neighbour", used=(50, 52, 54), pseudonym=False), card_user("u2", used=range(40, 60, 3)))
    found = flag(evaluate(household(members=(HOME,), card_users=users), DEFAULT, TODAY), Rule.CREDENTIAL_LENT)
    assert found is not None
    assert found.pseudonym_ids == ("u2",)


def test_a_face_that_may_be_a_members_does_not_count() -> None:
    child = member("child", visible=None)
    result = evaluate(household(members=(HOME, child), card_users=(card_user(used=range(30, 60)),)), DEFAULT, TODAY)
    assert raised(result) == set()
    assert why(result, Rule.CREDENTIAL_LENT) == ["within-hidden"]
    two = (card_user(used=range(30, 60)), card_user("u2", used=(50, 53, 56)))
    found = flag(evaluate(household(members=(HOME, child), card_users=two), DEFAULT, TODAY), Rule.CREDENTIAL_LENT)
    assert found is not None
    assert found.counts["hidden_people"] == 1
    assert found.counts["used_days"] == 3
    assert "不对其作任何推断" in found.texts.explanation_zh


def test_a_guest_who_is_not_enrolled_explains_a_face() -> None:
    evidence = household(
        members=(HOME,), guests=(guest(start=40, end=70, visible=False),), card_users=(card_user(used=range(41, 60)),)
    )
    assert why(evaluate(evidence, DEFAULT, TODAY), Rule.CREDENTIAL_LENT) == ["within-hidden"]


def test_few_uses_couriers_and_old_uses_say_nothing() -> None:
    for users, code in (
        ((), "no-foreign-use"),
        ((card_user(used=(50, 58)),), "few-uses"),
        ((card_user(used=range(20)),), "no-foreign-use"),
        ((card_user(used=range(30, 60), other_units=5),), "many-units"),
        ((card_user(used=(50, 53, 56), other_units=2),), "few-uses"),
    ):
        result = evaluate(household(members=(HOME,), card_users=users), DEFAULT, TODAY)
        assert raised(result) == set()
        assert why(result, Rule.CREDENTIAL_LENT) == [code]


def test_days_with_unhealthy_gates_do_not_count() -> None:
    evidence = household(members=(HOME,), card_users=(card_user(used=(50, 53, 56)),))
    assert raised(evaluate(evidence, DEFAULT, TODAY)) == {"CREDENTIAL_LENT"}
    assert raised(evaluate(outage(evidence, (53,)), DEFAULT, TODAY)) == set()
    result = evaluate(outage(evidence, range(31, 50)), DEFAULT, TODAY)
    assert why(result, Rule.CREDENTIAL_LENT) == ["device-unhealthy"]


def test_uses_before_the_lease_are_somebody_elses() -> None:
    evidence = replace(household(members=(HOME,), card_users=(card_user(used=range(30, 50)),)), lease_from=day(50))
    assert why(evaluate(evidence, DEFAULT, TODAY), Rule.CREDENTIAL_LENT) == ["no-foreign-use"]


def use(
    *,
    household_id: UUID | None = H1,
    holder: UUID | None = None,
    pseudonym: UUID | None = None,
    person: UUID | None = None,
    on: date = FIRST_DAY,
) -> CardUse:
    return CardUse(household_id, holder, pseudonym, person, on, 2, ("e",))


def test_whose_card_and_whose_face() -> None:
    uses = [
        use(pseudonym=STRANGER),
        use(pseudonym=STRANGER, on=day(2)),
        use(household_id=None, holder=TENANT, pseudonym=STRANGER, on=day(2)),  # a finger of the tenant's entry
        use(household_id=None, holder=None, pseudonym=STRANGER),  # nobody's
        use(household_id=None, holder=WORKER, pseudonym=STRANGER),  # a worker's entry leads to no household
        use(household_id=UUID(int=99), pseudonym=STRANGER),  # the card of a household that left
        use(person=TENANT),  # their own
        use(person=NEIGHBOUR),
        use(person=WORKER),  # known to the estate
    ]
    found = card_users(
        uses,
        households_of={TENANT: {H1}, NEIGHBOUR: {H2}},
        guests_of={},
        unit_of={H1: U1, H2: U2},
        linked_to={STRANGER: {U1, U2}},
    )
    assert set(found) == {H1}
    stranger, neighbour = found[H1]
    assert (stranger.user_id, stranger.pseudonym, stranger.other_units) == (str(STRANGER), True, 1)
    assert stranger.on == {day(1): 2, day(2): 4}
    assert stranger.event_ids[day(2)] == ("e", "e")
    assert (neighbour.user_id, neighbour.pseudonym, neighbour.other_units) == (str(NEIGHBOUR), False, 0)


def test_a_guest_of_the_household_is_one_of_its_people() -> None:
    found = card_users(
        [use(person=NEIGHBOUR)],
        households_of={NEIGHBOUR: {H2}},
        guests_of={NEIGHBOUR: {H1}},
        unit_of={H1: U1, H2: U2},
        linked_to={},
    )
    assert found == {}
