"""Every route is refused to the anonymous, to wrong roles, and from a foreign place; the route list makes the test."""

import base64
import hashlib
import json
import re
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.offline import openapi_document
from inspection.users.models import ScopeLevel, UserGrant, UserRole
from storage.database import Database, EstateScope, Role
from storage.objects.service import Objects
from storage.vault.service import Vault
from tests.api.conftest import Server, signed_in
from tests.api.examples import Examples
from tests.api.furnished import furnish
from tests.factories import World, make_world

DOCUMENT = openapi_document()
PUBLIC = {"signIn", "refreshSession", "health", "ready", "openapi"}
# These are about the caller or about users, who belong to no estate: there is no foreign place to ask from.
PLACELESS = {
    "signOut", "whoAmI", "listUsers", "createUser", "grantRole", "revokeRole", "disableUser", "listSessions",
    "endSession", "endOtherSessions", "listUserSessions", "endUserSessions", "changePassword", "getSecondFactor",
    "beginSecondFactor", "confirmSecondFactor", "renewRecoveryCodes", "resetSecondFactor", "resetPassword",
    "listProposals", "confirmProposal", "withdrawProposal", "listIssuingAuthorities",
    "watchEvents",  # a stream of events, no list: tests/api/test_live.py
    "setIssuingAuthority", "listRetentionClasses", "listDeletionRuns", "countEnrolledPeople", "recordFiling",
}  # fmt: skip
HERE, ELSEWHERE, THIRD = "999901", "999902", "999903"
OPERATIONS = [
    (method.upper(), path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]
NAMES = [operation["operationId"] for _, _, operation in OPERATIONS]
GUARDED = [entry for entry in OPERATIONS if entry[2]["operationId"] not in PUBLIC]
PLACED = [entry for entry in GUARDED if entry[2]["operationId"] not in PLACELESS]
LISTS = [entry for entry in PLACED if entry[0] == "GET" and "{" not in entry[1]]
BY_ID = [entry for entry in PLACED if "{" in entry[1]]
ADDING = [entry for entry in PLACED if entry[0] != "GET" and "{" not in entry[1]]
READING = [entry for entry in BY_ID if entry[0] == "GET"]
OFFICE = {str(UserRole.MANAGER), str(UserRole.INSPECTOR)}
MANAGERS_ALONE = [entry for entry in BY_ID if set(entry[2]["x-roles"]) & OFFICE == {str(UserRole.MANAGER)}]

Furnished = tuple[World, dict[str, str]]
Clients = dict[str, httpx.AsyncClient]


def named(entries: list[Any]) -> list[str]:
    return [operation["operationId"] for _, _, operation in entries]


def each(entries: list[Any]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(("method", "path", "operation"), entries, ids=named(entries))


def body_of(operation: dict[str, Any], examples: Examples) -> tuple[str | None, bytes]:
    """The media type and the bytes of a body that the operation takes."""
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        return None, b""
    media, description = next(iter(content.items()))
    if media == "application/json":
        return media, json.dumps(examples.value(description["schema"])).encode()
    return media, b"\xff\xd8\xff\xe0 no picture"


def request_for(
    method: str, path: str, operation: dict[str, Any], known: dict[str, str], *, filters: bool = True,
    body: bytes | None = None,
) -> dict[str, Any]:  # fmt: skip
    """A well-formed request of an operation, its ids taken from `known`; `filters`: with the optional parameters."""
    examples = Examples(DOCUMENT, known)
    url = re.sub(r"{(\w+)}", lambda match: known[match[1]], path)
    params: dict[str, Any] = {}
    headers: dict[str, str] = {}
    for parameter in operation.get("parameters", ()):
        if not parameter.get("required") and not (filters and parameter["name"] in known):
            continue
        if parameter["in"] == "query":
            params[parameter["name"]] = examples.value(parameter["schema"], parameter["name"])
        if parameter["in"] == "header":
            headers[parameter["name"]] = str(examples.value(parameter["schema"], parameter["name"]))
    media, made = body_of(operation, examples)
    content = made if body is None else body
    if media is not None:
        headers["Content-Type"] = media
    if method == "PUT":
        headers["Content-Digest"] = f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"
    if "If-Match" in headers:
        headers["If-Match"] = "*"
    return {"method": method, "url": url, "params": params, "headers": headers, "content": content}


def ids_in(known: dict[str, str]) -> dict[str, str]:
    """Those of `known` that are ids."""
    return {name: value for name, value in known.items() if len(value) == 36}


def unknown(known: dict[str, str]) -> dict[str, str]:
    """The same names with ids of nothing."""
    return known | {name: str(uuid.uuid4()) for name in ids_in(known)}


def shows_nothing(answer: httpx.Response, request: dict[str, Any], known: dict[str, str]) -> None:
    """No id of the place is in the answer, but for those that were asked with."""
    asked = f"{request['url']} {request['params']} {request['content']!r}"
    shown = [name for name, value in ids_in(known).items() if value in answer.text and value not in asked]
    assert not shown, (shown, answer.text)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def furnished(database: Database, vault: Vault, objects: Objects, server: Server) -> Furnished:
    """An estate with one of everything, and the ids by parameter name."""
    now = server.clock.now()
    world = await make_world(database, vault, now=now, division_code=f"{HERE}001001")
    return world, await furnish(database, world, now=now, vault=vault, objects=objects)


async def one_for_each_role(server: Server, database: Database, district: str) -> AsyncIterator[Clients]:
    found = {str(role): await signed_in(server, database, role, ScopeLevel.DISTRICT, district) for role in UserRole}
    yield found
    for client in found.values():
        await client.aclose()


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def clients(server: Server, database: Database) -> AsyncIterator[Clients]:
    """A signed-in client for each role, in a district without any estate."""
    async for found in one_for_each_role(server, database, ELSEWHERE):
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def locals_(server: Server, database: Database) -> AsyncIterator[Clients]:
    """A signed-in client for each role, in the district of the furnished estate."""
    async for found in one_for_each_role(server, database, HERE):
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def third_clients(server: Server, database: Database) -> AsyncIterator[Clients]:
    """A signed-in client for each role, in the district of the third estate."""
    async for found in one_for_each_role(server, database, THIRD):
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def third(
    database: Database, vault: Vault, objects: Objects, server: Server, third_clients: Clients
) -> dict[str, str]:
    """Ids of another estate with one of everything, whose visits are the signed-in people's own."""
    now = server.clock.now()
    world = await make_world(database, vault, now=now, division_code=f"{THIRD}001001")
    return await furnish(
        database, world, now=now, vault=vault, objects=objects,
        inspector=third_clients["inspector"].user_id,  # type: ignore[attr-defined]  # set by signed_in
        manager=third_clients["manager"].user_id,  # type: ignore[attr-defined]  # set by signed_in
    )  # fmt: skip


@each(GUARDED)
async def test_anonymous_is_refused(
    server: Server, furnished: Furnished, method: str, path: str, operation: dict[str, Any]
) -> None:
    for body in (None, b"{"):
        async with server.client() as client:
            answer = await client.request(**request_for(method, path, operation, furnished[1], body=body))
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")


@each(GUARDED)
@pytest.mark.asvs("v5.0.0-8.2.1")
async def test_wrong_roles_are_refused(
    locals_: Clients, furnished: Furnished, method: str, path: str, operation: dict[str, Any]
) -> None:
    """In the right place with the wrong role, whether the body is good or not."""
    assert operation["x-roles"]
    for role, client in locals_.items():
        if role not in operation["x-roles"]:
            for body in (None, b"{"):
                answer = await client.request(**request_for(method, path, operation, furnished[1], body=body))
                assert (answer.status_code, answer.json()["code"]) == (403, "forbidden"), role


@each(BY_ID)
@pytest.mark.asvs("v5.0.0-8.2.2")
async def test_a_foreign_thing_looks_like_a_missing_one(
    clients: Clients, furnished: Furnished, method: str, path: str, operation: dict[str, Any]
) -> None:
    """With the right role in another district: 404, word for word what an id of nothing gets."""
    _, known = furnished
    for role in operation["x-roles"]:
        request = request_for(method, path, operation, known)
        answer = await clients[role].request(**request)
        assert answer.status_code == 404, (role, answer.text)
        shows_nothing(answer, request, known)
        of_nothing = await clients[role].request(**request_for(method, path, operation, unknown(known)))
        assert of_nothing.status_code == 404, (role, of_nothing.text)
        assert of_nothing.json() == answer.json(), role


@each(LISTS)
async def test_lists_show_nothing_of_a_foreign_place(
    clients: Clients, furnished: Furnished, method: str, path: str, operation: dict[str, Any]
) -> None:
    _, known = furnished
    for role in operation["x-roles"]:
        for filters in (False, True):
            request = request_for(method, path, operation, known, filters=filters)
            answer = await clients[role].request(**request)
            assert answer.status_code == 200, (role, answer.text)
            shows_nothing(answer, request, known)
            assert answer.json().get("items", []) == [], role


@each(ADDING)
@pytest.mark.asvs("v5.0.0-8.4.1")
async def test_nothing_is_added_to_a_foreign_place(
    clients: Clients, furnished: Furnished, method: str, path: str, operation: dict[str, Any]
) -> None:
    _, known = furnished
    for role in operation["x-roles"]:
        request = request_for(method, path, operation, known)
        answer = await clients[role].request(**request)
        assert answer.status_code in {403, 404, 422}, (role, answer.text)
        shows_nothing(answer, request, known)
        of_nothing = await clients[role].request(**request_for(method, path, operation, unknown(known)))
        assert (of_nothing.status_code, of_nothing.json()["code"]) == (answer.status_code, answer.json()["code"]), role


async def test_backlog_counts_the_callers_estates(clients: Clients, locals_: Clients, furnished: Furnished) -> None:
    assert furnished
    here = await locals_["auditor"].get("/api/v1/operation/backlog")
    elsewhere = await clients["auditor"].get("/api/v1/operation/backlog")
    assert here.json()["deliveries"] >= 1
    assert elsewhere.json()["deliveries"] == 0


@each(READING)
async def test_the_furnished_ids_are_real(
    locals_: Clients, furnished: Furnished, method: str, path: str, operation: dict[str, Any]
) -> None:
    """The foreign-place test proves nothing about ids that do not exist: within the place they are found."""
    role = operation["x-roles"][0]
    answer = await locals_[role].request(**request_for(method, path, operation, furnished[1]))
    assert answer.status_code == 200, answer.text


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def two_places(server: Server, database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who is manager elsewhere and inspector here."""
    client = await signed_in(server, database, UserRole.MANAGER, ScopeLevel.DISTRICT, ELSEWHERE)
    async with database.transaction(Role.APP, EstateScope(())) as session:
        session.add(
            UserGrant(
                user_id=client.user_id,  # type: ignore[attr-defined]  # set by signed_in
                role=UserRole.INSPECTOR, level=ScopeLevel.DISTRICT, code=HERE, granted_at=server.clock.now(),
            )
        )  # fmt: skip
    yield client
    await client.aclose()


@each(MANAGERS_ALONE)
async def test_a_manager_elsewhere_is_no_manager_here(
    two_places: httpx.AsyncClient, furnished: Furnished, method: str, path: str, operation: dict[str, Any]
) -> None:
    """A role counts where it was given: being inspector here opens nothing that asks for a manager."""
    request = request_for(method, path, operation, furnished[1])
    answer = await two_places.request(**request)
    assert answer.status_code == 404, answer.text
    shows_nothing(answer, request, furnished[1])


async def test_the_other_role_counts_where_it_was_given(two_places: httpx.AsyncClient, furnished: Furnished) -> None:
    _, known = furnished
    household = f"/api/v1/households/{known['household_id']}"
    case = f"/api/v1/cases/{known['case_id']}"
    assert (await two_places.get(household)).status_code == 200
    assert (await two_places.get("/api/v1/leads")).json()["items"] == []
    details = (await two_places.get(case)).json()
    assert details["case"]["id"] == known["case_id"]
    # Inspectors may take steps, so the route lets both in: the step itself asks for the role at this estate.
    step = {"action": "suspend", "reason": "以外地负责人身份办理"}
    answer = await two_places.post(f"{case}/steps", json=step, headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (403, "role-not-allowed")


def fields(schema: dict[str, Any]) -> Iterator[str]:
    """The names of all properties in a schema, however deep."""
    if "$ref" in schema:
        yield from fields(DOCUMENT["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]])
    for name, inner in schema.get("properties", {}).items():
        yield name
        yield from fields(inner)
    for key in ("oneOf", "anyOf", "allOf"):
        for part in schema.get(key, ()):
            yield from fields(part)
    if isinstance(schema.get("items"), dict):
        yield from fields(schema["items"])


PLURALS = {"household_ids": "household_id"}
POINTING = {
    "estate_id", "unit_id", "household_id", "person_id", "guardian_id", "building_id", "entrance_id", "assigned_to",
    "second_officer", "photo_id",
}  # fmt: skip
BODY_IDS = [
    (method, path, operation, field)
    for method, path, operation in PLACED
    for body in operation.get("requestBody", {}).get("content", {}).values()
    for field in sorted({PLURALS.get(name, name) for name in fields(body["schema"])} & POINTING)
]


def test_bodies_that_point_at_things_are_tried() -> None:
    assert {field for *_, field in BODY_IDS} >= {"estate_id", "unit_id", "household_id", "person_id", "assigned_to"}


DETAILS = {"name": "测试人员"}
SUITED = {
    "addDevice": {"level": "unit"}, "addMember": DETAILS, "registerGuest": DETAILS, "registerWorker": DETAILS,
    "recordService": {"received_by": "承租人"},
}  # fmt: skip


def suited(operation: dict[str, Any], known: dict[str, str]) -> dict[str, str]:
    """`known` with what an operation needs to succeed, so that a refusal has one reason alone."""
    match operation["operationId"]:
        case "planCaseVisit":
            return known | {"case_id": known["open_case_id"]}
        case "giveConsent":
            return known | {"person_id": known["child_id"]}
        case "putOccupant":
            return known | {"occupant_id": str(uuid.uuid4())}
        case other:
            return known | SUITED.get(other, {})


@pytest.mark.parametrize(
    ("method", "path", "operation", "field"), BODY_IDS, ids=[f"{o['operationId']}-{f}" for _, _, o, f in BODY_IDS]
)
async def test_a_body_cannot_point_into_a_foreign_estate(
    third_clients: Clients, third: dict[str, str], furnished: Furnished, method: str, path: str,
    operation: dict[str, Any], field: str,
) -> None:  # fmt: skip
    """The caller's own thing by path, somebody else's by body: refused for that, since their own is not."""
    _, foreign = furnished
    different = False
    for role in operation["x-roles"]:
        mine = suited(operation, third)
        _, body = body_of(operation, Examples(DOCUMENT, mine | {field: foreign[field]}))
        assert foreign[field].encode() in body
        request = request_for(method, path, operation, mine, body=body)
        answer = await third_clients[role].request(**request)
        assert answer.status_code in {403, 404, 422}, (role, answer.text)
        shows_nothing(answer, request, foreign)
        own = await third_clients[role].request(**request_for(method, path, operation, mine))
        different = different or own.json() != answer.json()
    assert different, answer.text


CHANGING = [entry for entry in BY_ID if entry[0] != "GET"]


@each(CHANGING)
async def test_the_requests_are_real(
    third_clients: Clients, third: dict[str, str], method: str, path: str, operation: dict[str, Any]
) -> None:
    """The same requests get past the look-up within the place: what is wrong with them then is something else.

    This changes the third estate and comes last.
    """
    answers = [
        await third_clients[role].request(**request_for(method, path, operation, third))
        for role in operation["x-roles"]
    ]
    # The first may have ended what the second asks for.
    assert answers[0].status_code not in {400, 401, 404, 405, 415}, answers[0].text
    assert all(answer.status_code < 500 for answer in answers), [answer.text for answer in answers]
