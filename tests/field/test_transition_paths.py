"""Paths through the table of transitions: what can be reached, in which order, and what clients are told of it."""

import json
import random
import uuid

import pytest

from inspection.cases.legal_basis import ACTION_ARTICLES, VIOLATION_ARTICLES
from inspection.cases.transitions import (
    FINAL,
    PERMITS,
    TRANSITIONS,
    Allowed,
    as_table,
    check,
    legal_actions,
)
from inspection.cases.vocabulary import (
    LABELS,
    Action,
    Permit,
    Requirement,
    Role,
    State,
    Violation,
)
from tests.field.test_transitions import ACTOR, REPORTER, TABLE, THIRD, A, R, S, facts_for


def reachable(without: State | None = None) -> set[State]:
    """The states that steps can reach from a lead when nobody may enter one of them."""
    seen: set[State] = {S.LEAD}
    while True:
        further = {
            to
            for (start, action, _), to in TABLE.items()
            if start in seen and to is not None and to is not without
            if R.ORDER_MADE not in TRANSITIONS[action].needs or S.RECTIFICATION_ORDER in seen
        }
        if further <= seen:
            return seen
        seen |= further


def test_every_state_is_reachable_and_final_ones_are_ends() -> None:
    assert reachable() == set(State)
    assert {state for state in State if not any(legal_actions(state, role) for role in Role)} == FINAL


@pytest.mark.parametrize("gate", [S.REGISTERED, S.VERIFYING, S.SUBSTANTIATED, S.NOTICE, S.REPRESENTATION, S.REVIEW])
def test_no_order_without_verification_notice_and_representation(gate: State) -> None:
    assert not reachable(gate) & {S.RECTIFICATION_ORDER, S.RECTIFYING, S.OVERDUE, S.NO_PENALTY}


def test_no_closing_without_a_follow_up() -> None:
    assert S.CLOSED not in reachable(S.FOLLOW_UP)


def walk(dice: random.Random) -> tuple[list[State], list[tuple[Action, uuid.UUID]]]:
    """Sixty attempts of anybody at anything, the states passed and the steps taken."""
    path, steps = [S.LEAD], list[tuple[Action, uuid.UUID]]()
    former: State | None = None
    ends = {A.WITHDRAW, A.REFER_TO_WELFARE, A.FIND_UNFOUNDED, A.NO_PENALTY, A.SUSPEND}
    for _ in range(60):
        tempting = [*legal_actions(path[-1], Role.MANAGER), dice.choice(list(Action))]
        action, actor = dice.choice(tempting), dice.choice((ACTOR, REPORTER, THIRD))
        if action in ends and dice.random() < 0.9:
            continue
        role = dice.choice((Role.MANAGER, Role.MANAGER, Role.INSPECTOR, Role.OPERATOR_STAFF, Role.AUDITOR))
        visitor = dice.choice((None, ACTOR, REPORTER, THIRD))
        facts = facts_for(
            action, role, actor_id=actor, done_by=dict(steps), suspended_from=former, follow_up_by=visitor
        )
        verdict = check(path[-1], action, facts)
        if isinstance(verdict, Allowed):
            former = path[-1] if action is A.SUSPEND else former
            steps.append((action, actor))
            path.append(verdict.to)
    return path, steps


def test_random_walks_keep_the_order_of_the_law() -> None:
    """Whoever tries whatever: no order without notice, representation and review; nobody closes their own."""
    dice = random.Random(20260302)
    closed = ordered = 0
    for _ in range(300):
        path, steps = walk(dice)
        assert sum(state in FINAL for state in path) <= 1
        if S.RECTIFICATION_ORDER in path:
            ordered += 1
            law = [S.VERIFYING, S.SUBSTANTIATED, S.NOTICE, S.REPRESENTATION, S.REVIEW, S.RECTIFICATION_ORDER]
            assert [path.index(state) for state in law] == sorted(path.index(state) for state in law)
        assert S.RECTIFYING not in path or S.RECTIFICATION_ORDER in path
        if path[-1] is S.CLOSED:
            closed += 1
            done = dict(steps)
            assert done[A.CLOSE] not in {done.get(A.REPORT_COMPLETE), done.get(A.RECTIFY_ON_SPOT)}
    assert closed > 10
    assert ordered > 10


def test_every_state_says_what_it_permits() -> None:
    assert set(PERMITS) == set(State)
    assert set().union(*PERMITS.values()) == set(Permit)
    for state in FINAL:
        assert PERMITS[state] <= {Permit.SEEN_BY_PERSON_CONCERNED, Permit.APPEAL}
    told = [state for state in State if Permit.SEEN_BY_PERSON_CONCERNED in PERMITS[state]]
    assert {S.NOTICE, S.REPRESENTATION, S.REVIEW, S.RECTIFICATION_ORDER, S.RECTIFYING, S.FOLLOW_UP} <= set(told)
    hearing = [state for state in State if Permit.FILE_REPRESENTATION in PERMITS[state]]
    assert hearing == [S.NOTICE, S.REPRESENTATION]


def test_the_table_for_clients_is_json_and_complete() -> None:
    table = json.loads(json.dumps(as_table(), ensure_ascii=False))
    assert [state["code"] for state in table["states"]] == [state.value for state in State]
    rebuilt = {
        (State(start), Action(step["action"]), Role(role)): step["to"] and State(step["to"])
        for step in table["steps"]
        for start in step["from"]
        for role in step["roles"]
    }
    assert rebuilt == TABLE
    assert {need for step in table["steps"] for need in step["needs"]} == {
        need["code"] for need in table["requirements"]
    }
    assert next(step for step in table["steps"] if step["action"] == "review")["articles"]
    assert {state["code"] for state in table["states"] if state["final"]} == {state.value for state in FINAL}


def test_every_word_has_both_languages_and_every_violation_an_article() -> None:
    for word in (*State, *Action, *Requirement):
        assert all(LABELS[word])
    assert set(LABELS) == {*State, *Action, *Requirement}
    assert set(VIOLATION_ARTICLES) == set(Violation)
    assert all(VIOLATION_ARTICLES.values())
    decided = {row.action for row in TRANSITIONS.values() if R.LEGAL_BASIS in row.needs}
    assert decided <= set(ACTION_ARTICLES)
