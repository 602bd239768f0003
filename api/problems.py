"""Every error of the API is a problem document (RFC 9457) with a stable code and titles in Chinese and English."""

import logging
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import (
    ClientException,
    HTTPException,
    MethodNotAllowedException,
    NotFoundException,
    SerializationException,
    TooManyRequestsException,
    ValidationException,
)
from litestar.types import ExceptionHandlersMap
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from storage.objects.service import ObjectDamaged
from storage.objects.store import ObjectMissing, StoreFailed
from storage.problems import Conflict, Invalid, NotFound, Problem

log = logging.getLogger("ruhu.api")

MEDIA_TYPE = "application/problem+json"
INTEGRITY_VIOLATION = "23"  # SQLSTATE class: somebody else was faster, or refers to this
DATA_EXCEPTION = "22"  # SQLSTATE class: a value that a column cannot hold, a NUL in a text for example


class ProblemDocument(msgspec.Struct, kw_only=True, omit_defaults=True):
    """RFC 9457 problem. `code` is stable; `title_zh` and `title_en` belong to the code, the details to the occasion."""

    code: str
    status: int
    title: str
    title_zh: str
    title_en: str
    type: str = "about:blank"
    detail: str = ""
    detail_zh: str = ""
    detail_en: str = ""
    errors: list[dict[str, Any]] = []
    extra: dict[str, Any] = {}


class Unauthenticated(Problem):
    """No valid access token."""

    code = "unauthenticated"
    status = 401
    title_zh = "请先登录"
    title_en = "Sign in first"


class InvalidRequest(Problem):
    """The request does not have the form the route asks for."""

    code = "invalid-request"
    status = 400
    title_zh = "请求格式有误"
    title_en = "The request is not of the right form"


class MethodNotAllowed(Problem):
    """The address exists, not for this method."""

    code = "method-not-allowed"
    status = 405
    title_zh = "不支持此请求方法"
    title_en = "Method not allowed"


class TooLarge(Problem):
    """The body is larger than the route takes."""

    code = "body-too-large"
    status = 413
    title_zh = "上传内容过大"
    title_en = "The body is too large"


class TooManyRequests(Problem):
    """Too many requests in a short time."""

    code = "too-many-requests"
    status = 429
    title_zh = "请求过于频繁，请稍后再试"
    title_en = "Too many requests, try again later"


class HostUnknown(Problem):
    """The Host header names no name of this server (RUHU_PUBLIC_HOSTS)."""

    code = "host-unknown"
    status = 400
    title_zh = "请求的主机名不属于本系统"
    title_en = "The server is not known by this name"


class DatabaseUnavailable(Problem):
    """The database did not do it; nothing was stored."""

    code = "database-unavailable"
    status = 503
    title_zh = "数据库暂不可用，本次操作未保存，请稍后重试"
    title_en = "The database is unavailable; nothing was stored, try again"


class StoreUnavailable(Problem):
    """The object store did not do it; nothing was stored."""

    code = "store-unavailable"
    status = 503
    title_zh = "文件存储暂不可用，本次上传未保存，请保留原件并稍后重试"
    title_en = "The object store is unavailable; nothing was stored, keep the original and try again"


class DamagedObject(Problem):
    """The bytes of a stored object are not those that were stored."""

    code = "object-damaged"
    status = 500
    title_zh = "文件内容已损坏，无法读取，请联系管理员从备份恢复"
    title_en = "The stored file is damaged and cannot be read; ask an administrator to restore it from a backup"


def document(problem: Problem, *, errors: list[dict[str, Any]] | None = None) -> ProblemDocument:
    """The problem as it is sent."""
    return ProblemDocument(
        code=problem.code,
        status=problem.status,
        title=f"{problem.title_zh} / {problem.title_en}",
        title_zh=problem.title_zh,
        title_en=problem.title_en,
        detail=" / ".join(filter(None, (problem.detail_zh, problem.detail_en))),
        detail_zh=problem.detail_zh,
        detail_en=problem.detail_en,
        errors=errors or [],
        extra=problem.extra,
    )


