"""Whether the process lives and can serve."""

import asyncio
import functools
from typing import Any

import msgspec
from litestar import get
from litestar.datastructures import State
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.condition import StoreWatch
from api.context import Context
from storage.database import EstateScope, Role
from storage.deployment import KeyCheck, current_epoch
from storage.migrations import runner
from storage.problems import Problem
from storage.vault.key_check import NAME

LIMIT_S = 5.0


class Health(msgspec.Struct, kw_only=True):
    """`status` is "ok" where this answers at all."""

    status: str = "ok"


class Readiness(msgspec.Struct, kw_only=True):
    """`status`: "ok", or "degraded": everything is answered but what `checks` names, such as pictures.

    Checks are words: "ok", or what is wrong.
    """

    status: str
    checks: dict[str, str]


class NotReady(Problem):
    """The process lives, and cannot serve yet or any more."""

    code = "not-ready"
    status = 503
    title_zh = "服务尚未就绪"
    title_en = "Not ready"


@functools.cache
def revision_needed() -> str:
    """The schema of this code."""
    return runner.newest()


@get("/healthz", tags=["operation"], operation_id="health", summary="存活检查 / Liveness")
async def health() -> Health:
    """The process answers. Nothing else is asked: a database that is down is no reason to start the process again."""
    return Health()


@get("/readyz", tags=["operation"], operation_id="ready", summary="就绪检查 / Readiness", raises=[])
async def ready(state: State) -> Readiness:
    """Whether requests can be sent here. 503 while it cannot serve, or is about to end; `extra.checks` says why."""
    context: Context = state.context
    checks = {"process": "stopping" if state.live.closing else "ok"}
    checks |= await database_checks(context, state)
    checks["recognition"] = "ok" if context.engine.model_hash else "no-models"
    if any(word != "ok" for word in checks.values()):
        raise NotReady(checks=checks)
    store: StoreWatch = state.store_watch
    checks["object_store"] = (await store.state()).reason or "ok"
    return Readiness(status="ok" if checks["object_store"] == "ok" else "degraded", checks=checks)


async def database_checks(context: Context, state: State) -> dict[str, str]:
    """The database, its schema, its key, and that it is the one this process began with."""
    try:
        async with asyncio.timeout(LIMIT_S):
            async with context.database.transaction(Role.APP, EstateScope(())) as session:
                return {"database": "ok"} | await inside(session, context, state)
    except Exception:  # noqa: BLE001 - whatever the reason, the answer is the same
        return {"database": "down"}


async def inside(session: AsyncSession, context: Context, state: State) -> dict[str, str]:
    """What a database that answers says."""
    revision = await session.scalar(text("SELECT version_num FROM alembic_version"))
    restoring = await session.scalar(text("SELECT to_regclass('public.restore_unfinished') IS NOT NULL"))
    key = await session.get(KeyCheck, NAME)
    epoch = await current_epoch(session)
    began = state.began.setdefault("epoch", epoch)
    return {
        "migrations": "ok" if revision == revision_needed() else f"{revision} instead of {revision_needed()}",
        "restore": "unfinished" if restoring else "ok" if began == epoch else "restart-needed",
        "key": "ok" if key is None or key.value in context.vault.check_values.values() else "another-key",
    }


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
