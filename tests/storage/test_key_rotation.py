"""Keys are replaced under running processes; a killed rotation is gone on with; what was removed opens nothing."""

import asyncio
import shutil
import signal
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from api.backups import restore
from api.house import open_house
from api.keys import prune, rotate_estate, sealed_deliveries, status
from storage.backup.errors import RestoreRefused
from storage.database import EstateScope, Role, SystemScope
from storage.ids import new_id
from storage.postgres.lease import Lease
from storage.settings import SettingsError
from storage.vault import crypto, master_file, rotation
from storage.vault.errors import KeysBusy, KeysInUse, NoEstateKey
from storage.vault.models import EstateKey, SubjectKey
from storage.vault.service import MASTER_LOCK, Vault, hold
from tests.storage.backups import OPERATOR, Site, add_photo, back_up, drop, furnish, read_photo, ruhu, site, start_ruhu

pytestmark = [pytest.mark.asvs("v5.0.0-11.2.2"), pytest.mark.asvs("v5.0.0-13.3.1")]


@pytest.fixture
def place(cluster: Lease, template: str, tmp_path: Path) -> Iterator[Site]:
    found = site(cluster, tmp_path, template=template)
    yield found
    drop(found)


async def subject_keys(house: object, estate_id: uuid.UUID) -> dict[uuid.UUID, bytes]:
    vault, database = house.vault, house.database  # type: ignore[attr-defined]
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        people = list(await session.scalars(select(SubjectKey.subject_id).where(SubjectKey.estate_id == estate_id)))
        found: dict[uuid.UUID, bytes] = await vault.subject_keys(
            session,
            estate_id=estate_id,
            subject_ids=people,
            now=house.clock.now(),  # type: ignore[attr-defined]
        )
    return found


async def many_subjects(house: object, estate_id: uuid.UUID, count: int) -> None:
    """Adds keys of subjects, as fast as rows can be written."""
    vault, database, now = house.vault, house.database, house.clock.now()  # type: ignore[attr-defined]
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        key = await vault.estate_key(session, estate_id=estate_id, now=now)
        ids = [new_id() for _ in range(count)]
        rows = [
            {"subject_id": one, "estate_id": estate_id, "created_at": now,
             "wrapped": crypto.seal(key, crypto.new_key(), place=f"subject-key/{estate_id}/{one}")}
            for one in ids
        ]  # fmt: skip
        await session.execute(insert(SubjectKey), rows)


async def first_format(house: object) -> None:
    """Wraps the estates' keys as the first releases did, which named no key."""
    vault, database = house.vault, house.database  # type: ignore[attr-defined]
    async with database.transaction(Role.SYSTEM, SystemScope()) as session:
        for row in await session.scalars(select(EstateKey)):
            row.wrapped = crypto.UNNAMED + row.wrapped[1 + crypto.KEY_ID_BYTES :]
    vault.estate_keys.clear()


async def test_the_master_key_is_replaced_under_a_running_process(place: Site, tmp_path: Path) -> None:
    async with place.house() as running:
        world, photos = await furnish(running)
        await first_format(running)
        keys = await subject_keys(running, world.estate_id)
        old_file = place.settings.master_key_file.read_text()
        code, told, errors = ruhu("keys", "rotate-master", "--json", **place.environment)
        assert (code, told["made"]) == (0, True), errors
        assert told["wrapped_anew"] == 1 + 7  # the estate's key, and those of the installation
        assert place.settings.master_key_file.read_text().splitlines()[1:] == old_file.splitlines()
        running.vault.estate_keys.clear()
        assert await subject_keys(running, world.estate_id) == keys, "the process learns the new key by itself"
        assert await read_photo(running, world.estate_id, photos[0]) == b"photo 0"
        other, _ = await furnish(running)  # and wraps with it
        code, told, errors = ruhu("keys", "prune", "--json", **place.environment)
        assert (code, told["master"]) == (0, 1), errors
        assert await subject_keys(running, other.estate_id)
        third, _ = await furnish(running, photos=1)
        assert (await status(running)).finished
        assert place.rows("SELECT action FROM audit_entry WHERE action LIKE 'keys.%%' ORDER BY xid") == [
            ("keys.master-rotated",), ("keys.master-pruned",),
        ]  # fmt: skip
    new_file = place.settings.master_key_file.read_text()
    place.settings.master_key_file.write_text(old_file)
    with pytest.raises(SettingsError, match="主密钥不符"):
        open_house(place.settings)
    place.settings.master_key_file.write_text(new_file)
    async with place.house() as again:
        assert await subject_keys(again, world.estate_id) == keys
        assert len(await subject_keys(again, third.estate_id)) == 2