def respond(problem: Problem, *, errors: list[dict[str, Any]] | None = None) -> Response[ProblemDocument]:
    """A response that carries the problem."""
    headers = {"WWW-Authenticate": "Bearer"} if problem.status == 401 else {}
    if problem.status in {429, 503}:
        headers["Retry-After"] = str(problem.extra.get("retry_after", 5))
    return Response(
        document(problem, errors=errors), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers
    )


def respond_bytes(problem: Problem) -> bytes:
    """The body of a problem that is answered before the framework is asked."""
    return msgspec.json.encode(document(problem))


def on_problem(_: Request[Any, Any, Any], error: Problem) -> Response[ProblemDocument]:
    """Our own problems say everything themselves."""
    return respond(error)


def on_validation(_: Request[Any, Any, Any], error: ValidationException) -> Response[ProblemDocument]:
    """A body or parameter of the wrong form: the fields at fault, never their values."""
    faults = error.extra if isinstance(error.extra, list) else []
    errors = [
        {
            "field": str(fault.get("key", "")),
            "message": str(fault.get("message", "")),
            "in": str(fault.get("source", "")),
        }
        for fault in faults
        if isinstance(fault, dict)
    ]
    return respond(InvalidRequest("请求内容不符合接口要求", "The request does not match the interface"), errors=errors)


def on_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[ProblemDocument]:
    """The framework's own errors, by their status."""
    match error:
        case NotFoundException():
            return respond(NotFound("没有这个地址", "No such address"))
        case MethodNotAllowedException():
            return respond(MethodNotAllowed())
        case TooManyRequestsException():
            return respond(TooManyRequests())
        case _ if error.status_code == 413:
            return respond(TooLarge())
        case ClientException() | SerializationException():
            return respond(InvalidRequest("请求体无法解析", "The body cannot be read"))
        case _:
            log.error("http error %s", error.status_code)
            return respond(Problem())


def on_database(request: Request[Any, Any, Any], error: DBAPIError | PoolTimeout) -> Response[ProblemDocument]:
    """A failing database is a 5xx, unless the content was at fault; the log gets the kind of error and no values."""
    state: str = getattr(getattr(error, "orig", None), "sqlstate", None) or ""
    if state.startswith(INTEGRITY_VIOLATION):
        return respond(Conflict("与已有记录冲突，未保存", "In conflict with what is stored; nothing was stored"))
    if state.startswith(DATA_EXCEPTION):
        return respond(Invalid("内容含有无法保存的字符或数值", "A character or number in the content cannot be stored"))
    log.error(
        "database error %s at %s", type(getattr(error, "orig", error)).__name__, request.scope.get("path_template")
    )
    return respond(DatabaseUnavailable())


def on_store(_: Request[Any, Any, Any], error: StoreFailed) -> Response[ProblemDocument]:
    """The object store is down or full."""
    log.error("object store failed: %s", error)
    return respond(StoreUnavailable())


def on_damaged_object(_: Request[Any, Any, Any], error: ObjectDamaged) -> Response[ProblemDocument]:
    """An object that does not open; its number is what an administrator needs."""
    log.error("%s", error)
    return respond(DamagedObject(object_id=str(error.object_id)))


def on_missing_object(_: Request[Any, Any, Any], _error: ObjectMissing) -> Response[ProblemDocument]:
    """An object that was destroyed, by retention or erasure."""
    return respond(NotFound("文件已按规定删除或不存在", "The object was destroyed or does not exist"))


def on_anything(request: Request[Any, Any, Any], error: Exception) -> Response[ProblemDocument]:
    """A fault of ours: no stack trace leaves the house, and no value enters the log."""
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = f"{where.tb_frame.f_code.co_filename}:{where.tb_lineno}" if where is not None else "?"
    log.error("%s at %s in %s", type(error).__name__, place, request.scope.get("path_template"))
    return respond(Problem())


def handlers() -> ExceptionHandlersMap:
    """The exception handlers of the app."""
    return {
        Problem: on_problem,
        ValidationException: on_validation,
        HTTPException: on_http,
        DBAPIError: on_database,
        PoolTimeout: on_database,
        StoreFailed: on_store,
        ObjectMissing: on_missing_object,
        ObjectDamaged: on_damaged_object,
        Exception: on_anything,
    }
