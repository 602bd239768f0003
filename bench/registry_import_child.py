"""The process that is measured: `python -m bench.registry_import_child WORKBOOK`. Prints JSON."""

import asyncio
import json
import resource
import sys
import time
import uuid
from pathlib import Path

from api.house import House, open_house
from inspection.registry.imports import service
from inspection.registry.imports.jobs import Workshop
from inspection.registry.imports.models import ImportStatus, RegistryImport
from inspection.registry.places.models import FundingType
from inspection.registry.places.service import create_estate
from storage import settings
from storage.audit.service import Actor
from storage.database import Role, SystemScope

ACTOR = Actor.system("bench")


def peak_mb() -> float:
    """The most memory this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


async def imported(house: House, estate: uuid.UUID, content: bytes) -> tuple[RegistryImport, float, float]:
    """One import, with the seconds of the check and of the application."""
    shop = Workshop(house.database, house.vault, house.objects, house.clock)
    async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        row = await service.hand_in(
            session, vault=house.vault, objects=house.objects, estate_id=estate, content=content, name="register.xlsx",
            full_list=True, create_units=True, queue=False, actor=ACTOR, now=house.clock.now(),
        )  # fmt: skip
    begun = time.perf_counter()
    await shop.check(import_id=row.id)
    checked = time.perf_counter()
    async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        await service.confirm(session, import_id=row.id, queue=False, actor=ACTOR, now=house.clock.now())
    confirmed = time.perf_counter()
    await shop.apply(import_id=row.id)
    done = time.perf_counter()
    async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        row = await service.get_import(session, import_id=row.id)
    if row.status != ImportStatus.APPLIED:
        raise RuntimeError(f"the import ended as {row.status}: {row.report}")
    return row, checked - begun, done - confirmed


async def main(workbook: Path) -> None:
    """The file, and the same file again."""
    house = await asyncio.to_thread(open_house, settings.load())
    try:
        async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
            estate = await create_estate(
                session, vault=house.vault, name="压测小区", division_code="999999001001", geofence=None,
                funding_type=FundingType.GOVERNMENT_INVESTED, actor=ACTOR, now=house.clock.now(),
            )  # fmt: skip
        content = workbook.read_bytes()
        before = peak_mb()
        row, check_s, apply_s = await imported(house, estate.id, content)
        first = peak_mb()
        again, check_again_s, apply_again_s = await imported(house, estate.id, content)
        second = peak_mb()
    finally:
        await house.close()
    told = {
        "rows": row.rows_checked, "records": row.records_applied, "file_mb": len(content) / 2**20, "check_s": check_s,
        "apply_s": apply_s, "peak_mb": first - before, "again_check_s": check_again_s, "again_apply_s": apply_again_s,
        "again_peak_mb": second - before, "again_changes": again.records_applied,
    }  # fmt: skip
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
