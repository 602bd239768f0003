"""The words of a case: states, actions, roles, requirements, permits; with their Chinese and English."""

from enum import StrEnum
from typing import Final


class State(StrEnum):
    """Where a case stands on the rectification road (整改)."""

    LEAD = "lead"
    REGISTERED = "registered"
    VERIFYING = "verifying"
    UNFOUNDED = "unfounded"
    WELFARE_REFERRAL = "welfare_referral"
    SUBSTANTIATED = "substantiated"
    RECTIFIED_ON_SPOT = "rectified_on_spot"
    NOTICE = "notice"
    REPRESENTATION = "representation"
    REVIEW = "review"
    NO_PENALTY = "no_penalty"
    RECTIFICATION_ORDER = "rectification_order"
    RECTIFYING = "rectifying"
    OVERDUE = "overdue"
    REPORTED_COMPLETE = "reported_complete"
    FOLLOW_UP = "follow_up"
    CLOSED = "closed"
    SUSPENDED = "suspended"
    WITHDRAWN = "withdrawn"


class Action(StrEnum):
    """A step that a person takes in a case."""

    REGISTER = "register"
    START_VERIFYING = "start_verifying"
    FIND_UNFOUNDED = "find_unfounded"
    REFER_TO_WELFARE = "refer_to_welfare"
    SUBSTANTIATE = "substantiate"
    RECTIFY_ON_SPOT = "rectify_on_spot"
    GIVE_NOTICE = "give_notice"
    OPEN_REPRESENTATION = "open_representation"
    REVIEW = "review"
    NO_PENALTY = "no_penalty"
    ORDER_RECTIFICATION = "order_rectification"
    START_RECTIFYING = "start_rectifying"
    MARK_OVERDUE = "mark_overdue"
    REPORT_COMPLETE = "report_complete"
    START_FOLLOW_UP = "start_follow_up"
    FAIL_FOLLOW_UP = "fail_follow_up"
    REOPEN = "reopen"
    CLOSE = "close"
    SUSPEND = "suspend"
    RESUME = "resume"
    WITHDRAW = "withdraw"


class Role(StrEnum):
    """What the person who acts is; the codes of the users' grants."""

    INSPECTOR = "inspector"
    MANAGER = "manager"
    OPERATOR_STAFF = "operator_staff"
    AUDITOR = "auditor"
    ADMINISTRATOR = "administrator"
    LIAISON = "liaison"


class Violation(StrEnum):
    """As what a finding was classified (定性)."""

    SUBLET = "sublet"
    LEND = "lend"
    SWAP = "swap"
    CHANGE_OF_USE = "change_of_use"
    ALTERATION = "alteration"
    ILLEGAL_ACTIVITY = "illegal_activity"
    VACANT = "vacant"
    ARREARS = "arrears"
    EXPIRED = "expired"
    INELIGIBLE = "ineligible"
    FRAUD = "fraud"


class EvidenceKind(StrEnum):
    """Kinds of evidence that are independent of each other."""

    GATE = "gate"
    METER = "meter"
    DATA_MATCH = "data_match"
    VISIT = "visit"
    DOCUMENT = "document"
    STATEMENT = "statement"


class Requirement(StrEnum):
    """What a step needs besides the right state, role and person. In this order the first missing one is named."""

    CERTIFICATE = "certificate"
    OTHER_PERSON = "other_person"
    CLASSIFIED = "classified"
    EVIDENCE = "evidence"
    VISIT_MADE = "visit_made"
    TWO_OFFICERS = "two_officers"
    VISIT_COVERAGE = "visit_coverage"
    TWO_EVIDENCE_KINDS = "two_evidence_kinds"
    VULNERABILITY_CHECKED = "vulnerability_checked"
    SERVICE_RECORDED = "service_recorded"
    REPRESENTATION_OVER = "representation_over"
    POINTS_ANSWERED = "points_answered"
    ORDER_MADE = "order_made"
    NO_ORDER_MADE = "no_order_made"
    RECTIFICATION_LAPSED = "rectification_lapsed"
    RECTIFICATION_PROVED = "rectification_proved"
    FOLLOW_UP_BY_OTHER = "follow_up_by_other"
    FOLLOW_UP_PASSED = "follow_up_passed"
    FOLLOW_UP_FAILED = "follow_up_failed"
    DEADLINE = "deadline"
    LEGAL_BASIS = "legal_basis"
    DOCUMENT = "document"
    REASON = "reason"


class Permit(StrEnum):
    """What may be done to a case in a state without moving it."""

    ADD_EVIDENCE = "add_evidence"
    PLAN_VISIT = "plan_visit"
    CLASSIFY = "classify"
    RECORD_SERVICE = "record_service"
    FILE_REPRESENTATION = "file_representation"
    ANSWER_POINTS = "answer_points"
    ADD_RECTIFICATION_PROOF = "add_rectification_proof"
    SEEN_BY_PERSON_CONCERNED = "seen_by_person_concerned"
    APPEAL = "appeal"


