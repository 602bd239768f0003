"""A register of thousands of flats, from the workbook to the rows: time, memory, and the same rows by plain COPY.

A process of its own hands the workbook in, checks, confirms and applies it, then does the same file again. COPY has
the rows ready, seals nothing, compares nothing, keeps no history of its own making: the ratio says what the rest
costs. Embedded PostgreSQL with durable commits; a folder of its own.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import asyncpg

from bench.gate_ingest import ROOT, wait_for_stop
from inspection.registry.exports.sheets import xlsx_file
from inspection.registry.id_number import check_character
from inspection.registry.imports.headings import Column
from storage import settings as settings_module
from storage.database import urls_for
from storage.migrations import runner
from storage.postgres.lease import Lease, acquire

MAX_UNITS = 40_000
TABLES = ("housing_unit", "household", "person", "subject_key", "household_member", "lease", "register_change")


def id_number(sequence: int) -> str:
    """A made-up number of the unused division 999999."""
    born = date(1950, 1, 1) + timedelta(days=sequence // 900)
    body = f"999999{born:%Y%m%d}{sequence % 900:03d}"
    return body + check_character(body)


def lines(units: int) -> Iterator[list[str]]:
    """The headings, then two or three people for each flat."""
    yield [column.value for column in Column]
    person = 0
    for n in range(units):
        place = [f"{n // 400 + 1}幢", f"{n // 100 % 4 + 1}单元", f"{n % 100 // 4 + 1}{n % 4 + 1:02}"]
        home = [*place, f"F{n:06}", str(n % 100 // 4 + 1), "5", f"BZ{n:06}", "实物配租"]
        for member in range(2 + n % 2):
            role = "承租人" if member == 0 else "共同居住人"
            yield [
                *home, role, f"测试{'甲乙丙'[member]}", id_number(person), f"139{person:08}" if member == 0 else "", "",
                f"HT{n:06}", "2025-01-01", "2029-12-31", "2025-01-05", "",
            ]  # fmt: skip
            person += 1


def run(*, units: int) -> dict[str, float]:
    """Seconds, rows a second and the peak of memory above what the process had before it touched the file."""
    if not 1 <= units <= MAX_UNITS:
        raise ValueError(f"1 to {MAX_UNITS} units")
    scratch = ROOT / "var" / "bench"
    scratch.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix="ruhu-bench-", dir=scratch))
    environment = {"RUHU_DATA": str(folder / "data"), "RUHU_MASTER_KEY_FILE": str(folder / "key")}
    settings = settings_module.load(environment)
    settings.data_dir.mkdir(mode=0o755)
    folder.chmod(0o755)  # the database's account may be another one
    before = os.getloadavg()[0]
    settings.master_key_file.write_text(os.urandom(32).hex())
    settings.master_key_file.chmod(0o600)
    lease = acquire(settings)
    try:
        runner.upgrade(urls_for(settings, lease))
        workbook = folder / "register.xlsx"
        workbook.write_bytes(xlsx_file("名册", lines(units), widths=[12] * len(Column)))
        done = subprocess.run(
            [sys.executable, "-m", "bench.registry_import_child", str(workbook)], env=os.environ | environment,
            capture_output=True, text=True, cwd=ROOT, check=True,
        )  # fmt: skip
        told: dict[str, float] = json.loads(done.stdout)
        copied = asyncio.run(copy(lease, settings.database_name))
    finally:
        lease.release()
        wait_for_stop(lease)
        shutil.rmtree(folder, ignore_errors=True)
    written = told.pop("records")
    took = told["check_s"] + told["apply_s"]
    return told | {
        "units": units,
        "rows_per_s": told["rows"] / took,
        "records_applied_per_s": written / told["apply_s"],
        "copy_s": copied,
        "apply_to_copy": told["apply_s"] / copied,
        "load_average": round(before, 2),
    }


async def copy(lease: Lease, database: str) -> float:
    """Seconds of COPY for the rows that the import has written, into tables of the same form with the same indexes."""
    connection = await asyncpg.connect(lease.cluster.url("postgres", database))
    try:
        took = 0.0
        for table in TABLES:
            rows = await connection.fetch(f"SELECT * FROM {table}")  # noqa: S608 - names of our own
            await connection.execute(f"CREATE TABLE bench_{table} (LIKE {table} INCLUDING ALL)")
            records = [tuple(row) for row in rows]
            started = time.perf_counter()
            await connection.copy_records_to_table(f"bench_{table}", records=records)
            took += time.perf_counter() - started
        return took
    finally:
        await connection.close()
