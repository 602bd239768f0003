"""Problems: errors that a caller may see (RFC 9457).

Every folder's `errors.py` subclasses `Problem`; the HTTP edge renders it and OpenAPI declares it.
"""

from typing import Any, ClassVar


class Problem(Exception):
    """An error with a stable code, an HTTP status and titles in Chinese and English.

    `detail_*` say what is wrong this time; `extra` holds further members of the problem document.
    """

    code: ClassVar[str] = "internal-error"
    status: ClassVar[int] = 500
    title_zh: ClassVar[str] = "服务器内部错误"
    title_en: ClassVar[str] = "Internal error"

    def __init__(self, detail_zh: str = "", detail_en: str = "", **extra: Any) -> None:  # noqa: ANN401
        super().__init__(detail_en or self.title_en)
        self.detail_zh = detail_zh
        self.detail_en = detail_en
        self.extra = extra


class NotFound(Problem):
    """Nothing by that name within the caller's scope; a foreign object looks the same as a missing one."""

    code = "not-found"
    status = 404
    title_zh = "未找到该记录，或不在您的管辖范围内"
    title_en = "Not found, or outside your scope"


class Forbidden(Problem):
    """The caller's role does not allow this action."""

    code = "forbidden"
    status = 403
    title_zh = "您的角色无权执行此操作"
    title_en = "Your role does not allow this action"


class Invalid(Problem):
    """The request was understood and its content is wrong."""

    code = "invalid"
    status = 422
    title_zh = "提交的内容有误"
    title_en = "The content is not valid"


class Conflict(Problem):
    """The request contradicts the present state."""

    code = "conflict"
    status = 409
    title_zh = "与当前状态冲突"
    title_en = "In conflict with the present state"
