"""A server whose only request never ends: what is left to a second signal."""

import asyncio
import sys

import uvicorn
from litestar.types import Receive, Scope, Send

from api.serving import Server


async def app(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Never answers."""
    await asyncio.Event().wait()


if __name__ == "__main__":
    config = uvicorn.Config(app, port=int(sys.argv[1]), lifespan="off", log_config=None, timeout_graceful_shutdown=60)
    server = Server(config, on_stop=lambda: print("stopping", flush=True))  # noqa: T201 - read by the test
    server.run()
    sys.exit(server.exit_code)
