"""What every object store promises, shown on a folder, on JuiceFS's gateway and on moto's server.

What each can prove: see `tests.storage.object_servers`. Faults of the line and of the disk are in
`test_object_store_faults.py`.
"""

import os
import secrets
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from storage.ids import new_id
from storage.objects import s3
from storage.objects.s3 import S3Store
from storage.objects.store import ObjectExists, ObjectMissing, StoreFailed, StoreReason
from tests.storage.conftest import Furnished, address, open_store
from tests.storage.object_servers import ACCESS, SECRET, Server


def test_bytes_come_back_as_they_went(furnished: Furnished) -> None:
    store = furnished.store
    for data in (b"", b"\x00", "图".encode(), os.urandom(12 * 1024 * 1024)):
        key = str(new_id())
        store.put(key, data)
        assert store.get(key) == data
        store.delete(key)
        with pytest.raises(ObjectMissing):
            store.get(key)


def test_what_is_missing_is_missing_and_may_be_deleted(furnished: Furnished) -> None:
    key = str(new_id())
    with pytest.raises(ObjectMissing):
        furnished.store.get(key)
    furnished.store.delete(key)
    furnished.store.delete(key)


def test_nothing_is_overwritten(furnished: Furnished) -> None:
    key = str(new_id())
    furnished.store.put(key, b"first")
    for again in (b"first", b"second", b""):
        with pytest.raises(ObjectExists):
            furnished.store.put(key, again)
    assert furnished.store.get(key) == b"first"


def test_of_eight_writers_of_one_key_one_wins(furnished: Furnished) -> None:
    for _ in range(5):
        key = str(new_id())
        contents = [secrets.token_bytes(50_000) for _ in range(8)]

        def write(data: bytes, key: str = key) -> bytes | None:
            try:
                furnished.store.put(key, data)
            except ObjectExists:
                return None
            return data

        with ThreadPoolExecutor(8) as pool:
            written = [data for data in pool.map(write, contents) if data is not None]
        assert written == [furnished.store.get(key)]


def test_keys_are_listed_by_namespace(furnished: Furnished) -> None:
    store = furnished.store
    assert list(store.keys()) == []
    assert list(store.keys("audit-heads")) == []
    plain = {str(new_id()) for _ in range(5)}
    heads = {f"audit-heads/{n:020}" for n in range(4)}
    for key in plain | heads:
        store.put(key, key.encode())
    assert set(store.keys()) == plain
    assert set(store.keys("audit-heads")) == heads
    assert sorted(store.keys("audit-heads")) == sorted(heads)
    assert list(store.keys("audit")) == []
    for key in plain | heads:
        assert store.get(key) == key.encode()
        store.delete(key)
    assert list(store.keys()) == []


def test_long_lists_come_by_pages(furnished: Furnished, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "PAGE", 7)
    keys = {str(new_id()) for _ in range(29)} | {str(uuid.uuid4()) for _ in range(6)}
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda key: furnished.store.put(key, b"x"), keys))
        list(pool.map(lambda n: furnished.store.put(f"audit-heads/{n}", b"x"), range(3)))
    listed = list(furnished.store.keys())
    assert len(listed) == len(keys)
    assert set(listed) == keys


@pytest.mark.asvs("v5.0.0-5.3.2")
def test_a_key_is_no_path(furnished: Furnished) -> None:
    for bad in ("", "../../etc/passwd", "a/b", "名字", "a b", "abc/def/ghi", "x.y"):
        for call in (furnished.store.get, furnished.store.delete, lambda key: furnished.store.put(key, b"x")):
            with pytest.raises(ValueError, match="object key"):
                call(bad)


def test_a_check_leaves_nothing_behind(furnished: Furnished) -> None:
    furnished.store.check()
    assert list(furnished.store.keys("store-probe")) == []


def test_the_server_refuses_the_second_writer_only_where_it_can(moto_server: Server, juicefs_server: Server) -> None:
    """Two stores stand for two processes: nothing but the server is between them."""
    for server, honours in ((moto_server, True), (juicefs_server, False)):
        one, two = (open_store(server.port, bucket="writers") for _ in range(2))
        one.create()
        one.check()
        two.check()
        assert (one.honours, two.honours) == (honours, honours)
        key = str(new_id())
        one.put(key, b"one")
        with pytest.raises(ObjectExists):
            two.put(key, b"two")
        assert one.get(key) == b"one"


def test_wrong_credentials_are_refused_and_never_told(juicefs_server: Server) -> None:
    open_store(juicefs_server.port).create()
    for access, secret in ((ACCESS, "not-the-secret"), ("nobody-knows-me", SECRET)):
        store = S3Store(address(juicefs_server.port), access_key=access, secret_key=secret)
        for call in (store.check, lambda s=store: s.get("abcd"), lambda s=store: s.delete("abcd"),
                     lambda s=store: list(s.keys()), lambda s=store: s.put("abcd", b"content")):  # fmt: skip
            with pytest.raises(StoreFailed) as caught:
                call()
            assert caught.value.reason is StoreReason.DENIED
            told = f"{caught.value} {caught.value!r} {caught.value.sentence}"
            assert not any(word in told for word in (access, secret, "content", "127.0.0.1"))


def test_a_bucket_is_made_only_when_that_is_asked_for(moto_server: Server, juicefs_server: Server) -> None:
    for server in (moto_server, juicefs_server):
        store = open_store(server.port, bucket="not-yet")
        for call in (store.check, lambda s=store: list(s.keys()), lambda s=store: s.get("abcd"),
                     lambda s=store: s.put("abcd", b"x")):  # fmt: skip
            with pytest.raises(StoreFailed) as caught:
                call()
            assert caught.value.reason is StoreReason.NO_BUCKET
            assert "存储桶不存在" in caught.value.sentence
        assert store.create() is True
        assert store.create() is False
        store.check()


def test_a_bucket_that_keeps_versions_is_told(moto_server: Server, juicefs_server: Server) -> None:
    from minio.commonconfig import ENABLED
    from minio.versioningconfig import VersioningConfig

    versioned = open_store(moto_server.port, bucket="versioned")
    versioned.create()
    assert versioned.concerns() == []
    versioned.client.set_bucket_versioning("versioned", VersioningConfig(ENABLED))
    assert len(versioned.concerns()) == 1
    silent = open_store(juicefs_server.port, bucket="versioned")
    silent.create()
    assert silent.concerns() == []  # JuiceFS has no versions, and says so by 501


def test_what_needs_several_parts_is_refused(moto_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3, "LARGEST", 100)
    with pytest.raises(ValueError, match="64 MiB"):
        open_store(moto_server.port).put(str(new_id()), bytes(101))
