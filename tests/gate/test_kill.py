"""SIGKILL during intake: what was acknowledged is stored, once."""

import asyncio
import json
import random
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from storage.clock import SystemClock
from storage.database import Database, DatabaseUrls, Role
from storage.vault.service import Vault
from tests.conftest import ROOT
from tests.factories import make_world
from tests.gate import support
from tests.gate.support import NOON, as_json, event

KILLS = 20
CLIENTS = 4


class Servers:
    """One server at a time, and the next one loaded and waiting."""

    def __init__(self, line: dict[str, object]) -> None:
        self.line = line
        self.spare = self.load()
        self.serving: subprocess.Popen[str] | None = None
        self.port = 0

    def load(self) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "-m", "bench.gate_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            cwd=ROOT,
        )  # fmt: skip

    def begin(self) -> None:
        self.serving, self.spare = self.spare, self.load()
        assert self.serving.stdin is not None
        assert self.serving.stdout is not None
        self.serving.stdin.write(json.dumps(self.line) + "\n")
        self.serving.stdin.flush()
        self.port = int(self.serving.stdout.readline())

    @staticmethod
    def end(process: "subprocess.Popen[str]") -> None:
        process.kill()
        process.communicate()

    def kill(self) -> None:
        assert self.serving is not None
        self.end(self.serving)
        self.serving = None


class Device(threading.Thread):
    """Posts serial after serial; repeats one until it is acknowledged, as a terminal does."""

    def __init__(self, servers: Servers, token: str) -> None:
        super().__init__(daemon=True)
        self.servers = servers
        self.token = token
        self.acknowledged: list[int] = []
        self.unanswered = 0
        self.stopping = threading.Event()

    def run(self) -> None:
        serial = 1
        while not self.stopping.is_set():
            try:
                answer = support.post(self.servers.port, self.token, as_json(event(serial, NOON)))
            except OSError:
                time.sleep(0.01)
                continue
            if answer == 200:
                self.acknowledged.append(serial)
                serial += 1
            else:
                self.unanswered += 1


@pytest.mark.slow
async def test_twenty_kills_lose_nothing_and_double_nothing(
    database: Database, urls: DatabaseUrls, vault: Vault, master_key: bytes, tmp_path: Path
) -> None:
    world = await make_world(database, vault, now=NOON, flats=1)
    made = [await support.add_device(database, vault, world, now=NOON) for _ in range(CLIENTS)]
    servers = Servers(
        {"intake_url": urls.by_role[Role.INTAKE], "master_key": master_key.hex(), "data_dir": str(tmp_path), "port": 0}
    )
    devices = [Device(servers, token) for _, token in made]
    chance = random.Random(7)
    try:
        servers.begin()
        for device in devices:
            device.start()
        for _ in range(KILLS):
            before = sum(len(d.acknowledged) for d in devices)
            end = time.monotonic() + 10
            while sum(len(d.acknowledged) for d in devices) < before + 5:
                assert time.monotonic() < end, "nothing is acknowledged"
                await asyncio.sleep(0.002)
            await asyncio.sleep(chance.uniform(0.0, 0.3))
            servers.kill()
            servers.begin()
        for device in devices:
            device.stopping.set()
        for device in devices:
            device.join(10)
    finally:
        if servers.serving is not None:
            servers.kill()
        servers.end(servers.spare)
    await support.drain(database, SystemClock(), vault)
    for (device_id, _), device in zip(made, devices, strict=True):
        stored = [e.counter for e in await support.events_of(database, device_id)]
        assert len(stored) == len(set(stored))
        assert set(device.acknowledged) <= set(stored)
        # An event may be stored without an acknowledgement: the one in the air when a kill came.
        assert set(stored) - set(device.acknowledged) <= {len(device.acknowledged) + 1}
    assert sum(len(d.acknowledged) for d in devices) >= KILLS * 5
