"""Whether the process lives and can serve."""

from typing import Any

import msgspec
from litestar import get
from litestar.datastructures import State
from sqlalchemy import text

from api.context import Context
from storage.database import EstateScope, Role
from storage.problems import Problem


class Health(msgspec.Struct, kw_only=True):
    """`status` is "ok" where this answers at all."""

    status: str = "ok"


class NotReady(Problem):
    """The process lives, and cannot serve yet or any more."""

    code = "not-ready"
    status = 503
    title_zh = "服务尚未就绪"
    title_en = "Not ready"


@get("/healthz", tags=["operation"], operation_id="health", summary="存活检查 / Liveness")
async def health() -> Health:
    """The process answers."""
    return Health()


@get("/readyz", tags=["operation"], operation_id="ready", summary="就绪检查 / Readiness")
async def ready(state: State) -> Health:
    """The database answers too."""
    context: Context = state.context
    try:
        async with context.database.transaction(Role.APP, EstateScope(())) as session:
            await session.execute(text("SELECT 1"))
    except Exception:  # noqa: BLE001 - whatever the reason, the answer is the same
        raise NotReady from None
    return Health()


@get(
    "/api/v1/openapi.json",
    tags=["operation"],
    operation_id="openapi",
    summary="接口文档 / This interface",
    media_type="application/json",
)
async def openapi_document(state: State) -> dict[str, Any]:
    """The OpenAPI 3.1 document of this server."""
    document: dict[str, Any] = state.openapi_document
    return document


handlers = [health, ready, openapi_document]
