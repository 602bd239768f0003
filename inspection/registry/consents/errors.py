"""What can be wrong with bases and consents."""

from storage.problems import Conflict, Invalid, Problem


class NoProcessingBasis(Problem):
    """The estate has no basis in force for the purpose: nothing may be processed for it."""

    code = "no-processing-basis"
    status = 403
    title_zh = "该小区没有此用途的有效处理依据，不得处理个人信息"
    title_en = "The estate has no processing basis in force for this purpose"


class BasisEnded(Conflict):
    """The basis was withdrawn or has expired."""

    code = "basis-ended"
    title_zh = "该处理依据已终止"
    title_en = "The basis has ended"


class NoticeOutdated(Conflict):
    """Consent to a notice that is not the current one tells nothing (个人信息保护法 14, 17)."""

    code = "notice-outdated"
    title_zh = "告知书不是现行版本，请以现行版本重新告知"
    title_en = "The notice is not the current version: tell the person again by the current one"


class GuardianRequired(Invalid):
    """Under 14 a parent or other guardian consents (个人信息保护法 31; 人脸识别技术应用安全管理办法 7)."""

    code = "guardian-required"
    title_zh = "未满14周岁，须由监护人同意"
    title_en = "Under 14, a guardian has to consent"


class NotTheGuardian(Invalid):
    """Whoever consented is not the registered guardian, or is no adult."""

    code = "not-the-guardian"
    title_zh = "同意人不是登记的监护人，或未成年"
    title_en = "Whoever consented is not the registered guardian, or is not an adult"


class AgeUnknown(Invalid):
    """Without a birth date nobody can tell who has to consent."""

    code = "age-unknown"
    title_zh = "未登记出生日期，无法判断应由谁同意"
    title_en = "No birth date is registered, so it is unknown who has to consent"


class ConsentWithdrawn(Conflict):
    """The consent has ended already."""

    code = "consent-ended"
    title_zh = "该同意已终止"
    title_en = "The consent has ended already"
