"""What holds for every answer and every request: headers, methods, names, sizes, nothing told about the server."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from api.app import BODY_LIMIT, make_app
from inspection.users.models import UserRole
from storage import settings
from storage.settings import SettingsError
from tests.api.conftest import Server

SignIn = Callable[..., Awaitable[httpx.AsyncClient]]


@pytest.mark.parametrize("path", ["/api/v1/me", "/healthz", "/nothing/here", "/api/v1/openapi.json"])
@pytest.mark.asvs("v5.0.0-1.3.4")
@pytest.mark.asvs("v5.0.0-3.2.1")
@pytest.mark.asvs("v5.0.0-3.4.3")
@pytest.mark.asvs("v5.0.0-3.4.4")
@pytest.mark.asvs("v5.0.0-3.4.5")
@pytest.mark.asvs("v5.0.0-3.4.6")
@pytest.mark.asvs("v5.0.0-14.2.2")
@pytest.mark.asvs("v5.0.0-14.3.2")
async def test_no_answer_is_kept_sniffed_framed_or_run(server: Server, sign_in: SignIn, path: str) -> None:
    for client in (await sign_in(UserRole.AUDITOR), server.client()):
        headers = (await client.get(path)).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.asvs("v5.0.0-3.4.2")
@pytest.mark.asvs("v5.0.0-3.5.2")
async def test_no_other_origin_is_let_in(server: Server) -> None:
    async with server.client() as client:
        asked = {"Origin": "https://elsewhere.example", "Access-Control-Request-Method": "POST"}
        answers = [await client.options("/api/v1/session", headers=asked), await client.get("/healthz", headers=asked)]
    assert not [name for answer in answers for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "TRACK", "PROPFIND"])
@pytest.mark.asvs("v5.0.0-3.5.3")
@pytest.mark.asvs("v5.0.0-13.4.4")
async def test_methods_nobody_needs_are_refused(server: Server, method: str) -> None:
    address = urlsplit(server.base_url)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    writer.write(f"{method} /api/v1/me HTTP/1.1\r\nHost: x\r\nCookie: secret\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    assert answer.split()[1] in {b"405", b"400"}
    assert b"secret" not in answer


async def test_unknown_paths_and_methods_are_problems(server: Server) -> None:
    async with server.client() as client:
        for method, path, status in (("GET", "/wp-admin", 404), ("DELETE", "/healthz", 405)):
            answer = await client.request(method, path)
            assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
            assert answer.json()["title_zh"]


@pytest.mark.asvs("v5.0.0-5.2.1")
async def test_a_body_above_the_limit_is_refused(server: Server) -> None:
    async with server.client() as client:
        answer = await client.post(
            "/api/v1/session", content=b" " * (BODY_LIMIT + 1), headers={"Content-Type": "application/json"}
        )
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


@pytest.mark.asvs("v5.0.0-16.5.1")
async def test_nothing_tells_what_the_server_is_made_of(server: Server, sign_in: SignIn) -> None:
    client = await sign_in(UserRole.AUDITOR)
    for path in ("/api/v1/me", "/nothing", "/healthz"):
        answer = await client.get(path)
        assert "x-powered-by" not in answer.headers
        assert not any(word in answer.text.lower() for word in ("litestar", "traceback", "sqlalchemy", "postgres"))


@pytest.fixture
def named(server: Server) -> httpx.ASGITransport:
    """An app that is known by one name."""
    sign_in = replace(server.context.settings.sign_in, public_hosts=("ruhu.example",))
    context = replace(server.context, settings=replace(server.context.settings, sign_in=sign_in))
    app: Any = make_app(context)  # frameworks and clients describe ASGI with different types
    return httpx.ASGITransport(app=app)


async def test_only_names_of_the_house_are_answered(named: httpx.ASGITransport) -> None:
    async with httpx.AsyncClient(transport=named, base_url="http://any") as client:
        for host, status in (
            ("ruhu.example", 401), ("RUHU.example:8443", 401), ("evil.example", 400), ("ruhu.example.evil", 400),
        ):  # fmt: skip
            answer = await client.get("/api/v1/me", headers={"Host": host})
            assert answer.status_code == status, host
            assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.json()["code"] == "host-unknown"
        assert (await client.get("/healthz", headers={"Host": "10.0.0.7"})).status_code == 200


def test_settings_of_sign_in_are_checked_and_strict_by_default() -> None:
    found = settings.load({}).sign_in
    assert found.second_factor_roles == ("administrator", "auditor", "manager")
    assert settings.load({"RUHU_CLOCK": "simulated"}).sign_in.second_factor_roles == ()
    chosen = {"RUHU_SECOND_FACTOR_ROLES": "auditor, liaison", "RUHU_PUBLIC_HOSTS": "Ruhu.example,10.0.0.1"}
    assert settings.load(chosen).sign_in.second_factor_roles == ("auditor", "liaison")
    assert settings.load(chosen).sign_in.public_hosts == ("ruhu.example", "10.0.0.1")
    wrong = {"RUHU_SECOND_FACTOR_ROLES": "king", "RUHU_PUBLIC_HOSTS": "https://x/", "RUHU_ARGON2_MEMORY_KIB": "8"}
    with pytest.raises(SettingsError) as refused:
        settings.load(wrong)
    assert len(refused.value.problems) == 3
