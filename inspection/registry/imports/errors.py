"""What keeps a file out."""

from storage.problems import Invalid


class ImportRefused(Invalid):
    """The file has errors and nothing was changed; `extra.report` names them by row and column."""

    code = "import-refused"
    title_zh = "文件有错误，未导入任何内容"
    title_en = "The file has errors; nothing was imported"
