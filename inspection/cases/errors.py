"""What may be wrong with a request about cases."""

from storage.problems import Conflict, Forbidden, Invalid, NotFound, Problem


class CaseNotFound(NotFound):
    """No such case, or part of one, in scope."""

    code = "case-not-found"
    title_zh = "未找到该案件，或不在您的管辖范围内"
    title_en = "No such case, or outside your scope"


class IllegalStep(Conflict):
    """The step is not possible in this state. `legal`: the steps that are, for the caller's role."""

    code = "illegal-step"
    title_zh = "案件的当前状态不允许该步骤"
    title_en = "The step is not possible in the case's state"


class StepNeeds(Conflict):
    """The step is possible and something that it needs is missing. `missing`: what; `legal` as above."""

    code = "step-needs"
    title_zh = "该步骤的条件尚不具备"
    title_en = "Something that the step needs is missing"


class StepRole(Forbidden):
    """The caller's role does not take this step."""

    code = "role-not-allowed"
    title_zh = "您的角色不能作出该步骤"
    title_en = "Your role does not take this step"


class NotPermitted(Conflict):
    """The case's state does not permit this. `permits`: what it does."""

    code = "not-permitted-in-state"
    title_zh = "案件的当前状态不允许该操作"
    title_en = "The case's state does not permit this"


class VersionMismatch(Problem):
    """Somebody changed the case since it was read."""

    code = "version-mismatch"
    status = 412
    title_zh = "案件已被他人更新，请刷新后重试"
    title_en = "The case has changed since it was read; read it again"


class ServiceInvalid(Invalid):
    """This is not how the law lets a document be served."""

    code = "service-invalid"
    title_zh = "送达记录不符合法定要求"
    title_en = "The record of service does not meet the law"


class PointAnswered(Conflict):
    """The point has another reply already."""

    code = "point-answered"
    title_zh = "该点已有答复"
    title_en = "The point has been answered"


class WaiverNotInWriting(Invalid):
    """Nobody gives up being heard but in their own writing (行政处罚法 45): `document` names the paper."""

    code = "waiver-not-in-writing"
    title_zh = "放弃或结束陈述申辩须有当事人签字的书面材料"
    title_en = "To waive, or to say that nothing more follows, takes a paper that the person signed"


class CertificateNeeded(Forbidden):
    """Only somebody with an enforcement certificate does this."""

    code = "certificate-needed"
    title_zh = "须由持行政执法证的人员办理"
    title_en = "The person must hold an enforcement certificate"