LABELS: Final[dict[StrEnum, tuple[str, str]]] = {
    State.LEAD: ("线索", "Lead"),
    State.REGISTERED: ("受理", "Registered"),
    State.VERIFYING: ("核查中", "Verifying"),
    State.UNFOUNDED: ("查否", "Unfounded"),
    State.WELFARE_REFERRAL: ("关爱转介", "Referred to welfare"),
    State.SUBSTANTIATED: ("查实", "Substantiated"),
    State.RECTIFIED_ON_SPOT: ("立查立改", "Rectified on the spot"),
    State.NOTICE: ("拟处理告知", "Notice of intended measure"),
    State.REPRESENTATION: ("陈述申辩", "Representation"),
    State.REVIEW: ("复核", "Review"),
    State.NO_PENALTY: ("不予处理", "No measure"),
    State.RECTIFICATION_ORDER: ("责令限期整改", "Rectification order"),
    State.RECTIFYING: ("整改中", "Rectifying"),
    State.OVERDUE: ("逾期", "Overdue"),
    State.REPORTED_COMPLETE: ("申报完成", "Reported complete"),
    State.FOLLOW_UP: ("回访复核", "Follow-up"),
    State.CLOSED: ("销号", "Closed"),
    State.SUSPENDED: ("中止", "Suspended"),
    State.WITHDRAWN: ("撤案", "Withdrawn"),
    Action.REGISTER: ("受理", "Register"),
    Action.START_VERIFYING: ("开始核查", "Start verifying"),
    Action.FIND_UNFOUNDED: ("查否", "Find unfounded"),
    Action.REFER_TO_WELFARE: ("关爱转介", "Refer to welfare"),
    Action.SUBSTANTIATE: ("查实定性", "Substantiate and classify"),
    Action.RECTIFY_ON_SPOT: ("立查立改", "Rectify on the spot"),
    Action.GIVE_NOTICE: ("拟处理告知", "Give notice"),
    Action.OPEN_REPRESENTATION: ("告知送达，开始陈述申辩", "Notice served, open representation"),
    Action.REVIEW: ("复核陈述申辩", "Review the representation"),
    Action.NO_PENALTY: ("不予处理", "Take no measure"),
    Action.ORDER_RECTIFICATION: ("责令限期整改", "Order rectification"),
    Action.START_RECTIFYING: ("决定送达，开始整改", "Order served, start rectifying"),
    Action.MARK_OVERDUE: ("认定逾期", "Mark overdue"),
    Action.REPORT_COMPLETE: ("申报完成", "Report completion"),
    Action.START_FOLLOW_UP: ("安排回访复核", "Start follow-up"),
    Action.FAIL_FOLLOW_UP: ("回访未通过，继续整改", "Follow-up failed, go on rectifying"),
    Action.REOPEN: ("回访未通过，恢复查实", "Follow-up failed, back to substantiated"),
    Action.CLOSE: ("销号", "Close"),
    Action.SUSPEND: ("中止", "Suspend"),
    Action.RESUME: ("恢复", "Resume"),
    Action.WITHDRAW: ("撤案", "Withdraw"),
    Requirement.CERTIFICATE: ("须由持行政执法证的人员作出", "The person must hold an enforcement certificate"),
    Requirement.OTHER_PERSON: (
        "须由未办理前一步骤的另一人办理",
        "Somebody other than who took the earlier step must do it",
    ),
    Requirement.CLASSIFIED: ("须先定性", "The violation must be classified"),
    Requirement.EVIDENCE: ("须有经人工审核的证据", "Evidence reviewed by a person is needed"),
    Requirement.VISIT_MADE: ("须有入户核查记录", "A verifying visit is needed"),
    Requirement.TWO_OFFICERS: ("核查执法人员不得少于两人", "At least two officers must have verified"),
    Requirement.VISIT_COVERAGE: (
        "认定空置须在规定的多个时段多次入户并留下通知",
        "Vacancy needs the visits in several time bands, with a notice left, that the rules prescribe",
    ),
    Requirement.TWO_EVIDENCE_KINDS: (
        "须有两种以上相互独立的证据，其中至少一种由人取得",
        "Two independent kinds of evidence are needed, one of them taken by a person",
    ),
    Requirement.VULNERABILITY_CHECKED: (
        "须先核查疾病、残疾、照护、家暴等困难与例外情形",
        "Hardship and exceptions (illness, disability, care, violence and others) must be checked first",
    ),
    Requirement.SERVICE_RECORDED: ("须有送达记录", "The service of the document must be recorded"),
    Requirement.REPRESENTATION_OVER: (
        "陈述申辩期未满，当事人也未书面表示不再陈述",
        "The period for representation runs, and the person has not said in writing that nothing more follows",
    ),
    Requirement.POINTS_ANSWERED: ("陈述申辩的每一点均须书面答复", "Each point of the representation must be answered"),
    Requirement.ORDER_MADE: ("本案未作出责令整改决定", "No rectification order was made in this case"),
    Requirement.NO_ORDER_MADE: ("本案已有责令整改决定", "A rectification order stands in this case"),
    Requirement.RECTIFICATION_LAPSED: ("整改期限未满", "The time for rectification has not ended"),
    Requirement.RECTIFICATION_PROVED: (
        "须有本次整改的证明材料",
        "Proof that the matter was put right is needed, newer than the order or the last failed follow-up",
    ),
    Requirement.FOLLOW_UP_BY_OTHER: (
        "回访须由申报完成以外的另一人进行",
        "The follow-up visit must be made by somebody other than who reported completion",
    ),
    Requirement.FOLLOW_UP_PASSED: ("回访未确认整改到位", "The follow-up visit has not found the matter put right"),
    Requirement.FOLLOW_UP_FAILED: ("回访未认定整改不到位", "The follow-up visit has not found the matter still wrong"),
    Requirement.DEADLINE: ("须确定本步骤的期限", "The deadline that this step starts must be set"),
    Requirement.LEGAL_BASIS: ("须载明法律依据", "The legal basis must be named"),
    Requirement.DOCUMENT: ("须附文书", "The document must be attached"),
    Requirement.REASON: ("须写明理由", "A written reason is needed"),
}
"""Chinese and English of every state, action and requirement."""
