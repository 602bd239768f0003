# ruff: noqa: S608 - the names of columns and tables are fixed here
"""Every way of changing the audit log behind its back is found, and named, by its first wrong row."""

import json
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio

from storage.audit import chain
from storage.audit.faults import Code
from storage.audit.keys import new_key, public_file, read_public
from storage.audit.verify import verify
from storage.clock import SimulatedClock
from storage.database import Database
from storage.ids import new_id
from storage.objects.store import FilesystemStore
from storage.postgres.lease import Lease
from tests.storage.audit_log import Log, superuser_url


@pytest_asyncio.fixture(loop_scope="session")
async def log(
    database: Database, clock: SimulatedClock, tmp_path: Path, cluster: Lease, database_name: str
) -> AsyncIterator[Log]:
    """Twelve entries in three runs of the sealer, four of them about one person."""
    found = Log(database, clock, tmp_path, superuser_url(cluster, database_name))
    await found.reset()
    for person in (None, new_id(), None):
        await found.write(4, person=person)
        clock.advance(timedelta(seconds=30))
        await found.seal()
    yield found
    await found.reset()


async def entry_at(log: Log, sequence: int) -> uuid.UUID:
    found = (await log.sql("SELECT entry_id FROM audit_link WHERE sequence = %s", sequence))[0][0]
    assert isinstance(found, uuid.UUID)
    return found


async def test_an_untouched_log_is_sound(log: Log) -> None:
    report = await log.verify()
    assert report.sound, report.faults
    assert (report.tally.links, report.tally.payloads, report.tally.erased, report.unsealed) == (12, 12, 0, 0)
    assert (report.copies, report.head and report.head.sequence) == (3, 12)


COLUMNS = {
    "at": "at + interval '1 microsecond'",
    "actor_user_id": "NULL",
    "actor_kind": "'worker'",
    "action": "'trail.viewee'",
    "object_kind": "'housing_unis'",
    "object_id": "gen_random_uuid()",
    "estate_id": "NULL",
    "purpose": "NULL",
    "payload_digest": "set_byte(payload_digest, 31, get_byte(payload_digest, 31) # 1)",
    "xid": "xid # 1",
}


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.asvs("v5.0.0-16.4.2")
async def test_any_column_of_an_entry(log: Log, column: str) -> None:
    entry = await entry_at(log, 6)
    await log.sql(f"UPDATE audit_entry SET {column} = {COLUMNS[column]} WHERE id = %s", entry)
    faults = (await log.verify()).faults
    assert (Code.ENTRY_ALTERED, 6, entry) in {(f.code, f.sequence, f.entry_id) for f in faults}
    assert {f.sequence for f in faults} == {6}


@pytest.mark.parametrize(
    "change",
    [
        "body = replace(body, '核对情况', '核对情呪')",
        "subject_id = gen_random_uuid()",
        "salt = set_byte(salt, 0, get_byte(salt, 0) # 128)",
    ],
)
async def test_a_payload(log: Log, change: str) -> None:
    entry = await entry_at(log, 7)
    await log.sql(f"UPDATE audit_payload SET {change} WHERE entry_id = %s", entry)
    fault = await log.first_fault()
    assert (fault.code, fault.sequence, fault.entry_id) == (Code.PAYLOAD_ALTERED, 7, entry)


async def test_a_payload_that_vanished_without_an_erasure(log: Log) -> None:
    await log.sql("DELETE FROM audit_payload WHERE entry_id = %s", await entry_at(log, 7))
    fault = await log.first_fault()
    assert (fault.code, fault.detail) == (Code.PAYLOADS_MISSING, "1")


@pytest.mark.parametrize("column", ["digest", "previous"])
@pytest.mark.parametrize("sequence", [1, 6, 8, 12])
async def test_a_link(log: Log, column: str, sequence: int) -> None:
    await log.sql(f"UPDATE audit_link SET {column} = set_byte({column}, 3, get_byte({column}, 3) # 16) "
                  "WHERE sequence = %s", sequence)  # fmt: skip
    faults = (await log.verify()).faults
    assert [(f.code, f.sequence, f.entry_id) for f in faults] == [
        (Code.LINK_ALTERED, sequence, await entry_at(log, sequence))
    ]


async def test_a_deleted_entry(log: Log) -> None:
    entry = await entry_at(log, 5)
    await log.sql("DELETE FROM audit_entry WHERE id = %s", entry)
    fault = await log.first_fault()
    assert (fault.code, fault.sequence, fault.entry_id) == (Code.ENTRY_DELETED, 5, entry)


async def test_a_deleted_entry_with_its_link(log: Log) -> None:
    await log.sql("DELETE FROM audit_entry WHERE id = %s", await entry_at(log, 5))
    await log.sql("DELETE FROM audit_link WHERE sequence = 5")
    fault = await log.first_fault()
    assert (fault.code, fault.sequence, fault.detail) == (Code.LINK_DELETED, 5, "5–5")


