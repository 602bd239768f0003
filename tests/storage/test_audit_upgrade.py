"""Audit rows of the release before come into the chain, their reasons and payloads into the erasable table."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import psycopg
from psycopg.types.json import Jsonb
from sqlalchemy import select

from storage.audit.models import AuditEntry, AuditPayload
from storage.audit.service import erase_payloads
from storage.clock import SimulatedClock
from storage.database import Database, Role, SystemScope, urls_for
from storage.ids import new_id
from storage.migrations import runner
from storage.postgres.lease import Lease, create_database
from storage.settings import Settings
from tests.conftest import START
from tests.storage.audit_log import Log, superuser_url

NAME = "test_audit_upgrade"


async def test_rows_from_before_are_kept_sealed_and_erasable(
    cluster: Lease, test_settings: Settings, tmp_path: Path
) -> None:
    with psycopg.connect(cluster.cluster.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {NAME} WITH (FORCE)".encode())
        create_database(connection, NAME)
    urls = urls_for(replace(test_settings, database_name=NAME), cluster)
    runner.upgrade(urls, "0007")
    person, consent, silent = new_id(), new_id(), new_id()
    rows = [
        (new_id(), "person.unmask", "person", person, "核对“身份”\n", {"secret": "phone", "score": 1.50, "空": None}),
        (new_id(), "consent.give", "consent", consent, None, {"person_id": str(person)}),
        (new_id(), "units.add", "estate", new_id(), None, {"count": 10**20, "person_id": "not an id"}),
        (silent, "sign-in", "user", new_id(), None, {}),
    ]
    superuser = superuser_url(cluster, NAME)
    with psycopg.connect(superuser) as connection:
        for number, (key, action, kind, thing, reason, payload) in enumerate(rows):
            connection.execute(
                "INSERT INTO audit_entry (id, at, actor_kind, action, object_kind, object_id, reason, payload) "
                "VALUES (%s, %s, 'user', %s, %s, %s, %s, %s)",
                (key, START + timedelta(seconds=number), action, kind, thing, reason, Jsonb(payload)),
            )
    runner.upgrade(urls, "0008")
    database = Database(urls)
    log = Log(database, SimulatedClock(tmp_path / "clock.json", start=START), tmp_path, superuser)
    await log.seal()
    assert (await log.verify()).sound
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        kept = {entry.id: entry for entry in await session.scalars(select(AuditEntry))}
        assert [(kept[row[0]].action, kept[row[0]].reason, kept[row[0]].payload) for row in rows] == [
            (row[1], row[4], row[5]) for row in rows
        ]
        assert kept[silent].payload_digest is None
        subjects = {row.entry_id: row.subject_id for row in await session.scalars(select(AuditPayload))}
        assert subjects == {rows[0][0]: person, rows[1][0]: person, rows[2][0]: None}
        assert await erase_payloads(session, subject_id=person, now=START) == 2
    await log.seal()
    report = await log.verify()
    assert report.sound
    assert report.tally.erased == 2
    await database.dispose()
    with psycopg.connect(cluster.cluster.url("postgres", "postgres"), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {NAME} WITH (FORCE)".encode())
