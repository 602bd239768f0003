"""The road of a case: every (state, action, role), every requirement, and the paths that must not exist."""

import uuid
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import product
from typing import Any

import pytest

from inspection.cases.deadlines import DeadlineKind, Due
from inspection.cases.transitions import (
    TRANSITIONS,
    Allowed,
    Facts,
    Refused,
    check,
    legal_actions,
)
from inspection.cases.vocabulary import (
    LABELS,
    Action,
    EvidenceKind,
    Requirement,
    Role,
    State,
    Violation,
)
from inspection.users.models import UserRole

A, R, S = Action, Requirement, State
NOW = datetime(2026, 6, 1, 4, tzinfo=UTC)
ACTOR, REPORTER, THIRD = (uuid.UUID(int=i) for i in (1, 2, 3))
PAST, COMING = Due(date(2026, 5, 29), provisional=False), Due(date(2026, 6, 2), provisional=False)

# Written by hand from the procedure, apart from the product's table: state → action:target:roles.
# m manager, i inspector, o operator staff; auditor, administrator and liaison never act. "=" is the state left before.
EXPECTED = """
lead                register:registered:m
registered          start_verifying:verifying:mi refer_to_welfare:welfare_referral:m suspend withdraw
verifying           find_unfounded:unfounded:m refer_to_welfare:welfare_referral:m substantiate:substantiated:m
                    suspend withdraw
unfounded
welfare_referral
substantiated       refer_to_welfare:welfare_referral:m rectify_on_spot:rectified_on_spot:mi give_notice:notice:m
                    suspend withdraw
rectified_on_spot   give_notice:notice:m start_follow_up:follow_up:mi suspend withdraw
notice              open_representation:representation:mi suspend withdraw
representation      review:review:m suspend withdraw
review              refer_to_welfare:welfare_referral:m no_penalty:no_penalty:m
                    order_rectification:rectification_order:m suspend withdraw
no_penalty
rectification_order start_rectifying:rectifying:mi suspend withdraw
rectifying          mark_overdue:overdue:mi report_complete:reported_complete:mio suspend withdraw
overdue             report_complete:reported_complete:mio suspend withdraw
reported_complete   start_follow_up:follow_up:mi suspend withdraw
follow_up           fail_follow_up:rectifying:mi reopen:substantiated:mi close:closed:m suspend withdraw
closed
suspended           refer_to_welfare:welfare_referral:m resume:=:m withdraw
withdrawn
"""
LETTERS = {"m": Role.MANAGER, "i": Role.INSPECTOR, "o": Role.OPERATOR_STAFF}


def expected() -> dict[tuple[State, Action, Role], State | None]:
    table: dict[tuple[State, Action, Role], State | None] = {}
    state = S.LEAD
    for word in EXPECTED.split():
        if word in set(State):
            state = State(word)
            continue
        full = {"suspend": "suspend:suspended:m", "withdraw": "withdraw:withdrawn:m"}.get(word, word)
        action, to, letters = full.split(":")
        for letter in letters:
            table[state, Action(action), LETTERS[letter]] = None if to == "=" else State(to)
    return table


TABLE = expected()


def facts_for(action: Action, role: Role = Role.MANAGER, **changes: Any) -> Facts:
    """Facts that satisfy everything the action could ask."""
    done = {A.REPORT_COMPLETE: REPORTER}
    if action is not A.REOPEN:
        done[A.ORDER_RECTIFICATION] = ACTOR
    everything = Facts(
        now=NOW,
        actor_id=ACTOR,
        role=role,
        has_certificate=True,
        done_by=done,
        suspended_from=S.NOTICE,
        violation=Violation.SUBLET,
        evidence=frozenset({EvidenceKind.GATE, EvidenceKind.VISIT}),
        officers=frozenset({ACTOR, THIRD}),
        vulnerability_checked=True,
        served=True,
        rectification_proved=True,
        follow_up_by=THIRD,
        follow_up_passed=action is A.CLOSE,
        deadlines={
            DeadlineKind.REPRESENTATION: PAST,
            DeadlineKind.RECTIFICATION: PAST,
            DeadlineKind.FOLLOW_UP: COMING,
        },
        legal_basis=True,
        document=True,
        reason=True,
    )
    return replace(everything, **changes)


@pytest.mark.asvs("v5.0.0-2.3.1")
def test_every_state_action_role_triple() -> None:
    """Allowed exactly when the hand-written table says, with every requirement met."""
    allowed = 0
    for state, action, role in product(State, Action, Role):
        verdict = check(state, action, facts_for(action, role))
        if (state, action, role) in TABLE:
            assert verdict == Allowed(TABLE[state, action, role] or S.NOTICE), (state, action, role)
            allowed += 1
            continue
        assert isinstance(verdict, Refused), (state, action, role)
        legal = {a for s, a, r in TABLE if (s, r) == (state, role)}
        assert set(verdict.legal) == legal
        reachable = any((state, action, other) in TABLE for other in Role)
        assert verdict.code == ("role-not-allowed" if reachable else "illegal-step")
        assert verdict.zh
        assert verdict.en
        assert verdict.missing == ()
    assert allowed == len(TABLE)


