"""What may be wrong with a request about legal holds."""

from storage.problems import Conflict, Forbidden, Invalid, NotFound


class HoldNotFound(NotFound):
    """No such hold in scope."""

    code = "hold-not-found"
    title_zh = "未找到该保全，或不在您的管辖范围内"
    title_en = "No such hold, or outside your scope"


class HoldThingNotFound(NotFound):
    """What the hold is to be laid on is not in scope."""

    code = "hold-thing-not-found"
    title_zh = "未找到保全对象，或不在您的管辖范围内"
    title_en = "What is to be held was not found, or is outside your scope"


class SecondPersonNeeded(Forbidden):
    """Whoever asked for a hold cannot approve it."""

    code = "second-person-needed"
    title_zh = "申请人不得批准自己申请的保全"
    title_en = "Somebody else than the requester has to approve a hold"


class HoldNotOpen(Conflict):
    """The hold is not in a state that allows this."""

    code = "hold-not-open"
    title_zh = "该保全的当前状态不允许此操作"
    title_en = "The state of the hold does not allow this"


class HoldTooLong(Invalid):
    """The end lies in the past, or too far away."""

    code = "hold-too-long"
    title_zh = "保全的截止时间须在将来，且不得超过最长期限"
    title_en = "A hold ends in the future, and within the longest term allowed"
