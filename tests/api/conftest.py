"""A running server: the real app under uvicorn on a loopback socket, over this worker's database."""

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import httpx
import pytest_asyncio
import uvicorn
from litestar import Litestar

from api.app import make_app
from api.context import Context
from api.wiring import make_ports
from inspection.users.hashing import PasswordHashing
from inspection.users.models import ScopeLevel, UserRole
from storage.clock import SimulatedClock
from storage.database import Database
from storage.objects.service import Objects
from storage.settings import Settings
from storage.sign_in_settings import SignInSettings
from storage.vault.service import Vault
from tests.conftest import START
from tests.factories import make_user
from tests.fakes import StillEngine

PASSWORD = "correct-horse-battery"
CHEAP = SignInSettings(argon2_memory_kib=1024, argon2_time=1)  # tests sign in by the hundred
PASSWORD_HASH = PasswordHashing(CHEAP).hasher.hash(PASSWORD)


@dataclass
class Server:
    """A served app."""

    context: Context
    base_url: str
    clock: SimulatedClock
    app: Litestar

    def client(self, token: str | None = None) -> httpx.AsyncClient:
        """An HTTP client, signed in with a token or anonymous."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # Plain HTTP on loopback: certificates need not be loaded, which takes longer than most requests.
        return httpx.AsyncClient(base_url=self.base_url, headers=headers, timeout=30, verify=False)  # noqa: S501


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def server(
    database: Database, vault: Vault, objects: Objects, test_settings: Settings,
    tmp_path_factory: "object",
) -> AsyncIterator[Server]:  # fmt: skip
    """The app on a socket; its clock is `server.clock`."""
    folder: Path = tmp_path_factory.mktemp("server")  # type: ignore[attr-defined]
    clock = SimulatedClock(folder / "clock.json", start=START)
    context = Context(
        settings=replace(test_settings, data_dir=folder), clock=clock, database=Database(database.urls),
        vault=vault, objects=objects, ports=make_ports(), engine=StillEngine(),
        hashing=PasswordHashing(CHEAP),
    )  # fmt: skip
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    app = make_app(context)
    running = uvicorn.Server(uvicorn.Config(app, log_level="warning", access_log=False))
    task = asyncio.create_task(running.serve(sockets=[listener]))
    while not running.started:  # noqa: ASYNC110 - uvicorn has no event to wait for
        await asyncio.sleep(0.01)
    yield Server(context, f"http://127.0.0.1:{listener.getsockname()[1]}", clock, app)
    running.should_exit = True
    await task


async def signed_in(
    server: Server, database: Database, role: UserRole, level: ScopeLevel = ScopeLevel.ALL, code: str = "",
    certificate: str | None = "ZF-0001",
) -> httpx.AsyncClient:  # fmt: skip
    """A new user with one grant, signed in; `user_id`, `login` and `tokens` are set on the client."""
    login = f"u-{uuid.uuid4().hex[:10]}"
    user_id = await make_user(
        database, now=server.clock.now(), role=role, level=level, code=code, login=login,
        password_hash=PASSWORD_HASH, certificate=certificate,
    )  # fmt: skip
    async with server.client() as anonymous:
        answer = await anonymous.post("/api/v1/session", json={"login": login, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    client = server.client(answer.json()["access_token"])
    client.user_id, client.login, client.tokens = user_id, login, answer.json()  # type: ignore[attr-defined]
    return client


@pytest_asyncio.fixture(loop_scope="session")
async def sign_in(server: Server, database: Database) -> Callable[..., Awaitable[httpx.AsyncClient]]:
    """Makes signed-in clients; see `signed_in`."""
    return partial(signed_in, server, database)
