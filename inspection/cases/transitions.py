"""The rectification road of a case: which step is legal when, by whom, and what it needs.

Two tables, shared with every client through `as_table`: `TRANSITIONS` and `PERMITS`. A further road (vacating, the two
roads to court) is further rows. Every step needs a human actor; a machine never moves a case.

Pure: the caller gathers the facts in the transaction that takes the step, and stores what came of it.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from inspection.cases.deadlines import DeadlineKind, Due
from inspection.cases.legal_basis import ACTION_ARTICLES
from inspection.cases.vocabulary import LABELS, Action, EvidenceKind, Permit, Requirement, Role, State, Violation

A, R, S = Action, Requirement, State
MACHINE_KINDS: Final = frozenset({EvidenceKind.GATE, EvidenceKind.METER, EvidenceKind.DATA_MATCH})
DECIDES: Final = frozenset({Role.MANAGER})
WORKS: Final = frozenset({Role.MANAGER, Role.INSPECTOR})
REPORTS: Final = frozenset({Role.MANAGER, Role.INSPECTOR, Role.OPERATOR_STAFF})
COMPLETION: Final = frozenset({A.REPORT_COMPLETE, A.RECTIFY_ON_SPOT})
FINAL: Final = frozenset({S.UNFOUNDED, S.WELFARE_REFERRAL, S.NO_PENALTY, S.CLOSED, S.WITHDRAWN})
OPEN: Final = frozenset(State) - FINAL - {S.LEAD, S.SUSPENDED}


@dataclass(frozen=True, slots=True)
class Transition:
    """One row. `to` None: the state in which the case was suspended. `other_than`: steps whose last actor may not act.

    `deadline`: the deadline that starts with this step and must be set in the facts.
    """

    action: Action
    from_states: frozenset[State]
    to: State | None
    roles: frozenset[Role]
    needs: frozenset[Requirement] = frozenset()
    other_than: frozenset[Action] = frozenset()
    deadline: DeadlineKind | None = None


def _row(
    action: Action,
    from_states: State | frozenset[State],
    to: State | None,
    roles: frozenset[Role],
    *needs: Requirement,
    other_than: frozenset[Action] = frozenset(),
    deadline: DeadlineKind | None = None,
) -> Transition:
    starts = frozenset({from_states}) if isinstance(from_states, State) else from_states
    implied = ({R.OTHER_PERSON} if other_than else set()) | ({R.DEADLINE} if deadline else set())
    return Transition(action, starts, to, roles, frozenset(needs) | implied, other_than, deadline)


TRANSITIONS: Final[Mapping[Action, Transition]] = {
    row.action: row
    for row in (
        _row(A.REGISTER, S.LEAD, S.REGISTERED, DECIDES, R.REASON),
        _row(A.START_VERIFYING, S.REGISTERED, S.VERIFYING, WORKS),
        _row(A.FIND_UNFOUNDED, S.VERIFYING, S.UNFOUNDED, DECIDES, R.REASON),
        _row(
            A.REFER_TO_WELFARE,
            frozenset({S.REGISTERED, S.VERIFYING, S.SUBSTANTIATED, S.REVIEW, S.SUSPENDED}),
            S.WELFARE_REFERRAL,
            DECIDES,
            R.REASON,
        ),
        _row(
            A.SUBSTANTIATE, S.VERIFYING, S.SUBSTANTIATED, DECIDES,
            R.CERTIFICATE, R.CLASSIFIED, R.EVIDENCE, R.VISIT_MADE, R.TWO_OFFICERS, R.VISIT_COVERAGE, R.LEGAL_BASIS,
        ),
        _row(A.RECTIFY_ON_SPOT, S.SUBSTANTIATED, S.RECTIFIED_ON_SPOT, WORKS, R.EVIDENCE, R.REASON),
        _row(
            A.GIVE_NOTICE, frozenset({S.SUBSTANTIATED, S.RECTIFIED_ON_SPOT}), S.NOTICE, DECIDES,
            R.CERTIFICATE, R.TWO_EVIDENCE_KINDS, R.VULNERABILITY_CHECKED, R.LEGAL_BASIS, R.DOCUMENT,
        ),
        _row(
            A.OPEN_REPRESENTATION, S.NOTICE, S.REPRESENTATION, WORKS,
            R.SERVICE_RECORDED, deadline=DeadlineKind.REPRESENTATION,
        ),
        _row(
            A.REVIEW, S.REPRESENTATION, S.REVIEW, DECIDES,
            R.CERTIFICATE, R.REPRESENTATION_OVER, R.POINTS_ANSWERED, R.REASON,
        ),
        _row(A.NO_PENALTY, S.REVIEW, S.NO_PENALTY, DECIDES, R.CERTIFICATE, R.LEGAL_BASIS, R.REASON),
        _row(
            A.ORDER_RECTIFICATION, S.REVIEW, S.RECTIFICATION_ORDER, DECIDES,
            R.CERTIFICATE, R.TWO_EVIDENCE_KINDS, R.POINTS_ANSWERED, R.LEGAL_BASIS, R.DOCUMENT,
        ),
        _row(
            A.START_RECTIFYING, S.RECTIFICATION_ORDER, S.RECTIFYING, WORKS,
            R.SERVICE_RECORDED, deadline=DeadlineKind.RECTIFICATION,
        ),
        _row(A.MARK_OVERDUE, S.RECTIFYING, S.OVERDUE, WORKS, R.RECTIFICATION_LAPSED),
        _row(
            A.REPORT_COMPLETE, frozenset({S.RECTIFYING, S.OVERDUE}), S.REPORTED_COMPLETE, REPORTS,
            R.RECTIFICATION_PROVED,
        ),
        _row(
            A.START_FOLLOW_UP, frozenset({S.REPORTED_COMPLETE, S.RECTIFIED_ON_SPOT}), S.FOLLOW_UP, WORKS,
            other_than=COMPLETION, deadline=DeadlineKind.FOLLOW_UP,
        ),
        _row(
            A.FAIL_FOLLOW_UP, S.FOLLOW_UP, S.RECTIFYING, WORKS,
            R.ORDER_MADE, R.FOLLOW_UP_BY_OTHER, R.FOLLOW_UP_FAILED, R.REASON, other_than=COMPLETION,
        ),
        _row(
            A.REOPEN, S.FOLLOW_UP, S.SUBSTANTIATED, WORKS,
            R.NO_ORDER_MADE, R.FOLLOW_UP_BY_OTHER, R.FOLLOW_UP_FAILED, R.REASON, other_than=COMPLETION,
        ),
        _row(
            A.CLOSE, S.FOLLOW_UP, S.CLOSED, DECIDES,
            R.FOLLOW_UP_BY_OTHER, R.FOLLOW_UP_PASSED, R.REASON, other_than=COMPLETION,
        ),
        _row(A.SUSPEND, OPEN, S.SUSPENDED, DECIDES, R.REASON, R.DOCUMENT),
        _row(A.RESUME, S.SUSPENDED, None, DECIDES, R.REASON),
        _row(A.WITHDRAW, OPEN | {S.SUSPENDED}, S.WITHDRAWN, DECIDES, R.REASON, R.DOCUMENT),
    )
}  # fmt: skip
"""Every legal step."""

P = Permit
_TOLD: Final = frozenset({P.SEEN_BY_PERSON_CONCERNED, P.APPEAL})
PERMITS: Final[Mapping[State, frozenset[Permit]]] = {
    S.LEAD: frozenset(),
    S.REGISTERED: frozenset({P.ADD_EVIDENCE, P.PLAN_VISIT}),
    S.VERIFYING: frozenset({P.ADD_EVIDENCE, P.PLAN_VISIT, P.CLASSIFY}),
    S.UNFOUNDED: frozenset(),
    S.WELFARE_REFERRAL: frozenset(),
    S.SUBSTANTIATED: frozenset({P.ADD_EVIDENCE, P.PLAN_VISIT}),
    S.RECTIFIED_ON_SPOT: frozenset({P.ADD_EVIDENCE, P.ADD_RECTIFICATION_PROOF}),
    S.NOTICE: frozenset({P.RECORD_SERVICE, P.FILE_REPRESENTATION}) | _TOLD,
    S.REPRESENTATION: frozenset({P.FILE_REPRESENTATION, P.ANSWER_POINTS, P.ADD_EVIDENCE, P.PLAN_VISIT}) | _TOLD,
    S.REVIEW: _TOLD,
    S.NO_PENALTY: _TOLD,
    S.RECTIFICATION_ORDER: frozenset({P.RECORD_SERVICE}) | _TOLD,
    S.RECTIFYING: frozenset({P.ADD_RECTIFICATION_PROOF, P.PLAN_VISIT}) | _TOLD,
    S.OVERDUE: frozenset({P.ADD_RECTIFICATION_PROOF, P.PLAN_VISIT}) | _TOLD,
    S.REPORTED_COMPLETE: frozenset({P.ADD_RECTIFICATION_PROOF, P.PLAN_VISIT}) | _TOLD,
    S.FOLLOW_UP: frozenset({P.ADD_EVIDENCE, P.PLAN_VISIT}) | _TOLD,
    S.CLOSED: _TOLD,
    S.SUSPENDED: _TOLD,
    S.WITHDRAWN: _TOLD,
}
"""What each state permits without moving the case. Nothing is added to a case in a final state."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a case and of who acts, at `now` (aware).

    `actor_id`: the human who acts, None for anything else. `done_by`: who took each step last.
    `officers`: people with a certificate who verified on the spot. `evidence`: kinds of which at least one item was
    reviewed by a person and found admissible (a gate record is `lead_only` until then, 行政处罚法 art. 41); what proves
    the rectification is none of it, and makes `rectification_proved` true if it is newer than what it answers to.
    `visit_coverage_met`: enough attempts in enough time bands, asked only before a flat is found vacant.
    `served`: whether the service of the present state's document is recorded with its effective date.
    `representation_ended_in_writing`: the person waived, or answered and said that nothing more follows.
    `open_points`: points of the representation that have no written reply. `follow_up_by`, `follow_up_passed`: who made
    the follow-up visit after the last report of completion, and what it found; None before it.
    `deadlines`: those set so far and, for a step that starts one, the one about to start.
    `legal_basis`, `document`, `reason`: whether the step brings them.
    """

    now: datetime
    actor_id: uuid.UUID | None
    role: Role
    has_certificate: bool = False
    done_by: Mapping[Action, uuid.UUID] = field(default_factory=dict)
    suspended_from: State | None = None
    violation: Violation | None = None
    evidence: frozenset[EvidenceKind] = frozenset()
    officers: frozenset[uuid.UUID] = frozenset()
    visit_coverage_met: bool = False
    vulnerability_checked: bool = False
    served: bool = False
    representation_ended_in_writing: bool = False
    open_points: int = 0
    rectification_proved: bool = False
    follow_up_by: uuid.UUID | None = None
    follow_up_passed: bool | None = None
    deadlines: Mapping[DeadlineKind, Due] = field(default_factory=dict)
    legal_basis: bool = False
    document: bool = False
    reason: bool = False


@dataclass(frozen=True, slots=True)
class Allowed:
    """The step is legal; the case goes to `to`."""

    to: State


@dataclass(frozen=True, slots=True)
class Refused:
    """The step is not legal. `missing`: every unmet requirement. `legal`: the actions open to the role there."""

    code: str
    zh: str
    en: str
    legal: tuple[Action, ...]
    missing: tuple[Requirement, ...] = ()


def legal_actions(state: State, role: Role) -> tuple[Action, ...]:
    """The actions that the table opens to a role in a state, whatever else they need."""
    return tuple(row.action for row in TRANSITIONS.values() if state in row.from_states and role in row.roles)


def check(state: State, action: Action, facts: Facts) -> Allowed | Refused:
    """Whether somebody may take a step now, and where it leads."""
    if facts.actor_id is None:
        return Refused("human-actor-needed", "案件步骤须由人作出", "A step in a case is taken by a human", ())
    legal = legal_actions(state, facts.role)
    row = TRANSITIONS[action]
    (step_zh, step_en), (state_zh, state_en) = LABELS[action], LABELS[state]
    if state not in row.from_states:
        return Refused(
            "illegal-step",
            f"案件处于“{state_zh}”状态，不能“{step_zh}”",
            f'"{step_en}" is not possible in the state "{state_en}"',
            legal,
        )
    if facts.role not in row.roles:
        return Refused(
            "role-not-allowed", f"您的角色不能“{step_zh}”", f'Your role may not take the step "{step_en}"', legal
        )
    missing = tuple(need for need in Requirement if need in row.needs and not _MET[need](facts, row))
    if missing:
        zh, en = zip(*(LABELS[need] for need in missing), strict=True)
        return Refused(missing[0].value.replace("_", "-"), "；".join(zh), "; ".join(en), legal, missing)
    to = row.to or facts.suspended_from
    if to is None or (row.to is None and to not in OPEN):
        return Refused(
            "former-state-unknown", "未记录中止前的状态", "The state before the suspension is unknown", legal
        )
    return Allowed(to)


def _other_person(facts: Facts, row: Transition) -> bool:
    """Somebody took an earlier step, and it was not this actor: without a record of who, nobody may act."""
    earlier = {facts.done_by[action] for action in row.other_than if action in facts.done_by}
    return bool(earlier) and facts.actor_id not in earlier


def _follow_up_by_other(facts: Facts, row: Transition) -> bool:
    earlier = {facts.done_by[action] for action in row.other_than if action in facts.done_by}
    return facts.follow_up_by is not None and facts.follow_up_by not in earlier


def _over(facts: Facts, kind: DeadlineKind) -> bool:
    return kind in facts.deadlines and facts.deadlines[kind].is_over(facts.now)


_MET: Final[Mapping[Requirement, Callable[[Facts, Transition], bool]]] = {
    R.CERTIFICATE: lambda facts, _: facts.has_certificate,
    R.OTHER_PERSON: _other_person,
    R.CLASSIFIED: lambda facts, _: facts.violation is not None,
    R.EVIDENCE: lambda facts, _: bool(facts.evidence),
    R.VISIT_MADE: lambda facts, _: EvidenceKind.VISIT in facts.evidence,
    R.TWO_OFFICERS: lambda facts, _: len(facts.officers) >= 2,  # 行政处罚法 art. 42
    R.VISIT_COVERAGE: lambda facts, _: facts.violation is not Violation.VACANT or facts.visit_coverage_met,
    R.TWO_EVIDENCE_KINDS: lambda facts, _: len(facts.evidence) > 1 and not facts.evidence <= MACHINE_KINDS,
    R.VULNERABILITY_CHECKED: lambda facts, _: facts.vulnerability_checked,
    R.SERVICE_RECORDED: lambda facts, _: facts.served,
    R.REPRESENTATION_OVER: lambda facts, _: (
        facts.representation_ended_in_writing or _over(facts, DeadlineKind.REPRESENTATION)
    ),
    R.POINTS_ANSWERED: lambda facts, _: facts.open_points == 0,
    R.ORDER_MADE: lambda facts, _: A.ORDER_RECTIFICATION in facts.done_by,
    R.NO_ORDER_MADE: lambda facts, _: A.ORDER_RECTIFICATION not in facts.done_by,
    R.RECTIFICATION_LAPSED: lambda facts, _: _over(facts, DeadlineKind.RECTIFICATION),
    R.RECTIFICATION_PROVED: lambda facts, _: facts.rectification_proved,
    R.FOLLOW_UP_BY_OTHER: _follow_up_by_other,
    R.FOLLOW_UP_PASSED: lambda facts, _: facts.follow_up_passed is True,
    R.FOLLOW_UP_FAILED: lambda facts, _: facts.follow_up_passed is False,
    R.DEADLINE: lambda facts, row: row.deadline in facts.deadlines,
    R.LEGAL_BASIS: lambda facts, _: facts.legal_basis,
    R.DOCUMENT: lambda facts, _: facts.document,
    R.REASON: lambda facts, _: facts.reason,
}


def as_table() -> dict[str, Any]:
    """Both tables as plain JSON, for clients: states with what they permit, steps with who may take them and needs."""
    return {
        "states": [
            {
                "code": state.value,
                "zh": LABELS[state][0],
                "en": LABELS[state][1],
                "final": state in FINAL,
                "permits": sorted(permit.value for permit in PERMITS[state]),
            }
            for state in State
        ],
        "steps": [
            {
                "action": row.action.value,
                "zh": LABELS[row.action][0],
                "en": LABELS[row.action][1],
                "from": [state.value for state in State if state in row.from_states],
                "to": None if row.to is None else row.to.value,
                "roles": sorted(row.roles),
                "needs": [need.value for need in Requirement if need in row.needs],
                "other_than": sorted(row.other_than),
                "deadline": None if row.deadline is None else row.deadline.value,
                "articles": list(ACTION_ARTICLES.get(row.action, ())),
            }
            for row in TRANSITIONS.values()
        ],
        "requirements": [{"code": need.value, "zh": LABELS[need][0], "en": LABELS[need][1]} for need in Requirement],
    }
