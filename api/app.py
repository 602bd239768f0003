"""The HTTP app for people."""

import importlib
import pkgutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from litestar import Litestar
from litestar.datastructures import State
from litestar.di import Provide
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.types import ControllerRouterHandler

import api.routes
from api import hygiene, openapi
from api.access import provide_work
from api.condition import StoreWatch
from api.context import Context
from api.live.hub import Hub
from api.metrics.process import Metrics
from api.observe import Observed
from api.once import once
from api.problems import handlers as problem_handlers

BODY_LIMIT = 25 * 1024 * 1024
VERSION = "1.0.0"


def route_handlers() -> list[ControllerRouterHandler]:
    """The handlers of every module in `api.routes`."""
    found: list[ControllerRouterHandler] = []
    for module in sorted(m.name for m in pkgutil.iter_modules(api.routes.__path__)):
        found += importlib.import_module(f"api.routes.{module}").handlers
    for handler in found:
        if isinstance(handler, HTTPRouteHandler):
            once(handler)
    return found


def make_app(context: Context, *, lifespan: Sequence[Any] = ()) -> Litestar:
    """The app over an opened context; closing the context is the caller's."""

    live, metrics = Hub(context.database.urls), Metrics(context.database)
    metrics.number("ruhu_live_streams", "Open streams of events", lambda: len(live.watchers))

    @asynccontextmanager
    async def close_pools(_: Litestar) -> AsyncIterator[None]:
        yield
        await live.stop()
        await context.database.dispose()

    app = Litestar(
        route_handlers=route_handlers(),
        dependencies={"work": Provide(provide_work, sync_to_thread=False)},
        exception_handlers=problem_handlers(),
        state=State(
            {
                "context": context,
                "live": live,
                "metrics": metrics,
                "store_watch": StoreWatch(context.objects),
                "began": {},
            }
        ),
        lifespan=[close_pools, *lifespan],
        before_send=[hygiene.add_headers],
        request_max_body_size=BODY_LIMIT,
        openapi_config=OpenAPIConfig(
            title="Ruhu 入户", version=VERSION, description=openapi.DESCRIPTION, use_handler_docstrings=True, path=None
        ),
        logging_config=None,
    )
    app.state.openapi_document = openapi.build(app)
    guarded = hygiene.guard_house(app.asgi_handler, public_hosts=context.settings.sign_in.public_hosts)
    app.asgi_handler = Observed(guarded, metrics)
    return app