def test_without_a_human_nothing_moves() -> None:
    for state, action, role in product(State, Action, Role):
        verdict = check(state, action, facts_for(action, role, actor_id=None))
        assert isinstance(verdict, Refused)
        assert (verdict.code, verdict.legal) == ("human-actor-needed", ())


def test_roles_are_those_of_the_users() -> None:
    assert {role.value for role in Role} == {role.value for role in UserRole}
    for role in (Role.AUDITOR, Role.ADMINISTRATOR, Role.LIAISON):
        assert not any(legal_actions(state, role) for state in State)
    assert {action for state in State for action in legal_actions(state, Role.OPERATOR_STAFF)} == {A.REPORT_COMPLETE}


SPOILED: dict[Requirement, list[dict[str, Any]]] = {
    R.CERTIFICATE: [{"has_certificate": False}],
    R.OTHER_PERSON: [
        {"actor_id": REPORTER},
        {"done_by": {A.RECTIFY_ON_SPOT: ACTOR, A.ORDER_RECTIFICATION: THIRD}},
        {"done_by": {A.ORDER_RECTIFICATION: THIRD}},
    ],
    R.CLASSIFIED: [{"violation": None}],
    R.EVIDENCE: [{"evidence": frozenset()}],
    R.VISIT_MADE: [{"evidence": frozenset({EvidenceKind.GATE, EvidenceKind.DOCUMENT})}],
    R.TWO_OFFICERS: [{"officers": frozenset({ACTOR})}, {"officers": frozenset()}],
    R.VISIT_COVERAGE: [{"violation": Violation.VACANT}],
    R.TWO_EVIDENCE_KINDS: [
        {"evidence": frozenset()},
        {"evidence": frozenset({EvidenceKind.GATE})},
        {"evidence": frozenset({EvidenceKind.VISIT})},
        {"evidence": frozenset({EvidenceKind.GATE, EvidenceKind.METER, EvidenceKind.DATA_MATCH})},
    ],
    R.VULNERABILITY_CHECKED: [{"vulnerability_checked": False}],
    R.SERVICE_RECORDED: [{"served": False}],
    R.REPRESENTATION_OVER: [
        {"deadlines": {}},
        {"deadlines": {DeadlineKind.REPRESENTATION: COMING}},
        {"deadlines": {DeadlineKind.REPRESENTATION: replace(PAST, provisional=True)}},
        {"deadlines": {DeadlineKind.RECTIFICATION: PAST}},
    ],
    R.POINTS_ANSWERED: [{"open_points": 1}],
    R.ORDER_MADE: [{"done_by": {A.REPORT_COMPLETE: REPORTER}}],
    R.NO_ORDER_MADE: [{"done_by": {A.REPORT_COMPLETE: REPORTER, A.ORDER_RECTIFICATION: THIRD}}],
    R.RECTIFICATION_LAPSED: [
        {"deadlines": {}},
        {"deadlines": {DeadlineKind.RECTIFICATION: COMING}},
        {"deadlines": {DeadlineKind.RECTIFICATION: replace(PAST, provisional=True)}},
    ],
    R.RECTIFICATION_PROVED: [{"rectification_proved": False}],
    R.FOLLOW_UP_BY_OTHER: [{"follow_up_by": None}, {"follow_up_by": REPORTER}],
    R.FOLLOW_UP_PASSED: [{"follow_up_passed": None}, {"follow_up_passed": False}],
    R.FOLLOW_UP_FAILED: [{"follow_up_passed": None}, {"follow_up_passed": True}],
    R.DEADLINE: [{"deadlines": {}}],
    R.LEGAL_BASIS: [{"legal_basis": False}],
    R.DOCUMENT: [{"document": False}],
    R.REASON: [{"reason": False}],
}


@pytest.mark.asvs("v5.0.0-2.3.2")
def test_every_requirement_of_every_step_is_enforced() -> None:
    tried: set[Requirement] = set()
    for row in TRANSITIONS.values():
        state = next(iter(row.from_states))
        for need in row.needs:
            for change in SPOILED[need]:
                verdict = check(state, row.action, facts_for(row.action, **change))
                assert isinstance(verdict, Refused), (row.action, need, change)
                assert need in verdict.missing
                assert verdict.code == verdict.missing[0].value.replace("_", "-")
                assert LABELS[need][0] in verdict.zh
                assert LABELS[need][1] in verdict.en
                assert row.action in verdict.legal
            tried.add(need)
    assert tried == set(Requirement)


def test_what_a_step_does_not_need_does_not_stop_it() -> None:
    for row in TRANSITIONS.values():
        for need in set(Requirement) - row.needs:
            for change in SPOILED[need]:
                verdict = check(next(iter(row.from_states)), row.action, facts_for(row.action, **change))
                assert isinstance(verdict, Allowed) or set(verdict.missing) <= row.needs


