"""One household per case: what each rule says, and above all when it keeps silent and why."""

from dataclasses import replace
from datetime import time

import pytest

from gate_integration.occupancy.rules.evaluate import evaluate
from gate_integration.occupancy.rules.evidence import Absence, CareTag, Link, LinkKind, WorkerKind
from gate_integration.occupancy.rules.outcome import Rule, Severity
from tests.occupancy.build import (
    DEFAULT,
    day,
    flag,
    guest,
    household,
    member,
    outage,
    raised,
    unknown,
    why,
    worker,
)

TODAY = day(60)
DAYTIME = (time(9, 0), time(11, 30))
DINNER = (time(17, 30), time(20, 30))


def test_a_normal_family_raises_nothing() -> None:
    result = evaluate(household(members=(member(seen=range(60)),)), DEFAULT, TODAY)
    assert raised(result) == set()
    assert why(result, Rule.SUBLET) == ["registered-present"]
    assert why(result, Rule.LONG_STAY) == ["no-unknown"]
    assert why(result, Rule.VACANT) == ["unit-in-use"]


def test_a_stranger_living_with_the_tenant_is_a_prompt_only() -> None:
    result = evaluate(
        household(members=(member(seen=range(60)),), unknowns=(unknown(seen=range(46, 60)),)), DEFAULT, TODAY
    )
    assert raised(result) == {"LONG_STAY"}
    found = flag(result, Rule.LONG_STAY)
    assert found is not None
    assert found.severity is Severity.PROMPT
    assert found.pseudonym_id == "u1"
    assert (found.first_day, found.last_day) == (day(46), day(59))
    assert found.counts["seen_days"] == 14
    assert found.event_ids == tuple(f"u1-{n:03}" for n in range(46, 60))
    assert found.score == pytest.approx(sum(found.terms.values()))


def test_a_stranger_and_the_tenant_gone_is_a_lead() -> None:
    evidence = household(members=(member(seen=range(40)),), unknowns=(unknown(seen=range(41, 60)),))
    result = evaluate(evidence, DEFAULT, TODAY)
    assert raised(result) == {"SUBLET", "LONG_STAY"}
    found = flag(result, Rule.SUBLET)
    assert found is not None
    assert found.severity is Severity.LEAD
    assert found.counts["absent_days"] == 20
    assert found.counts["alone_days"] == 19
    assert found.first_day == day(41)
    assert why(result, Rule.VACANT) == ["unit-in-use"]


def test_sublet_is_found_within_the_days_that_the_rule_set_names() -> None:
    first = next(
        n
        for n in range(30, 60)
        if flag(
            evaluate(
                household(members=(member(seen=range(30)),), unknowns=(unknown(seen=range(30, 60)),)), DEFAULT, day(n)
            ),
            Rule.SUBLET,
        )
    )
    assert first - 30 <= 14


def test_a_never_seen_tenant_needs_a_longer_silence() -> None:
    evidence = household(members=(member(),), unknowns=(unknown(seen=range(60)),))
    assert "SUBLET" not in raised(evaluate(evidence, DEFAULT, day(20)))
    assert why(evaluate(evidence, DEFAULT, day(20)), Rule.SUBLET) == ["too-short"]
    assert "SUBLET" in raised(evaluate(evidence, DEFAULT, day(21)))


def test_texts_speak_plainly_and_never_decide() -> None:
    evidence = household(
        members=(member(seen=range(20)),), unknowns=(unknown(seen=range(41, 60), link=LinkKind.UNIT_DOOR),)
    )
    silent = evaluate(household(members=(member(seen=range(20)),)), DEFAULT, TODAY)
    found = (*evaluate(evidence, DEFAULT, TODAY).discrepancies, *silent.discrepancies)
    assert [one.rule for one in found] == [Rule.SUBLET, Rule.LONG_STAY, Rule.VACANT]
    for one in found:
        texts = one.texts
        assert "可能" in texts.explanation_zh
        assert "核实" in texts.explanation_zh
        assert "版本2026-test" in texts.explanation_zh
        assert "设备情况" in texts.explanation_zh
        assert "2026-test" in texts.explanation_en
        assert "消除本项" in texts.clears_zh
        assert "clears it" in texts.clears_en
        for zh in (texts.explanation_zh, texts.clears_zh):
            assert not set(zh) & set(",;:()?!"), "Chinese text uses full-width punctuation"
            assert not any(word in zh for word in ("转租", "违规", "违法", "m1", "u1"))
    assert "在本户门口出现19天" in found[0].texts.explanation_zh
    assert found[2].pseudonym_id is None


