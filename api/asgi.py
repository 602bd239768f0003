"""The one ASGI app of `ruhu serve`: device routes go to the gate's own app, everything else to Litestar.

Devices need what a web framework denies them (decisions/0004): so their routes never pass through it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from api.app import make_app
from api.house import House
from api.metrics.facts import Facts
from api.metrics.page import MetricsPage
from api.wiring import make_context
from gate_integration.intake.gate_app import make_gate_app
from gate_integration.intake.http_protocol import bad_requests
from gate_integration.intake.intake import Intake

DEVICE_PATHS = ("/gate/",)


class Front:
    """Sends a request to the device side, the metrics or the people side by its path."""

    def __init__(self, *, people: Litestar, devices: ASGIApp, metrics: ASGIApp) -> None:
        self.people = people
        self.devices = devices
        self.metrics = metrics

    def stop(self) -> None:
        """The process is about to end: /readyz says so, streams of events end."""
        self.people.state.live.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] == ScopeType.HTTP and scope["path"].startswith(DEVICE_PATHS):
            await self.devices(scope, receive, send)
        elif scope["type"] == ScopeType.HTTP and scope["path"] == "/metrics":
            await self.metrics(scope, receive, send)
        else:
            await self.people(scope, receive, send)


def make_front(house: House) -> Front:
    """Both apps over one house; the intake starts and stops with the people's app."""
    intake = Intake(
        urls=house.urls, clock=house.clock, vault=house.vault, objects=house.objects, settings=house.settings
    )

    @asynccontextmanager
    async def run_intake(_: Litestar) -> AsyncIterator[None]:
        await intake.start()
        try:
            yield
        finally:
            await intake.stop()

    context = make_context(house)
    context.intake_counters = intake.counters.copy
    people = make_app(context, lifespan=[run_intake])
    own = people.state.metrics
    own.count("ruhu_gate_requests", "Requests of devices by how they ended", "verdict", intake.counters.copy)
    own.number("ruhu_gate_bad_requests", "Requests that were no HTTP", bad_requests.total)
    facts = Facts(house.database, house.clock, people.state.store_watch)
    own.registry.register(facts)
    page = MetricsPage(own.registry, token=house.settings.operation.metrics_token, facts=facts)
    return Front(people=people, devices=cast("ASGIApp", make_gate_app(intake)), metrics=page)
