"""Which article stands behind which step and which violation: data, for forms to propose and people to confirm.

办法 = 公共租赁住房管理办法 (住房和城乡建设部令第11号). Local rules are added by an authority in the step itself.
"""

from typing import Final

from inspection.cases.vocabulary import Action, Violation

VIOLATION_ARTICLES: Final[dict[Violation, tuple[str, ...]]] = {
    Violation.SUBLET: ("公共租赁住房管理办法第二十七条第一款第一项", "公共租赁住房管理办法第三十六条"),
    Violation.LEND: ("公共租赁住房管理办法第二十七条第一款第一项", "公共租赁住房管理办法第三十六条"),
    Violation.SWAP: ("公共租赁住房管理办法第二十七条第一款第一项", "公共租赁住房管理办法第三十六条"),
    Violation.CHANGE_OF_USE: ("公共租赁住房管理办法第二十七条第一款第二项", "公共租赁住房管理办法第三十六条"),
    Violation.ALTERATION: ("公共租赁住房管理办法第二十七条第一款第三项", "公共租赁住房管理办法第三十六条"),
    Violation.ILLEGAL_ACTIVITY: ("公共租赁住房管理办法第二十七条第一款第四项", "公共租赁住房管理办法第三十六条"),
    Violation.VACANT: ("公共租赁住房管理办法第二十七条第一款第五项", "公共租赁住房管理办法第三十六条"),
    Violation.ARREARS: ("公共租赁住房管理办法第二十九条",),
    Violation.EXPIRED: ("公共租赁住房管理办法第三十条",),
    Violation.INELIGIBLE: ("公共租赁住房管理办法第三十一条",),
    Violation.FRAUD: ("公共租赁住房管理办法第三十五条",),
}

ACTION_ARTICLES: Final[dict[Action, tuple[str, ...]]] = {
    Action.REGISTER: ("行政处罚法第五十四条",),
    Action.START_VERIFYING: ("行政处罚法第四十二条", "行政处罚法第五十五条"),
    Action.FIND_UNFOUNDED: ("行政处罚法第四十条",),
    Action.SUBSTANTIATE: ("行政处罚法第四十条", "行政处罚法第四十二条", "行政处罚法第五十四条"),
    Action.RECTIFY_ON_SPOT: ("行政处罚法第二十八条", "行政处罚法第三十三条"),
    Action.GIVE_NOTICE: ("行政处罚法第四十四条", "行政处罚法第四十一条"),
    Action.OPEN_REPRESENTATION: ("行政处罚法第四十五条", "行政处罚法第六十一条"),
    Action.REVIEW: ("行政处罚法第四十五条", "行政处罚法第六十二条"),
    Action.ORDER_RECTIFICATION: ("行政处罚法第二十八条", "行政处罚法第五十七条"),
    Action.NO_PENALTY: ("行政处罚法第三十三条", "行政处罚法第四十条", "行政处罚法第五十七条"),
    Action.START_RECTIFYING: ("行政处罚法第二十八条", "行政处罚法第六十一条"),
}
"""Proposed articles of a step; a step that is absent rests on the authority's own working rules."""
