"""What keeps an import from going on."""

from storage.problems import Conflict, Problem


class ImportRunning(Conflict):
    """An estate has one active import at a time; `extra.import_id` is the one that stands in the way."""

    code = "import-running"
    title_zh = "该小区已有未完成的导入，请先确认或取消"
    title_en = "The estate has an import that is not finished: confirm or cancel it first"


class ImportNotReady(Conflict):
    """Only a checked import without errors can be confirmed, only an unfinished one cancelled."""

    code = "import-not-ready"
    title_zh = "该导入当前状态不能进行此操作"
    title_en = "The import's present state does not allow this"


class ImportFileGone(Problem):
    """The file was destroyed: it is kept for a week."""

    code = "import-file-gone"
    status = 410
    title_zh = "导入文件已过保存期并销毁"
    title_en = "The file was destroyed when its week was over"
