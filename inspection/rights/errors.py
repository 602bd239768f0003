"""What can be wrong with a request of a person."""

from storage.problems import Conflict, Forbidden, Invalid


class RequestNotOpen(Conflict):
    """Decided or taken back already."""

    code = "request-not-open"
    title_zh = "该申请已处理或已撤回"
    title_en = "The request was decided or taken back already"


class RequestStands(Conflict):
    """An erasure of the person was asked for already and is not finished."""

    code = "request-stands"
    title_zh = "该人员已有未办结的删除申请"
    title_en = "An erasure of this person was asked for already"


class DecideOthersFirst(Conflict):
    """A correction or objection is open: it would be lost with the data."""

    code = "decide-others-first"
    title_zh = "该人员还有未处理的更正或异议申请，请先处理"
    title_en = "Another request of the person is open: decide that one first"


class DecidedByAnother(Forbidden):
    """Whoever recorded a request does not decide it."""

    code = "decided-by-another"
    title_zh = "申请须由登记人以外的人员决定"
    title_en = "Somebody other than who recorded the request has to decide it"


class RefusalDoesNotFit(Invalid):
    """The ground of refusal belongs to another kind of request, or is missing (个人信息保护法 50 wants it told)."""

    code = "refusal-does-not-fit"
    title_zh = "拒绝理由缺失或不适用于此类申请"
    title_en = "The ground of refusal is missing or does not fit this kind of request"


class LeadHasCase(Conflict):
    """The suspicion is a case by now: what the person says belongs into the case's representations."""

    code = "lead-has-case"
    title_zh = "该线索已立案，请通过案件的陈述申辩提出"
    title_en = "The lead has become a case: the person is heard by the case's representations"


class NothingToCorrect(Invalid):
    """A correction that changes nothing."""

    code = "nothing-to-correct"
    title_zh = "未填写需要更正的内容"
    title_en = "Nothing to correct was given"