def test_a_refuser_who_looks_like_a_stranger_is_not_accused() -> None:
    evidence = household(
        members=(member(seen=range(60)), member("m2", visible=None)), unknowns=(unknown(seen=range(30, 60)),)
    )
    result = evaluate(evidence, DEFAULT, TODAY)
    assert raised(result) == set()
    assert why(result, Rule.LONG_STAY) == ["within-hidden"]
    assert why(result, Rule.SUBLET) == ["member-not-visible"]
    assert why(result, Rule.VACANT) == ["member-not-visible"]
    assert "未登记面部" in result.not_raised[1].why_zh


def test_beyond_the_refuser_one_more_stranger_counts() -> None:
    evidence = household(
        members=(member(seen=range(60)), member("m2", visible=None)),
        unknowns=(unknown(seen=range(30, 60)), unknown("u2", seen=range(46, 60, 1), link=LinkKind.INTERCOM)),
    )
    found = flag(evaluate(evidence, DEFAULT, TODAY), Rule.LONG_STAY)
    assert found is not None
    assert found.pseudonym_ids == ("u2",)
    assert found.first_day == day(46)
    assert "不对其作任何推断" in found.texts.explanation_zh


def test_two_strangers_are_told_as_two() -> None:
    evidence = household(
        members=(member(seen=range(60)),), unknowns=(unknown(seen=range(30, 60)), unknown("u2", seen=range(30, 60)))
    )
    found = flag(evaluate(evidence, DEFAULT, TODAY), Rule.LONG_STAY)
    assert found is not None
    assert found.pseudonym_ids == ("u1", "u2")
    assert "未登记人员2人，其中一人" in found.texts.explanation_zh
    assert "One of them" in found.texts.explanation_en


def test_with_a_refuser_gone_is_never_said() -> None:
    evidence = household(
        members=(member(seen=range(20)), member("m2", visible=None)),
        unknowns=(unknown(seen=range(30, 60)), unknown("u2", seen=range(30, 60))),
    )
    assert raised(evaluate(evidence, DEFAULT, TODAY)) == {"LONG_STAY"}


def test_an_invisible_guest_covers_an_unknown_face_under_sublet_too() -> None:
    evidence = household(
        members=(member(seen=range(30)),),
        guests=(guest(start=30, end=90, visible=False),),
        unknowns=(unknown(seen=range(31, 60)),),
    )
    result = evaluate(evidence, DEFAULT, TODAY)
    assert raised(result) == set()
    assert why(result, Rule.SUBLET) == ["within-hidden"]


def test_a_tenant_enrolled_only_lately_was_an_unknown_face_before() -> None:
    evidence = household(
        members=(member(seen=range(60)), member("m2", visible=58, seen=(58, 59))),
        unknowns=(unknown(seen=range(30, 58)),),
    )
    result = evaluate(evidence, DEFAULT, TODAY)
    assert raised(result) == set()
    assert why(result, Rule.LONG_STAY) == ["within-hidden"]


def test_registering_the_guest_clears_the_prompt() -> None:
    evidence = household(members=(member(seen=range(60)),), unknowns=(unknown(seen=range(46, 59)),))
    assert raised(evaluate(evidence, DEFAULT, TODAY)) == {"LONG_STAY"}
    told = replace(evidence, guests=(guest(start=59, end=90, seen=(59,)),))
    result = evaluate(told, DEFAULT, TODAY)
    assert raised(result) == set()
    assert why(result, Rule.LONG_STAY) == ["within-hidden", "guest-registered"]


def test_a_registered_carer_is_known() -> None:
    evidence = household(members=(member(seen=range(60)),), workers=(worker(seen=range(60)),))
    assert why(evaluate(evidence, DEFAULT, TODAY), Rule.LONG_STAY) == ["worker-registered"]


def test_an_unregistered_daytime_carer_is_not_taken_for_a_lodger() -> None:
    evidence = household(members=(member(seen=range(60)),), unknowns=(unknown(seen=range(60), at=DAYTIME),))
    result = evaluate(evidence, DEFAULT, TODAY)
    assert raised(result) == set()
    assert why(result, Rule.LONG_STAY) == ["score-low"]


def test_evenings_mean_less_where_exits_are_recorded() -> None:
    visits = [n for n in range(60) if n % 7 != 0]
    dinner = household(members=(member(seen=range(60)),), unknowns=(unknown(seen=visits, at=DINNER),))
    assert raised(evaluate(dinner, DEFAULT, TODAY)) == set()
    entries_only = replace(dinner, coverage=replace(dinner.coverage, exits_recorded=False))
    assert raised(evaluate(entries_only, DEFAULT, TODAY)) == {"LONG_STAY"}


def test_a_visit_of_ten_days_is_a_visit() -> None:
    evidence = household(members=(member(seen=range(60)),), unknowns=(unknown(seen=range(50, 60)),))
    assert why(evaluate(evidence, DEFAULT, TODAY), Rule.LONG_STAY) == ["not-recurring"]


