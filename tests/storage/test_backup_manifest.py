"""Manifest, list of objects, rotation: values in, values out."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.backup.manifest import (
    FORMAT,
    FileEntry,
    Manifest,
    ManifestBroken,
    ObjectEntry,
    TableEntry,
    decode,
    decode_objects,
    differences,
    encode,
    encode_objects,
)
from storage.backup.rotation import Kept, to_delete
from storage.backup.service import epoch_after
from storage.backup.tools import last_lines
from storage.ids import new_id

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def manifest(**changes: object) -> Manifest:
    values: dict[str, object] = {
        "format": FORMAT, "backup_id": new_id(), "taken_at": NOW, "product_version": "1", "revision": "0011",
        "epoch": 1, "server_version": 180006, "dump": FileEntry(sha256="00", size=1),
        "object_list": FileEntry(sha256="00", size=1), "tables": {"estate": TableEntry(rows=1, digest="7")},
        "objects": 0, "object_bytes": 0, "namespaces": {}, "destroyed_meanwhile": [], "missing": [],
        "key_checks": {"master": "00"},
    }  # fmt: skip
    return Manifest(**(values | changes))  # type: ignore[arg-type]


CONTENT = encode(manifest())[0]


@given(st.integers(0, len(CONTENT) - 2), st.integers(0, 7))
def test_one_flipped_bit_breaks_a_manifest(at: int, bit: int) -> None:
    broken = bytearray(CONTENT)
    broken[at] ^= 1 << bit
    with pytest.raises(ManifestBroken):
        decode(bytes(broken))


def test_a_manifest_is_read_as_it_was_written() -> None:
    written = manifest()
    content, digest = encode(written)
    assert decode(content) == (written, digest)
    with pytest.raises(ManifestBroken, match="format 2"):
        decode(encode(manifest(format=2))[0])


def test_the_list_of_objects() -> None:
    entries = [ObjectEntry(key="audit-heads/b", sha256="22", size=2), ObjectEntry(key="a", sha256="11", size=1)]
    assert decode_objects(encode_objects(entries)) == sorted(entries, key=lambda e: e.key)
    for line in (b"11 a\n", b"11 x a\n"):
        with pytest.raises(ManifestBroken):
            decode_objects(line)


def test_differences_name_the_table() -> None:
    one = TableEntry(rows=1, digest="1")
    assert differences({"a": one}, {"a": one}) == []
    more, other = TableEntry(rows=2, digest="1"), TableEntry(rows=1, digest="2")
    assert differences({"a": one, "b": one, "c": one}, {"b": more, "c": other, "d": one}) == [
        "table a is missing", "table d is not in the manifest", "table b has 2 rows instead of 1",
        "table c has other content",
    ]  # fmt: skip


@given(st.lists(st.tuples(st.integers(0, 50), st.booleans()), max_size=20), st.integers(0, 5))
def test_rotation_never_deletes_the_newest_nor_the_newest_verified(days: list[tuple[int, bool]], keep: int) -> None:
    backups = [Kept(f"b{n}", NOW + timedelta(days=d), v) for n, (d, v) in enumerate(days)]
    gone = set(to_delete(backups, keep=keep))
    left = [b for b in backups if b.name not in gone]
    if backups:
        assert max(backups, key=lambda b: (b.taken_at, b.name)) in left
    verified = [b for b in backups if b.verified]
    if verified:
        assert max(verified, key=lambda b: (b.taken_at, b.name)) in left
    assert len(left) <= max(keep, 1) + 1


def test_epochs_of_two_restores_of_one_backup_differ() -> None:
    first, second = epoch_after(1, now=NOW), epoch_after(1, now=NOW + timedelta(minutes=1))
    assert 1 < first < second
    assert epoch_after(second, now=NOW) == second + 1


def test_an_error_text_keeps_values_of_rows_to_itself() -> None:
    text = 'pg_restore: error: COPY failed\nDETAIL:  Key (name)=(张三) exists\nCONTEXT:  COPY person, line 3: "张三"'
    assert last_lines(text) == "pg_restore: error: COPY failed"
