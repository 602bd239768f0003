"""No picture, embedding or base64 of one survives redaction, whatever the framing."""

import base64
import json
import random
import re
import time
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_integration.intake.redact import MAX_CUTOUTS, PLACEHOLDER, redact

KEY = b"k" * 32
RANDOM = random.Random(7)
CT = "multipart/form-data; boundary=MIME_boundary"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + RANDOM.randbytes(3000) + b"\xff\xd9"
PICTURES = {
    "jpeg": JPEG,
    "png": b"\x89PNG\r\n\x1a\n" + RANDOM.randbytes(900),
    "gif": b"GIF89a" + RANDOM.randbytes(900),
    "bmp": b"BM\x36\x10\x00\x00\x00\x00\x00\x00" + RANDOM.randbytes(900),
    "webp": b"RIFF\x10\x10\x00\x00WEBP" + RANDOM.randbytes(900),
}
EVENT = b'{"eventType":"AccessControllerEvent","AccessControllerEvent":{"majorEventType":5,"serialNo":7}}'


def delivery(picture: bytes, boundary: bytes = b"MIME_boundary") -> bytes:
    return (
        b"--%s\r\nContent-Type: application/json\r\n\r\n%s\r\n--%s\r\nContent-Type: image/jpeg\r\n\r\n%s\r\n--%s\r\n"
        b"Content-Type: application/json\r\n\r\n%s\r\n--%s--\r\n"
    ) % (boundary, EVENT, boundary, picture, boundary, EVENT, boundary)


@pytest.mark.parametrize("kind", PICTURES)
@pytest.mark.parametrize("content_type", [CT, "multipart/form-data", "multipart/form-data; boundary=wrong"])
def test_raw_picture(kind: str, content_type: str) -> None:
    for boundary in (b"MIME_boundary", b"mime_BOUNDARY", b"b"):
        result = redact(delivery(PICTURES[kind], boundary), content_type, hash_key=KEY)
        assert [(c.kind, c.data) for c in result.cutouts] == [(kind, PICTURES[kind])]
        assert result.cleared
        assert result.body.count(EVENT) == 2
        found = PLACEHOLDER.search(result.body.decode())
        assert found
        assert found.groups() == (kind, "0", str(len(PICTURES[kind])), result.cutouts[0].digest)


def test_raw_picture_without_any_framing() -> None:
    result = redact(EVENT + JPEG, "", hash_key=KEY)
    assert (result.cutouts[0].data, result.cleared) == (JPEG, True)
    lines = JPEG + b"\nContent-nothing\nContent-" + b"x" * 300 + b"\nContent-Type: a"
    assert redact(lines, "", hash_key=KEY).cutouts[0].data == lines


def spellings(picture: bytes) -> list[str]:
    plain = base64.b64encode(picture).decode()
    wrapped = "\n".join(plain[i : i + 76] for i in range(0, len(plain), 76))
    return [
        plain,
        "data:image/x;base64," + plain,
        base64.urlsafe_b64encode(picture).decode().rstrip("="),
        plain.replace("/", "\\/"),
        plain.replace("+", "\\u002B").replace("=", "\\u003d"),
        wrapped.replace("\n", "\\r\\n"),
        wrapped,
        wrapped.replace("\n", "&#13;\n"),
        urllib.parse.quote(plain, safe=""),
    ]


@pytest.mark.parametrize("kind", PICTURES)
def test_base64_picture(kind: str) -> None:
    for text in spellings(PICTURES[kind]):
        for frame in ('{"a":"%s","b":1}', "<a><b>%s</b></a>", "photo=%s&x=1"):
            result = redact((frame % text).encode(), "application/json", hash_key=KEY)
            assert [(c.kind, c.data) for c in result.cutouts] == [(kind, PICTURES[kind])]
            assert result.cleared
            if frame.startswith("{"):
                assert PLACEHOLDER.search(json.loads(result.body)["a"])


def test_short_beginning_of_a_picture_goes_and_tokens_stay() -> None:
    for text in ("/9j/", "\\/9j\\/4A", "_9j_4AAQ", "iVBORw0KGgo", "\\n/9j/4AAQSk", "%2F9j%2F4AAQ"):
        result = redact(b'{"a":"%s"}' % text.encode(), "", hash_key=KEY)
        assert len(result.cutouts) == 1
        json.loads(result.body)
    for kept in (
        "A" * 255,
        "\\u4e2d" * 200,
        "/LOCALS/pic/acsLinkCap/202609_00/02_065215_30075_0.jpeg",
        "--" + "b" * 60,
    ):
        body = b'{"a":"%s"}' % kept.encode()
        assert redact(body, "", hash_key=KEY).body == body
    result = redact(b'{"a":"\\"' + b"B" * 301 + b'\\"","c":2}', "", hash_key=KEY)
    assert result.cutouts[0].kind == "base64"
    assert json.loads(result.body)["c"] == 2
    assert redact(b'{"a":"' + b"%41B" * 30 + b"_" * 300 + b'%"}', "", hash_key=KEY).cutouts[0].kind == "base64"
    assert redact(b'{"a":"' + b"A=B" * 2 + b"%3D%25" * 99 + b'"}', "", hash_key=KEY).cutouts[0].kind == "base64"