# What the law and the house ask of each step, by hand.
NEEDS: dict[Action, str] = {
    A.REGISTER: "reason",
    A.START_VERIFYING: "",
    A.FIND_UNFOUNDED: "reason",
    A.REFER_TO_WELFARE: "reason",
    A.SUBSTANTIATE: "certificate classified evidence visit_made two_officers visit_coverage legal_basis",
    A.RECTIFY_ON_SPOT: "evidence reason",
    A.GIVE_NOTICE: "certificate two_evidence_kinds vulnerability_checked legal_basis document",
    A.OPEN_REPRESENTATION: "service_recorded deadline",
    A.REVIEW: "certificate representation_over points_answered reason",
    A.NO_PENALTY: "certificate legal_basis reason",
    A.ORDER_RECTIFICATION: "certificate two_evidence_kinds points_answered legal_basis document",
    A.START_RECTIFYING: "service_recorded deadline",
    A.MARK_OVERDUE: "rectification_lapsed",
    A.REPORT_COMPLETE: "rectification_proved",
    A.START_FOLLOW_UP: "other_person deadline",
    A.FAIL_FOLLOW_UP: "other_person order_made follow_up_by_other follow_up_failed reason",
    A.REOPEN: "other_person no_order_made follow_up_by_other follow_up_failed reason",
    A.CLOSE: "other_person follow_up_by_other follow_up_passed reason",
    A.SUSPEND: "reason document",
    A.RESUME: "reason",
    A.WITHDRAW: "reason document",
}


@pytest.mark.parametrize("action", list(Action))
def test_each_step_needs_what_is_asked_of_it(action: Action) -> None:
    assert TRANSITIONS[action].needs == {Requirement(word) for word in NEEDS[action].split()}


def test_deadlines_start_with_the_steps_that_serve_a_document_or_plan_a_visit() -> None:
    assert {row.action: row.deadline for row in TRANSITIONS.values() if row.deadline} == {
        A.OPEN_REPRESENTATION: DeadlineKind.REPRESENTATION,
        A.START_RECTIFYING: DeadlineKind.RECTIFICATION,
        A.START_FOLLOW_UP: DeadlineKind.FOLLOW_UP,
    }


def test_a_waiver_in_writing_ends_the_representation_before_its_period() -> None:
    early = facts_for(A.REVIEW, deadlines={DeadlineKind.REPRESENTATION: COMING})
    assert isinstance(check(S.REPRESENTATION, A.REVIEW, early), Refused)
    waived = replace(early, representation_ended_in_writing=True)
    assert check(S.REPRESENTATION, A.REVIEW, waived) == Allowed(S.REVIEW)
    unanswered = replace(waived, open_points=2)
    verdict = check(S.REPRESENTATION, A.REVIEW, unanswered)
    assert isinstance(verdict, Refused)
    assert verdict.missing == (R.POINTS_ANSWERED,)


def test_the_period_ends_at_midnight_in_shanghai() -> None:
    due = facts_for(A.REVIEW, deadlines={DeadlineKind.REPRESENTATION: Due(date(2026, 6, 1), provisional=False)})
    before = replace(due, now=datetime(2026, 6, 1, 15, 59, 59, tzinfo=UTC))
    assert isinstance(check(S.REPRESENTATION, A.REVIEW, before), Refused)
    after = replace(due, now=datetime(2026, 6, 1, 16, tzinfo=UTC))
    assert check(S.REPRESENTATION, A.REVIEW, after) == Allowed(S.REVIEW)


def test_vacancy_needs_the_coverage_of_visits() -> None:
    covered = facts_for(A.SUBSTANTIATE, violation=Violation.VACANT, visit_coverage_met=True)
    assert check(S.VERIFYING, A.SUBSTANTIATE, covered) == Allowed(S.SUBSTANTIATED)


@pytest.mark.parametrize("former", [None, S.LEAD, S.CLOSED, S.SUSPENDED, S.WITHDRAWN])
def test_resuming_leads_to_an_open_state_only(former: State | None) -> None:
    verdict = check(S.SUSPENDED, A.RESUME, facts_for(A.RESUME, suspended_from=former))
    assert isinstance(verdict, Refused)
    assert verdict.code == "former-state-unknown"


def test_resuming_leads_where_the_case_was_suspended() -> None:
    for state in TRANSITIONS[A.SUSPEND].from_states:
        verdict = check(S.SUSPENDED, A.RESUME, facts_for(A.RESUME, suspended_from=state))
        assert verdict == Allowed(state)


def test_the_whole_road_to_a_closed_case() -> None:
    road = [
        A.REGISTER, A.START_VERIFYING, A.SUBSTANTIATE, A.GIVE_NOTICE, A.OPEN_REPRESENTATION, A.REVIEW,
        A.ORDER_RECTIFICATION, A.START_RECTIFYING, A.MARK_OVERDUE, A.REPORT_COMPLETE, A.START_FOLLOW_UP,
        A.FAIL_FOLLOW_UP, A.REPORT_COMPLETE, A.START_FOLLOW_UP, A.CLOSE,
    ]  # fmt: skip
    state = S.LEAD
    for action in road:
        verdict = check(state, action, facts_for(action))
        assert isinstance(verdict, Allowed), (state, action, verdict)
        state = verdict.to
    assert state is S.CLOSED
