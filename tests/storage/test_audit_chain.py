"""The chain as values: whatever is changed is found, whatever is not is sound."""

import random
import uuid
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as st

from storage.audit import chain
from storage.audit.chain import Entry, Head, Link, Payload
from storage.audit.checker import Row, check
from storage.audit.faults import WORDS, Code, Fault
from storage.audit.keys import Signer

SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
KEYS = {SIGNER.key_id: SIGNER.public}
START = datetime(2026, 3, 2, 1, 0, 0, 123456, tzinfo=UTC)


def made(runs: Sequence[int], seed: int = 0) -> tuple[list[Row], list[Head]]:
    """A sound chain: so many rows in each run, a head after each."""
    chance = random.Random(seed)

    def some_id() -> uuid.UUID:
        return uuid.UUID(int=chance.getrandbits(128))

    rows: list[Row] = []
    heads: list[Head] = []
    digest = chain.GENESIS
    for run in runs:
        for _ in range(run):
            payload = None
            if chance.random() < 0.7:
                subject = some_id() if chance.random() < 0.5 else None
                payload = Payload(subject, chance.randbytes(16), chain.body({"number": len(rows)}, "核对"))
            entry = Entry(
                id=some_id(), at=START + timedelta(seconds=len(rows)), actor_user_id=some_id(), actor_kind="user",
                action="trail.viewed", object_kind="housing_unit", object_id=some_id(), estate_id=some_id(),
                purpose="welfare_check" if chance.random() < 0.5 else None,
                payload_digest=None if payload is None else chain.payload_digest(payload), xid=700 + len(rows),
            )  # fmt: skip
            number = len(rows) + 1
            link = Link(number, entry.id, digest, chain.link_digest(number, digest, entry))
            digest = link.digest
            rows.append(Row(link, entry, payload))
        head = Head(
            epoch=1, sequence=len(rows), digest=digest, count=run, at=START + timedelta(hours=len(heads)),
            previous=chain.head_digest(heads[-1]) if heads else chain.GENESIS, mark_xid=700 + len(rows),
            mark_id=rows[-1].link.entry_id, key_id=SIGNER.key_id,
        )  # fmt: skip
        heads.append(replace(head, signature=SIGNER.sign(head)))
    return rows, heads


def faults(rows: Sequence[Row], heads: Sequence[Head]) -> list[Fault]:
    return list(check(rows, heads, KEYS))


RUNS = st.lists(st.integers(1, 6), min_size=1, max_size=5)
VALUE = st.one_of(st.none(), st.binary(max_size=5), st.text(max_size=5), st.integers(-9, 9), st.uuids())
COLUMNS = st.lists(VALUE, max_size=4)


@given(RUNS, st.integers(0, 1000))
def test_a_sound_chain_is_sound_with_and_without_payloads(runs: list[int], seed: int) -> None:
    rows, heads = made(runs, seed)
    assert faults(rows, heads) == []
    assert faults([replace(row, payload=None) for row in rows], heads) == []
    assert faults([], []) == []


def flipped(value: Any, bit: int) -> Any:
    """The value with one bit changed; something for None."""
    match value:
        case None:
            return "x" if bit % 2 else None
        case bytes():
            at = bit % (len(value) * 8)
            return value[: at // 8] + bytes([value[at // 8] ^ (1 << at % 8)]) + value[at // 8 + 1 :]
        case str():
            at = bit % len(value)
            return value[:at] + chr(ord(value[at]) ^ (1 << bit % 5)) + value[at + 1 :]
        case int():
            return value ^ (1 << bit % 40)
        case uuid.UUID():
            return uuid.UUID(int=value.int ^ (1 << bit % 128))
        case datetime():
            return value + timedelta(microseconds=1 << bit % 40)


@given(RUNS, st.data())
@settings(max_examples=200)
@pytest.mark.asvs("v5.0.0-11.4.3")
def test_any_flipped_bit_of_an_entry_is_found_where_it_is(runs: list[int], data: st.DataObject) -> None:
    rows, heads = made(runs)
    at = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from(chain.COLUMNS))
    entry = rows[at].entry
    assert entry is not None
    value = flipped(getattr(entry, column), data.draw(st.integers(0, 10_000)))
    if value == getattr(entry, column):
        return
    rows[at] = replace(rows[at], entry=replace(entry, **{column: value}))
    found = faults(rows, heads)
    assert {fault.sequence for fault in found} == {at + 1}
    assert {fault.code for fault in found} <= {Code.ENTRY_ALTERED, Code.PAYLOAD_ALTERED, Code.PAYLOAD_INSERTED}
    assert Code.ENTRY_ALTERED in {fault.code for fault in found}


