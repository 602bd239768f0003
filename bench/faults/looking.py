"""Looks at an installation from outside and inside: whether what must be true is true."""

import asyncio
import hashlib
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import psycopg
from sqlalchemy import select

from api.house import House, open_house
from api.sealing import head_stores
from bench.faults.invariants import Findings, exactly_once, nothing_left, same_bytes, steps_in_order
from bench.faults.journal import Entry
from bench.faults.load import Load, Session
from inspection.visits.models import Photo
from storage.audit.keys import public_file, read_public
from storage.audit.verify import verify
from storage.database import Role, SystemScope
from storage.objects.check import check_objects
from storage.objects.service import ObjectDamaged
from storage.objects.store import ObjectMissing
from storage.settings import Settings

SETTLE_S = 180.0
READ_THROUGH_API = 60  # photos a look: the interface gives a user about that many, since each is a view of a face
AT_ONCE = 200

WAITING = "SELECT count(*) FROM raw_pending"
UNSEALED = "SELECT count(*) FROM audit_entry e WHERE NOT EXISTS (SELECT 1 FROM audit_link l WHERE l.entry_id = e.id)"
DEAD_JOBS = "SELECT count(*) FROM procrastinate_jobs WHERE status NOT IN ('todo', 'doing', 'succeeded')"
STUCK_JOBS = """SELECT count(*) FROM procrastinate_jobs j WHERE status = 'doing' AND NOT EXISTS (
  SELECT 1 FROM procrastinate_workers w WHERE w.id = j.worker_id AND w.last_heartbeat > now() - interval '5 minutes')
  AND NOT (worker_id IS NULL)"""
PROBLEMS = "SELECT count(*) FROM delivery_problem"
EVENTS = "SELECT device_id || ':' || counter FROM pass_event"
STORED = {
    "photo": "SELECT id::text FROM photo",
    "lead": "SELECT summary_zh FROM lead",
    "step": "SELECT note FROM case_step WHERE note IS NOT NULL",
    "evidence": "SELECT description FROM case_evidence",
}


@dataclass(slots=True)
class Looked:
    """What a look found, and how much it looked at."""

    findings: Findings
    counts: dict[str, int] = field(default_factory=dict)


def look(settings: Settings, entries: Sequence[Entry], load: Load) -> Looked:
    """Waits until everything is read and sealed, then compares all that was acknowledged with what is there.

    No load is on. Raises whatever keeps it from looking.
    """
    house = open_house(settings)
    try:
        return asyncio.run(_look(house, entries, load))
    finally:
        if house.lease is not None:
            house.lease.release()


async def _look(house: House, entries: Sequence[Entry], load: Load) -> Looked:
    by_kind: dict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        by_kind[entry.kind].append(entry)
    looked = Looked(Findings())
    try:
        await asyncio.to_thread(_in_tables, house, by_kind, looked)
        await _photos(house, by_kind["photo"], looked)
        looked.findings.add(await asyncio.to_thread(_through_api, load, by_kind["photo"], looked))
        report = await check_objects(house.database, house.objects, now=house.clock.now(), deep=True)
        looked.counts["objects"] = report.read
        looked.findings.unreadable += [
            f"object {faulty.object_id} ({faulty.kind})"
            for faulty in (*report.missing, *report.damaged, *report.keyless)
        ]
        keys = read_public(public_file(house.settings.audit_key_file))
        audit = await verify(house.database, stores=head_stores(house), keys=keys)
        looked.counts["audit_links"] = audit.tally.links
        looked.findings.other += [f"audit: {fault.code} {fault.sequence}" for fault in audit.faults]
    finally:
        await house.database.dispose()
        house.objects.close()
    return looked


def _in_tables(house: House, by_kind: dict[str, list[Entry]], looked: Looked) -> None:
    """Rows, as the database's superuser sees them: none is hidden."""
    if house.lease is None:
        raise RuntimeError("an embedded PostgreSQL is needed")
    url = house.lease.cluster.url("postgres", house.settings.database_name)
    with psycopg.connect(url, autocommit=True) as connection:

        def count(query: str) -> int:
            row = connection.execute(query).fetchone()
            return int(row[0]) if row is not None else 0

        end = time.monotonic() + SETTLE_S
        while time.monotonic() < end and (count(WAITING) or count(UNSEALED)):
            time.sleep(0.2)
        looked.findings.add(
            nothing_left(
                {
                    "deliveries not read": count(WAITING), "audit rows not sealed": count(UNSEALED),
                    "failed jobs": count(DEAD_JOBS), "jobs of dead workers": count(STUCK_JOBS),
                    "deliveries with a problem": count(PROBLEMS),
                }
            )
        )  # fmt: skip
        for kind, query in {"event": EVENTS, **STORED}.items():
            stored = [str(row[0]) for row in connection.execute(query)]
            looked.counts[kind] = len(stored)
            looked.findings.add(exactly_once(kind, [entry.key for entry in by_kind[kind]], stored))
        histories: dict[str, list[int]] = defaultdict(list)
        for case, position in connection.execute("SELECT case_id::text, position FROM case_step ORDER BY 1, 2"):
            histories[case].append(position)
        looked.findings.add(steps_in_order(histories))


async def _photos(house: House, entries: Sequence[Entry], looked: Looked) -> None:
    """The bytes of every acknowledged photo, decrypted."""
    wanted = {entry.key: entry.digest for entry in entries}
    read: dict[str, str | None] = dict.fromkeys(wanted)
    keys = sorted(wanted)
    for start in range(0, len(keys), AT_ONCE):
        async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
            rows = await session.execute(select(Photo.id, Photo.object_id).where(Photo.id.in_(keys[start:][:AT_ONCE])))
            for photo_id, object_id in rows.all():
                try:
                    data = await house.objects.get(session, object_id=object_id, now=house.clock.now())
                except (ObjectMissing, ObjectDamaged):
                    continue
                read[str(photo_id)] = hashlib.sha256(data).hexdigest()
    looked.findings.add(same_bytes(wanted, read))


def _through_api(load: Load, entries: Sequence[Entry], looked: Looked) -> Findings:
    """The newest photos as an inspector gets them."""
    newest = entries[-READ_THROUGH_API:]
    session = Session(load, load.world.inspector)
    read: dict[str, str | None] = {}
    for entry in newest:
        path = f"/visits/{entry.place}/photos/{entry.key}?purpose=tenancy_compliance&reason=check"
        status, body, _ = session.call("read", "GET", path, accept=(200, 404, 410))
        read[entry.key] = hashlib.sha256(body).hexdigest() if status == 200 else None
    looked.counts["photos_through_api"] = len(newest)
    return same_bytes({entry.key: entry.digest for entry in newest}, read)
