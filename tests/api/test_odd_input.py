"""An odd value in each field and parameter: a problem with a code in both languages, never a fault of ours."""

import base64
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from inspection.users.models import ScopeLevel, UserRole
from storage.database import Database
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.api.conftest import Server, signed_in
from tests.api.examples import Examples
from tests.api.furnished import furnish
from tests.api.test_access import DOCUMENT, GUARDED, named, request_for
from tests.factories import make_world

DISTRICT = "999907"
ODD: dict[str, tuple[Any, ...]] = {
    "date-time": ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-03-02T01:00:00"),
    "date": ("0001-01-01", "9999-12-31"),
    "string": ("a\x00b",),
    "integer": (10**30,),
    "number": (1e308,),
    "object": ({"a\x00b": "a\x00b"},),
}
ENDING = {"signOut", "disableUser", "revokeRole"}  # these would end what the other requests need


class Whole(Examples):
    """Objects with every field, lists with one item."""

    def of_object(self, schema: dict[str, Any], name: str) -> dict[str, Any]:
        del name
        return {key: self.value(inner, key) for key, inner in schema.get("properties", {}).items()}

    def of_array(self, schema: dict[str, Any], name: str) -> list[Any]:
        return super().of_array(schema, name) or [self.value(schema.get("items", {}), name)]


def real(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without its reference and without null."""
    while True:
        if "$ref" in schema:
            schema = DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
        elif choices := [
            part for key in ("oneOf", "anyOf") for part in schema.get(key, ()) if part != {"type": "null"}
        ]:
            schema = choices[0]
        else:
            return schema


def odd_values(schema: dict[str, Any]) -> tuple[Any, ...]:
    """What nobody would send in such a place."""
    if "enum" in schema or "const" in schema or schema.get("format") == "uuid":
        return ()
    kinds = schema.get("type", "object")
    kind = kinds if isinstance(kinds, str) else next(k for k in kinds if k != "null")
    return ODD.get(schema.get("format", ""), ODD.get(kind, ()))


def spoiled(schema: dict[str, Any], value: Any) -> Iterator[Any]:
    """The value with one thing in it replaced by something odd."""
    schema = real(schema)
    if isinstance(value, dict) and schema.get("properties"):
        for key, inner in value.items():
            for odd in spoiled(schema["properties"][key], inner):
                yield value | {key: odd}
    elif isinstance(value, list) and value:
        for odd in spoiled(schema.get("items", {}), value[0]):
            yield [odd, *value[1:]]
    else:
        yield from odd_values(schema)


def check(answer: httpx.Response, what: Any) -> None:
    assert answer.status_code < 500, (what, answer.text)
    if answer.status_code >= 400:
        problem = answer.json()
        assert all(problem[name] for name in ("code", "title_zh", "title_en")), (what, problem)


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


TRIED = [entry for entry in GUARDED if entry[2]["operationId"] not in ENDING]


@pytest.mark.parametrize(("method", "path", "operation"), TRIED, ids=named(TRIED))
@pytest.mark.asvs("v5.0.0-1.2.4")
@pytest.mark.asvs("v5.0.0-1.4.2")
@pytest.mark.asvs("v5.0.0-2.2.1")
@pytest.mark.asvs("v5.0.0-2.2.2")
@pytest.mark.asvs("v5.0.0-15.3.5")
async def test_odd_input_is_the_callers_fault(
    clients: dict[str, httpx.AsyncClient], place: dict[str, str], method: str, path: str, operation: dict[str, Any]
) -> None:
    client = clients[next(role for role in ("manager", *clients) if role in operation["x-roles"])]
    base = request_for(method, path, operation, place)
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "query":
            for odd in odd_values(real(parameter["schema"])):
                check(await client.request(**base | {"params": base["params"] | {parameter["name"]: odd}}), parameter)
    if base["headers"].get("Content-Type") != "application/json":
        return
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    for body in spoiled(schema, Whole(DOCUMENT, place).value(schema)):
        content = json.dumps(body).encode()
        headers = dict(base["headers"])
        if method == "PUT":
            headers["Content-Digest"] = f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
        check(await client.request(**base | {"content": content, "headers": headers}), body)
