"""Every handler there is: served, guarded or meant to be public, and named once."""

import importlib
import pkgutil
from collections.abc import Iterator

import pytest
from litestar.handlers import HTTPRouteHandler

import api.routes
from api.app import route_handlers
from tests.api.test_access import NAMES, OPERATIONS, PUBLIC


def declared() -> Iterator[tuple[str, HTTPRouteHandler]]:
    """Every handler that a module of `api.routes` defines, exported or not."""
    for module in pkgutil.iter_modules(api.routes.__path__):
        for value in vars(importlib.import_module(f"api.routes.{module.name}")).values():
            if isinstance(value, HTTPRouteHandler):
                yield module.name, value


@pytest.mark.asvs("v5.0.0-6.3.4")
def test_every_handler_is_served_and_guarded_or_meant_to_be_public() -> None:
    served = {id(handler) for handler in route_handlers()}
    for module, handler in declared():
        assert id(handler) in served, (module, handler.operation_id)
        guards = [guard for guard in handler.guards or () if getattr(guard, "allowed_roles", None)]
        assert len(guards) == (0 if handler.operation_id in PUBLIC else 1), (module, handler.operation_id)
        assert handler.include_in_schema is not False, (module, handler.operation_id)
    assert {handler.operation_id for _, handler in declared()} == set(NAMES)


@pytest.mark.asvs("v5.0.0-13.4.5")
def test_every_operation_is_named_once_and_every_public_one_is_meant_to_be() -> None:
    assert len(set(NAMES)) == len(NAMES)
    public = {operation["operationId"] for _, _, operation in OPERATIONS if "security" not in operation}
    assert public == PUBLIC
