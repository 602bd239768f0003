"""What can go wrong with a backup or a restore, in words an operator can act on."""

from storage.problems import Problem


class BackupFailed(Problem):
    """The backup could not be made; nothing that looks like one was left."""

    code = "backup-failed"
    status = 500
    title_zh = "备份失败，未留下可用的备份"
    title_en = "The backup failed; none was left behind"


class BackupDamaged(Problem):
    """A folder is no backup, or not the backup it was."""

    code = "backup-damaged"
    status = 422
    title_zh = "备份不完整或已损坏"
    title_en = "The backup is incomplete or damaged"


class RestoreRefused(Problem):
    """The restore was not begun: nothing was changed."""

    code = "restore-refused"
    status = 409
    title_zh = "未开始恢复，未作任何改动"
    title_en = "The restore was not begun; nothing was changed"


class RestoreFailed(Problem):
    """The restore stopped on its way; the database is not served until it is run again."""

    code = "restore-failed"
    status = 500
    title_zh = "恢复中断；重新执行恢复之前，系统不会提供服务"
    title_en = "The restore stopped; nothing is served until it is run again"


class ToolsUnusable(Problem):
    """The PostgreSQL client programs are missing or too old."""

    code = "postgres-tools-unusable"
    status = 500
    title_zh = "PostgreSQL 客户端程序不可用"
    title_en = "The PostgreSQL client programs cannot be used"
