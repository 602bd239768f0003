"""The proxy makes the faults that it is asked for, and no others."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bench.faults.proxy import Faults, Proxy, in_thread


class Echo:
    """A server that sends back what it gets, and counts it."""

    def __init__(self) -> None:
        self.got = 0
        self.resets = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(65536):
                self.got += len(piece)
                writer.write(piece)
                await writer.drain()
        except ConnectionError:
            self.resets += 1
        finally:
            writer.close()


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest_asyncio.fixture(loop_scope="session")
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    async with await asyncio.start_server(echo.serve, "127.0.0.1", 0) as server:
        made = Proxy(server.sockets[0].getsockname()[:2])
        await made.start()
        yield made
        await made.stop()


async def there_and_back(port: int, data: bytes) -> bytes:
    """Sends data, ends its side, and reads what comes back until the end or a reset."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)

    async def send() -> None:
        writer.write(data)
        await writer.drain()
        writer.write_eof()

    sending = asyncio.create_task(send())
    got = bytearray()
    try:
        while piece := await reader.read(65536):
            got += piece
    except ConnectionError:
        got += b"reset"
    finally:
        writer.close()
        await asyncio.gather(sending, return_exceptions=True)
    return bytes(got)


async def test_a_sound_line_passes_everything(proxy: Proxy) -> None:
    data = os.urandom(3_000_000)
    assert await asyncio.gather(*(there_and_back(proxy.port, data) for _ in range(4))) == [data] * 4
    assert (proxy.connections, proxy.cuts) == (4, 0)
    assert proxy.passed_up == proxy.passed_down == 4 * len(data)
    assert proxy.open == set()


async def test_a_line_cut_on_the_way_up(proxy: Proxy, echo: Echo) -> None:
    proxy.set(Faults(cut_up_after=70_000))
    assert (await there_and_back(proxy.port, bytes(1_000_000))).endswith(b"reset")
    assert echo.got <= 70_000
    assert proxy.passed_up == 70_000
    assert proxy.cuts == 1
    proxy.set(Faults())
    assert await there_and_back(proxy.port, b"sound") == b"sound"


async def test_a_line_cut_on_the_way_down_loses_the_answer(proxy: Proxy, echo: Echo) -> None:
    proxy.set(Faults(cut_down_after=0, times=2))
    for _ in range(2):
        assert await there_and_back(proxy.port, b"question") == b"reset"
    assert echo.got == 16
    assert await there_and_back(proxy.port, b"question") == b"question"
    assert proxy.cuts == 2


async def test_a_stalled_line_stays_open_and_goes_on(proxy: Proxy, echo: Echo) -> None:
    proxy.set(Faults(stalled=True))
    waiting = asyncio.create_task(there_and_back(proxy.port, b"patience"))
    while proxy.connections == 0:  # noqa: ASYNC110 - the proxy counts, it does not call back
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.1)
    assert not waiting.done()
    assert echo.got == 0
    proxy.set(Faults())
    assert await waiting == b"patience"


async def test_a_slow_line_takes_its_time(proxy: Proxy) -> None:
    """Only the least time is asserted: that holds on any machine."""
    loop = asyncio.get_running_loop()
    proxy.set(Faults(bytes_per_s=400_000))
    start = loop.time()
    data = bytes(100_000)
    assert await there_and_back(proxy.port, data) == data
    assert loop.time() - start >= 0.24
    proxy.set(Faults(delay_s=0.1))
    start = loop.time()
    assert await there_and_back(proxy.port, b"x") == b"x"
    assert loop.time() - start >= 0.19


async def test_refused_and_taken_again_at_the_same_port(proxy: Proxy) -> None:
    port = proxy.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"before")
    assert await reader.readexactly(6) == b"before"
    await proxy.refuse()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)
    writer.write(b"during")
    assert await reader.readexactly(6) == b"during"
    assert proxy.cut_all() == 1
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)
    writer.close()
    await proxy.accept()
    assert proxy.port == port
    assert await there_and_back(port, b"after") == b"after"


async def test_nobody_behind_it(tmp_path: Path) -> None:
    proxy = Proxy(str(tmp_path / "nobody"))
    await proxy.start()
    assert await there_and_back(proxy.port, b"hello") in (b"reset", b"")
    await proxy.stop()


async def test_sockets_with_a_path(echo: Echo, tmp_path: Path) -> None:
    async with await asyncio.start_unix_server(echo.serve, tmp_path / "server"):
        proxy = Proxy(str(tmp_path / "server"), listen=str(tmp_path / "proxy"))
        await proxy.start()
        with pytest.raises(TypeError):
            _ = proxy.port
        reader, writer = await asyncio.open_unix_connection(tmp_path / "proxy")
        writer.write(b"by path")
        assert await reader.readexactly(7) == b"by path"
        proxy.set(Faults(cut_up_after=0))
        writer.write(b"more")
        assert await reader.read() == b""
        writer.close()
        await proxy.stop()


async def test_a_proxy_in_a_thread(echo: Echo) -> None:
    async with await asyncio.start_server(echo.serve, "127.0.0.1", 0) as server:
        with in_thread(server.sockets[0].getsockname()[:2]) as proxy:
            assert await there_and_back(proxy.port, b"one") == b"one"
            await asyncio.to_thread(proxy.set, Faults(cut_up_after=0))
            assert await there_and_back(proxy.port, b"two") == b"reset"
            await asyncio.to_thread(proxy.refuse)
            with pytest.raises(ConnectionRefusedError):
                await there_and_back(proxy.port, b"three")
            await asyncio.to_thread(proxy.accept)
            await asyncio.to_thread(proxy.set, Faults())
            assert await there_and_back(proxy.port, b"four") == b"four"
            assert await asyncio.to_thread(proxy.cut_all) == 0
