"""The sealer: every committed row once, whatever runs beside it, is killed, fails or was restored."""

import asyncio
import random
import stat
import sys
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from storage.audit import queries, retention
from storage.audit.faults import Code
from storage.audit.keys import BadKey, KeyMissing, load_signer, new_key, public_file, read_public
from storage.audit.sealer import put_copy
from storage.audit.service import ERASED, Actor, erase_payloads, record
from storage.audit.state import sealing_state
from storage.audit.verify import verify
from storage.clock import SimulatedClock
from storage.database import Database, EstateScope, Role, SystemScope
from storage.holds.reach import Reach
from storage.ids import new_id
from storage.objects.service import Objects
from storage.objects.store import StoreFailed
from storage.postgres.lease import Lease
from storage.retention.classes import Tools
from storage.retention.run import Plan, run_all
from storage.vault.service import Vault
from tests.storage.audit_log import TABLES, Log, superuser_url

ROOT = Path(__file__).resolve().parent.parent.parent


class Undone(Exception):
    """Takes a transaction back."""


@pytest_asyncio.fixture(loop_scope="session")
async def log(
    database: Database, clock: SimulatedClock, tmp_path: Path, cluster: Lease, database_name: str
) -> AsyncIterator[Log]:
    found = Log(database, clock, tmp_path, superuser_url(cluster, database_name))
    await found.reset()
    yield found
    await found.reset()


async def links(log: Log) -> list[uuid.UUID]:
    return [row[0] for row in await log.sql("SELECT entry_id FROM audit_link ORDER BY sequence")]  # type: ignore[misc]  # uuids


async def test_every_committed_row_is_sealed_once_while_many_write(log: Log) -> None:
    chance = random.Random(7)
    committed: list[uuid.UUID] = []
    done = asyncio.Event()

    async def writer() -> None:
        for _ in range(12):
            mine = []
            try:
                async with log.database.transaction(Role.APP, EstateScope((log.estate,))) as session:
                    for _ in range(chance.randint(1, 3)):
                        entry = record(
                            session, at=log.clock.now(), actor=Actor.system("test"), action="test.done",
                            object_kind="test", object_id=new_id(), estate_id=log.estate,
                        )  # fmt: skip
                        mine.append(entry.id)
                        await session.flush()
                        await asyncio.sleep(chance.random() * 0.03)
                    if chance.random() < 0.3:
                        raise Undone  # noqa: TRY301 - it is to leave the transaction
                committed.extend(mine)
            except Undone:
                continue

    async def sealing() -> None:
        sealers = [log.new_sealer(batch=5), log.new_sealer(batch=3)]
        while not done.is_set():
            await asyncio.gather(*(sealer.seal() for sealer in sealers))

    task = asyncio.create_task(sealing())
    await asyncio.gather(*(writer() for _ in range(12)))
    done.set()
    await task
    await log.seal()
    sealed = await links(log)
    assert sorted(sealed) == sorted(committed)
    assert len(set(sealed)) == len(sealed)
    assert (await log.verify()).sound


async def test_a_row_of_a_slow_transaction_is_sealed_after_later_ones_were_held_back(log: Log) -> None:
    async with log.database.transaction(Role.APP, EstateScope((log.estate,))) as slow:
        first = record(
            slow, at=log.clock.now(), actor=Actor.system("test"), action="test.slow", object_kind="test", object_id=None
        )
        await slow.flush()
        (later,) = await log.write()
        assert (await log.sealer.seal()).links == 0
        assert later not in await links(log)
    await log.seal()
    assert await links(log) == [first.id, later]


async def test_one_sealer_at_a_time(log: Log) -> None:
    await log.write()
    async with log.database.transaction(Role.SYSTEM, SystemScope()) as session:
        assert await queries.try_lock(session)
        assert await log.sealer.seal() == await log.new_sealer().seal()
        assert await links(log) == []
    await log.seal()
    assert len(await links(log)) == 1


