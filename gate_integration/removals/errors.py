"""What can be wrong with a removal."""

from storage.problems import Conflict


class RemovalConfirmed(Conflict):
    """It was confirmed or withdrawn already."""

    code = "removal-confirmed"
    title_zh = "该删除任务已确认或已撤回"
    title_en = "The removal was confirmed or withdrawn already"
