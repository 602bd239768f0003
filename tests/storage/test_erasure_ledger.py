"""The erasure ledger: chained lines, two copies, every damage found and named."""

import json
import multiprocessing
import os
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.erasure.ledger import FILE_NAME, NAMESPACE, Ledger
from storage.erasure.lines import (
    START,
    Damage,
    Entry,
    Line,
    Stage,
    compare,
    read_copy,
    read_line,
    to_replay,
    unconfirmed,
)
from storage.objects.store import FilesystemStore

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)


def entry(number: int = 1, stage: Stage = Stage.INTENT, kept: tuple[str, ...] = (), at: datetime = NOW) -> Entry:
    return Entry(stage, uuid.UUID(int=number), uuid.UUID(int=7), uuid.UUID(int=number + 100), kept, at)


def chain(count: int) -> list[Line]:
    lines: list[Line] = []
    for seq in range(1, count + 1):
        lines.append(Line("a" * 32, seq, lines[-1].hash if lines else START, entry(seq)))
    return lines


def texts(lines: list[Line]) -> list[str]:
    return [line.text() for line in lines]


async def test_a_damaged_byte_keeps_no_erasure_from_being_written(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path, FilesystemStore(tmp_path / "objects"))
    await ledger.append(entry(1))
    path = tmp_path / FILE_NAME
    path.write_bytes(path.read_bytes().replace(b"T", b"\xff", 1))
    await ledger.append(entry(2))
    told = await ledger.read()
    assert {one.subject_id.int for one in told.entries} == {1, 2}  # the first by its copy in the store
    assert told.damage


def test_a_moment_written_otherwise_is_a_changed_line() -> None:
    (text,) = texts(chain(1))
    changed = text.replace("2026-03-02T", "2026-03-02 ")
    assert changed != text
    assert [one.code for one in read_copy("file", [changed]).damage] == ["line-changed"]


@given(st.integers(0, 2**64), st.sampled_from(Stage), st.sets(st.sampled_from(["register", "trail", "case_records"])))
def test_a_line_reads_back_as_it_was_written(number: int, stage: Stage, kept: set[str]) -> None:
    line = Line("b" * 32, 3, "0" * 63 + "1", entry(number, stage, tuple(sorted(kept))))
    assert read_line(line.text()) == line


@given(st.data())
def test_any_changed_character_is_found(data: st.DataObject) -> None:
    lines = texts(chain(3))
    which = data.draw(st.integers(0, 2))
    place = data.draw(st.integers(0, len(lines[which]) - 1))
    other = data.draw(st.characters(codec="ascii", exclude_characters=lines[which][place] + " \t"))
    lines[which] = lines[which][:place] + other + lines[which][place + 1 :]
    found = read_copy("file", lines)
    assert found.damage
    assert {one.seq for one in found.damage} <= {which + 1, which + 2, 1}


def test_an_untouched_copy_has_no_damage() -> None:
    assert read_copy("file", texts(chain(4))).damage == ()
    assert read_copy("file", []).lines == ()


def test_what_is_no_line_is_refused() -> None:
    for text in ("", "[]", "{}", "null", '{"hash": 1}', chain(1)[0].text().replace("intent", "intend")):
        with pytest.raises(ValueError, match=r"ledger|hash"):
            read_line(text)


def test_a_line_with_a_previous_that_is_no_hash_is_refused() -> None:
    with pytest.raises(ValueError, match="hash"):
        read_line(Line("a", 1, "nothing", entry()).text())


def test_a_missing_changed_or_replaced_line_is_named() -> None:
    lines = chain(4)
    assert read_copy("file", texts([lines[0], *lines[2:]])).damage == (Damage("file", 2, "line-missing"),)
    broken = texts(lines)
    broken[1] = broken[1].replace("intent", "intenX")
    assert read_copy("file", broken).damage == (Damage("file", 2, "line-changed"),)
    broken = texts(lines)
    broken[0] = "rubbish"
    assert read_copy("file", broken).damage == (Damage("file", 1, "line-changed"),)
    forged = Line("a" * 32, 2, lines[0].hash, entry(99))
    assert read_copy("file", texts([lines[0], forged, *lines[2:]])).damage == (Damage("file", 3, "line-replaced"),)
    assert read_copy("file", texts(lines[1:])).damage == (Damage("file", 1, "beginning-missing"),)


def test_the_copies_are_compared_line_by_line() -> None:
    whole, cut = read_copy("file", texts(chain(3))), read_copy("store/a", texts(chain(2)))
    names = ("file", "store/a")
    assert compare(whole, whole, names=names) == ()
    assert compare(whole, cut, names=names) == (Damage("store/a", 3, "line-missing"),)
    assert compare(cut, whole, names=names) == (Damage("file", 3, "line-missing"),)
    other = read_copy("store/a", texts([Line("a" * 32, 1, START, entry(5))]))
    one = read_copy("file", texts(chain(1)))
    assert compare(one, other, names=names) == (Damage("file", 1, "copies-differ"),)
    hole = read_copy("file", texts([chain(3)[0], chain(3)[2]]))
    assert compare(hole, whole, names=names) == ()  # named by the copy itself already