async def test_nothing_new_no_new_head(log: Log) -> None:
    await log.write(3)
    await log.seal()
    for sealer in (log.sealer, log.new_sealer()):
        sealed = await sealer.seal()
        assert (sealed.links, sealed.more, sealed.head) == (0, False, None)
        assert await sealer.copy() is None
    assert len(list(log.store.keys("audit-heads"))) == 1


async def test_a_backlog_goes_in_batches_and_another_sealer_goes_on(log: Log) -> None:
    await log.write(10)
    await log.settled()
    first = await log.new_sealer(batch=4).seal()
    assert first.head is not None
    assert first.head.mark_xid is None  # the first pass through all that was there is not over
    await log.seal(log.new_sealer(batch=3))
    assert await links(log) == log.written
    assert (await log.verify()).sound


async def test_a_killed_sealer_leaves_a_chain_that_goes_on(log: Log) -> None:
    await log.write(30)
    for _ in range(3):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.storage.sealer_process", log.database.urls.by_role[Role.SYSTEM],
            str(log.folder), cwd=ROOT, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        assert process.stdout is not None
        sealed = 0
        while sealed < 4:
            sealed += int(await process.stdout.readline())
        process.kill()
        await process.wait()
    await log.seal()
    assert await links(log) == log.written
    assert (await log.verify()).sound


async def test_sealing_goes_on_without_the_store_and_copies_are_made_up(log: Log) -> None:
    log.store.root.mkdir(parents=True)
    log.store.root.joinpath("audit-heads").write_text("a file where a folder should be")
    for _ in range(3):
        await log.write(2)
        with pytest.raises(StoreFailed):
            await log.seal()
    async with log.database.transaction(Role.SYSTEM, SystemScope()) as session:
        state = await sealing_state(session, now=log.clock.now())
    assert state.head is not None
    assert (state.head.sequence, state.unsealed, state.uncopied, state.copied_to) == (6, 0, 3, 0)
    log.store.root.joinpath("audit-heads").unlink()
    copied = await log.sealer.copy()
    assert copied is not None
    assert copied.sequence == 6
    async with log.database.transaction(Role.SYSTEM, SystemScope()) as session:
        state = await sealing_state(session, now=log.clock.now())
    assert (state.uncopied, state.copied_to, state.copied_at) == (0, 6, log.clock.now())
    assert (await log.verify()).sound


async def test_the_state_tells_what_waits(log: Log) -> None:
    await log.write(2)
    log.clock.advance(timedelta(seconds=40))
    async with log.database.transaction(Role.SYSTEM, SystemScope()) as session:
        state = await sealing_state(session, now=log.clock.now())
    assert (state.head, state.unsealed, state.oldest, state.uncopied) == (None, 2, timedelta(seconds=40), 0)


async def test_a_copy_that_was_made_before_a_kill_is_noted_later(log: Log) -> None:
    await log.write()
    await log.settled()
    sealed = await log.sealer.seal()
    assert sealed.head is not None
    put_copy(log.store, sealed.head)
    assert await log.sealer.copy() == sealed.head
    assert (await log.verify()).sound


async def test_the_running_sealer_seals_and_copies_and_outlives_faults(log: Log) -> None:
    stopping = asyncio.Event()
    await log.write(2)
    task = asyncio.create_task(log.sealer.run(stopping))
    while not list(log.store.keys("audit-heads")):  # noqa: ASYNC110 - a folder has no event to wait for
        await asyncio.sleep(0.05)
    await log.write(3)
    stopping.set()
    await task
    await log.seal()
    assert await links(log) == log.written
    assert (await log.verify()).sound


