"""A restore beside the audit log and the erasure ledger: the log verifies in the backup, the erased stay erased."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from api import backups
from api.erasure import Erasure, demand_replayed
from api.house import House
from api.sealing import make_sealer
from storage.audit import queries
from storage.audit.sealer import Sealer
from storage.audit.service import record
from storage.backup.errors import BackupFailed
from storage.backup.make import is_later
from storage.backup.snapshot import only_backup
from storage.database import Role, SystemScope
from storage.erasure.ledger import Ledger
from storage.erasure.lines import Entry, Stage
from storage.ids import new_id
from storage.objects.store import FilesystemStore
from storage.postgres.lease import Lease
from tests.storage.backups import OPERATOR, Site, back_up, drop, furnish, put_back, read_photo, site


@pytest.fixture(scope="module")
def source(cluster: Lease, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    found = site(cluster, tmp_path_factory.mktemp("source"), template=template)
    yield found
    drop(found)


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def house(source: Site) -> AsyncIterator[House]:
    async with source.house() as found:
        yield found


async def seal(sealer: Sealer) -> None:
    """Seals and copies; a transaction open in any database of the server holds sealing back for a moment."""
    while await sealer.copy() is None:
        await sealer.seal()
        await asyncio.sleep(0.05)


async def test_the_log_verifies_in_a_drill_and_what_is_later_than_the_dump_is_left_out(
    house: House, source: Site, tmp_path: Path
) -> None:
    await furnish(house)
    await back_up(house, tmp_path / "1")  # leaves something to seal
    sealer = make_sealer(house)
    await seal(sealer)
    made = await back_up(house, tmp_path / "2")
    assert made.manifest.namespaces["audit-heads"] >= 1
    await seal(sealer)
    done = await backups.drill(
        house.settings, house.vault, made.directory, sample=2, now=house.clock.now()
    )  # fmt: skip
    assert done.findings == []
    assert done.opened == 2
    source.rows("ALTER TABLE audit_entry DISABLE TRIGGER USER")
    source.rows("UPDATE audit_entry SET action = 'backup.forged' WHERE action = 'backup.made'")
    source.rows("ALTER TABLE audit_entry ENABLE TRIGGER USER")
    forged = await back_up(house, tmp_path / "3")
    found = await backups.drill_and_note(house, forged.directory, sample=0, actor=OPERATOR)
    assert any(finding.startswith("audit log:") for finding in found.findings)
    assert source.rows("SELECT passed FROM backup_drill WHERE backup_id = %s", forged.manifest.backup_id) == [(False,)]


async def test_the_log_is_sealed_during_a_backup_and_a_backup_begins_during_a_sealing(house: House) -> None:
    sealer, owner = make_sealer(house), house.urls.by_role[Role.OWNER]
    async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        record(session, at=house.clock.now(), actor=OPERATOR, action="test", object_kind="test", object_id=None)
    with only_backup(owner):
        await seal(sealer)
        with pytest.raises(BackupFailed), only_backup(owner):
            pass
    async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
        assert await queries.try_lock(session)
        with only_backup(owner):
            pass


def test_a_head_after_the_snapshot_is_later() -> None:
    from storage.audit.chain import copy_name

    key = f"audit-heads/{copy_name(1, 7)}"
    assert is_later(key, None)
    assert is_later(key, (1, 6))
    assert not is_later(key, (1, 7))
    assert not is_later("erasure-ledger/abc-000000000001-00", None)


async def test_whoever_was_erased_after_the_backup_does_not_come_back(
    house: House, cluster: Lease, source: Site, tmp_path: Path
) -> None:
    world, photos = await furnish(house)
    made = await back_up(house, tmp_path / "backup")
    target = site(cluster, tmp_path / "target", key=source.settings.master_key_file)
    # The same ledger, which lies beside the key: its lines were written after the backup.
    target = replace(target, settings=replace(target.settings, ledger=tmp_path / "ledger"))
    ledger = Ledger(target.settings.ledger_dir, FilesystemStore(target.settings.objects_dir))
    person = world.tenants[0]
    await ledger.append(Entry(Stage.INTENT, person, world.estate_id, new_id(), (), house.clock.now()))
    try:
        assert (await put_back(target, made.directory)).erased_again == 1
        assert target.rows("SELECT wrapped FROM subject_key WHERE subject_id = %s", person) == [(None,)]
        assert target.rows("SELECT erased_at IS NOT NULL FROM person WHERE id = %s", person) == [(True,)]
        async with target.house() as restored:
            await demand_replayed(restored)
            assert (await Erasure.of(restored).replay()).erased == 0
            assert await read_photo(restored, world.estate_id, photos[0]) == b"photo 0"
    finally:
        drop(target)