async def test_an_interrupted_rotation_of_the_master_key_is_finished_and_makes_no_second_key(place: Site) -> None:
    async with place.house() as house:
        for _ in range(3):
            await furnish(house, photos=0)
        # Killed after the file was written, and again after one batch.
        master_file.replace(place.settings.master_key_file, house.vault.master.rotated())
        with pytest.raises(KeysInUse):
            await rotation.prune_master(house.database, vault=house.vault, actor=OPERATOR, now=house.clock.now())
        estate = (await rotation_targets(house))[0]
        async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
            await hold(session, MASTER_LOCK)
            row = await session.get(EstateKey, estate)
            assert row is not None
            at = f"estate-key/{estate}"
            row.wrapped = house.vault.wrap(house.vault.unwrap(row.wrapped, place=at), place=at)
        assert not (await status(house)).finished
    async with place.house() as house:  # opens: one of its keys is the database's
        made, done = await rotation.rotate_master(
            house.database, vault=house.vault, actor=OPERATOR, now=house.clock.now()
        )
        assert (made, done) == (False, 2 + 7)
        assert (await status(house)).finished
        assert (await prune(house, actor=OPERATOR)).master == 1
        assert (
            await rotation.prune_master(house.database, vault=house.vault, actor=OPERATOR, now=house.clock.now()) == 0
        )


async def rotation_targets(house: object) -> list[uuid.UUID]:
    async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:  # type: ignore[attr-defined]
        return list(await session.scalars(select(EstateKey.estate_id)))


async def test_a_coming_key_is_carried_to_other_machines_before_it_is_used(place: Site, tmp_path: Path) -> None:
    elsewhere = tmp_path / "other-machine.key"
    async with place.house() as house:
        world, _ = await furnish(house, photos=1)
        code, told, errors = ruhu("keys", "rotate-master", "--prepare", "--json", **place.environment)
        assert (code, told["prepared"], told["made"]) == (0, True, False), errors
        shutil.copy(place.settings.master_key_file, elsewhere)
        assert [one.state for one in (await status(house)).master] == ["current", "coming"]
        coming = master_file.load(elsewhere, create=False).coming
        await rotation.rotate_master(house.database, vault=house.vault, actor=OPERATOR, now=house.clock.now())
        assert house.vault.master.keys[0] == coming
    other = open_house(replace(place.settings, master_key_file=elsewhere))
    try:
        assert len(await subject_keys(other, world.estate_id)) == 2
    finally:
        await other.close()


async def test_the_key_of_an_estate_is_replaced_under_a_running_process(place: Site) -> None:
    async with place.house() as running:
        world, photos = await furnish(running)
        estate = world.estate_id
        keys = await subject_keys(running, estate)
        async with running.database.transaction(Role.SYSTEM, SystemScope()) as session:
            old = await running.vault.estate_key(session, estate_id=estate, now=running.clock.now())
        code, told, errors = ruhu("keys", "rotate-estate", str(estate), "--json", **place.environment)
        assert (code, told["wrapped_anew"]) == (0, 2 + 5), errors
        assert await subject_keys(running, estate) == keys
        assert await read_photo(running, estate, photos[0]) == b"photo 0"
        later = await add_photo(running, world, b"later")
        now = running.clock.now()
        assert (await prune(running, actor=OPERATOR)).waiting == 1, "the intake may still remember it for a moment"
        async with running.database.transaction(Role.SYSTEM, SystemScope()) as session:
            assert await rotation.prune_estate(
                session, vault=running.vault, estate_id=estate, elsewhere=sealed_deliveries, actor=OPERATOR,
                now=now + timedelta(hours=1),
            ) == (1, 0)  # fmt: skip
        assert await read_photo(running, estate, later) == b"later"
        assert (await status(running)).rotating == []
        wrapped = place.rows("SELECT subject_id, wrapped FROM subject_key WHERE estate_id = %s", estate)
        for subject, sealed in wrapped:
            with pytest.raises(crypto.KeyNotHere):
                crypto.unseal(old, bytes(sealed), place=f"subject-key/{estate}/{subject}")


async def test_who_wraps_is_waited_for_and_what_is_not_wrapped_anew_keeps_its_key(place: Site) -> None:
    async with place.house() as house:
        world, _ = await furnish(house, photos=1)
        estate, now = world.estate_id, house.clock.now()
        with pytest.raises(NoEstateKey):
            await rotate_estate(house, estate_id=new_id(), actor=OPERATOR)
        async with house.database.transaction(Role.APP, EstateScope((estate,))) as session:
            old = await house.vault.estate_key(session, estate_id=estate, now=now)
            with pytest.raises(KeysBusy):
                await rotate_estate(house, estate_id=estate, actor=OPERATOR)
        await rotate_estate(house, estate_id=estate, actor=OPERATOR)
        subject = world.tenants[0]
        at = f"subject-key/{estate}/{subject}"
        async with house.database.transaction(Role.SYSTEM, SystemScope()) as session:
            await session.execute(
                update(SubjectKey)
                .where(SubjectKey.subject_id == subject)
                .values(wrapped=crypto.UNNAMED + crypto.seal(old, crypto.new_key(), place=at)[9:])
            )
            assert await rotation.prune_estate(
                session, vault=house.vault, estate_id=estate, elsewhere=sealed_deliveries, actor=OPERATOR,
                now=now + timedelta(hours=1),
            ) == (0, 1)  # fmt: skip
        before = await subject_keys(house, estate)
        assert await rotation.rewrap_all(house.database, vault=house.vault, actor=OPERATOR, now=now) == 1
        assert await subject_keys(house, estate) == before