async def test_without_its_key_the_sealer_stands_still(log: Log) -> None:
    await log.write()
    await log.seal()
    key = log.key_file.read_text()
    assert stat.S_IMODE(log.key_file.stat().st_mode) == 0o600
    log.key_file.unlink()
    await log.write()
    with pytest.raises(KeyMissing):
        await log.new_sealer().seal()
    log.key_file.write_text("no key")
    with pytest.raises(BadKey, match="64"):
        await log.new_sealer().seal()
    log.key_file.write_text(key)
    log.key_file.chmod(0o644)
    with pytest.raises(BadKey, match="600"):
        await log.new_sealer().seal()
    log.key_file.chmod(0o600)
    await log.seal(log.new_sealer())
    assert (await log.verify()).sound


async def test_a_new_key_is_listed_beside_the_old_one(log: Log) -> None:
    await log.write()
    await log.seal()
    log.key_file.unlink()
    new_key(log.key_file)
    await log.write()
    await log.seal(log.new_sealer())
    keys = read_public(public_file(log.key_file))
    assert len(keys) == 2
    assert (await log.verify()).sound
    newest = {key: value for key, value in keys.items() if key == load_signer(log.key_file, create=False).key_id}
    found = await verify(log.database, stores=[log.store], keys=newest)
    assert found.faults[0].code == Code.HEAD_UNSIGNED
    public_file(log.key_file).write_text("ed25519 abc 00\n")
    with pytest.raises(BadKey, match="line 1"):
        read_public(public_file(log.key_file))


async def restored(log: Log, *, on_record: bool) -> None:
    """Goes back to the state of the first of two runs, as a backup would, and begins the next epoch."""
    await log.write(4)
    await log.seal()
    taken_at = log.clock.advance(timedelta(minutes=5))
    log.clock.advance(timedelta(minutes=5))
    await log.write(3)
    await log.seal()
    async with log.tampering() as connection:
        for table in ("audit_entry", "audit_payload"):
            key = "id" if table == "audit_entry" else "entry_id"
            await connection.execute(
                f"DELETE FROM {table} WHERE {key} IN (SELECT entry_id FROM audit_link WHERE sequence > 4)".encode()  # noqa: S608 - fixed names
            )
        for table in ("audit_link", "audit_head", "audit_copy"):
            await connection.execute(f"DELETE FROM {table} WHERE sequence > 4".encode())  # noqa: S608 - fixed names
        if on_record:
            await connection.execute(
                "INSERT INTO restore_epoch (epoch, began_at, backup_id, backup_taken_at) VALUES (2, %s, %s, %s)",
                (log.clock.now(), new_id(), taken_at),
            )


async def test_what_a_recorded_restore_lost_is_information(log: Log) -> None:
    await restored(log, on_record=True)
    report = await log.verify()
    assert report.sound
    (loss,) = report.losses
    assert (loss.epoch, loss.first, loss.last, loss.restored_at) == (1, 5, 7, log.clock.now())
    await log.write(2)
    await log.sql("UPDATE audit_entry SET xid = 1 WHERE id NOT IN (SELECT entry_id FROM audit_link)")  # a fresh server
    waiting = await log.verify()
    assert (waiting.sound, waiting.unsealed) == (True, 2)
    await log.seal(log.new_sealer())
    report = await log.verify()
    assert report.sound
    assert len(report.losses) == 1
    assert report.head is not None
    assert (report.head.epoch, report.head.sequence) == (2, 6)
    assert max(log.store.keys("audit-heads")) == "audit-heads/000002-0000000000000006"


async def test_what_no_restore_explains_is_a_cut_tail(log: Log) -> None:
    await restored(log, on_record=False)
    fault = (await log.verify()).faults[0]
    assert (fault.code, fault.sequence, fault.detail) == (Code.TAIL_CUT, 5, "5–7")


async def test_a_restore_does_not_explain_what_its_backup_should_hold(log: Log) -> None:
    await restored(log, on_record=True)
    await log.sql("UPDATE restore_epoch SET backup_taken_at = %s WHERE epoch = 2", log.clock.now() + timedelta(hours=1))
    assert (await log.verify()).faults[0].code == Code.TAIL_CUT


