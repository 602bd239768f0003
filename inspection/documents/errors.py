"""What may be wrong with a request about documents."""

from storage.problems import Conflict, Invalid, NotFound, Problem


class DocumentNotFound(NotFound):
    """No such document in scope."""

    code = "document-not-found"
    title_zh = "未找到该文书，或不在您的管辖范围内"
    title_en = "No such document, or outside your scope"


class DocumentIncomplete(Conflict):
    """Something that the document must say is not known. `missing`: all of it."""

    code = "document-incomplete"
    title_zh = "文书缺少必备内容"
    title_en = "The document lacks something that it must say"


class WrongStatus(Conflict):
    """An issued document does not change; a draft has no number to make void. `status`: what it is."""

    code = "document-status"
    title_zh = "文书的当前状态不允许该操作"
    title_en = "The document's status does not permit this"


class NotInThisState(Conflict):
    """A document of this kind has no place in the case's present state. `states`: where it has."""

    code = "document-not-in-state"
    title_zh = "案件的当前状态不能制作该文书"
    title_en = "The case's state has no document of this kind"


class AlreadyReplaced(Conflict):
    """One void document is replaced by one other; a draft that was discarded does not count."""

    code = "document-replaced"
    title_zh = "该文书已有替代文书或替代草稿"
    title_en = "Another document or draft replaces this one already"


class DocumentInUse(Conflict):
    """It was served: what a person holds in their hands is not made void behind their back."""

    code = "document-served"
    title_zh = "文书已送达，不能作废"
    title_en = "The document has been served and cannot be made void"


class DraftChanged(Problem):
    """What would be issued is not what was looked at."""

    code = "draft-changed"
    status = 412
    title_zh = "草稿内容已变化，请重新预览后签发"
    title_en = "The draft has changed since it was looked at; preview it again"


class CharacterMissing(Invalid):
    """No font has a character: the document would show an empty box."""

    code = "character-missing"
    title_zh = "文书中有无法显示的字符"
    title_en = "A character in the document cannot be shown"


class DesignatorTaken(Conflict):
    """Two authorities with the same characters would give the same numbers."""

    code = "designator-taken"
    title_zh = "该机关代字已被其他机关使用"
    title_en = "Another authority uses these characters"


class ListTooLong(Invalid):
    """More rows than a list may have; narrow the period or the estates."""

    code = "list-too-long"
    title_zh = "清单行数超过上限，请缩小范围"
    title_en = "The list has too many rows; narrow it"