def test_half_of_a_month_is_a_long_stay() -> None:
    evidence = household(members=(member(seen=range(60)),), unknowns=(unknown(seen=range(31, 60, 2)),))
    found = flag(evaluate(evidence, DEFAULT, TODAY), Rule.LONG_STAY)
    assert found is not None
    assert found.counts["window_days"] == 30
    assert found.counts["seen_days"] == 15


def test_a_face_without_link_to_the_unit_is_nobody_of_this_household() -> None:
    evidence = household(members=(member(seen=range(60)),), unknowns=(unknown(seen=range(60), link=None),))
    assert why(evaluate(evidence, DEFAULT, TODAY), Rule.LONG_STAY) == ["no-unit-link"]


def test_one_visit_that_met_the_person_is_link_enough() -> None:
    stranger = replace(unknown(seen=range(46, 60), link=None), links=(Link(kind=LinkKind.VISIT, on={day(50): 1}),))
    evidence = household(members=(member(seen=range(60)),), unknowns=(stranger,))
    assert raised(evaluate(evidence, DEFAULT, TODAY)) == {"LONG_STAY"}


def test_a_courier_goes_to_many_units() -> None:
    evidence = household(members=(member(seen=range(60)),), unknowns=(unknown(seen=range(60), other_units=9),))
    assert why(evaluate(evidence, DEFAULT, TODAY), Rule.LONG_STAY) == ["many-units"]


def test_presence_before_the_lease_belongs_to_others() -> None:
    evidence = household(members=(member(seen=range(55, 60)),), unknowns=(unknown(seen=range(30, 55)),))
    result = evaluate(replace(evidence, lease_from=day(55)), DEFAULT, TODAY)
    assert raised(result) == set()
    assert why(result, Rule.LONG_STAY) == ["too-short"]


def test_unhealthy_gates_suppress() -> None:
    sublet = household(members=(member(seen=range(30)),), unknowns=(unknown(seen=range(30, 60)),))
    assert "SUBLET" in raised(evaluate(sublet, DEFAULT, TODAY))
    result = evaluate(outage(sublet, range(32, 60)), DEFAULT, TODAY)
    assert raised(result) == set()
    assert {code for rule in (Rule.SUBLET, Rule.LONG_STAY) for code in why(result, rule)} == {"device-unhealthy"}


def test_gates_that_failed_lately_suppress_a_lead_though_the_silence_is_longer() -> None:
    sublet = household(members=(member(seen=range(5)),), unknowns=(unknown(seen=range(5, 60)),))
    result = evaluate(outage(sublet, range(46, 60)), DEFAULT, TODAY)
    assert raised(result) == set()
    assert why(result, Rule.SUBLET) == ["device-unhealthy"]


def test_a_long_outage_in_a_longer_silence_suppresses() -> None:
    silent = household(length=120, members=(member(seen=range(5)),))
    assert raised(evaluate(silent, DEFAULT, day(120))) == {"VACANT"}
    result = evaluate(outage(silent, range(10, 65)), DEFAULT, day(120))
    assert why(result, Rule.VACANT) == ["device-unhealthy"]


def test_a_sighting_on_a_day_of_outage_still_says_that_the_tenant_is_there() -> None:
    evidence = household(members=(member(seen=(*range(30), 55)),), unknowns=(unknown(seen=range(30, 60)),))
    assert raised(evaluate(outage(evidence, (55,)), DEFAULT, TODAY)) == {"LONG_STAY"}


@pytest.mark.parametrize("person", ["m1", None])
def test_an_absence_told_is_no_silence(person: str | None) -> None:
    evidence = household(
        members=(member(seen=range(30)),),
        unknowns=(unknown(seen=range(30, 60)),),
        absences=(Absence(person_id=person, start=day(31), end=day(57)),),
    )
    result = evaluate(evidence, DEFAULT, TODAY)
    assert raised(result) == {"LONG_STAY"}
    assert why(result, Rule.SUBLET) == ["absence-told"]


def test_the_absence_of_another_person_explains_nothing_for_those_who_told_none() -> None:
    evidence = household(
        members=(member(seen=range(30)),),
        unknowns=(unknown(seen=range(30, 60)),),
        absences=(Absence(person_id="m9", start=day(31), end=day(57)),),
    )
    assert "SUBLET" in raised(evaluate(evidence, DEFAULT, TODAY))


