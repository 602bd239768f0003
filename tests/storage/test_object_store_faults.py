"""Stores under faults: nothing acknowledged is lost, nothing half written stays, errors say why, and the same store
object works again when the fault is over.

What no S3 server here can be brought to answer (a full disk, a server that is starting, a page of some proxy) comes
from `canned_answers`, a server of a few lines.
"""

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bench.faults.proxy import Faults, ThreadedProxy, in_thread
from storage.ids import new_id
from storage.objects import s3
from storage.objects.s3 import S3Store
from storage.objects.store import ObjectMissing, StoreFailed, StoreReason
from tests.storage import object_servers
from tests.storage.canned import Answers, canned_answers
from tests.storage.certificates import make_certificates
from tests.storage.conftest import address, open_store
from tests.storage.object_servers import ACCESS, SECRET, Server

MEGABYTE = bytes(range(256)) * 4096


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Repetitions follow each other at once; how many there are stays as it is."""
    monkeypatch.setattr(s3, "FIRST_PAUSE_S", 0.01)


def reason(call: object, *arguments: object) -> StoreReason:
    """Why a call of the store failed."""
    with pytest.raises(StoreFailed) as caught:
        call(*arguments)  # type: ignore[operator]
    return caught.value.reason


class Line:
    """A server, a proxy before it, a store through the proxy and one beside it."""

    def __init__(self, server: Server, proxy: ThreadedProxy) -> None:
        prefix = f"line/{new_id().hex}/"
        self.proxy = proxy
        self.direct = open_store(server.port, prefix=prefix)
        self.direct.create()
        self.store = open_store(proxy.port, prefix=prefix, deadline_s=2.0)
        self.store.check()


@pytest.fixture(params=["juicefs", "moto"])
def line(request: pytest.FixtureRequest) -> Iterator[Line]:
    """A line to each server in turn."""
    server: Server = request.getfixturevalue(f"{request.param}_server")
    with in_thread(("127.0.0.1", server.port)) as proxy:
        yield Line(server, proxy)


def test_a_put_cut_in_the_middle_leaves_no_object(line: Line) -> None:
    key = str(new_id())
    for limit in (0, 300, 70_000, 1_000_000):
        line.proxy.set(Faults(cut_up_after=limit))
        assert reason(line.store.put, key, MEGABYTE) is StoreReason.DOWN
        assert list(line.direct.keys()) == []
        with pytest.raises(ObjectMissing):
            line.direct.get(key)
    line.proxy.set(Faults())
    line.store.put(key, MEGABYTE)
    assert line.direct.get(key) == MEGABYTE


def test_one_cut_is_no_fault_of_the_put(line: Line) -> None:
    for number, limit in enumerate((0, 70_000)):
        key = str(new_id())
        line.proxy.set(Faults(cut_up_after=limit, times=1))
        line.store.put(key, MEGABYTE)
        assert line.direct.get(key) == MEGABYTE
        assert len(list(line.direct.keys())) == number + 1


def test_an_answer_that_was_lost_makes_no_second_object(line: Line) -> None:
    """The server has the object, the client does not know: the repetition finds the same bytes, and that is success."""
    key = str(new_id())
    line.store.put(str(new_id()), b"warm")
    line.proxy.set(Faults(cut_down_after=0, times=1))
    line.store.put(key, b"once")
    assert line.direct.get(key) == b"once"
    assert len(list(line.direct.keys())) == 2


def test_a_get_cut_in_the_middle_is_never_half_an_object(line: Line) -> None:
    key = str(new_id())
    line.direct.put(key, MEGABYTE)
    line.proxy.set(Faults(cut_down_after=70_000))
    assert reason(line.store.get, key) is StoreReason.DOWN
    line.proxy.set(Faults(cut_down_after=70_000, times=1))
    assert line.store.get(key) == MEGABYTE


def test_a_server_that_is_gone_and_comes_back(line: Line) -> None:
    key = str(new_id())
    line.proxy.refuse()
    line.proxy.cut_all()
    for call in (lambda: line.store.put(key, b"x"), lambda: line.store.get(key), lambda: line.store.delete(key),
                 lambda: list(line.store.keys()), line.store.check):  # fmt: skip
        assert reason(call) is StoreReason.DOWN
    line.proxy.accept()
    line.store.put(key, b"x")
    assert line.store.get(key) == b"x"


def test_a_store_opened_while_the_server_is_down(moto_server: Server) -> None:
    """What the server can do is found out at the first use, not at opening."""
    with in_thread(("127.0.0.1", moto_server.port)) as proxy:
        proxy.refuse()
        store = open_store(proxy.port, bucket="opened-late", deadline_s=2.0)
        assert reason(store.put, "abcd", b"x") is StoreReason.DOWN
        assert store.honours is None
        proxy.accept()
        store.create()
        store.put("abcd", b"x")
        assert store.honours is True


def test_a_server_that_says_nothing_ends_with_the_deadline(line: Line) -> None:
    key = str(new_id())
    line.direct.put(key, MEGABYTE)
    line.proxy.set(Faults(stalled=True))
    assert reason(line.store.get, key) is StoreReason.SLOW
    assert reason(line.store.put, str(new_id()), b"x") is StoreReason.SLOW
    line.proxy.set(Faults())
    line.proxy.cut_all()
    assert line.store.get(key) == MEGABYTE


def test_a_line_too_slow_for_the_object_ends_with_the_deadline(line: Line) -> None:
    """Bytes come all the time, so that no single wait is long: the operation is bounded as a whole."""
    key = str(new_id())
    line.direct.put(key, MEGABYTE)
    line.proxy.set(Faults(bytes_per_s=30_000))
    assert reason(line.store.get, key) is StoreReason.SLOW
    assert reason(line.store.put, str(new_id()), MEGABYTE * 16) is StoreReason.SLOW
    line.proxy.set(Faults())
    line.proxy.cut_all()
    assert line.store.get(key) == MEGABYTE


@pytest.mark.slow
def test_what_was_acknowledged_survives_the_servers_death(tmp_path: Path) -> None:
    """JuiceFS alone: moto keeps everything in memory, so that it can prove nothing here."""
    acknowledged: dict[str, bytes] = {}
    with object_servers.juicefs(tmp_path) as server:
        store = open_store(server.port, deadline_s=2.0)
        store.create()
        store.check()
        for _ in range(2):
            enough, over = threading.Event(), threading.Event()
            goal = len(acknowledged) + 60

            def write(
                goal: int = goal, enough: threading.Event = enough, over: threading.Event = over
            ) -> dict[str, bytes]:
                mine: dict[str, bytes] = {}
                while not over.is_set():
                    key, data = str(new_id()), os.urandom(20_000)
                    try:
                        store.put(key, data)
                    except StoreFailed:
                        return mine
                    mine[key] = acknowledged[key] = data
                    if len(acknowledged) >= goal:
                        enough.set()
                return mine

            with ThreadPoolExecutor(8) as pool:
                running = [pool.submit(write) for _ in range(8)]
                assert enough.wait(60)
                server.kill()
                over.set()
                assert sum(len(one.result()) for one in running) >= 60
            assert reason(store.check) is StoreReason.DOWN
            server.start()
            assert {key: store.get(key) for key in acknowledged} == acknowledged
            for key in list(store.keys()):  # an object nobody was told of is whole all the same
                assert len(store.get(key)) == 20_000


def test_a_full_server_leaves_nothing_behind(tmp_path: Path) -> None:
    """JuiceFS says `InternalError` when it is full, so that the reason cannot be told from a server in trouble."""
    with object_servers.juicefs(tmp_path, inodes=60) as server:
        store = open_store(server.port, deadline_s=3.0)
        store.create()
        kept: list[str] = []

        def fill() -> None:
            for _ in range(100):
                key = str(new_id())
                store.put(key, b"content" * 100)
                kept.append(key)

        assert reason(fill) in {StoreReason.FULL, StoreReason.DOWN}
        assert kept
        assert sorted(store.keys()) == sorted(kept)
        assert all(store.get(key) == b"content" * 100 for key in kept)
        for key in kept:
            store.delete(key)
        for _ in range(100):  # the server counts what is free a little later
            try:
                store.check()
                break
            except StoreFailed:
                time.sleep(0.1)
        else:
            pytest.fail("room was made, and the store does not work again")


@pytest.mark.asvs("v5.0.0-12.3.2")
@pytest.mark.asvs("v5.0.0-12.3.4")
def test_only_a_trusted_certificate_is_talked_to(tmp_path: Path) -> None:
    made = make_certificates(tmp_path, valid_for=timedelta(days=2))
    with object_servers.moto(tmp_path, certificates=made) as server:
        where = replace(address(server.port, deadline_s=5.0), secure=True)
        stranger = S3Store(where, access_key=ACCESS, secret_key=SECRET)
        assert reason(stranger.put, "abcd", b"x") is StoreReason.UNTRUSTED
        store = S3Store(where, access_key=ACCESS, secret_key=SECRET, ca_file=made.authority)
        store.create()
        store.put("abcd", MEGABYTE)  # over TLS the digest is Content-MD5
        assert store.get("abcd") == MEGABYTE
        store.check()


@pytest.fixture
def canned() -> Iterator[tuple[Answers, S3Store]]:
    """A server that answers what it is told to, and a store on it that knows `If-None-Match` to be honoured."""
    with canned_answers() as answers:
        store = open_store(answers.port, deadline_s=3.0)
        store.honours = True
        yield answers, store


def xml(code: str) -> bytes:
    """An error document of S3."""
    return f"<Error><Code>{code}</Code><Message>hidden words</Message></Error>".encode()


@pytest.mark.parametrize(
    ("status", "code", "expected", "requests"),
    [
        (507, "XMinioStorageFull", StoreReason.FULL, 1),
        (507, "Unheard", StoreReason.FULL, 1),
        (400, "XMinioAdminBucketQuotaExceeded", StoreReason.FULL, 1),
        (503, "SlowDown", StoreReason.SLOW, 4),
        (500, "InternalError", StoreReason.DOWN, 4),
        (503, "XMinioServerNotInitialized", StoreReason.DOWN, 4),
        (403, "RequestTimeTooSkewed", StoreReason.DENIED, 1),
        (501, "NotImplemented", StoreReason.FAILED, 1),
        (400, "Whatever", StoreReason.FAILED, 1),
    ],
)
def test_what_a_server_may_answer(
    canned: tuple[Answers, S3Store], status: int, code: str, expected: StoreReason, requests: int
) -> None:
    answers, store = canned
    answers.always(status, "application/xml", xml(code))
    with pytest.raises(StoreFailed) as caught:
        store.put("abcd", b"x")
    assert caught.value.reason is expected
    assert caught.value.detail == code
    assert "hidden" not in str(caught.value)
    assert len(answers.requests) == requests


@pytest.mark.parametrize(
    ("status", "kind", "body", "expected"),
    [
        (404, "text/html", b"<h1>hidden</h1>", StoreReason.FAILED),  # no object is missing: some proxy answered
        (403, "text/html", b"<h1>hidden</h1>", StoreReason.DENIED),
        (502, "text/html", b"<h1>hidden</h1>", StoreReason.DOWN),
        (504, "text/plain", b"", StoreReason.SLOW),
        (400, "application/xml", b"<not xml hidden", StoreReason.FAILED),
        (400, "application/xml", b"\xff\xfe", StoreReason.FAILED),
    ],
)
def test_answers_that_are_none_of_s3(
    canned: tuple[Answers, S3Store], status: int, kind: str, body: bytes, expected: StoreReason
) -> None:
    answers, store = canned
    answers.always(status, kind, body)
    for call in (lambda: store.get("abcd"), lambda: store.put("abcd", b"x"), lambda: store.delete("abcd")):
        with pytest.raises(StoreFailed) as caught:
            call()
        assert caught.value.reason is expected
        assert "hidden" not in f"{caught.value!r} {caught.value}"


def test_a_passing_fault_passes_unseen(canned: tuple[Answers, S3Store]) -> None:
    answers, store = canned
    answers.then((503, "application/xml", xml("SlowDown")), (500, "application/xml", xml("InternalError")))
    answers.always(200, "application/octet-stream", b"content")
    assert store.get("abcd") == b"content"
    assert len(answers.requests) == 3


def test_a_list_that_cannot_be_read(canned: tuple[Answers, S3Store]) -> None:
    answers, store = canned
    answers.always(200, "application/xml", b"<html>")
    assert reason(lambda: list(store.keys())) is StoreReason.FAILED


def test_a_server_without_conditions(canned: tuple[Answers, S3Store]) -> None:
    """Some servers answer 501 to `If-None-Match`: the key is asked for instead."""
    answers, store = canned
    store.honours = None
    answers.then((501, "application/xml", xml("NotImplemented")), (204, "application/xml", b""))
    answers.then((404, "application/xml", b""), (200, "application/xml", b""))
    store.put("abcd", b"x")
    assert store.honours is False
    assert [line.split()[0] for line in answers.requests] == ["PUT", "DELETE", "HEAD", "PUT"]


def test_other_bytes_coming_back_fail_the_check(canned: tuple[Answers, S3Store]) -> None:
    answers, store = canned
    answers.always(200, "application/octet-stream", b"other")
    assert reason(store.check) is StoreReason.FAILED
    answers.then((200, "application/xml", b""))
    answers.always(404, "application/xml", xml("NoSuchKey"))
    assert reason(store.check) is StoreReason.FAILED
