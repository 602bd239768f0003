"""Every route that shows a face, a number or a trail says so, and leaves an audit row with purpose and reason."""

import importlib
import pkgutil
import re
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from litestar.handlers import HTTPRouteHandler
from sqlalchemy import select

import api.routes
from api.views import Shown
from inspection.users.models import ScopeLevel, UserRole
from storage.audit.models import AuditEntry
from storage.database import Database, Role, SystemScope
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.api.conftest import Server, signed_in
from tests.api.furnished import furnish
from tests.api.test_access import OPERATIONS, fields, request_for
from tests.factories import World, make_world
from tests.registry.sheets import adult

DISTRICT = "999907"

# What only such views have in their answers, by the name of a field.
TELLING = {
    "seen_at", "pseudonym", "event_ids", "device_time_text", "credential_kind", "id_number", "phone", "embedding",
    "vector", "sealed_vector",
}  # fmt: skip
# Files, free forms and fields of such a name that show nothing of the kind, each with the reason why.
HARMLESS = {
    "getCaseTable": "the table of transitions, the same for everybody",
    "openapi": "this interface",
    "registryTemplate": "an empty form",
    "photoConsentTemplate": "an empty form",
    "photoImportReport": "what became of each line; numbers masked, no photograph",
    "registryImportProblemSheet": "the caller's own file with remarks; numbers masked",
    "listIssuingAuthorities": "the telephone is an office's",
    "setIssuingAuthority": "the telephone is an office's",
    "getDocumentFile": "a letter to the household itself: no number, face or trail is set in it",
    "exportProblemList": "flats and problems; logged with its reason all the same",
}


def marked() -> Iterator[tuple[str, Shown]]:
    """Operations that say what they show."""
    for module in pkgutil.iter_modules(api.routes.__path__):
        for value in vars(importlib.import_module(f"api.routes.{module.name}")).values():
            if isinstance(value, HTTPRouteHandler) and "views" in value.opt:
                assert value.operation_id is not None
                yield str(value.operation_id), Shown(value.opt["views"])


MARKED = dict(marked())
VIEWS = [entry for entry in OPERATIONS if entry[2]["operationId"] in MARKED]


def test_the_known_views_are_marked() -> None:
    assert MARKED.items() >= {
        "unmask": Shown.NUMBER, "exportRegistry": Shown.NUMBER, "getPhoto": Shown.FACE, "listSightings": Shown.TRAIL,
        "getLeadEvidence": Shown.TRAIL, "listDiscrepancies": Shown.TRAIL, "getDiscrepancy": Shown.TRAIL,
        "listFlaggedUnits": Shown.TRAIL,
    }.items()  # fmt: skip
    assert len(VIEWS) == len(MARKED)


def answers(operation: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Media types and schemas of successful answers."""
    for status, answer in operation["responses"].items():
        if status.startswith("2"):
            yield from ((media, content.get("schema", {})) for media, content in answer.get("content", {}).items())


@pytest.mark.parametrize("operation", [o for _, _, o in OPERATIONS], ids=[o["operationId"] for _, _, o in OPERATIONS])
@pytest.mark.asvs("v5.0.0-8.2.3")
def test_nothing_else_shows_such_a_thing(operation: dict[str, Any]) -> None:
    name = operation["operationId"]
    if name in MARKED or name in HARMLESS:
        return
    for media, schema in answers(operation):
        if media.startswith("application/json"):
            names = set(fields(schema))
            assert not names & TELLING, names & TELLING
            assert names or schema.get("type") in {"array", "string", "null", None} or "$ref" in schema, (
                "a free form: mark it, or say why it is harmless"
            )
        else:
            assert media.startswith("text/"), f"{media}: mark it, or say why it is harmless"


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def place(
    server: Server, database: Database, vault: Vault, objects: Objects
) -> AsyncIterator[tuple[World, dict[str, str], dict[str, httpx.AsyncClient]]]:
    """An estate with one of everything, people with numbers, and somebody of each role."""
    now = server.clock.now()
    world = await make_world(database, vault, now=now, division_code=f"{DISTRICT}001001")
    clients = {str(r): await signed_in(server, database, r, ScopeLevel.DISTRICT, DISTRICT) for r in UserRole}
    known = await furnish(
        database, world, now=now, vault=vault, objects=objects,
        inspector=clients["inspector"].user_id,  # type: ignore[attr-defined]  # set by signed_in
        manager=clients["manager"].user_id,  # type: ignore[attr-defined]  # set by signed_in
    )  # fmt: skip
    made = await clients["manager"].post(
        f"/api/v1/households/{known['household_id']}/members",
        json={"person": {"name": "测试人员", "id_number": adult(7), "phone": "13900000007"}, "role": "co_tenant",
              "valid_from": "2026-03-01"},
    )  # fmt: skip
    assert made.status_code == 201, made.text
    yield world, known | {"person_id": made.json()["person_id"]}, clients
    for client in clients.values():
        await client.aclose()


@pytest.mark.parametrize(
    ("method", "path", "operation"), VIEWS, ids=[operation["operationId"] for _, _, operation in VIEWS]
)
async def test_a_view_is_on_record_with_purpose_and_reason(
    database: Database, place: tuple[World, dict[str, str], dict[str, httpx.AsyncClient]], method: str, path: str,
    operation: dict[str, Any],
) -> None:  # fmt: skip
    world, known, clients = place
    seen = 0
    for role in operation["x-roles"]:
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            before = set(await session.scalars(select(AuditEntry.id)))
        answer = await clients[role].request(**request_for(method, path, operation, known))
        if answer.status_code == 404:  # the task of somebody else
            continue
        assert answer.status_code == 200, (role, answer.text)
        seen += 1
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            found = [
                row
                for row in await session.scalars(
                    select(AuditEntry).where(AuditEntry.actor_user_id == clients[role].user_id)  # type: ignore[attr-defined]  # set by signed_in
                )
                if row.id not in before and row.estate_id == world.estate_id
            ]
        assert found, (role, "no audit row")
        for row in found:
            assert row.purpose, (role, row.action)
            assert row.reason is not None
            assert len(row.reason) >= 2
            assert re.search(r"view|unmask|export", row.action)
    assert seen


@pytest.mark.parametrize("name", sorted(MARKED))
def test_purpose_and_reason_are_asked_for_or_given(name: str) -> None:
    """A queue gives its own reason; every other view asks the person."""
    operation = next(o for _, _, o in OPERATIONS if o["operationId"] == name)
    asked = {p["name"] for p in operation.get("parameters", ()) if p.get("required")}
    for body in operation.get("requestBody", {}).get("content", {}).values():
        asked |= set(fields(body["schema"]))
    if name not in {"listDiscrepancies", "getDiscrepancy", "listFlaggedUnits"}:
        assert asked >= {"purpose", "reason"}


def test_the_harmless_are_there() -> None:
    assert {o["operationId"] for _, _, o in OPERATIONS} >= set(HARMLESS)