@given(RUNS, st.data())
def test_any_flipped_bit_of_a_payload(runs: list[int], data: st.DataObject) -> None:
    rows, heads = made(runs)
    with_payload = [at for at, row in enumerate(rows) if row.payload is not None]
    if not with_payload:
        return
    at = data.draw(st.sampled_from(with_payload))
    payload = rows[at].payload
    assert payload is not None
    column = data.draw(st.sampled_from([field.name for field in fields(Payload)]))
    value = flipped(getattr(payload, column), data.draw(st.integers(0, 10_000)))
    if value == getattr(payload, column):
        return
    rows[at] = replace(rows[at], payload=replace(payload, **{column: value}))
    assert [(fault.code, fault.sequence) for fault in faults(rows, heads)] == [(Code.PAYLOAD_ALTERED, at + 1)]


@given(RUNS, st.data())
def test_any_flipped_bit_of_a_link(runs: list[int], data: st.DataObject) -> None:
    rows, heads = made(runs)
    at = data.draw(st.integers(0, len(rows) - 1))
    column = data.draw(st.sampled_from(["previous", "digest"]))
    link = rows[at].link
    value = flipped(getattr(link, column), data.draw(st.integers(0, 255)))
    rows[at] = replace(rows[at], link=replace(link, **{column: value}))
    assert [(fault.code, fault.sequence) for fault in faults(rows, heads)] == [(Code.LINK_ALTERED, at + 1)]


@given(RUNS, st.data())
@pytest.mark.asvs("v5.0.0-11.6.1")
def test_any_flipped_bit_of_a_head(runs: list[int], data: st.DataObject) -> None:
    rows, heads = made(runs)
    at = data.draw(st.integers(0, len(heads) - 1))
    column = data.draw(st.sampled_from(chain.HEAD_COLUMNS))
    value = flipped(getattr(heads[at], column), data.draw(st.integers(0, 255)))
    heads[at] = replace(heads[at], **{column: value})
    first = faults(rows, heads)[0]
    assert first.code in {Code.HEAD_ALTERED, Code.HEAD_UNSIGNED}


@given(RUNS, st.data())
def test_a_deleted_entry_and_a_deleted_link(runs: list[int], data: st.DataObject) -> None:
    rows, heads = made(runs)
    at = data.draw(st.integers(0, len(rows) - 1))
    gone = [*rows[:at], replace(rows[at], entry=None, payload=None), *rows[at + 1 :]]
    assert [(fault.code, fault.sequence) for fault in faults(gone, heads)] == [(Code.ENTRY_DELETED, at + 1)]
    first = faults(rows[:at] + rows[at + 1 :], heads)[0]
    expected = Code.LINK_DELETED if at < len(rows) - 1 else Code.TAIL_CUT
    assert (first.code, first.sequence) == (expected, at + 1)


@given(RUNS, st.data())
def test_a_cut_tail(runs: list[int], data: st.DataObject) -> None:
    rows, heads = made(runs)
    keep = data.draw(st.integers(0, len(rows) - 1))
    found = faults(rows[:keep], heads)
    assert (found[0].code, found[0].sequence) == (Code.TAIL_CUT, keep + 1)
    assert faults(rows, heads[:-1])[0].code == Code.TAIL_WITHOUT_HEAD


@given(RUNS, st.data())
def test_exchanged_inserted_and_repeated_rows(runs: list[int], data: st.DataObject) -> None:
    rows, heads = made([*runs, 2])
    one, two = sorted(data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=2, max_size=2, unique=True)))
    swapped = list(rows)
    swapped[one] = Row(replace(rows[one].link, entry_id=rows[two].link.entry_id), rows[two].entry, rows[two].payload)
    swapped[two] = Row(replace(rows[two].link, entry_id=rows[one].link.entry_id), rows[one].entry, rows[one].payload)
    assert [(fault.code, fault.sequence) for fault in faults(swapped, heads)] == [
        (Code.ENTRY_ALTERED, one + 1), (Code.ENTRY_ALTERED, two + 1),
    ]  # fmt: skip
    renumbered = [replace(row, link=replace(row.link, sequence=row.link.sequence + 1)) for row in rows[two:]]
    first = faults([*rows[:two], rows[one], *renumbered], heads)[0]
    assert (first.code, first.sequence) == (Code.LINK_BROKEN, one + 1)
    assert faults([*rows[: one + 1], rows[one], *rows[one + 1 :]], heads)[0].code == Code.LINK_BROKEN


