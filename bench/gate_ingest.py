"""Gate intake against PostgreSQL's own ceiling: durable deliveries a second over HTTP, and pgbench inserting the same
row with as many clients, in interleaved blocks of one run. Loopback and a database of its own only.

What is alike: the tables with their partitions, indexes and policies, the role, the values of a row, the order of its
ids, the durability (looked at, not assumed), the seconds of a block, one thing outstanding on a connection. What is
not: pgbench has its row in the prepared statement and speaks through a socket file; an event comes with its body by
HTTP over TCP. Other work on the machine weighs on the ratio: pgbench's server is as many processes as clients, each
with a share of the processors of its own; the gate is one process and a database session. `load_average` tells of it.
"""

import asyncio
import json
import os
import re
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
from sqlalchemy import func, select

from storage import settings as settings_module
from storage.database import Database, DatabaseUrls, EstateScope, Role, SystemScope, urls_for
from storage.ids import new_id
from storage.migrations import runner
from storage.postgres.lease import Lease, acquire
from storage.vault.service import Vault

ROOT = Path(__file__).resolve().parent.parent
ROUNDS = 5
MIN_SECONDS = 2
MAX_SECONDS = 120
MAX_CLIENTS = 256

# One transaction with the rows of one delivery, as the intake's statement writes them.
SCRIPT = """
WITH given AS (SELECT {new_id}() AS id, now() AS at), delivered AS (
  INSERT INTO raw_delivery (id, received_at, estate_id, device_id, protocol, content_type, body, sealed, cutouts)
  SELECT id, at, '{estate}', '{device}', 'hikvision', 'application/json', '\\x{body}', false, '[]'::jsonb FROM given
)
INSERT INTO raw_pending (delivery_id, received_at, estate_id, device_id, live, attempts)
SELECT id, at, '{estate}', '{device}', true, 0 FROM given;
"""


@dataclass(slots=True)
class Ground:
    """What a run stands on."""

    lease: Lease
    urls: DatabaseUrls
    master: bytes
    folder: Path
    estate: str = ""
    device: str = ""
    token: str = ""
    new_id: str = ""  # the function that makes ids ordered by time, as the intake's are, where the server has one
    promised: int = 0  # rows that were acknowledged


def body() -> bytes:
    """An access event as a terminal posts it."""
    return json.dumps(
        {
            "ipAddress": "192.0.2.10", "portNo": 80, "protocol": "HTTP", "macAddress": "00:00:5e:00:53:01",
            "channelID": 1, "dateTime": "2026-03-02T12:00:00+08:00", "activePostCount": 1,
            "eventType": "AccessControllerEvent", "eventState": "active",
            "eventDescription": "Access Controller Event",
            "AccessControllerEvent": {
                "deviceName": "Access Controller", "majorEventType": 5, "subEventType": 75, "cardReaderKind": 1,
                "cardReaderNo": 1, "doorNo": 1, "employeeNoString": "000015", "serialNo": 257, "userType": "normal",
                "currentVerifyMode": "cardOrFace", "currentEvent": True, "frontSerialNo": 256,
                "attendanceStatus": "undefined", "statusValue": 0, "mask": "no", "picturesNumber": 0,
                "purePwdVerifyEnable": True,
            },
        },
        indent="\t",
    ).encode()  # fmt: skip