def test_care_comes_first() -> None:
    evidence = household(
        members=(member(seen=range(10)),),
        unknowns=(unknown(seen=range(30, 60)),),
        care=(CareTag(level="high", start=day(0)),),
    )
    result = evaluate(evidence, DEFAULT, TODAY)
    assert result.discrepancies == ()
    assert [one.why_code for one in result.not_raised] == ["care-first"] * len(Rule)
    closed = replace(evidence, care=(CareTag(level="high", start=day(0), closed_on=day(59)),))
    assert "SUBLET" in raised(evaluate(closed, DEFAULT, TODAY))


def test_whoever_comes_with_a_member_proves_that_the_member_is_there() -> None:
    stranger = unknown(seen=range(30, 60), with_resident=1)
    evidence = household(members=(member(seen=range(30)),), unknowns=(stranger,))
    assert raised(evaluate(evidence, DEFAULT, TODAY)) == {"LONG_STAY"}


def test_old_acquaintance_weighs_against_a_lead() -> None:
    friend = unknown(seen=range(20, 60))
    met = {at: replace(visits, with_resident=int(at < day(30))) for at, visits in friend.days.items()}
    new = evaluate(household(members=(member(seen=range(30)),), unknowns=(friend,)), DEFAULT, TODAY)
    old = evaluate(household(members=(member(seen=range(30)),), unknowns=(replace(friend, days=met),)), DEFAULT, TODAY)
    first, second = flag(new, Rule.SUBLET), flag(old, Rule.SUBLET)
    assert first is not None
    assert second is not None
    assert second.score < first.score


def test_a_stranger_who_left_with_the_tenant_gives_no_lead() -> None:
    evidence = household(members=(member(seen=range(45)),), unknowns=(unknown(seen=range(30, 47)),))
    result = evaluate(evidence, DEFAULT, TODAY)
    assert raised(result) == {"LONG_STAY"}
    assert why(result, Rule.SUBLET) == ["score-low"]


def test_without_members_nothing_can_be_said_of_absence() -> None:
    result = evaluate(household(), DEFAULT, TODAY)
    assert why(result, Rule.SUBLET) == ["no-member"]
    assert why(result, Rule.VACANT) == ["no-member"]


@pytest.mark.parametrize(("days", "rung"), [(29, None), (30, 30), (60, 60), (149, 60), (150, 150), (180, 180)])
def test_the_vacancy_ladder(days: int, rung: int | None) -> None:
    evidence = household(length=200, members=(member(seen=range(10)), member("m2", seen=range(5))))
    found = flag(evaluate(evidence, DEFAULT, day(10 + days)), Rule.VACANT)
    assert (found and found.counts["rung_days"]) == rung
    if found is not None:
        assert found.severity is Severity.PROMPT
        assert (found.first_day, found.last_day) == (day(10), day(9 + days))


def test_an_outage_delays_the_ladder() -> None:
    evidence = outage(household(members=(member(seen=range(20)),)), range(30, 35))
    assert raised(evaluate(evidence, DEFAULT, day(54))) == set()
    assert raised(evaluate(evidence, DEFAULT, day(55))) == {"VACANT"}


def test_vacancy_needs_thirty_known_days_of_a_person_who_can_be_seen() -> None:
    evidence = household(members=(member(visible=40),))
    assert why(evaluate(evidence, DEFAULT, TODAY), Rule.VACANT) == ["too-short"]


@pytest.mark.parametrize(
    "sign",
    [
        {"credential_use": frozenset({day(50)})},
        {"guests": (guest(start=40, end=70, seen=(50,)),)},
        {"workers": (worker(seen=(50,)),)},
        {"unknowns": (unknown(seen=(46, 48, 50)),)},
        {"unknowns": (unknown(seen=(50,), link=None, with_resident=1),)},
    ],
    ids=["card", "guest", "carer", "linked stranger", "stranger with a member"],
)
def test_any_sign_of_life_ends_a_vacancy(sign: dict[str, object]) -> None:
    evidence = household(members=(member(seen=range(10)),))
    assert raised(evaluate(evidence, DEFAULT, TODAY)) == {"VACANT"}
    assert why(evaluate(replace(evidence, **sign), DEFAULT, TODAY), Rule.VACANT) == ["unit-in-use"]  # type: ignore[arg-type]  # fields by name


@pytest.mark.parametrize(
    "noise",
    [
        {"workers": (worker(kind=WorkerKind.METER, seen=(50,)),)},
        {"unknowns": (unknown(seen=(46, 48, 50), other_units=9),)},
        {"unknowns": (unknown(seen=(50,)),)},
    ],
    ids=["meter reader", "courier", "passer-by"],
)
def test_service_and_passers_by_are_no_sign_of_life(noise: dict[str, object]) -> None:
    evidence = replace(household(members=(member(seen=range(10)),)), **noise)  # type: ignore[arg-type]  # fields by name
    assert raised(evaluate(evidence, DEFAULT, TODAY)) == {"VACANT"}
