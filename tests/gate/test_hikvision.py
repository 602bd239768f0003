"""Hikvision's bodies as devices write them (identities removed), whole, cut, doubled, reordered and spliced."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_integration.intake.redact import redact
from gate_integration.protocols import reading
from gate_integration.protocols.hikvision import PARSER_VERSION, acknowledgement, parse
from gate_integration.protocols.hikvision_codes import meaning
from gate_integration.protocols.records import CredentialKind, DeviceProfile, Outcome, Record, RecordKind

PROFILE = DeviceProfile(vendor="hikvision")
CT = "multipart/form-data; boundary=MIME_boundary"
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4


def inner(**fields: Any) -> dict[str, Any]:
    return {"majorEventType": 5, "subEventType": 75, "employeeNoString": "000015", "serialNo": 18, **fields}


def event(time: str = "2026-02-24T19:45:13+08:00", **fields: Any) -> bytes:
    envelope = {"dateTime": time, "eventType": "AccessControllerEvent", "AccessControllerEvent": inner(**fields)}
    return json.dumps(envelope, indent="\t").encode()


def multipart(*parts: bytes) -> bytes:
    return b"".join(b"--MIME_boundary\r\n\r\n%s\r\n" % p for p in parts) + b"--MIME_boundary--\r\n"


def read(body: bytes, content_type: str = "application/json", profile: DeviceProfile = PROFILE) -> list[Record]:
    return parse(redact(body, content_type, hash_key=b"k").body, content_type, profile)[0]


def codes(body: bytes, content_type: str = "application/json") -> list[str]:
    return [p.code for p in parse(body, content_type, PROFILE)[1]]


def test_push_with_picture() -> None:
    body = event(
        name="made up", doorNo=1, cardReaderNo="1", cardNo="0", remoteCheck=True, frontSerialNo=17, mask="no\0",
        currentEvent=True, currentVerifyMode="face",
    )  # fmt: skip
    redacted = redact(multipart(body, JPEG), CT, hash_key=b"k")
    records, problems = parse(redacted.body, CT, PROFILE)
    assert problems == []
    (record,) = records
    assert (record.kind, record.outcome, record.credential) == (RecordKind.ACCESS, Outcome.PASS, CredentialKind.FACE)
    assert (record.counter, record.person_no, record.card_no, record.code) == (18, "000015", None, "5/75")
    assert (record.door_no, record.reader_no, record.replay) == (1, 1, False)
    assert record.device_time_text == "2026-02-24T19:45:13+08:00"
    assert record.device_time == datetime(2026, 2, 24, 11, 45, 13, tzinfo=UTC)
    assert [(p.index, p.digest) for p in record.pictures] == [(0, redacted.cutouts[0].digest)]
    assert record.extra == {"mask": "no", "verify_mode": "face", "front_counter": 17, "remote_check": True}
    assert "made up" not in repr(record)
    assert acknowledgement() == (b"OK", "text/plain")
    assert PARSER_VERSION == 1


def test_content_is_stable_over_retries_and_routes() -> None:
    first = read(event())[0]
    found = {"AcsEvent": {"InfoList": [{"major": "5", "minor": "75", "time": "2026-02-24 19:45:13", "serialNo": "18",
        "employeeNoString": "000015", "doorNo": 1, "pictureURL": "http://192.0.2.1/a@WEB1"}]}}  # fmt: skip
    pulled = read(json.dumps(found).encode())[0]
    assert pulled.replay
    assert pulled.device_time == first.device_time
    others = [pulled, read(multipart(event(currentEvent="false"), JPEG), CT)[0], read(event(isDataRetransmission=1))[0]]
    assert all(o.replay and o.content == first.content for o in others)
    assert read(event(employeeNoString="15"))[0].content != first.content
    assert read(event(serialNo=None, doorNo=1))[0].content != read(event(serialNo=None, doorNo=2))[0].content


XML = b"""<?xml version="1.0" encoding="UTF-8"?>
<EventNotificationAlert version="2.0" xmlns="%s"><dateTime>2026-02-24T19:45:13-6:00</dateTime>
<macAddress>aa:bb:cc:00:00:02</macAddress><eventType>AccessControllerEvent</eventType>
<isDataRetransmission>true</isDataRetransmission><AccessControllerEvent><majorEventType>5</majorEventType>
<subEventType>76</subEventType><employeeNoString>null</employeeNoString><serialNo>3000000000</serialNo>
</AccessControllerEvent></EventNotificationAlert>"""


@pytest.mark.parametrize(
    "space",
    [b"http://www.isapi.org/ver20/XMLSchema", b"http://www.hikvision.com/ver20/XMLSchema", b"urn:psialliance-org"],
)
def test_xml(space: bytes) -> None:
    for body in (XML % space, multipart(XML % space), XML % space + b"junk"):
        (record,) = read(body, CT)
        assert (record.counter, record.person_no, record.outcome, record.replay) == (
            3 * 10**9,
            None,
            Outcome.FAIL,
            True,
        )
        assert record.device_time == datetime(2026, 2, 25, 1, 45, 13, tzinfo=UTC)
        assert record.extra == {"mac": "aa:bb:cc:00:00:02"}


@pytest.mark.asvs("v5.0.0-1.5.1")
def test_bad_xml_costs_no_good_one() -> None:
    good, bad = XML % b"urn:psialliance-org", b"<EventNotificationAlert><a></EventNotificationAlert>"
    assert len(read(bad + good + good[:200], "text/xml")) == 1
    assert codes(bad + good, "text/xml") == ["xml-broken"]
    assert len(read(b"<EventNotificationAlert><a>" + good, "text/xml")) == 1
    assert codes(b'<!DOCTYPE x [<!ENTITY e "1">]><EventNotificationAlert>&e;</EventNotificationAlert>', "") == [
        "xml-broken"
    ]
    assert codes(b"<userCheck><lockStatus>lock</lockStatus></userCheck>", "application/json") == ["xml-broken"]
    assert codes(b"<EventNotificationAlert>text</EventNotificationAlert>", "") == ["not-an-event"]
    commented = b"<EventNotificationAlert><!-- <EventNotificationAlert > --><eventType>x</eventType>"
    assert [r.code for r in read(commented + b"</EventNotificationAlert>", "")] == ["x"]
    deep = b"<EventNotificationAlert>" + b"<a>" * 90 + b"</a>" * 90 + b"</EventNotificationAlert>"
    assert codes(deep, "") == ["not-an-event"]


@pytest.mark.parametrize(
    ("fields", "person", "outcome", "credential"),
    [
        ({"subEventType": 76, "employeeNoString": ""}, None, Outcome.FAIL, CredentialKind.FACE),
        ({"subEventType": "80", "employeeNoString": "0"}, None, Outcome.FAIL, CredentialKind.FACE),
        ({"employeeNoString": None, "employeeNo": 15}, "15", Outcome.PASS, CredentialKind.FACE),
        ({"employeeNoString": True, "employeeNo": 15.0}, "15", Outcome.PASS, CredentialKind.FACE),
        ({"subEventType": 1, "cardNo": "0012"}, "000015", Outcome.PASS, CredentialKind.CARD),
        ({"subEventType": 9999, "currentVerifyMode": "faceAndPw"}, "000015", Outcome.UNKNOWN, CredentialKind.FACE),
        ({"subEventType": 9999, "cardNo": "0012"}, "000015", Outcome.UNKNOWN, CredentialKind.CARD),
        ({"majorEventType": None}, "000015", Outcome.UNKNOWN, CredentialKind.NONE),
    ],
)
def test_people_and_codes(
    fields: dict[str, Any], person: str | None, outcome: Outcome, credential: CredentialKind
) -> None:
    (record,) = read(event(**fields))
    assert (record.person_no, record.outcome, record.credential) == (person, outcome, credential)


def test_kinds_and_profile() -> None:
    assert read(event(subEventType=21))[0].kind is RecordKind.DOOR
    assert read(event(majorEventType=2, subEventType=7777))[0].kind is RecordKind.HEALTH
    assert read(event(majorEventType=9))[0].kind is RecordKind.OTHER
    beat = read(b'{"eventType":"heartBeat","dateTime":"2026-02-24T19:45:13+08:00"}')[0]
    assert (beat.kind, beat.code, beat.counter) == (RecordKind.HEALTH, "heartBeat", None)
    rows = {"5/23": {"kind": "access", "outcome": "pass", "credential": "qr"}, "5/24": {"kind": "?"}, "5/25": {}}
    assert meaning(5, 23, rows) == (RecordKind.ACCESS, Outcome.PASS, CredentialKind.QR)
    assert meaning(5, 24, rows).kind is meaning(5, 25, rows).kind is RecordKind.DOOR


def test_shapes() -> None:
    twice = {"eventType": "x", "AccessControllerEvent": {"serialNo": 1, "AccessControllerEvent": inner()}}
    assert read(json.dumps(twice).encode())[0].counter == 18
    endless = inner()
    for _ in range(6):
        endless = {"AccessControllerEvent": endless, "eventType": "x"}
    assert read(json.dumps(endless).encode())[0].code == "x"
    assert len(read(b'[{"EventNotificationAlert":' + event() + b"}," + event(serialNo=19) + b",5]")) == 2
    assert codes(b"[[[[[[[1]]]]]]]") == codes(b"{}") == ["not-an-event"]
    assert read(json.dumps(inner()).encode())[0].device_time is None
    assert len(read(event() + b"\njunk\n" + event(serialNo=19) + b"tail")) == 2
    assert read(event().replace(b"18", b"18,"))[0].counter == 18
    assert read(event().replace(b'"000015"', '"\0张 15"'.encode("gb18030")))[0].person_no == "张 15"
    assert read(event().replace(b"000015", b"\xe9\xff"))[0].person_no == "éÿ"
    assert read(event(employeeNoString="\ud800x"))[0].person_no == "?x"
    (record,) = read(event(extra=["/9j/4AAQ", 1, {"picture": "iVBORw0KGgo"}]))
    assert [p.index for p in record.pictures] == [0, 1]
    assert read(event(serialNo=18.0))[0].counter == 18
    assert read(event(employeeNoString=10**30))[0].person_no == "?"


def test_damage() -> None:
    good, other = event(), event(serialNo=19)
    assert codes(good[:-20]) == ["json-broken"]
    assert codes(b"{" * 5000) == ["json-broken"]
    assert codes(b"plain text", "text/plain") == ["unknown-part"]
    assert [r.counter for r in read(b"junk [ junk " + good)] == [18]
    assert [r.counter for r in read(good[:-20] + b"\n" + other)] == [19]
    for serial in (0, -1, "x", 2**70, 1.5, True):
        assert "counter-range" in codes(event(serialNo=serial))
    page = json.dumps({"AcsEvent": {"InfoList": [inner(serialNo=n) for n in (1, 2, 3)]}}).encode()
    assert [r.counter for r in read(page[:-3])] == [1, 2, 3]
    assert [r.counter for r in read(page[:-40])] == [1, 2]
    assert [r.counter for r in read(page.replace(b'"serialNo": 2', b'"serialNo": oops'))] == [1, 3]
    assert read(b'{"InfoList": [' + b"{x}," * 70) == read(b"\n{x" * 10) == []
    assert read(b'{"InfoList": [') == read(b"[" * 20 + b"{") == []


def test_a_picture_never_goes_to_the_wrong_event() -> None:
    good = event()
    assert [len(r.pictures) for r in read(multipart(good, JPEG, event(serialNo=19)), CT)] == [1, 0]
    for body in (multipart(good, good[:-9], JPEG), multipart(JPEG, good), multipart(good, b"text", JPEG)):
        redacted = redact(body, CT, hash_key=b"k").body
        records, problems = parse(redacted, CT, PROFILE)
        assert [r.pictures for r in records] == [()]
        assert "orphan-picture" in [p.code for p in problems]
    assert parse(multipart(good, JPEG), CT, PROFILE)[1][0].code == "orphan-picture"  # not redacted: no reference


@pytest.mark.parametrize(
    ("text", "zone", "utc", "problem"),
    [
        ("2026-02-24T19:45:13Z", "Asia/Shanghai", "2026-02-24T19:45:13", None),
        ("2026-02-24 19:45:13.250", "Asia/Shanghai", "2026-02-24T11:45:13", None),
        ("2026-02-24T19:45:13+08:30", "UTC", "2026-02-24T11:15:13", None),
        ("2026-02-24T19:45:13-6:00", "UTC", "2026-02-25T01:45:13", None),
        ("2026-02-24T19:45:13+08", "UTC", "2026-02-24T11:45:13", None),
        ("2026-02-30T19:45:13", "UTC", None, "time-unreadable"),
        ("2026-02-24T24:00:00", "UTC", None, "time-unreadable"),
        ("2026-02-24T19:45:13+99:00", "UTC", None, "time-unreadable"),
        ("0000-00-00T00:00:00", "UTC", None, "time-range"),
        ("2036-01-01T00:00:00", "UTC", None, "time-range"),
        ("yesterday", "UTC", None, "time-unreadable"),
        ("", "UTC", None, "time-missing"),
        ("2026-02-24T19:45:13", "Nowhere/None", None, "zone-unknown"),
        ("2026-02-24T19:45:13", "../x", None, "zone-unknown"),
    ],
)
def test_times(text: str, zone: str, utc: str | None, problem: str | None) -> None:
    time, code = reading.device_time(text, zone)
    assert (time.strftime("%Y-%m-%dT%H:%M:%S") if time else None, code) == (utc, problem)
    if problem and text:
        assert read(event(time=text), profile=DeviceProfile("hikvision", zone))[0].device_time_text == text


GOOD = [event(serialNo=n) for n in range(1, 4)]
WHOLE = multipart(GOOD[0], JPEG, GOOD[1], XML % b"urn:psialliance-org")


@given(st.integers(0, len(WHOLE)), st.binary(max_size=50), st.integers(0, len(WHOLE)), st.permutations(GOOD))
@settings(max_examples=250)
def test_fuzz(cut: int, garbage: bytes, again: int, order: list[bytes]) -> None:
    for body in (WHOLE[:cut], WHOLE + WHOLE[:cut], WHOLE[:cut] + garbage + WHOLE[again:]):
        parse(body, CT, PROFILE)
        read(body, CT)
    bad = garbage.replace(b"--", b"")
    assert {1, 2, 3} <= {r.counter for r in parse(multipart(order[0], bad, *order[1:]), CT, PROFILE)[0]}
    assert {1, 2, 3 * 10**9} <= {r.counter for r in read(WHOLE + WHOLE[:cut], CT)}
    assert {1, 2, 3 * 10**9} <= {r.counter for r in parse(WHOLE[:cut] + b"\r\n" + WHOLE, CT, PROFILE)[0]}


def test_recorded_samples() -> None:
    shared = Path(os.environ.get("RUHU_SHARED", Path(__file__).parents[2].parent / "shared"))
    folder = shared / "gate_samples" / "hikvision"
    if not folder.is_dir():
        pytest.skip("the recorded Hikvision samples are not here (RUHU_SHARED): only the frames in this file were read")
    stream = read((folder / "alertstream_ds-k1t342_history_replay.txt").read_bytes(), CT)
    assert [r.counter for r in stream] == list(range(1, 26))  # the 26th is cut in the capture
    assert all(r.replay for r in stream)
    assert [r.counter for r in stream if r.kind is RecordKind.ACCESS] == [18, 22, 25]
    page = read((folder / "acs_event_search_page1.json").read_bytes())
    assert [r.counter for r in page] == list(range(19353, 19373))
    (normal,) = read((folder / "multipart_normal_composed.bin").read_bytes(), CT)
    assert (normal.counter, normal.person_no, len(normal.pictures)) == (1199, "123123123", 1)
    (door,) = read((folder / "push_door_locked_5_21_ds-k1t502.json").read_bytes())
    assert (door.kind, door.counter, door.replay) == (RecordKind.DOOR, 257, False)
    assert codes((folder / "lockout_401_body.xml").read_bytes()) == ["xml-broken"]
