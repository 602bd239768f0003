"""`Idempotency-Key`: a request that creates something is done once, however often it is sent.

It applies to every guarded POST that answers 201 and is given by path, query and JSON. The whole request becomes one
transaction: the thing, its audit rows and the answer stand together or not at all. So a cut connection costs nothing:
the same request again gets the same answer, marked `Idempotent-Replayed: true`.
"""

import functools
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.serialization import encode_json
from litestar.status_codes import HTTP_201_CREATED

from api.access import UnitOfWork
from storage.requests import answers

Handler = Callable[..., Awaitable[Any]]
NOT_CONTENT = {"work", "state"}
UNSUITED = {"request", "body", "socket"}
"""Handlers with one of these read a body of their own: pictures and files, which are PUTs or name themselves."""


class Answer(msgspec.Struct, array_like=True):
    """An answer as it is stored."""

    status: int
    headers: dict[str, str]
    body: bytes
    media_type: str = "application/json"


def suits(handler: HTTPRouteHandler) -> bool:
    """Whether an Idempotency-Key is heard by a route."""
    parameters = inspect.signature(handler.fn).parameters
    return (
        "POST" in handler.http_methods and handler.status_code == HTTP_201_CREATED
        and "work" in parameters and not UNSUITED & set(parameters)
    )  # fmt: skip


def once(handler: HTTPRouteHandler) -> None:
    """Makes a route hear the key."""
    fn: Handler = handler.fn
    if not suits(handler) or hasattr(fn, "__wrapped__"):
        return
    operation = str(handler.operation_id)

    @functools.wraps(fn)
    async def run(**arguments: Any) -> Any:  # noqa: ANN401 - whatever the handler takes and gives
        work: UnitOfWork = arguments["work"]
        if work.idempotency_key is None:
            return await fn(**arguments)
        content = {name: value for name, value in arguments.items() if name not in NOT_CONTENT}
        request = answers.asked(
            work.context.vault.answer_key, user_id=work.caller.user_id, operation=operation,
            key=work.idempotency_key, content=msgspec.json.encode(content, order="deterministic"),
        )  # fmt: skip
        async with work.transaction() as session:
            before = await answers.begin(session, request, now=work.now)
            if before is not None:
                return _replayed(msgspec.msgpack.decode(before, type=Answer))
            result = await fn(**arguments | {"work": replace(work, session=session)})
            await answers.finish(session, request, msgspec.msgpack.encode(_answer(result)))
        return result

    handler(run)


def _answer(result: Any) -> Answer:  # noqa: ANN401
    if isinstance(result, Response):
        status, headers = result.status_code or HTTP_201_CREATED, dict(result.headers)
        if isinstance(result.content, bytes):  # a file: it goes out as it is
            return Answer(status, headers, result.content, str(result.media_type or "application/octet-stream"))
        return Answer(status, headers, encode_json(result.content))
    return Answer(HTTP_201_CREATED, {}, encode_json(result))


def _replayed(answer: Answer) -> Response[bytes]:
    headers = answer.headers | {"Idempotent-Replayed": "true"}
    return Response(answer.body, status_code=answer.status, headers=headers, media_type=answer.media_type)


def parameter() -> dict[str, Any]:
    """The header, for the OpenAPI document."""
    return {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "同一请求重发时使用同一键（建议 UUID），24 小时内返回首次的结果 / "
        "The same key with the same request gives the first answer again, for 24 hours; use a UUID",
        "schema": {"type": "string", "minLength": 16, "maxLength": 128, "pattern": "^[!-~]+$"},
    }