async def test_a_gap_that_was_closed_by_counting_anew(log: Log) -> None:
    await log.sql("DELETE FROM audit_entry WHERE id = %s", await entry_at(log, 5))
    await log.sql("DELETE FROM audit_link WHERE sequence = 5")
    for sequence in range(6, 13):
        await log.sql("UPDATE audit_link SET sequence = %s WHERE sequence = %s", sequence - 1, sequence)
    fault = await log.first_fault()
    assert (fault.code, fault.sequence) == (Code.LINK_BROKEN, 5)


async def test_two_entries_exchanged(log: Log) -> None:
    await log.sql("UPDATE audit_link SET entry_id = %s WHERE sequence = 7", new_id())
    fault = await log.first_fault()
    assert (fault.code, fault.sequence) == (Code.ENTRY_DELETED, 7)


async def test_two_links_exchanged(log: Log) -> None:
    third, seventh = await entry_at(log, 3), await entry_at(log, 7)
    async with log.tampering() as connection:
        await connection.execute("UPDATE audit_link SET entry_id = %s WHERE sequence = 3", (new_id(),))
        await connection.execute("UPDATE audit_link SET entry_id = %s WHERE sequence = 7", (third,))
        await connection.execute("UPDATE audit_link SET entry_id = %s WHERE sequence = 3", (seventh,))
    faults = (await log.verify()).faults
    assert [(f.code, f.sequence) for f in faults] == [(Code.ENTRY_ALTERED, 3), (Code.ENTRY_ALTERED, 7)]


async def rewrite(log: Log, start: int) -> None:
    """Links from `start` on computed anew, as somebody without the signing key can."""
    async with log.tampering() as connection:
        cursor = await connection.execute(
            f"SELECT l.sequence, l.previous, {', '.join('e.' + c for c in chain.COLUMNS)} FROM audit_link l "
            "JOIN audit_entry e ON e.id = l.entry_id WHERE l.sequence >= %s ORDER BY 1".encode(),
            (start,),
        )
        previous: bytes | None = None
        for sequence, was, *columns in await cursor.fetchall():
            previous = was if previous is None else previous  # type: ignore[assignment]  # bytes, from a bytea
            assert previous is not None
            digest = chain.link_digest(int(str(sequence)), previous, chain.Entry(*columns))  # type: ignore[arg-type]  # as the columns are
            await connection.execute(
                "UPDATE audit_link SET previous = %s, digest = %s WHERE sequence = %s", (previous, digest, sequence)
            )
            previous = digest


async def test_a_chain_written_anew(log: Log) -> None:
    await log.sql("UPDATE audit_entry SET purpose = NULL WHERE id = %s", await entry_at(log, 6))
    await rewrite(log, 6)
    fault = await log.first_fault()
    assert (fault.code, fault.sequence, fault.detail) == (Code.HEAD_DIFFERS, 8, "5–8")


async def test_one_link_written_anew(log: Log) -> None:
    entry = await entry_at(log, 6)
    await log.sql("UPDATE audit_entry SET purpose = NULL WHERE id = %s", entry)
    after = await log.sql("SELECT previous, digest, sequence FROM audit_link WHERE sequence > 6")
    await rewrite(log, 6)
    for link in after:
        await log.sql("UPDATE audit_link SET previous = %s, digest = %s WHERE sequence = %s", *link)
    fault = await log.first_fault()
    assert (fault.code, fault.sequence, fault.entry_id) == (Code.LINK_BROKEN, 6, entry)


@pytest.mark.asvs("v5.0.0-16.4.3")
async def test_a_cut_tail_with_its_heads_is_told_by_the_copies(log: Log) -> None:
    await log.sql("DELETE FROM audit_entry WHERE id IN (SELECT entry_id FROM audit_link WHERE sequence > 8)")
    for table in ("audit_link", "audit_head", "audit_copy"):
        await log.sql(f"DELETE FROM {table} WHERE sequence > 8")
    faults = (await log.verify()).faults
    assert [(f.code, f.sequence, f.epoch, f.detail) for f in faults] == [(Code.TAIL_CUT, 9, 1, "9–12")]


async def test_a_tail_without_its_heads(log: Log) -> None:
    await log.sql("DELETE FROM audit_head WHERE sequence > 8")
    fault = await log.first_fault()
    assert (fault.code, fault.sequence) == (Code.TAIL_WITHOUT_HEAD, 12)


async def test_heads_without_their_tail(log: Log) -> None:
    await log.sql("DELETE FROM audit_link WHERE sequence > 8")
    fault = await log.first_fault()
    assert (fault.code, fault.sequence, fault.detail) == (Code.TAIL_CUT, 9, "9–12")


HEAD_CHANGES = {
    "digest": "digest = set_byte(digest, 0, get_byte(digest, 0) # 1)",
    "signature": "signature = set_byte(signature, 9, get_byte(signature, 9) # 4)",
    "at": "at = at - interval '1 hour'",
    "count": "count = count + 1",
    "mark": "mark_xid = mark_xid - 1",
    "previous": "previous = set_byte(previous, 0, get_byte(previous, 0) # 1)",
}


