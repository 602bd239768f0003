"""A TCP proxy that makes the faults of a line: it cuts, delays, throttles, stalls and refuses.

    proxy = Proxy(("127.0.0.1", 9000))
    await proxy.start()                       # listens on a free port of the loopback: proxy.port
    proxy.set(Faults(cut_up_after=70_000))    # from now on: 70,000 bytes towards the server, then both sides are reset
    await proxy.refuse(); await proxy.accept()
    await proxy.stop()

A target or a listening address may also be the path of a Unix socket. Code that has no event loop takes `in_thread`.
"""

import asyncio
import contextlib
import socket
import struct
import threading
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

T = TypeVar("T")

PIECE = 16 * 1024
Address = tuple[str, int] | str
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time: closing sends RST and drops what was not sent


@dataclass(frozen=True, slots=True)
class Faults:
    """What is wrong with the line, on each connection and in each direction by itself.

    `cut_up_after` / `cut_down_after`: at most so many bytes pass towards the server / the client, counted from the
    moment the faults were set, then both sides are reset; after `times` such cuts the line is sound again.
    `delay_s`: before each piece (16 KiB at most) is passed on. `bytes_per_s`: the speed. `stalled`: connections stay
    open and nothing passes.
    """

    cut_up_after: int | None = None
    cut_down_after: int | None = None
    times: int | None = None
    delay_s: float = 0.0
    bytes_per_s: float | None = None
    stalled: bool = False


class Proxy:
    """See the module. `connections` and `cuts` count since the start; `passed_up` and `passed_down` are in bytes."""

    def __init__(self, target: Address, *, listen: Address = ("127.0.0.1", 0)) -> None:
        self.target = target
        self.listen = listen
        self.faults = Faults()
        self.changed = asyncio.Event()
        self.server: asyncio.Server | None = None
        self.open: set[asyncio.StreamWriter] = set()
        self.tasks: set[asyncio.Task[None]] = set()
        self.connections = self.cuts = self.passed_up = self.passed_down = 0

    @property
    def port(self) -> int:
        """The port it listens on; it stays the same over `refuse` and `accept`."""
        if isinstance(self.listen, str):
            raise TypeError("it listens on a path")
        return self.listen[1]

    async def start(self) -> None:
        """Begins to listen."""
        await self.accept()

    async def accept(self) -> None:
        """Takes connections (again)."""
        if self.server is not None:
            return
        if isinstance(self.listen, str):
            self.server = await asyncio.start_unix_server(self._connected, self.listen)
            return
        self.server = await asyncio.start_server(self._connected, *self.listen, reuse_address=True)
        self.listen = (self.listen[0], self.server.sockets[0].getsockname()[1])

    async def refuse(self) -> None:
        """Refuses new connections, as a server does that is not there; those that stand go on (see `cut_all`)."""
        if self.server is not None:
            self.server.close()
            self.server = None
            await asyncio.sleep(0)

    def set(self, faults: Faults) -> None:
        """Changes the faults of all connections, from the next piece on; stalled ones go on when that ends."""
        self.faults = faults
        self.changed.set()
        self.changed = asyncio.Event()

    def cut_all(self) -> int:
        """Resets every connection that stands; tells how many."""
        count = len(self.open) // 2
        for writer in list(self.open):
            _reset(writer)
        self.cuts += count
        return count

    async def stop(self) -> None:
        """Refuses and resets everything."""
        await self.refuse()
        self.cut_all()
        for task in list(self.tasks):
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)
        self.connections += 1
        try:
            if isinstance(self.target, str):
                there, back = await asyncio.open_unix_connection(self.target)
            else:
                there, back = await asyncio.open_connection(*self.target)
        except OSError:
            _reset(writer)
            return
        self.open |= {writer, back}
        try:
            with contextlib.suppress(asyncio.CancelledError):  # by `stop`; the task ends here anyway
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pass_on(reader, back, writer, up=True))
                    both.create_task(self._pass_on(there, writer, back, up=False))
        finally:
            self.open -= {writer, back}
            for one in (writer, back):
                one.close()
                with contextlib.suppress(OSError):
                    await one.wait_closed()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, other: asyncio.StreamWriter, *, up: bool
    ) -> None:
        """One direction, until its end or its cut."""
        since, passed = self.changed, 0
        with contextlib.suppress(OSError):
            while piece := await reader.read(PIECE):
                await self._wait(len(piece))
                if since is not self.changed:
                    since, passed = self.changed, 0
                limit = self.faults.cut_up_after if up else self.faults.cut_down_after
                kept = piece if limit is None else piece[: max(0, limit - passed)]
                passed += len(kept)
                if up:
                    self.passed_up += len(kept)
                else:
                    self.passed_down += len(kept)
                writer.write(kept)
                await writer.drain()
                if len(kept) < len(piece):
                    self._cut(writer, other)
                    return
            if writer.can_write_eof():
                writer.write_eof()
            return
        _reset(writer)  # the other side was reset: so is this one
        _reset(other)

    def _cut(self, *both: asyncio.StreamWriter) -> None:
        self.cuts += 1
        if self.faults.times is not None:
            left = self.faults.times - 1
            # Not through `set`: what passed on other connections goes on counting.
            self.faults = replace(self.faults, times=left) if left > 0 else Faults()
        for one in both:
            _reset(one)

    async def _wait(self, size: int) -> None:
        """Until a piece may pass."""
        while self.faults.stalled:
            await self.changed.wait()
        pause = self.faults.delay_s + (size / self.faults.bytes_per_s if self.faults.bytes_per_s else 0.0)
        if pause:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), pause)


def _reset(writer: asyncio.StreamWriter) -> None:
    """Closes a connection by RST, as a broken line or a killed process does."""
    raw = writer.get_extra_info("socket")
    if raw is not None and raw.family != socket.AF_UNIX:
        with contextlib.suppress(OSError):
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()


class ThreadedProxy:
    """A proxy in a thread of its own, for code that blocks; made by `in_thread`."""

    def __init__(self, proxy: Proxy, loop: asyncio.AbstractEventLoop) -> None:
        self.proxy = proxy
        self.loop = loop

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self.proxy.port

    def set(self, faults: Faults) -> None:
        """Changes the faults; in force when it returns."""
        self._run(self._set(faults))

    def cut_all(self) -> int:
        """Resets every connection; tells how many."""
        return self._run(self._cut_all())

    def refuse(self) -> None:
        """Refuses new connections."""
        self._run(self.proxy.refuse())

    def accept(self) -> None:
        """Takes connections again."""
        self._run(self.proxy.accept())

    async def _set(self, faults: Faults) -> None:
        self.proxy.set(faults)

    async def _cut_all(self) -> int:
        return self.proxy.cut_all()

    def _run(self, what: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(what, self.loop).result(30)


@contextlib.contextmanager
def in_thread(target: Address, *, listen: Address = ("127.0.0.1", 0)) -> Iterator[ThreadedProxy]:
    """A running proxy; stopped on leaving."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxy", daemon=True)
    thread.start()
    proxy = Proxy(target, listen=listen)
    found = ThreadedProxy(proxy, loop)
    try:
        asyncio.run_coroutine_threadsafe(proxy.start(), loop).result(30)
        yield found
    finally:
        asyncio.run_coroutine_threadsafe(proxy.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(30)
        loop.close()