def test_a_replay_erases_the_most_that_was_ever_decided() -> None:
    later = NOW + timedelta(days=1)
    found = to_replay(
        [
            entry(1, kept=("register", "trail"), at=NOW),
            entry(2, kept=(), at=NOW),
            entry(1, kept=("register",), at=later),
            entry(2, kept=("register",), at=later),
        ]
    )
    assert {one.subject_id.int: one.kept for one in found} == {1: ("register",), 2: ()}


def test_an_intent_without_done_is_unconfirmed() -> None:
    told = [entry(1), entry(1, Stage.DONE), entry(2), replace(entry(1), kept=("register",))]
    assert [(one.subject_id.int, one.kept) for one in unconfirmed(told)] == [(2, ()), (1, ("register",))]


async def test_a_line_is_in_the_file_and_in_the_store(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path / "objects")
    ledger = Ledger(tmp_path / "ledger", store)
    assert (await ledger.read()).entries == ()
    for number in range(3):
        await ledger.append(entry(number))
    assert len(list(store.keys(NAMESPACE))) == 3
    found = await ledger.read()
    assert (set(found.entries), found.damage, found.lines) == ({entry(n) for n in range(3)}, (), 3)
    assert (ledger.path.stat().st_mode & 0o077, ledger.folder.stat().st_mode & 0o077) == (0, 0)
    assert all(set(json.loads(line)) == {"ledger", "seq", "previous", "stage", "subject", "estate", "request", "kept",
                                         "at", "hash"} for line in ledger.path.read_text().splitlines())  # fmt: skip


async def test_either_copy_alone_still_knows_everybody(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path / "objects")
    ledger = Ledger(tmp_path / "ledger", store)
    for number in range(3):
        await ledger.append(entry(number))
    elsewhere = Ledger(tmp_path / "new-machine", store)
    assert {one.subject_id.int for one in (await elsewhere.read()).entries} == {0, 1, 2}
    empty = FilesystemStore(tmp_path / "restored-objects")
    again = Ledger(tmp_path / "ledger", empty)
    found = await again.read()
    assert {one.subject_id.int for one in found.entries} == {0, 1, 2}
    assert found.damage == ()
    assert len(list(empty.keys(NAMESPACE))) == 3  # written again
    await elsewhere.append(entry(9))  # a ledger of its own begins there
    assert {one.subject_id.int for one in (await ledger.read()).entries} == {0, 1, 2, 9}


async def test_damage_of_the_file_is_named_and_the_store_still_knows(tmp_path: Path) -> None:
    store = FilesystemStore(tmp_path / "objects")
    ledger = Ledger(tmp_path / "ledger", store)
    for number in range(4):
        await ledger.append(entry(number))
    lines = ledger.path.read_text().splitlines()
    ledger.path.write_text("\n".join([lines[0], lines[1].replace(str(uuid.UUID(int=1)), str(uuid.UUID(int=5))),
                                      lines[2]]) + "\n")  # fmt: skip
    found = await ledger.read()
    assert {(one.copy, one.seq, one.code) for one in found.damage} == {
        ("file", 2, "line-changed"), ("file", 4, "line-missing"),
    }  # fmt: skip
    assert {one.subject_id.int for one in found.entries} == {0, 1, 2, 3}


async def test_a_line_cut_short_by_a_crash_is_named_and_the_next_one_is_whole(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger", FilesystemStore(tmp_path / "objects"))
    await ledger.append(entry(1))
    with ledger.path.open("a") as file:
        file.write('{"ledger": "half')
    await ledger.append(entry(2))
    found = await ledger.read()
    assert {one.subject_id.int for one in found.entries} == {1, 2}
    assert [(one.seq, one.code) for one in found.damage if one.copy == "file"] == [(2, "line-changed")]


def _write(folder: str, first: int) -> None:
    ledger = Ledger(Path(folder) / "ledger", FilesystemStore(Path(folder) / "objects"))
    for number in range(first, first + 10):
        ledger._append(entry(number))


async def test_processes_that_write_at_once_make_one_chain(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=_write, args=(os.fspath(tmp_path), first)) for first in (100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    found = await Ledger(tmp_path / "ledger", FilesystemStore(tmp_path / "objects")).read()
    assert (found.lines, found.damage) == (20, ())
    assert (tmp_path / "ledger" / FILE_NAME).exists()