@pytest.mark.parametrize("column", HEAD_CHANGES)
async def test_a_head(log: Log, column: str) -> None:
    await log.sql(f"UPDATE audit_head SET {HEAD_CHANGES[column]} WHERE sequence = 8")
    fault = await log.first_fault()
    assert (fault.code, fault.sequence, fault.epoch) == (Code.HEAD_ALTERED, 8, 1)


async def test_heads_swapped(log: Log) -> None:
    async with log.tampering() as connection:
        await connection.execute(
            "UPDATE audit_head a SET digest = b.digest, count = b.count, at = b.at, previous = b.previous, "
            "signature = b.signature FROM audit_head b WHERE a.sequence + b.sequence = 12 AND a.sequence <> b.sequence"
        )
    fault = await log.first_fault()
    assert (fault.code, fault.sequence) == (Code.HEAD_ALTERED, 4)


async def test_a_head_taken_out(log: Log) -> None:
    await log.sql("DELETE FROM audit_head WHERE sequence = 8")
    assert (await log.first_fault()).code == Code.HEAD_MISPLACED


async def test_heads_signed_with_another_key(log: Log) -> None:
    forger = Log(log.database, log.clock, log.folder / "forger", log.superuser)
    for table in ("audit_link", "audit_head", "audit_copy"):
        await log.sql(f"DELETE FROM {table} WHERE sequence > 8")
    await log.sql("UPDATE audit_entry SET purpose = NULL WHERE id = %s", log.written[-1])
    new_key(forger.key_file)
    await forger.seal()
    fault = await log.first_fault()
    assert (fault.code, fault.sequence) == (Code.HEAD_UNSIGNED, 12)


async def test_a_row_put_in_behind_the_mark(log: Log) -> None:
    inserted = new_id()
    await log.sql(
        "INSERT INTO audit_entry (id, at, actor_kind, action, object_kind, xid) "
        "SELECT %s, at, actor_kind, action, object_kind, xid FROM audit_entry WHERE id = %s", inserted, log.written[5],
    )  # fmt: skip
    await log.sealer.seal()
    await log.new_sealer().seal()
    fault = await log.first_fault()
    assert (fault.code, fault.entry_id) == (Code.ENTRY_INSERTED, inserted)


async def test_a_payload_put_in(log: Log) -> None:
    await log.sql("UPDATE audit_entry SET payload_digest = NULL WHERE id = %s", await entry_at(log, 2))
    assert (await log.first_fault()).code == Code.PAYLOAD_INSERTED


async def test_a_copy_in_the_store(log: Log) -> None:
    path = log.store.path(f"audit-heads/{chain.copy_name(1, 8)}")
    head = json.loads(path.read_bytes())
    good = path.read_bytes()
    path.write_bytes(good.replace(head["digest"].encode(), bytes(reversed(head["digest"].encode()))))
    fault = await log.first_fault()
    assert (fault.code, fault.sequence, fault.epoch) == (Code.COPY_DIFFERS, 8, 1)
    path.unlink()
    fault = await log.first_fault()
    assert (fault.code, fault.sequence, fault.epoch) == (Code.COPY_MISSING, 8, 1)
    path.write_bytes(good)
    assert (await log.verify()).sound
    log.store.put("audit-heads/000001-0000000000000099", good)
    fault = await log.first_fault()
    assert (fault.code, fault.sequence) == (Code.COPY_FORGED, 99)


async def test_a_store_that_came_later_owes_the_copies_since_its_first(log: Log) -> None:
    later, keys = FilesystemStore(log.folder / "later"), read_public(public_file(log.key_file))

    async def found(*, taken_away: bool = False) -> list[tuple[Code, int | None]]:
        owing, kept = ([log.store], [later]) if taken_away else ([log.store, later], [])
        report = await verify(log.database, stores=owing, taken_away=kept, keys=keys)
        return [(one.code, one.sequence) for one in report.faults]

    assert (await found(), await found(taken_away=True)) == ([(Code.COPY_MISSING, 12)], [])
    second = f"audit-heads/{chain.copy_name(1, 8)}"
    later.put(second, log.store.get(second))
    assert (await found(), await found(taken_away=True)) == ([(Code.COPY_MISSING, 12)], [])
    third = f"audit-heads/{chain.copy_name(1, 12)}"
    later.put(third, log.store.get(third))
    assert await found() == []
    later.path(second).write_bytes(log.store.get(third))
    assert await found() == await found(taken_away=True) == [(Code.COPY_DIFFERS, 8)]


async def test_a_copy_that_was_never_noted_is_compared_too(log: Log) -> None:
    await log.sql("DELETE FROM audit_copy")
    log.store.path(f"audit-heads/{chain.copy_name(1, 8)}").write_bytes(b"{}")
    fault = await log.first_fault()
    assert (fault.code, fault.sequence) == (Code.COPY_DIFFERS, 8)
