"""Moving objects between stores: whole, resumable, compared, there and back."""

import os
from pathlib import Path

import pytest

from bench.faults.proxy import Faults, in_thread
from storage.ids import new_id
from storage.objects.copy import Copied, copy_objects
from storage.objects.store import FilesystemStore, StoreFailed
from tests.storage.conftest import Furnished, open_store
from tests.storage.object_servers import Server


def contents(store: object) -> dict[str, bytes]:
    """Everything of a store that is copied."""
    return {key: store.get(key) for namespace in ("", "audit-heads") for key in store.keys(namespace)}  # type: ignore[attr-defined]


@pytest.fixture
def source(tmp_path: Path) -> FilesystemStore:
    """A folder with 40 objects and two signed heads."""
    store = FilesystemStore(tmp_path / "source")
    for size in range(40):
        store.put(str(new_id()), os.urandom(size * 997))
    for number in range(2):
        store.put(f"audit-heads/{number:020}", b"head")
    return store


def test_there_and_back(source: FilesystemStore, furnished: Furnished, tmp_path: Path) -> None:
    seen: list[int] = []
    done = copy_objects(source, furnished.store, say=lambda state: seen.append(state.seen))
    assert (done.copied, done.same, done.complete) == (42, 0, True)
    assert done.bytes_copied == sum(map(len, contents(source).values()))
    assert seen == list(range(1, 43))
    assert contents(furnished.store) == contents(source)
    again = copy_objects(source, furnished.store)
    assert (again.copied, again.same, again.bytes_copied) == (0, 42, 0)
    back = FilesystemStore(tmp_path / "back")
    assert copy_objects(furnished.store, back, at_once=1).copied == 42
    assert contents(back) == contents(source)


def test_what_differs_is_named_and_left_alone(source: FilesystemStore, furnished: Furnished) -> None:
    key = next(source.keys())
    furnished.store.put(key, b"something else")
    done = copy_objects(source, furnished.store)
    assert done.different == [key]
    assert not done.complete
    assert done.copied == 41
    assert furnished.store.get(key) == b"something else"


@pytest.fixture
def server(juicefs_server: Server) -> Server:
    return juicefs_server


def test_a_copy_that_was_interrupted_goes_on(source: FilesystemStore, server: Server) -> None:
    prefix = f"copy/{new_id().hex}/"
    direct = open_store(server.port, prefix=prefix)
    direct.create()
    with in_thread(("127.0.0.1", server.port)) as proxy:
        store = open_store(proxy.port, prefix=prefix, deadline_s=2.0)
        store.check()

        def go_away(state: Copied) -> None:
            if state.seen == 10:
                proxy.refuse()
                proxy.cut_all()

        with pytest.raises(StoreFailed):
            copy_objects(source, store, say=go_away)
        present = contents(direct)
        assert 10 <= len(present) < 42
        assert present.items() <= contents(source).items()
        proxy.accept()
        proxy.set(Faults(cut_up_after=100_000, times=2))  # two cuts on the way are mended by repetition
        done = copy_objects(source, store)
        assert done.complete
        assert done.same == len(present)
        assert done.copied == 42 - len(present)
    assert contents(direct) == contents(source)


def test_what_retention_deletes_meanwhile_is_no_fault(source: FilesystemStore, tmp_path: Path) -> None:
    gone: list[str] = []

    class Shrinking(FilesystemStore):
        def get(self, key: str) -> bytes:
            if not gone:
                gone.append(key)
                self.delete(key)
            return super().get(key)

    done = copy_objects(Shrinking(source.root), FilesystemStore(tmp_path / "target"), at_once=1)
    assert (done.copied, done.vanished, done.complete) == (41, 1, True)
