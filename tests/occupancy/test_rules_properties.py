"""What must hold for every household: refusing weighs zero, outages never accuse, neither order nor future counts."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, time, timedelta
from typing import TypeVar

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gate_integration.occupancy.rules.evaluate import evaluate
from gate_integration.occupancy.rules.evidence import (
    Absence,
    CardUser,
    CareTag,
    HouseholdEvidence,
    Link,
    LinkKind,
    Member,
    Unknown,
    Visits,
)
from gate_integration.occupancy.rules.outcome import Evaluation, Rule
from tests.occupancy.build import (
    DEFAULT,
    card_user,
    day,
    flag,
    guest,
    household,
    member,
    outage,
    raised,
    unknown,
    worker,
)

T = TypeVar("T")
LENGTH = 70
TODAY = day(LENGTH)
HOURS = ((time(7, 30), time(19, 0)), (time(17, 30), time(20, 30)), (time(9, 0), time(11, 30)))
SELDOM_OTHERS = st.sampled_from((0, 0, 0, 1, 5))
EXAMPLES = settings(max_examples=80)


@st.composite
def day_sets(draw: st.DrawFn) -> frozenset[int]:
    """Days of a stay: a run with a step and a few holes, often long enough to matter."""
    first = draw(st.integers(0, LENGTH - 1))
    last = draw(st.one_of(st.just(LENGTH - 1), st.integers(first, LENGTH - 1)))
    step = draw(st.sampled_from((1, 1, 1, 2, 3)))
    holes = draw(st.frozensets(st.integers(0, LENGTH - 1), max_size=5))
    return frozenset(range(first, last + 1, step)) - holes


@st.composite
def unknowns(draw: st.DrawFn, name: str) -> Unknown:
    return unknown(
        name,
        seen=draw(day_sets()),
        at=draw(st.sampled_from((*HOURS[:1] * 3, *HOURS[1:]))),
        link=draw(st.sampled_from((*LinkKind, None))),
        with_resident=draw(st.sampled_from((0, 0, 0, 1))),
        other_units=draw(SELDOM_OTHERS),
    )


@st.composite
def members(draw: st.DrawFn, name: str) -> Member:
    visible = draw(st.sampled_from((0, 0, 0, 0, 45, 60, None)))
    seen = draw(st.one_of(st.just(frozenset(range(20))), day_sets()))
    return member(name, visible=visible, seen=() if visible is None else {n for n in seen if n >= visible})


@st.composite
def households(draw: st.DrawFn) -> HouseholdEvidence:
    absent = draw(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 30)), max_size=1))
    evidence = household(
        length=LENGTH,
        exits=draw(st.booleans()),
        members=tuple(draw(members(f"m{n}")) for n in range(draw(st.integers(0, 3)))),
        guests=tuple(
            guest(start=50, end=80, visible=draw(st.booleans()), seen=(55,)) for _ in range(draw(st.integers(0, 1)))
        ),
        workers=tuple(worker(seen=draw(day_sets())) for _ in range(draw(st.sampled_from((0, 0, 1))))),
        unknowns=tuple(draw(unknowns(f"u{n}")) for n in range(draw(st.integers(0, 4)))),
        absences=tuple(
            Absence(person_id=draw(st.sampled_from(("m0", None))), start=day(at), end=day(at + days))
            for at, days in absent
        ),
        card_users=tuple(
            card_user(f"u{n}", used=draw(day_sets()), pseudonym=draw(st.booleans()), other_units=draw(SELDOM_OTHERS))
            for n in range(draw(st.integers(0, 3)))
        ),
        credential_use=frozenset(day(n) for n in draw(st.frozensets(st.integers(0, LENGTH - 1), max_size=2))),
    )
    return outage(evidence, draw(st.frozensets(st.integers(0, LENGTH - 1), max_size=8)))


def no_worse(before: Evaluation, after: Evaluation) -> None:
    """No flag that was not there, no higher score, no earlier date."""
    for found in after.discrepancies:
        was = flag(before, found.rule)
        assert was is not None, f"{found.rule} was created"
        assert found.score <= was.score
        assert found.first_day >= was.first_day


def hidden(evidence: HouseholdEvidence, name: str, face: Unknown, *, merge: bool) -> HouseholdEvidence:
    """The same life without the member's template: sightings become those of an unknown face.

    The face is a new pseudonym, or a look-alike's; nobody arrives together with this member as far as we can tell.
    """
    gone = next(one for one in evidence.members if one.person_id == name)

    def forget(one: Unknown) -> Unknown:
        days = {at: replace(v, with_resident=0) if at in gone.seen_on else v for at, v in one.days.items()}
        links = tuple(
            replace(link, on={at: n for at, n in link.on.items() if at not in gone.seen_on})
            if link.kind is LinkKind.ARRIVES_WITH_RESIDENT
            else link
            for link in one.links
        )
        return replace(one, days=days, links=links)

    others = [forget(one) for one in evidence.unknowns]
    if merge and others:
        first = others[0]
        others[0] = replace(first, days={**face.days, **first.days}, links=(*first.links, *face.links))
    else:
        others.append(face)
    users = list(evidence.card_users)
    used = {at: n for link in face.links if link.kind is LinkKind.UNIT_CREDENTIAL for at, n in link.on.items()}
    if used and merge and users:
        users[0] = replace(users[0], on={**used, **users[0].on})
    elif used:
        users.append(CardUser(user_id=face.pseudonym_id, pseudonym=True, on=used))
    return replace(
        evidence,
        members=tuple(replace(one, visible_from=None, seen_on={}) if one is gone else one for one in evidence.members),
        unknowns=tuple(others),
        card_users=tuple(users),
    )


def face_of(person: Member, at: tuple[time, time], link: LinkKind | None) -> Unknown:
    days = {
        seen: Visits(count=n, first_at=at[0], last_at=at[1], event_ids=(f"x-{seen}",))
        for seen, n in person.seen_on.items()
    }
    links = () if link is None else (Link(kind=link, on=dict(person.seen_on)),)
    return Unknown(pseudonym_id="x", days=days, links=links)


@EXAMPLES
@given(
    evidence=households(),
    seen=day_sets(),
    at=st.sampled_from(HOURS),
    link=st.sampled_from((*LinkKind, None)),
    merge=st.booleans(),
)
@example(  # the member who hides was the one at home; a relative stays: must not look like a sublet
    evidence=household(
        length=LENGTH, members=(member("m0", seen=range(20)),), unknowns=(unknown(seen=range(30, LENGTH)),)
    ),
    seen=frozenset(range(LENGTH)),
    at=HOURS[0],
    link=LinkKind.UNIT_CREDENTIAL,
    merge=False,
)
@example(  # two strangers: dropping the strongest must not bring an earlier first day to light
    evidence=household(
        length=LENGTH,
        members=(member("m0", seen=range(LENGTH)),),
        unknowns=(unknown(seen=range(40, LENGTH), link=LinkKind.VISIT), unknown("u2", seen=range(11, LENGTH, 2))),
    ),
    seen=frozenset({69}),
    at=HOURS[2],
    link=None,
    merge=False,
)
def test_a_registered_member_who_refuses_makes_nothing_worse(
    evidence: HouseholdEvidence, seen: frozenset[int], at: tuple[time, time], link: LinkKind | None, merge: bool
) -> None:
    person = member("refuser", seen=seen)
    evidence = replace(evidence, members=(*evidence.members, person))
    after = hidden(evidence, "refuser", face_of(person, at, link), merge=merge)
    no_worse(evaluate(evidence, DEFAULT, TODAY), evaluate(after, DEFAULT, TODAY))


@EXAMPLES
@given(households())
def test_a_consent_withdrawn_today_makes_nothing_worse(evidence: HouseholdEvidence) -> None:
    before = evaluate(evidence, DEFAULT, TODAY)
    for one in evidence.members:
        rest = tuple(replace(m, visible_from=None, seen_on={}) if m is one else m for m in evidence.members)
        no_worse(before, evaluate(replace(evidence, members=rest), DEFAULT, TODAY))


@EXAMPLES
@given(households(), st.frozensets(st.integers(0, LENGTH - 1), max_size=40))
def test_outages_suppress_and_never_accuse(evidence: HouseholdEvidence, down: frozenset[int]) -> None:
    no_worse(evaluate(evidence, DEFAULT, TODAY), evaluate(outage(evidence, down), DEFAULT, TODAY))


@EXAMPLES
@given(households(), st.integers(0, LENGTH))
def test_seeing_a_member_once_more_never_accuses(evidence: HouseholdEvidence, at: int) -> None:
    before = evaluate(evidence, DEFAULT, TODAY)
    for one in evidence.members:
        # A first recognition proves that the template works, so the longer patience with unproven ones ends there.
        if one.seen_on:
            more = replace(one, seen_on={**one.seen_on, day(at): 1})
            rest = tuple(more if m is one else m for m in evidence.members)
            after = evaluate(replace(evidence, members=rest), DEFAULT, TODAY)
            assert raised(after) <= raised(before)
            assert flag(after, Rule.LONG_STAY) == flag(before, Rule.LONG_STAY)


@EXAMPLES
@given(households(), st.integers(0, LENGTH), st.integers(0, 40), st.sampled_from(("m0", "m1", None)))
def test_telling_the_estate_never_accuses(
    evidence: HouseholdEvidence, at: int, length: int, person: str | None
) -> None:
    before = evaluate(evidence, DEFAULT, TODAY)
    told = Absence(person_id=person, start=day(at), end=day(at + length))
    no_worse(before, evaluate(replace(evidence, absences=(*evidence.absences, told)), DEFAULT, TODAY))
    for visible in (True, False):
        stay = guest("g9", start=at, end=at + length, visible=visible)
        no_worse(before, evaluate(replace(evidence, guests=(*evidence.guests, stay)), DEFAULT, TODAY))
    tag = CareTag(level="standard", start=day(at - 100))
    assert evaluate(replace(evidence, care=(tag,)), DEFAULT, TODAY).discrepancies == ()


@EXAMPLES
@given(households(), st.integers(0, LENGTH - 1))
def test_one_more_night_of_a_stranger_never_speaks_for_them(evidence: HouseholdEvidence, at: int) -> None:
    before = flag(evaluate(evidence, DEFAULT, TODAY), Rule.LONG_STAY)
    for one in evidence.unknowns:
        night = Visits(count=2, first_at=HOURS[0][0], last_at=HOURS[0][1])
        more = replace(one, days={**one.days, day(at): one.days.get(day(at), night)})
        rest = tuple(more if u is one else u for u in evidence.unknowns)
        after = flag(evaluate(replace(evidence, unknowns=rest), DEFAULT, TODAY), Rule.LONG_STAY)
        if before is not None:
            assert after is not None
            assert after.score >= before.score


def upto(days: Mapping[date, T], today: date) -> dict[date, T]:
    return {at: value for at, value in days.items() if at <= today}


def cut(evidence: HouseholdEvidence, today: date) -> HouseholdEvidence:
    """What was known on `today`; stays and absences told in advance stay told."""
    return replace(
        evidence,
        window_to=min(evidence.window_to, today),
        coverage=replace(evidence.coverage, healthy=upto(evidence.coverage.healthy, today)),
        members=tuple(
            replace(
                one,
                seen_on=upto(one.seen_on, today),
                visible_from=one.visible_from if one.visible_on(today) else None,
            )
            for one in evidence.members
        ),
        guests=tuple(replace(one, seen_on=upto(one.seen_on, today)) for one in evidence.guests if one.start <= today),
        workers=tuple(replace(one, seen_on=upto(one.seen_on, today)) for one in evidence.workers),
        unknowns=tuple(
            replace(
                one,
                days=upto(one.days, today),
                links=tuple(replace(link, on=upto(link.on, today)) for link in one.links),
            )
            for one in evidence.unknowns
        ),
        card_users=tuple(replace(one, on=upto(one.on, today)) for one in evidence.card_users),
        credential_use=frozenset(at for at in evidence.credential_use if at <= today),
    )


@EXAMPLES
@given(households(), st.integers(0, LENGTH))
def test_the_result_of_a_day_uses_nothing_after_it(evidence: HouseholdEvidence, at: int) -> None:
    today = day(at)
    assert evaluate(cut(evidence, today), DEFAULT, today) == evaluate(evidence, DEFAULT, today)


@EXAMPLES
@given(evidence=households(), data=st.data())
def test_order_changes_nothing(evidence: HouseholdEvidence, data: st.DataObject) -> None:
    def mixed(items: tuple[T, ...]) -> tuple[T, ...]:
        return tuple(data.draw(st.permutations(items)))

    other = replace(
        evidence,
        members=mixed(evidence.members),
        unknowns=tuple(replace(one, days=dict(reversed(list(one.days.items())))) for one in mixed(evidence.unknowns)),
        card_users=tuple(replace(one, on=dict(reversed(list(one.on.items())))) for one in mixed(evidence.card_users)),
        coverage=replace(evidence.coverage, healthy=dict(reversed(list(evidence.coverage.healthy.items())))),
    )
    first = evaluate(evidence, DEFAULT, TODAY)
    assert evaluate(other, DEFAULT, TODAY) == first
    assert evaluate(evidence, DEFAULT, TODAY) == first


@EXAMPLES
@given(households(), st.integers(0, LENGTH))
def test_every_answer_adds_up(evidence: HouseholdEvidence, at: int) -> None:
    result = evaluate(evidence, DEFAULT, day(at))
    silent = {one.rule for one in result.not_raised}
    loud = {one.rule for one in result.discrepancies}
    assert not silent & loud
    assert silent | loud == set(Rule)
    for found in result.discrepancies:
        assert abs(found.score - sum(found.terms.values())) < 1e-6
        assert found.first_day <= found.last_day <= day(at) - timedelta(days=1)
    if Rule.SUBLET in loud:
        assert Rule.LONG_STAY in loud
    assert all(one.why_zh and one.why_en for one in result.not_raised)