def test_number_lists() -> None:
    numbers = [round(RANDOM.uniform(-1, 1), 5) for _ in range(128)]
    for body in (json.dumps({"f": numbers, "g": 1}), json.dumps({"f": numbers, "g": 1}, indent=2)):
        result = redact(body.encode(), "", hash_key=KEY)
        assert [c.kind for c in result.cutouts] == ["numbers"]
        assert PLACEHOLDER.fullmatch(json.loads(result.body)["f"])
    joined = ",".join(map(str, numbers))
    for frame in ('{"f":"%s"}', "<f>%s</f>", '{"f":[%s', '{"f":[null,%s]}', '{"f":[%s,null]}', '{"f":[[%s]]}'):
        result = redact((frame % joined).encode(), "", hash_key=KEY)
        assert joined not in result.body.decode()
        assert len(result.cutouts) == 1
        if frame.endswith("}"):
            json.loads(result.body)
    elements = "<r>" + "".join(f"<e>{n}</e>" for n in numbers) + "</r>"
    assert redact(elements.encode(), "", hash_key=KEY).cutouts[0].kind == "numbers"
    short = json.dumps({"a": [1.25] * 63, "b": {"c": [0.5] * 5}}).encode()
    assert redact(short, "", hash_key=KEY).body == short
    few = b"[" + b"1" * 200 + b"]"
    assert redact(few, "", hash_key=KEY).body == few


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (EVENT, None),
        ('{"name":"张三"}'.encode("gb18030") * 100, None),
        ('{"name":"张三"}'.encode() * 100, None),
        (b'{"name":"\xe9"}', None),
        (b'{"name":"a\x00\x00\x00","r":"1000"}', None),
        (b"\x00" * 300, "binary"),
        (b"\x01" * 9, "binary"),
        (b"\xff\xfe" * 200, "binary"),
        (EVENT.decode().encode("utf-16") * 5, "binary"),
        (JPEG[:40].decode("latin-1").encode(), "mangled-picture"),
        (b'{"a":"\\u00FF\\u00d8\\u00ff"}', "mangled-picture"),
        (JPEG[3:], "mangled-picture"),
        (JPEG[20:], "binary"),
    ],
)
def test_what_is_not_cleared(body: bytes, reason: str | None) -> None:
    result = redact(body, "", hash_key=KEY)
    assert (result.cleared, result.reason) == (reason is None, reason)


def test_limits_and_forged_placeholders() -> None:
    forged = b'{"a":"[[ruhu:jpeg:0:1:' + b"0" * 32 + b']]"}'
    assert not PLACEHOLDER.search(redact(forged, "", hash_key=KEY).body.decode())
    for piece in (b"\xff\xd8\xff\n--MIME_boundary\n", b'"/9j/"', b"[" + b"1," * 64 + b"1]x"):
        result = redact(piece * (MAX_CUTOUTS + 2), CT, hash_key=KEY)
        assert (result.reason, len(result.cutouts)) == ("too-many-cutouts", MAX_CUTOUTS)
    one = redact(JPEG, "", hash_key=KEY).cutouts[0].digest
    assert one == redact(base64.b64encode(JPEG), "", hash_key=KEY).cutouts[0].digest
    assert one != redact(JPEG, "", hash_key=b"other").cutouts[0].digest


SURVIVOR = re.compile(rb"\xff\xd8\xff|\x89PNG\r?\n|(?<![A-Za-z0-9+/_\\%-])(?:/9j/|iVBORw0KG)|[A-Za-z0-9+/]{256}")
WHOLE = delivery(JPEG[:300]) + b'{"p":"' + base64.b64encode(PICTURES["png"][:300]) + b'"}'


@given(st.integers(0, len(WHOLE)), st.binary(max_size=60), st.integers(0, len(WHOLE)), st.sampled_from([CT, ""]))
@settings(max_examples=400)
def test_nothing_survives(cut: int, garbage: bytes, again: int, content_type: str) -> None:
    for body in (WHOLE[:cut], WHOLE[:cut] + garbage + WHOLE[again:], WHOLE + WHOLE[cut:]):
        result = redact(body, content_type, hash_key=KEY)
        assert not (result.cleared and SURVIVOR.search(result.body))
        assert len(result.body) <= len(body) + 80 * len(result.cutouts)


@pytest.mark.parametrize(
    "unit", [b"-", b"\n--", b"\xff\xd8\xff\n--b\n", b"A", b"A" * 31 + b" ", b"A" * 40 + b" \n", b"1,", b'"/9j/"', b"\0"]
)
def test_linear(unit: bytes) -> None:
    begin = time.process_time()
    redact(unit * (2_000_000 // len(unit)), "multipart/x; boundary=b", hash_key=KEY)
    assert time.process_time() - begin < 3
