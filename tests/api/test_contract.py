"""What the OpenAPI document promises is what the server answers: schemathesis makes the requests and checks answers.

No answer is a fault of ours, of an undocumented status or content type, or of another shape than documented. Every
operation is asked by somebody whose role allows it (manager, else administrator, else the first one) and by nobody.
Ids in paths and bodies are those of a furnished estate, mixed with made-up ones. The requests are the same in each
run; `python -m tests.api.contract --examples 300 [--seed N]` makes more and others.

schemathesis's plugin for pytest stays switched off: importing it through pytest's rewriting of assertions crashes some
builds of Python 3.11. As a library it works.
"""

import asyncio
import base64
import hashlib
import os
import uuid
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.transport.requests import binary_serializer

from inspection.users.models import ScopeLevel, UserRole
from storage.database import Database
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.api.conftest import Server, signed_in
from tests.api.furnished import furnish
from tests.api.test_access import DOCUMENT, NAMES, OPERATIONS, request_for
from tests.factories import make_world

DISTRICT = "999911"
EXAMPLES = int(os.environ.get("RUHU_CONTRACT_EXAMPLES", "2"))
SEED = int(os.environ.get("RUHU_CONTRACT_SEED", "20260302"))
CHECKS: list[Any] = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
]  # fmt: skip
schemathesis.serializer("application/zip")(binary_serializer)  # it knows no archives
LOADED = schemathesis.openapi.from_dict(DOCUMENT)
BY_NAME = {found.ok().definition.raw["operationId"]: found.ok() for found in LOADED.get_all_operations()}
STREAMS = {
    operation["operationId"]
    for _, _, operation in OPERATIONS
    if any("text/event-stream" in answer.get("content", {}) for answer in operation["responses"].values())
}
ENDING = {"signOut", "revokeSession", "revokeOtherSessions", "disableUser", "revokeRole", "changePassword"}
"""These may end the log-in that asks: each request of theirs is somebody else's."""


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(server: Server, database: Database, vault: Vault, objects: Objects) -> dict[str, str]:
    now = server.clock.now()
    world = await make_world(database, vault, now=now, division_code=f"{DISTRICT}001001")
    return await furnish(database, world, now=now, vault=vault, objects=objects)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def clients(server: Server, database: Database) -> AsyncIterator[dict[str, httpx.AsyncClient]]:
    found = {str(role): await signed_in(server, database, role, ScopeLevel.DISTRICT, DISTRICT) for role in UserRole}
    yield found
    for client in found.values():
        await client.aclose()


@pytest.fixture(scope="module")
def session() -> Iterator[requests.Session]:
    with requests.Session() as found:
        found.trust_env = False
        yield found


def with_real_ids(value: Any, place: dict[str, str], name: str = "") -> Any:
    """The value with ids of the furnished estate in the places that bear their names."""
    if isinstance(value, dict):
        return {key: with_real_ids(inner, place, key) for key, inner in value.items()}
    if isinstance(value, list):
        return [with_real_ids(inner, place, name.removesuffix("s")) for inner in value]
    return place[name] if isinstance(value, str) and name in place and is_id(value) else value


def is_id(value: str) -> bool:
    try:
        uuid.UUID(value)
    except ValueError:
        return False
    return True


def ask(session: requests.Session, base_url: str, case: Any, headers: dict[str, str]) -> None:
    """Sends a made request and holds the answer against the document."""
    case.headers = {**(case.headers or {}), **headers}
    prepared = session.prepare_request(requests.Request(**kept(case.as_transport_kwargs(base_url=base_url))))
    if case.method == "PUT":
        body = prepared.body or b""
        content = body.encode() if isinstance(body, str) else bytes(body)
        prepared.headers["Content-Digest"] = f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
    response = session.send(prepared, timeout=60, allow_redirects=False)
    case.validate_response(response, checks=CHECKS)


def kept(arguments: dict[str, Any]) -> dict[str, Any]:
    """What a request is made of; the rest is about sending."""
    return {k: v for k, v in arguments.items() if k in {"method", "url", "headers", "params", "data", "json", "files"}}


def work(
    session: requests.Session, base_url: str, name: str, place: dict[str, str], token: Callable[[], str | None],
    *, mode: GenerationMode, examples: int,
) -> None:  # fmt: skip
    """Asks one operation many times; raises at the first answer that breaks a promise."""

    @seed(SEED)
    @settings(
        max_examples=examples, database=None, deadline=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=BY_NAME[name].as_strategy(generation_mode=mode), real=st.integers(0, 3))
    def run(case: Any, real: int) -> None:
        if real and case.path_parameters:
            case.path_parameters = {k: place.get(k, v) for k, v in case.path_parameters.items()}
        if real and mode is GenerationMode.POSITIVE:
            case.body = with_real_ids(case.body, place)
            case.query = with_real_ids(dict(case.query or {}), place)
        if real and "If-Match" in (case.headers or {}):
            case.headers["If-Match"] = "*"
        bearer = token()
        ask(session, base_url, case, {} if bearer is None else {"Authorization": f"Bearer {bearer}"})

    run()


def test_every_operation_is_known() -> None:
    assert set(BY_NAME) == set(NAMES)


@pytest.mark.asvs("v5.0.0-2.2.1")
@pytest.mark.asvs("v5.0.0-4.1.1")
@pytest.mark.asvs("v5.0.0-15.3.1")
@pytest.mark.parametrize("entry", OPERATIONS, ids=NAMES)
@pytest.mark.asvs("v5.0.0-1.2.3")
async def test_answers_are_as_documented(
    server: Server, database: Database, session: requests.Session, place: dict[str, str],
    clients: dict[str, httpx.AsyncClient], entry: tuple[str, str, dict[str, Any]],
) -> None:  # fmt: skip
    method, path, operation = entry
    name = operation["operationId"]
    await asyncio.to_thread(
        work, session, server.base_url, name, place, lambda: None, mode=GenerationMode.POSITIVE,
        examples=max(1, EXAMPLES // 5),
    )  # fmt: skip
    if name in STREAMS or "security" not in operation:
        return
    role = next(role for role in ("manager", "administrator", *clients) if role in operation["x-roles"])
    loop = asyncio.get_running_loop()

    def token() -> str:
        if name not in ENDING:
            return str(clients[role].headers["authorization"].split()[1])
        made = asyncio.run_coroutine_threadsafe(
            signed_in(server, database, UserRole(role), ScopeLevel.DISTRICT, DISTRICT), loop
        ).result()
        return str(made.headers["authorization"].split()[1])

    plain = request_for(method, path, operation, place)
    case = BY_NAME[name].Case(path_parameters={k: place[k] for k in BY_NAME_PATHS[name] if k in place} or None)
    url = plain["url"]
    answer = await asyncio.to_thread(
        lambda: session.request(
            method, f"{server.base_url}{url}", params=plain["params"], data=plain["content"],
            headers=plain["headers"] | {"Authorization": f"Bearer {token()}"}, timeout=60, allow_redirects=False,
        )
    )  # fmt: skip
    case.validate_response(answer, checks=CHECKS)
    for mode in GenerationMode if has_input(operation) else ():
        await asyncio.to_thread(
            work, session, server.base_url, name, place, token, mode=mode, examples=EXAMPLES
        )  # fmt: skip


BY_NAME_PATHS = {
    operation["operationId"]: [p["name"] for p in operation.get("parameters", ()) if p["in"] == "path"]
    for _, _, operation in OPERATIONS
}


def has_input(operation: dict[str, Any]) -> bool:
    return bool(operation.get("parameters") or operation.get("requestBody"))
