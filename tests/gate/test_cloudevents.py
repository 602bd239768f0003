"""CloudEvents made by an outside library, in every mode, and what nobody's library makes."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gate_integration.intake.epochs import DeviceSerials, PlacementKind, Stored, event_key_text, place
from gate_integration.intake.redact import redact
from gate_integration.protocols import cloudevents
from gate_integration.protocols.records import CredentialKind, DeviceProfile, Outcome, ParseProblem, Record, RecordKind
from gate_integration.protocols.webhook import DOOR, HEARTBEAT, PASS, _content, acknowledgement, parse
from tests.gate import webhook_support as ws
from tests.gate.support import JPEG, NOON
from tests.gate.webhook_support import pass_event

PROFILE = DeviceProfile(vendor="webhook")


def read(body: bytes, profile: DeviceProfile = PROFILE) -> tuple[list[Record], list[ParseProblem]]:
    return parse(redact(body, ws.STRUCTURED, hash_key=b"k").body, ws.STRUCTURED, profile)


def codes(body: bytes) -> list[str]:
    return [problem.code for problem in read(body)[1]]


def raw(**changes: Any) -> dict[str, Any]:
    event = {"specversion": "1.0", "id": "1", "source": "/s", "type": PASS, "data": {"time": "2026-03-02T12:00:00+08"}}
    return {name: value for name, value in (event | changes).items() if value is not ...}


def as_bytes(what: object) -> bytes:
    return json.dumps(what).encode()


def test_a_pass_with_everything() -> None:
    event = pass_event(
        "e-1", person_no="0007", card_no=" 00123 ", door="2", reader=1, direction="in", counter="41", replay=True,
        device_verdict="stranger", outcome="FAIL", picture=base64.b64encode(JPEG).decode(), name="made up",
    )  # fmt: skip
    ((record,), problems) = read(ws.structured(event))
    assert problems == []
    assert (record.kind, record.outcome, record.credential) == (RecordKind.ACCESS, Outcome.FAIL, CredentialKind.FACE)
    assert (record.person_no, record.card_no, record.door_no, record.reader_no) == ("0007", "00123", 2, 1)
    assert (record.direction, record.replay, record.counter, record.code) == ("in", True, None, PASS)
    assert record.device_time == NOON
    assert len(record.pictures) == 1
    assert record.extra == {
        "event_id": "e-1", "source": ws.SOURCE, "verdict": "stranger", "door": "2", "reader": "1", "counter": 41,
    }  # fmt: skip


def test_the_kinds_and_what_they_take_over() -> None:
    card = read(as_bytes(raw(data={"time": "2026-03-02 12:00:00", "card_no": "9"})))[0][0]
    assert (card.credential, card.outcome, card.direction) == (CredentialKind.CARD, Outcome.UNKNOWN, None)
    assert card.device_time == NOON  # no zone: the device's
    door = read(ws.structured(pass_event(1, kind=DOOR, state="forced", outcome="pass", credential="button")))[0][0]
    assert (door.kind, door.outcome, door.credential, door.extra["status"]) == (
        RecordKind.DOOR, Outcome.UNKNOWN, CredentialKind.BUTTON, "forced",
    )  # fmt: skip
    beat, problems = read(as_bytes(raw(type=HEARTBEAT, data=...)))
    assert (beat[0].kind, problems) == (RecordKind.HEALTH, [])
    ((other,), problems) = read(as_bytes(raw(type="com.acme.x", data={"card_no": "1", "direction": "in"})))
    assert (other.kind, other.card_no, other.direction, problems) == (RecordKind.OTHER, None, None, [])
    later = read(as_bytes(raw(type="cn.ruhu.gate.pass.v2")))[0][0]
    assert later.kind is RecordKind.OTHER


def test_a_profile_explains_a_foreign_type() -> None:
    profile = DeviceProfile("webhook", codes={"acme.in": {"kind": "access", "outcome": "pass", "credential": "qr"}})
    ((record,), problems) = read(as_bytes(raw(type="acme.in", data={"time": "2026-03-02T12:00:00Z"})), profile)
    assert (record.kind, record.outcome, record.credential, problems) == (
        RecordKind.ACCESS, Outcome.PASS, CredentialKind.QR, [],
    )  # fmt: skip
    ((record,), _) = read(as_bytes(raw(type="acme.in", data=[1])), profile)
    assert (record.kind, record.card_no) == (RecordKind.ACCESS, None)
    ((record,), problems) = read(as_bytes(raw(type="acme.in")), DeviceProfile("w", codes={"acme.in": {"kind": "?"}}))
    assert (record.kind, [p.code for p in problems]) == (RecordKind.OTHER, ["value-unknown"])


@pytest.mark.parametrize(
    ("event", "code"),
    [
        (raw(id=...), "not-an-event"), (raw(source=""), "not-an-event"), (raw(type=True), "not-an-event"),
        (raw(id=2**63), "not-an-event"), (raw(specversion="0.3"), "version-unknown"), (raw(data=...), "data-missing"),
        (raw(data="x"), "data-missing"), ("text", "not-an-event"), ([], "empty"),
        (raw(data={}), "time-missing"), (raw(data={"time": "soon"}), "time-unreadable"),
        (raw(data={"time": "2026-03-02T12:00:00Z", "outcome": "perhaps"}), "value-unknown"),
        (raw(data={"time": "2026-03-02T12:00:00Z", "direction": "up"}), "value-unknown"),
        (raw(data={"time": "2026-03-02T12:00:00Z", "counter": "x"}), "counter-range"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(event: object, code: str) -> None:
    assert codes(as_bytes(event)) == [code]


def test_numbers_where_the_standard_asks_for_text_are_taken() -> None:
    ((record,), problems) = read(as_bytes(raw(id=7, data={"time": "2026-03-02T12:00:00Z", "direction": "unknown"})))
    assert (record.extra["event_id"], record.direction, problems) == ("7", None, [])


def test_good_items_survive_bad_neighbours() -> None:
    items = [raw(id="a"), {"nonsense": 1}, raw(id="b"), 7, raw(id="c", data="x"), raw(id="d")]
    records, problems = read(as_bytes(items))
    assert [r.extra["event_id"] for r in records] == ["a", "b", "d"]
    assert [(p.code, p.part) for p in problems] == [("not-an-event", 1), ("not-an-event", 3), ("data-missing", 4)]


def test_good_items_survive_broken_text() -> None:
    a, b, c = (as_bytes(raw(id=name, data={"list": [{"x": 1}, {"y": 2}]})) for name in "abc")
    for body, saved in (
        (b"[" + a + b"," + b[:-9] + b"," + c + b"]", ["a", "c"]),  # one is cut in its middle
        (b"[" + a + b"," + b + b"," + c[:-5], ["a", "b"]),  # the delivery is cut off
        (b"[" + a + b",{]," + b + b"]", ["a", "b"]),
        (b"[" + a + b',{"n":' + b"1" * 5000 + b"}," + b + b"]", ["a", "b"]),  # a number nobody can read
        (b"garbage", []), (b"", []), (b"{", []), (b"[" * 5000, []), (b'{"a":' * 5000, []),
    ):  # fmt: skip
        records, problems = read(body)
        assert [r.extra["event_id"] for r in records] == saved, body[:200]
        assert problems[0].code == "json-broken"


def test_what_reading_on_costs_is_bounded() -> None:
    assert read(b"[" + b'{"a":[{"b":1},' * 20000)[1][0].code == "json-broken"


def test_an_event_is_told_by_source_and_id() -> None:
    one, same, moved, other, foreign = (
        read(as_bytes(event))[0][0]
        for event in (raw(), raw(), raw(data={"time": "2026-03-02T13:00:00+08"}), raw(id="2"), raw(source="/t"))
    )
    assert one.key_text == same.key_text == moved.key_text
    assert len({one.key_text, other.key_text, foreign.key_text}) == 3
    stored = [Stored(0, one.content, one.device_time_text, one.device_time)]
    seen = DeviceSerials(0, None, None)
    assert place(seen, stored, same).kind is PlacementKind.DUPLICATE
    placed = place(seen, stored, moved)
    assert (placed.kind, placed.marked) == (PlacementKind.AMBIGUOUS, True)
    key = event_key_text(moved, placed)
    assert key.startswith(f"k:{one.key_text}~")
    assert len(key) <= 80
    assert place(seen, [], one).kind is PlacementKind.NEW


def test_a_picture_makes_no_other_event_of_it() -> None:
    picture = base64.b64encode(JPEG).decode()
    data = {"time": "2026-03-02T12:00:00Z", "picture": picture}
    alone = read(as_bytes(raw(data=data)))[0][0]
    second = read(as_bytes([raw(id="0", data={**data, "more": picture}), raw(data=data)]))[0][1]
    assert alone.content == second.content
    assert [p.index for p in alone.pictures] != [p.index for p in second.pictures]


def test_nesting_without_end_is_no_reason_to_stop() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert _content(["t", None, deep]) == _content(["t", None])


def test_binary_mode_becomes_structured() -> None:
    body, content_type, headers = ws.binary(pass_event("号 1", card_no="9"))
    given_headers = [(n.encode(), v.encode("latin-1")) for n, v in headers.items()]
    attributes = cloudevents.attributes_of(
        [(b"host", b"x"), (b"ce-", b"x"), (b"ce-UP", b"x"), *given_headers, (b"ce-id", b"second")]
    )
    assert attributes["id"] == "号 1"
    assert not cloudevents.is_structured(content_type)
    made = cloudevents.structured(attributes, content_type, body)
    ((record,), problems) = read(made)
    assert (record.extra["event_id"], record.card_no, record.device_time, problems) == ("号 1", "9", NOON, [])
    assert "time" not in json.loads(made)
    assert len(cloudevents.attributes_of([(b"ce-a%d" % n, b"") for n in range(99)])) == 32


def test_binary_mode_with_anything_as_its_body() -> None:
    attributes = {"specversion": "1.0", "id": "1", "source": "/s", "type": "com.acme.picture"}
    made = cloudevents.structured(attributes, "image/jpeg", JPEG)
    ((record,), problems) = read(made)
    assert (len(record.pictures), problems) == (1, [])
    for body, data in ((b"", None), (b"{broken", "{broken"), (b"\xff", "\ufffd")):
        assert json.loads(cloudevents.structured(attributes, "", body))["data"] == data
    assert codes(cloudevents.structured(attributes | {"type": PASS}, "application/json", b"{broken")) == [
        "data-missing"
    ]
    assert cloudevents.is_structured(" Application/CloudEvents-batch+json; charset=utf-8")
    # A body cannot pass for an attribute, nor an attribute for the data.
    sly = cloudevents.structured(attributes | {"data": "x"}, "text/json", b'{"id": "2"}')
    assert (json.loads(sly)["id"], json.loads(sly)["data"]) == ("1", {"id": "2"})


def test_receipts_say_nothing_of_the_body() -> None:
    assert acknowledgement(duplicate=False) == (b'{"status":"stored"}', "application/json")
    assert acknowledgement(duplicate=True) == (b'{"status":"duplicate"}', "application/json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4), max_leaves=12,
)  # fmt: skip
EVENTS = st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("specversion", "id", "source", "type", "time", "data"), JSON)
)


@given(st.lists(EVENTS | JSON, max_size=4), st.integers(0, 3), st.integers(0, 400), st.binary(max_size=20))
def test_no_delivery_makes_it_raise_or_lose_a_good_item(items: list[Any], at: int, cut: int, junk: bytes) -> None:
    good = raw(id="the good one")
    whole = as_bytes([*items[:at], good, *items[at:]])
    assert "the good one" in [r.extra["event_id"] for r in read(whole)[0]]
    for body in (whole[:cut], whole + whole, junk + whole, whole[:cut] + junk + whole[cut:], junk):
        records, problems = read(body)
        assert records or problems
    # A broken item before it costs the good one nothing.
    broken = b'[{"id": "' + junk.hex().encode() + b'", "x": tru},' + as_bytes(good) + b"]"
    assert [r.extra["event_id"] for r in read(broken)[0]] == ["the good one"]
