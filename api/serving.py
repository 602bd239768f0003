"""The HTTP server of a process, and how it ends.

The first SIGTERM or SIGINT: /readyz says 503, streams of events end, and after `drain_s` seconds no connection is
taken any more; what is being answered is answered, for at most `FINISH_S` seconds, and a connection of a device closes
after its reply; what waits for a commit is committed. Then the process ends with 0. A second signal ends it at once,
with 1: nothing that was not committed has been acknowledged.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from types import FrameType
from typing import Any

import uvicorn

FINISH_S = 15


class Server(uvicorn.Server):
    """uvicorn's server with that end. `on_stop` is called once, within the loop's thread."""

    def __init__(self, config: uvicorn.Config, *, on_stop: Callable[[], None], drain_s: float = 0) -> None:
        super().__init__(config)
        self.on_stop = on_stop
        self.drain_s = drain_s
        self.stops = 0
        self.leave_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """A signal. It is not raised again afterwards, so that an orderly end is no failure."""
        del sig, frame
        self.stops += 1
        if self.stops > 1:
            self.should_exit = self.force_exit = True

    async def on_tick(self, counter: int) -> bool:
        """Ten times a second: whether to leave."""
        loop = asyncio.get_running_loop()
        if self.stops and self.leave_at is None:
            self.leave_at = loop.time() + self.drain_s
            self.on_stop()
        if self.leave_at is not None and loop.time() >= self.leave_at:
            self.should_exit = True
        return await super().on_tick(counter)

    @property
    def exit_code(self) -> int:
        """0 for an orderly end."""
        return 0 if self.started and not self.force_exit else 1


class InnerServer(uvicorn.Server):
    """A server within a process that minds the signals itself."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None."""
        yield


@contextlib.asynccontextmanager
async def serving(
    app: Any,  # noqa: ANN401 - ASGI is typed in as many ways as there are frameworks
    *, host: str, port: int,
) -> AsyncIterator[uvicorn.Server]:  # fmt: skip
    """Serves an app while the block runs. An address that cannot be had is told in the log, and nothing is served."""
    config = uvicorn.Config(
        app, host=host, port=port, log_config=None, access_log=False, server_header=False, lifespan="off",
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    server = InnerServer(config)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started and not task.done():  # noqa: ASYNC110 - uvicorn has no event to wait for
            await asyncio.sleep(0.02)
        yield server
    finally:
        server.should_exit = True
        with contextlib.suppress(SystemExit):
            await task
