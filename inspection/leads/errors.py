"""What may be wrong with a request about leads."""

from storage.problems import Conflict, NotFound


class LeadNotFound(NotFound):
    """No such lead in scope."""

    code = "lead-not-found"
    title_zh = "未找到该线索，或不在您的管辖范围内"
    title_en = "No such lead, or outside your scope"


class LeadNotOpen(Conflict):
    """The lead's status does not allow this decision."""

    code = "lead-not-open"
    title_zh = "该线索的当前状态不允许此操作"
    title_en = "The lead's status does not allow this"


class LeadStands(Conflict):
    """Another lead of the same rule about the same household waits or is being worked on."""

    code = "lead-stands"
    title_zh = "该户同一规则的另一条线索正在办理"
    title_en = "Another lead of this rule stands for the household"


class ReopenTooLate(Conflict):
    """A dismissal can be undone for some days only."""

    code = "reopen-too-late"
    title_zh = "已超过可撤回的期限"
    title_en = "Too late to undo the dismissal"
