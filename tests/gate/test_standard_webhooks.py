"""Who is believed: signatures made by outside libraries, headers tampered with, clocks askew, keys coming and going."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from gate_integration.protocols.standard_webhooks import (
    MAX_SIGNATURES,
    Claim,
    KeyKind,
    SigningKey,
    is_fresh,
    matching_key,
    read_claim,
    read_public_key,
    read_secret,
    secret_text,
)
from storage.ids import new_id

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
SECRET = bytes(range(32))
BODY = b'{"id":"1"}'
Headers = list[tuple[bytes, bytes]]


def key(material: bytes = SECRET, kind: KeyKind = KeyKind.SECRET, **times: datetime) -> SigningKey:
    return SigningKey(new_id(), kind, material, times.get("since", NOW - timedelta(days=1)), times.get("until"))


def signed(secret: bytes = SECRET, body: bytes = BODY, *, at: datetime = NOW, message_id: str = "msg_1") -> Headers:
    signature = Webhook(secret_text(secret)).sign(message_id, at, body.decode())
    return [
        (b"host", b"x"), (b"webhook-id", message_id.encode()), (b"webhook-timestamp", b"%d" % at.timestamp()),
        (b"webhook-signature", signature.encode()),
    ]  # fmt: skip


def claim_of(headers: Headers) -> Claim:
    found = read_claim(headers)
    assert found is not None
    return found


def swapped(headers: Headers, name: bytes, value: bytes) -> Headers:
    return [(n, value if n == name else v) for n, v in headers]


def test_what_an_outside_library_signed_is_believed() -> None:
    claim = claim_of(signed())
    mine = key()
    assert matching_key(claim, BODY, [key(bytes(32)), mine], now=NOW) is mine
    assert matching_key(claim, BODY + b" ", [mine], now=NOW) is None
    assert matching_key(claim, BODY, [], now=NOW) is None


def test_a_public_key_checks_what_its_private_key_signed() -> None:
    private = Ed25519PrivateKey.generate()
    public = key(private.public_key().public_bytes_raw(), KeyKind.PUBLIC)
    stamp = b"%d" % NOW.timestamp()
    made = base64.b64encode(private.sign(b"msg_1." + stamp + b"." + BODY))
    wrong = base64.b64encode(bytes(64))
    claim = claim_of(swapped(signed(), b"webhook-signature", b"v1a," + wrong + b" v1a," + made))
    assert matching_key(claim, BODY, [key(bytes(32)), public], now=NOW) is public
    assert matching_key(claim, BODY + b" ", [public], now=NOW) is None
    # A signature of one kind never counts for a key of the other.
    assert (
        matching_key(claim_of(swapped(signed(), b"webhook-signature", b"v1," + made)), BODY, [public], now=NOW) is None
    )


def test_any_entry_of_the_list_may_match() -> None:
    entry = signed()[-1][1]
    crowd = b"v1,AAAA v2,xxxx v1a,AAAA v1,!!! v1 " + entry
    assert matching_key(claim_of(swapped(signed(), b"webhook-signature", crowd)), BODY, [key()], now=NOW)
    beyond = b" ".join([b"v1,AAAA"] * MAX_SIGNATURES + [entry])
    assert not matching_key(claim_of(swapped(signed(), b"webhook-signature", beyond)), BODY, [key()], now=NOW)


@pytest.mark.parametrize(
    ("name", "value"),
    [(b"webhook-id", b"msg_2"), (b"webhook-timestamp", b"%d" % (NOW.timestamp() + 1)),
     (b"webhook-signature", b"v1," + base64.b64encode(bytes(32)))],
)  # fmt: skip
def test_a_header_that_was_changed_is_not_believed(name: bytes, value: bytes) -> None:
    assert matching_key(claim_of(swapped(signed(), name, value)), BODY, [key()], now=NOW) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [(b"webhook-id", b""), (b"webhook-id", b"a.1"), (b"webhook-id", b"x" * 256), (b"webhook-id", b"a b"),
     (b"webhook-timestamp", b"1700000000.5"), (b"webhook-timestamp", b"-1"), (b"webhook-timestamp", b"9" * 12),
     (b"webhook-signature", b""), (b"webhook-signature", b"v" * 4097), (b"webhook-signature", b"v1,\xff")],
)  # fmt: skip
def test_headers_that_are_not_of_the_form_are_none(name: bytes, value: bytes) -> None:
    assert read_claim(swapped(signed(), name, value)) is None


@pytest.mark.parametrize("name", [b"webhook-id", b"webhook-timestamp", b"webhook-signature"])
def test_a_header_that_is_missing_or_doubled_is_none(name: bytes) -> None:
    given_once = signed()
    assert read_claim([h for h in given_once if h[0] != name]) is None
    assert read_claim([*given_once, *(h for h in given_once if h[0] == name)]) is None
    # Three headers in all, one of them twice and one missing.
    other = b"webhook-timestamp" if name != b"webhook-timestamp" else b"webhook-id"
    assert read_claim([h if h[0] != other else (name, b"x") for h in given_once]) is None


@pytest.mark.parametrize(
    ("seconds", "fresh"), [(0, True), (299, True), (-299, True), (300, True), (-300, True), (301, False), (-301, False)]
)
def test_the_clock_may_be_five_minutes_off(seconds: int, fresh: bool) -> None:
    claim = claim_of(signed(at=NOW + timedelta(seconds=seconds)))
    assert is_fresh(claim, now=NOW) is fresh
    assert is_fresh(claim, now=NOW, tolerance_s=400)


def test_a_key_is_good_within_its_time_alone() -> None:
    claim = claim_of(signed())
    assert matching_key(claim, BODY, [key(since=NOW)], now=NOW)
    assert not matching_key(claim, BODY, [key(since=NOW + timedelta(seconds=1))], now=NOW)
    assert matching_key(claim, BODY, [key(until=NOW + timedelta(seconds=1))], now=NOW)
    assert not matching_key(claim, BODY, [key(until=NOW)], now=NOW)


def test_while_a_key_is_exchanged_both_are_good() -> None:
    old, new = key(until=NOW + timedelta(hours=1)), key(bytes(range(1, 33)))
    assert matching_key(claim_of(signed()), BODY, [new, old], now=NOW) is old
    assert matching_key(claim_of(signed(new.material)), BODY, [new, old], now=NOW) is new
    assert matching_key(claim_of(signed()), BODY, [new, old], now=NOW + timedelta(hours=1)) is None


def test_keys_are_written_and_read() -> None:
    assert read_secret(secret_text(SECRET)) == SECRET
    assert read_secret(secret_text(SECRET).rstrip("=")) == SECRET
    for wrong in (
        "", "whsec_", secret_text(bytes(23)), secret_text(bytes(65)), "whsec_!!!!", "whsec_é", "whsec_A", "whpk_AAAA",
    ):  # fmt: skip
        assert read_secret(wrong) is None, wrong
    assert read_public_key("whpk_" + base64.b64encode(SECRET).decode()) == SECRET
    assert read_public_key("whpk_" + base64.b64encode(bytes(31)).decode()) is None
    assert "whsec_" not in repr(replace(key(), material=b""))


@given(st.lists(st.tuples(st.sampled_from([b"webhook-id", b"webhook-timestamp", b"webhook-signature", b"x"]),
                          st.binary(max_size=60)), max_size=6), st.binary(max_size=50))  # fmt: skip
def test_no_headers_make_it_raise_and_none_are_believed(headers: Headers, body: bytes) -> None:
    claim = read_claim(headers)
    if claim is not None:
        is_fresh(claim, now=NOW)
        assert matching_key(claim, body, [key(), key(kind=KeyKind.PUBLIC)], now=NOW) is None
