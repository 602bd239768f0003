"""What keeps an archive of photographs from going on."""

from storage.problems import Conflict, Invalid, Problem


class PhotoImportRunning(Conflict):
    """An estate has one active archive at a time; `extra.import_id` is the one that stands in the way."""

    code = "photo-import-running"
    title_zh = "该小区已有未完成的照片导入，请先确认或取消"
    title_en = "The estate has an archive of photographs that is not finished: confirm or cancel it first"


class PhotoImportNotReady(Conflict):
    """Only a checked archive can be confirmed, only an unfinished one cancelled."""

    code = "photo-import-not-ready"
    title_zh = "该照片导入当前状态不能进行此操作"
    title_en = "The archive's present state does not allow this"


class ArchiveEmpty(Invalid):
    """Nothing was sent."""

    code = "archive-empty"
    title_zh = "没有收到压缩包"
    title_en = "No archive was received"


class ArchiveTooLarge(Problem):
    """More bytes than an archive may have."""

    code = "archive-too-large"
    status = 413
    title_zh = "压缩包过大，上限 512 MB，请分批上传"
    title_en = "The archive is larger than 512 MB: hand it in in parts"