def until(happened: Callable[[], bool]) -> None:
    for _ in range(6000):
        if happened():
            return
        time.sleep(0.01)
    raise AssertionError("it did not happen")


async def test_a_killed_rotation_of_an_estate_is_gone_on_with(place: Site) -> None:
    async with place.house() as house:
        world, _ = await furnish(house, photos=0)
        estate = world.estate_id
        await many_subjects(house, estate, 6000)
        keys = await subject_keys(house, estate)
        old = bytes(place.rows("SELECT wrapped FROM subject_key WHERE subject_id = %s", world.tenants[0])[0][0])[:9]
        left = "SELECT count(*) FROM subject_key WHERE substring(wrapped FROM 1 FOR 9) = %s"
        process = start_ruhu("keys", "rotate-estate", str(estate), **place.environment)
        await asyncio.to_thread(until, lambda: place.rows(left, old)[0][0] < len(keys))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert 0 < place.rows(left, old)[0][0] < len(keys), "it was killed in the middle"
        assert await subject_keys(house, estate) == keys
        assert place.rows("SELECT count(*) FROM procrastinate_jobs WHERE task_name = 'keys.rewrap'") == [(1,)]
        await rotation.rewrap_all(house.database, vault=house.vault, actor=OPERATOR, now=house.clock.now())
        assert place.rows(left, old) == [(0,)]
        assert await subject_keys(house, estate) == keys


async def test_a_backup_from_before_needs_the_key_of_before(
    place: Site, cluster: Lease, template: str, tmp_path: Path
) -> None:
    async with place.house() as house:
        world, _ = await furnish(house)
        old = house.vault.master.keys[0]
        await back_up(house, tmp_path / "before")
        await rotation.rotate_master(house.database, vault=house.vault, actor=OPERATOR, now=house.clock.now())
        await prune(house, actor=OPERATOR)
        wrapped = bytes(place.rows("SELECT wrapped FROM estate_key")[0][0])
        with pytest.raises(crypto.KeyNotHere):
            Vault(old).open_estate_key(world.estate_id, wrapped)
        keys = await subject_keys(house, world.estate_id)
    target = site(cluster, tmp_path / "target", key=place.settings.master_key_file)
    try:
        with pytest.raises(RestoreRefused, match="another master key"):
            await restore(target.settings, tmp_path / "before", put_aside=False, reason="a test", actor=OPERATOR)
        both = master_file.MasterKeys((*master_file.load(place.settings.master_key_file, create=False).keys, old))
        master_file.replace(place.settings.master_key_file, both)
        await restore(target.settings, tmp_path / "before", put_aside=False, reason="a test", actor=OPERATOR)
        async with target.house() as restored:
            assert await subject_keys(restored, world.estate_id) == keys
            assert not (await status(restored)).finished, "the restored database is to be rotated again"
    finally:
        drop(target)


async def test_a_file_that_lacks_a_key_still_needed_is_refused(place: Site) -> None:
    file = place.settings.master_key_file
    async with place.house() as house:
        await furnish(house, photos=0)
        master_file.replace(file, house.vault.master.rotated())
        await rotation.rewrap_master(house.database, vault=house.vault, actor=OPERATOR, now=house.clock.now())
        older = master_file.MasterKeys(house.vault.master.keys[1:])
        place.rows("UPDATE key_check SET value = %s", rotation_check(older))
    master_file.replace(file, older)
    with pytest.raises(SettingsError, match="主密钥不全"):
        open_house(place.settings)


def rotation_check(keys: master_file.MasterKeys) -> bytes:
    return Vault(keys).check_value


def test_the_file_of_the_first_releases_and_its_faults(tmp_path: Path) -> None:
    one, two, three = ("0" * 63 + digit for digit in "123")
    assert master_file.parse(one).keys == (bytes.fromhex(one),)
    both = master_file.parse(f"# made in spring\n{two}\n\n{one}\nnext {three}\n")
    assert [key.hex() for key in both.all] == [two, one, three]
    assert master_file.parse(both.text()) == both
    assert master_file.parse(both.rotated().text()).keys[0].hex() == three
    assert both.prepared() == both
    assert [key.hex() for key in both.pruned().all] == [two, three]
    for bad in ("", "#", one[1:], f"{one}\n{one}", f"next {one}", f"{one}\nnext {two}\nnext {three}", "zz" * 32):
        with pytest.raises(ValueError):  # noqa: PT011 - it must say nothing of what it read
            master_file.parse(bad)
