"""The folder as a store, on a disk that is full, read-only or away."""

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.ids import new_id
from storage.objects.store import FilesystemStore, ObjectMissing, StoreFailed, StoreReason, explained


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB in memory; mounting one takes root."""
    folder = tmp_path / "disk"
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True, text=True, check=False
    )
    if made.returncode != 0:
        pytest.skip(f"no small disk can be mounted here, so that a full and a read-only one go untested: {made.stderr}")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def files(folder: Path) -> list[str]:
    """Every file below a folder, scratch files too."""
    return [path.name for path in folder.rglob("*") if path.is_file()]


def test_a_full_disk_leaves_nothing_behind(small_disk: Path) -> None:
    store = FilesystemStore(small_disk / "objects")
    kept: list[str] = []

    def fill() -> None:
        for _ in range(100):
            key = str(new_id())
            store.put(key, bytes(100_000))
            kept.append(key)

    with pytest.raises(StoreFailed) as caught:
        fill()
    assert caught.value.reason is StoreReason.FULL
    assert caught.value.detail == "ENOSPC"
    assert kept
    assert sorted(files(small_disk)) == sorted(kept)
    assert all(len(store.get(key)) == 100_000 for key in kept)
    store.delete(kept[0])
    store.delete(kept[1])
    store.put(str(new_id()), bytes(100_000))


def test_a_read_only_disk(small_disk: Path) -> None:
    store = FilesystemStore(small_disk)
    key = str(new_id())
    store.put(key, b"before")
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    for call in (lambda: store.put(str(new_id()), b"x"), lambda: store.delete(key), store.check):
        with pytest.raises(StoreFailed) as caught:
            call()
        assert caught.value.reason is StoreReason.DENIED
    assert store.get(key) == b"before"
    subprocess.run(["mount", "-o", "remount,rw", str(small_disk)], check=True)
    store.check()
    assert files(small_disk) == [key]


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    """Needs no root: what the system refuses in the middle of writing leaves no scrap."""
    store = FilesystemStore(tmp_path)
    store.check()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, before[1]))
    try:
        with pytest.raises(StoreFailed) as caught:
            store.put(str(new_id()), bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.reason is StoreReason.FULL
    assert files(tmp_path) == []
    store.put(str(new_id()), bytes(100_000))


def test_a_folder_that_is_away_and_comes_back(tmp_path: Path) -> None:
    """As when a disk is not mounted and a file lies in its place."""
    root = tmp_path / "objects"
    root.write_text("not a folder")
    store = FilesystemStore(root)
    for call in (lambda: store.put("abcd", b"x"), lambda: store.delete("abcd"), store.check,
                 lambda: list(store.keys())):  # fmt: skip
        with pytest.raises(StoreFailed) as caught:
            call()
        assert str(tmp_path) not in f"{caught.value} {caught.value!r}"
    root.unlink()
    assert list(store.keys()) == []
    store.check()


def test_scraps_of_a_dead_process_are_no_objects(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path)
    key = str(new_id())
    store.put(key, b"whole")
    (store.path(key).parent / f".{key}.0badcafe").write_bytes(b"ha")
    assert list(store.keys()) == [key]


def test_what_the_system_may_say() -> None:
    for number, expected in (
        (28, StoreReason.FULL), (122, StoreReason.FULL), (13, StoreReason.DENIED), (30, StoreReason.DENIED),
        (5, StoreReason.DOWN), (116, StoreReason.DOWN), (110, StoreReason.SLOW), (40, StoreReason.FAILED),
    ):  # fmt: skip
        failure = explained(OSError(number, os.strerror(number), "/srv/secret/name"))
        assert failure.reason is expected
        assert "/srv" not in f"{failure} {failure.sentence}"
    assert explained(OSError("no number")).detail == "OSError"


def test_get_of_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path)
    store.path("abcd").mkdir(parents=True)
    with pytest.raises(StoreFailed):
        store.get("abcd")
    with pytest.raises(ObjectMissing):
        store.get("abce")
