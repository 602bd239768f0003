"""What routes show of people that the law wants accounted for: each such view is logged with purpose and reason.

Source: 公共安全视频图像信息系统管理条例 16；个人信息保护法 28、51、54. A route says so by `opt=shows(…)`; a test calls
each of them and looks for the audit row, another looks for routes that show such a thing and do not say so.
"""

from enum import StrEnum

QUEUE = "办理待核查清单 / work on the queue"
"""The reason of a view that the office's daily work consists of: nobody is asked for it again and again."""


class Shown(StrEnum):
    """What is seen."""

    FACE = "face"
    NUMBER = "number"
    TRAIL = "trail"


def shows(what: Shown) -> dict[str, str]:
    """The `opt` of a handler that shows such a thing."""
    return {"views": what.value}