def run(seconds: float = 30.0, clients: int = 64) -> dict[str, float]:
    """Measures for about `seconds` in all, in blocks of one second at least.

    Gives ratio (the median over the rounds, with the least and the greatest: a disk's pace varies within a run, so each
    block is compared with its neighbour alone, and who is first alternates), events_per_s and pgbench_per_s (medians),
    p50_ms and p99_ms of an answer, load_average before. Raises RuntimeError when anything acknowledged is not stored.
    """
    if not MIN_SECONDS <= seconds <= MAX_SECONDS or not 1 <= clients <= MAX_CLIENTS:
        raise ValueError(f"{MIN_SECONDS} to {MAX_SECONDS} seconds, 1 to {MAX_CLIENTS} clients")
    before = os.getloadavg()[0]
    with ExitStack() as stack:
        ground = stack.enter_context(prepared())
        port = stack.enter_context(server(ground))
        block = max(1, round(seconds / (2 * ROUNDS)))
        load(ground, port, clients, 1)  # connections, prepared statements, caches
        paces: list[float] = []
        ceilings: list[float] = []
        waits: list[float] = []
        for number in range(ROUNDS):
            for ours in (False, True) if number % 2 == 0 else (True, False):
                if ours:
                    pace, times = load(ground, port, clients, block)
                    paces.append(pace)
                    waits += times
                else:
                    ceilings.append(pgbench(ground, clients, block))
        stored = asyncio.run(count(ground))
        if stored != ground.promised:
            raise RuntimeError(f"{ground.promised} rows were acknowledged, {stored} are stored")
    ratios = [pace / ceiling for pace, ceiling in zip(paces, ceilings, strict=True)]
    waits.sort()
    return {
        "events_per_s": round(statistics.median(paces), 1),
        "pgbench_per_s": round(statistics.median(ceilings), 1),
        "ratio": round(statistics.median(ratios), 3),
        "ratio_least": round(min(ratios), 3),
        "ratio_greatest": round(max(ratios), 3),
        "p50_ms": round(waits[len(waits) // 2] * 1000, 2),
        "p99_ms": round(waits[int(len(waits) * 0.99)] * 1000, 2),
        "load_average": round(before, 2),
    }


@contextmanager
def prepared() -> Iterator[Ground]:
    """A durable embedded PostgreSQL with an estate and a device."""
    folder = Path(tempfile.mkdtemp(prefix="ruhu-bench-", dir=_scratch()))
    settings = settings_module.load({"RUHU_DATA": str(folder / "data"), "RUHU_MASTER_KEY_FILE": str(folder / "key")})
    settings.data_dir.mkdir(mode=0o755)
    folder.chmod(0o755)  # the database's account may be another one
    lease = acquire(settings)
    try:
        urls = urls_for(settings, lease)
        runner.upgrade(urls)
        ground = Ground(lease, urls, secrets.token_bytes(32), folder)
        asyncio.run(look(ground))
        asyncio.run(populate(ground))
        yield ground
    finally:
        lease.release()
        wait_for_stop(lease)
        shutil.rmtree(folder, ignore_errors=True)


def _scratch() -> Path:
    folder = ROOT / "var" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def wait_for_stop(lease: Lease) -> None:
    """Waits until the supervisor has stopped the server, so that its folder can go."""
    import time

    for _ in range(300):
        if lease.cluster.postmaster_pid() is None:
            return
        time.sleep(0.1)


async def look(ground: Ground) -> None:
    """Looks at the server as the intake's role sees it. Raises RuntimeError when a commit is not durable."""
    connection = await asyncpg.connect(ground.urls.by_role[Role.INTAKE])
    try:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            if await connection.fetchval("SELECT current_setting($1)", setting) != "on":
                raise RuntimeError(f"{setting} is off: this would measure nothing")
        newer = await connection.fetchval("SELECT to_regproc('uuidv7') IS NOT NULL")
        ground.new_id = "uuidv7" if newer else "gen_random_uuid"
    finally:
        await connection.close()


async def count(ground: Ground) -> int:
    """Deliveries that are stored, each with its row in the queue."""
    from gate_integration.intake.models import RawDelivery, RawPending

    database = Database(ground.urls)
    try:
        async with database.transaction(Role.SYSTEM, SystemScope()) as session:
            queued = select(RawPending.delivery_id).where(RawPending.delivery_id == RawDelivery.id).exists()
            return await session.scalar(select(func.count()).select_from(RawDelivery).where(queued)) or 0
    finally:
        await database.dispose()


async def populate(ground: Ground) -> None:
    """One estate, one device, one token."""
    from gate_integration.devices import service
    from gate_integration.devices.models import GateLevel
    from gate_integration.devices.schemas import DeviceInput
    from inspection.registry.places.models import Estate, FundingType
    from storage.audit.service import Actor

    database = Database(ground.urls)
    vault = Vault(ground.master)
    now = datetime.now(UTC)
    estate = new_id()
    try:
        async with database.transaction(Role.APP, EstateScope((estate,))) as session:
            session.add(
                Estate(id=estate, name="压测小区", division_code="999999001001", geofence=None, created_at=now,
                       funding_type=FundingType.GOVERNMENT_INVESTED)
            )  # fmt: skip
            await session.flush()
            made = await service.add_device(
                session, data=DeviceInput(estate_id=estate, name="大门", serial="BENCH-1", level=GateLevel.ESTATE),
                vault=vault, actor=Actor.system("bench"), now=now,
            )  # fmt: skip
    finally:
        await database.dispose()
    ground.estate, ground.device, ground.token = str(estate), str(made.device.id), made.token


@contextmanager
def server(ground: Ground) -> Iterator[int]:
    """The gate app in one process; gives its port."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.gate_server"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    line = {"intake_url": ground.urls.by_role[Role.INTAKE], "master_key": ground.master.hex(),
            "data_dir": str(ground.folder / "data"), "port": 0}  # fmt: skip
    try:
        assert process.stdin is not None  # noqa: S101 - a pipe was asked for
        assert process.stdout is not None  # noqa: S101
        process.stdin.write(json.dumps(line) + "\n")
        process.stdin.flush()
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.communicate(timeout=30)


def load(ground: Ground, port: int, clients: int, seconds: float) -> tuple[float, list[float]]:
    """Events a second and the wait of each, from a load generator in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.gate_load", str(port), str(clients), str(seconds)],
        input=json.dumps({"path": f"/gate/hikvision/{ground.token}", "body": body().decode()}),
        capture_output=True, text=True, cwd=ROOT, check=True, timeout=seconds + 60,
    )  # fmt: skip
    told = json.loads(done.stdout)
    if told["refused"]:
        raise RuntimeError(f"{told['refused']} requests were not answered with 200")
    ground.promised += told["answered"]
    return told["answered"] / told["seconds"], told["waits"]


def pgbench(ground: Ground, clients: int, seconds: int) -> float:
    """Transactions a second of pgbench with the intake's role and rows; the time to connect does not count."""
    script = ground.folder / "insert.sql"
    script.write_text(
        SCRIPT.format(new_id=ground.new_id, estate=ground.estate, device=ground.device, body=body().hex())
    )
    script.chmod(0o644)
    cluster = ground.lease.cluster
    done = subprocess.run(
        cluster.launcher.command(
            "pgbench", "-n", "-M", "prepared", "-c", str(clients), "-j", "2", "-T", str(seconds),
            "-f", str(script), "-h", str(cluster.socket_dir), "-U", Role.INTAKE.value, "ruhu",
        ),
        capture_output=True, text=True, check=False, timeout=seconds + 60, user=cluster.launcher.user,
    )  # fmt: skip
    told = dict(re.findall(r"^(tps|number of transactions actually processed|number of failed transactions)\W+([\d.]+)",
                           done.stdout, re.MULTILINE))  # fmt: skip
    if len(told) != 3 or told["number of failed transactions"] != "0":
        raise RuntimeError(f"pgbench failed: {done.stderr[-500:]}")
    ground.promised += int(told["number of transactions actually processed"])
    return float(told["tps"])
