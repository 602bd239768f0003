"""The master key at hand is the database's, or nothing is opened and nothing is written."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from api.house import open_house
from api.upgrade import upgrade
from storage.postgres.lease import Lease
from storage.settings import SettingsError
from storage.vault.key_check import bound_to
from tests.storage.backups import Site, drop, furnish, site


@pytest.fixture
def place(cluster: Lease, template: str, tmp_path: Path) -> Iterator[Site]:
    found = site(cluster, tmp_path, template=template)
    yield found
    drop(found)


async def test_a_key_is_made_for_a_database_that_has_none_and_bound_at_the_upgrade(place: Site) -> None:
    assert not place.settings.master_key_file.exists()
    async with place.house() as house:
        assert place.rows("SELECT name, value FROM key_check") == [("master", house.vault.check_value)]
    async with place.house():  # the right key opens it again
        assert place.rows("SELECT count(*) FROM key_check") == [(1,)]


async def test_a_missing_key_is_never_made_anew(place: Site) -> None:
    async with place.house():
        pass
    place.settings.master_key_file.unlink()
    with pytest.raises(SettingsError, match="主密钥缺失"):
        open_house(place.settings)
    assert not place.settings.master_key_file.exists()


async def test_another_key_is_refused(place: Site) -> None:
    async with place.house() as house:
        check = house.vault.check_value
    place.settings.master_key_file.write_text("cd" * 32)
    with pytest.raises(SettingsError, match="主密钥不符"):
        open_house(place.settings)
    assert place.rows("SELECT value FROM key_check") == [(check,)]


async def test_a_database_from_before_the_check_is_held_against_its_sealed_keys(place: Site) -> None:
    async with place.house() as house:
        await furnish(house, photos=1)
    key = place.settings.master_key_file.read_text()
    place.rows("DELETE FROM key_check")
    place.settings.master_key_file.write_text("cd" * 32)
    with pytest.raises(SettingsError, match="主密钥不符"):
        open_house(place.settings)
    place.settings.master_key_file.unlink()
    with pytest.raises(SettingsError, match="主密钥缺失"):
        open_house(place.settings)
    place.settings.master_key_file.write_text(key)
    place.settings.master_key_file.chmod(0o600)
    async with place.house():
        assert place.rows("SELECT count(*) FROM key_check") == [(1,)]


async def test_an_empty_database_and_one_before_the_first_migration_ask_for_nothing(
    cluster: Lease, tmp_path: Path
) -> None:
    empty = site(cluster, tmp_path)
    try:
        assert not bound_to(str(empty.settings.database_url)).needs_key
        house = open_house(empty.settings)
        upgrade(house)
        await house.close()
    finally:
        drop(empty)


def test_what_is_no_key_or_open_to_others_is_explained(place: Site) -> None:
    file = place.settings.master_key_file
    file.parent.mkdir(parents=True)
    file.write_text("not a key")
    file.chmod(0o600)
    with pytest.raises(SettingsError, match="不是有效的主密钥"):
        open_house(place.settings)
    file.write_text("ab" * 32)
    file.chmod(0o644)
    with pytest.raises(SettingsError, match="权限过宽"):
        open_house(place.settings)


def test_a_database_that_cannot_be_reached_is_a_sentence(tmp_path: Path, place: Site) -> None:
    from dataclasses import replace

    url = str(place.settings.database_url).replace(place.database, "no_such_database")
    with pytest.raises(SettingsError, match="无法连接数据库"):
        open_house(replace(place.settings, database_url=url))