async def test_rows_numbered_by_another_server_are_sealed_too(log: Log) -> None:
    """After a restore into a fresh server its transactions may count from below what the rows say."""
    await log.write(3)
    await log.seal()
    await log.write(2)
    await log.sql("UPDATE audit_entry SET xid = xid + 1000000000 WHERE id NOT IN (SELECT entry_id FROM audit_link)")
    await log.sql("INSERT INTO restore_epoch (epoch, began_at) VALUES (2, now())")
    await log.write(2)
    await log.seal(log.new_sealer())
    await log.write(2)
    await log.seal()
    assert sorted(await links(log)) == sorted(log.written)
    assert (await log.verify()).sound


async def test_a_mark_of_another_server_is_not_believed(log: Log) -> None:
    await log.write(2)
    await log.sql("UPDATE audit_entry SET xid = xid + 1000000000")
    await log.seal()
    head = await log.sql("SELECT mark_xid FROM audit_head")
    assert int(str(head[0][0])) < 1_000_000_000
    await log.write(2)
    await log.seal(log.new_sealer())
    assert len(await links(log)) == 4


async def test_erased_payloads_leave_a_chain_that_verifies(log: Log) -> None:
    person, other = new_id(), new_id()
    await log.write(3, person=person)
    await log.write(2, person=other)
    await log.seal()
    async with log.database.transaction(Role.SYSTEM, SystemScope()) as session:
        assert await erase_payloads(session, subject_id=person, now=log.clock.now()) == 3
        assert await erase_payloads(session, subject_id=new_id(), now=log.clock.now()) == 0
    await log.seal()
    report = await log.verify()
    assert report.sound
    assert (report.tally.erased, report.erasures, report.tally.payloads) == (3, 3, 3)
    assert await log.sql("SELECT 1 FROM audit_payload WHERE subject_id = %s", person) == []


async def test_payloads_go_by_age_and_what_they_were_is_proven_gone(log: Log, vault: Vault, objects: Objects) -> None:
    await log.write(3, person=new_id())
    await log.seal()
    before = len(await log.sql("SELECT 1 FROM audit_payload"))
    plan = Plan(classes=retention.CLASSES, reach=Reach(widen=(), locate={}))
    for days, left in ((2557, before), (2560, 0)):
        now = log.clock.now() + timedelta(days=days)
        (run,) = await run_all(
            log.database, plan=plan, tools=Tools(vault, objects), now=now, actor=Actor.system("test")
        )
        assert (run.error, run.remaining) == (None, 0)
        old = (
            "SELECT 1 FROM audit_payload p JOIN audit_entry e ON e.id = p.entry_id WHERE e.at <= %s AND e.action <> %s"
        )
        assert len(await log.sql(old, now - timedelta(days=2558), ERASED)) == 0
        assert len(await log.sql("SELECT 1 FROM audit_payload WHERE subject_id IS NOT NULL")) == (3 if left else 0)
    await log.seal()
    assert (await log.verify()).sound


@pytest.mark.parametrize("table", TABLES)
async def test_nobody_changes_a_record_not_even_the_owner(log: Log, table: str) -> None:
    await log.write()
    await log.seal()
    column = {"audit_entry": "at", "audit_payload": "salt", "audit_link": "digest"}.get(table, "epoch")
    acts = [f"UPDATE {table} SET {column} = {column}", f"TRUNCATE {table}"]  # noqa: S608 - fixed names
    if table != "audit_payload":
        acts.append(f"DELETE FROM {table}")  # noqa: S608 - fixed names
    for role in Role:
        for act in acts:
            with pytest.raises(DBAPIError, match=r"refused: records are only added|permission denied"):
                async with log.database.transaction(role, SystemScope()) as session:
                    await session.execute(text(act))
    with pytest.raises(DBAPIError, match="permission denied"):
        async with log.database.transaction(Role.APP, SystemScope()) as session:
            await session.execute(text("INSERT INTO audit_entry (id, xid) VALUES (gen_random_uuid(), 1)"))