@given(RUNS, st.data())
def test_heads_swapped_removed_repeated(runs: list[int], data: st.DataObject) -> None:
    rows, heads = made([*runs, 3])
    at = data.draw(st.integers(0, len(heads) - 2))
    swapped = [*heads[:at], heads[at + 1], heads[at], *heads[at + 2 :]]
    assert faults(rows, swapped)[0].code == Code.HEAD_MISPLACED
    assert faults(rows, heads[:at] + heads[at + 1 :])[0].code == Code.HEAD_MISPLACED
    assert faults(rows, heads[: at + 1] + heads[at:])[0].code == Code.HEAD_MISPLACED


def test_a_head_that_was_signed_over_another_chain() -> None:
    rows, heads = made([3, 3])
    others, _ = made([3, 3], seed=9)
    first = faults(others, heads)[0]
    assert (first.code, first.sequence, first.detail) == (Code.HEAD_DIFFERS, 3, "1–3")
    # A signed head of a place that has no link, and the beginning taken away with the numbers moved.
    assert Code.HEAD_DIFFERS in {fault.code for fault in faults([*rows[:2], *rows[3:]], heads)}
    moved = [replace(row, link=replace(row.link, sequence=row.link.sequence - 1)) for row in rows[1:]]
    assert (faults(moved, heads)[0].code, faults(moved, heads)[0].sequence) == (Code.LINK_BROKEN, 1)
    rooted = replace(rows[0].link, previous=bytes([1]) * 32)
    entry = rows[0].entry
    assert entry is not None
    rooted = replace(rooted, digest=chain.link_digest(1, rooted.previous, entry))
    assert faults([replace(rows[0], link=rooted), *rows[1:]], heads)[0].code == Code.LINK_BROKEN


def test_what_cannot_be_told_apart_is_said_so() -> None:
    rows, heads = made([2])
    link, entry = rows[1].link, rows[1].entry
    assert entry is not None
    both = Row(replace(link, digest=bytes(32)), replace(entry, xid=1), None)
    assert faults([rows[0], both], heads)[0].code == Code.ROW_OR_LINK_ALTERED
    assert faults([rows[0], both], [])[0].code == Code.ROW_OR_LINK_ALTERED


def test_a_payload_where_none_was() -> None:
    rows, heads = made([4], seed=3)
    at = next(at for at, row in enumerate(rows) if row.payload is None)
    rows[at] = replace(rows[at], payload=Payload(None, b"s", "{}"))
    assert [(fault.code, fault.sequence) for fault in faults(rows, heads)] == [(Code.PAYLOAD_INSERTED, at + 1)]


@given(COLUMNS, COLUMNS)
def test_columns_cannot_be_moved_into_each_other(one: list[Any], two: list[Any]) -> None:
    def told(values: list[Any]) -> list[bytes | None]:
        return [None if value is None else chain.encode(value) for value in values]

    assert (chain.encode(*one) == chain.encode(*two)) == (told(one) == told(two))


@given(RUNS, st.data())
def test_copies_are_read_back_or_refused(runs: list[int], data: st.DataObject) -> None:
    for head in made(runs)[1]:
        copy = chain.to_copy(head)
        assert chain.from_copy(copy) == head
        assert chain.from_copy(chain.to_copy(replace(head, mark_xid=None, mark_id=None))).mark_id is None
        at = data.draw(st.integers(0, len(copy) - 1))
        changed = copy[:at] + bytes([copy[at] ^ (1 << data.draw(st.integers(0, 7)))]) + copy[at + 1 :]
        try:
            assert chain.from_copy(changed) != head
        except chain.BadCopy:
            continue


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b"null", b"\xff", b'{"epoch": "x"}', b"[" * 100_000])
def test_no_copy(data: bytes) -> None:
    with pytest.raises(chain.BadCopy):
        chain.from_copy(data)


def test_names_of_copies() -> None:
    assert chain.copy_name(2, 17) == "000002-0000000000000017"
    assert chain.place_of("000002-0000000000000017") == (2, 17)
    for name in ("2-17", "000002", "x-1", "", "000002-0000000000000017-1", "٠٠٠٠٠٢-0000000000000017"):
        assert chain.place_of(name) is None


def test_every_fault_has_words_in_both_languages() -> None:
    assert set(WORDS) == set(Code)
    for code in Code:
        assert Fault(code).zh
        assert Fault(code).en
