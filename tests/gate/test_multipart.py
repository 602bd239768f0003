"""The splitter against every framing quirk reported of devices, and against hostile bodies."""

import gzip
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_integration.intake import multipart
from gate_integration.intake.multipart import PartKind, boundary_core, sniff, split

CT = "multipart/form-data; boundary=MIME_boundary"
EVENT = b'{\n\t"eventType":\t"AccessControllerEvent"\n}'
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) + b"\xff\xd9"
NORMAL = (
    b'--MIME_boundary\r\nContent-Disposition: form-data; name="Event"\r\nContent-Type: application/json\r\n'
    b"Content-Length: 3\r\n\r\n" + EVENT + b"\r\n--MIME_boundary\r\nContent-Disposition: form-data; name=Picture; "
    b'filename="P.jpg"\r\nContent-Type: image/jpeg\r\n\r\n' + JPEG + b"\r\n--MIME_boundary--\r\n"
)


def kinds(body: bytes, content_type: str = CT) -> list[PartKind]:
    return [part.kind for part in split(body, content_type)[0]]


def test_normal() -> None:
    parts, problems = split(NORMAL, CT)
    assert [p.body for p in parts] == [EVENT, JPEG]
    assert [(p.name, p.filename, p.content_type) for p in parts] == [
        ("Event", None, "application/json"),
        ("Picture", "P.jpg", "image/jpeg"),
    ]
    assert problems == []


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (NORMAL, "multipart/form-data; boundary=mime_BOUNDARY"),
        (NORMAL, 'multipart/form-data; boundary="--MIME_boundary"'),
        (NORMAL, "multipart/form-data; boundary=other"),
        (NORMAL, "multipart/form-data; boundary="),
        (NORMAL, "multipart/x-mixed-replace"),
        (NORMAL, ""),
        (b"\r\n" + NORMAL, "multipart/form-data"),
        (NORMAL.replace(b"--MIME_boundary\r\n", b"--MIME_boundary\r\n--MIME_boundary\r\n"), CT),
        (NORMAL.replace(b"--MIME_boundary\r\n", b"----MIME_boundary \r\n"), CT),
        (NORMAL.replace(b"\r\n--MIME_boundary--\r\n", b""), CT),
        (NORMAL.replace(b"--MIME_boundary--", b"--foreign--"), CT),
        (NORMAL.replace(b"\r\n", b"\n"), CT),
        (NORMAL.replace(b"Content-Disposition: form-data", b"broken header line"), CT),
        (b"preamble" + b"\r\n" + NORMAL, CT),
        (NORMAL.replace(b"\r\n\r\n" + EVENT, b"\r\n" + EVENT), CT),
        (NORMAL.replace(b"\r\n--MIME", b"--MIME"), CT),
    ],
)
def test_quirks_give_the_same_parts(body: bytes, content_type: str) -> None:
    assert [p.body for p in split(body, content_type)[0]] == [EVENT, JPEG]


def test_bare_bodies_and_sniffing() -> None:
    assert kinds(EVENT, "text/plain") == [PartKind.JSON]
    assert kinds(b"\xef\xbb\xbf <a/>", "application/json") == [PartKind.XML]
    assert kinds(EVENT, CT) == [PartKind.JSON]
    assert kinds(b" " * 400 + b"[]", "") == [PartKind.JSON]
    assert kinds(b"", "") == kinds(b"\r\n", CT) == []
    assert sniff(b"\x89PNG\r\n") is PartKind.PNG
    assert sniff(b"[[ruhu:jpeg") is PartKind.PLACEHOLDER
    parts, problems = split(b"Code=AccessControl", CT)
    assert parts[0].kind is PartKind.OTHER
    assert problems[0].code == "no-boundary"


def test_text_without_headers_and_headers_without_text() -> None:
    body = b"--b\nCode=AccessControl;action=Pulse\n--b\nContent-Type: text/plain\n--b\n\nplain\n--bb\n--b-x\n--b--"
    assert [p.body for p in split(body, "x; boundary=b")[0]] == [
        b"Code=AccessControl;action=Pulse",
        b"plain\n--bb\n--b-x",
    ]
    assert kinds(EVENT + b"\n--b\n\n" + EVENT + b"\n--b--", "x; boundary=b") == [PartKind.JSON, PartKind.JSON]
    assert boundary_core(b"-- not one\n" + b"--" + b"x" * 300 + b"\n--yes\n", "multipart/mixed") == b"yes"
    assert boundary_core(b"--" + b"x" * 300, "") is None


def test_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    nested = b"--o\nContent-Type: multipart/mixed; boundary=i\n\n--i\n\n" + EVENT + b"\n--i--\n--o--"
    assert [p.body for p in split(nested, "m; boundary=o")[0]] == [EVENT]
    assert split(nested, "m; boundary=o", depth=multipart.MAX_DEPTH)[1][0].code == "nested-too-deep"
    packed = gzip.compress(EVENT)
    for payload, limit, kind, code in [
        (packed, 1000, PartKind.JSON, None),
        (packed, 5, PartKind.GZIP, "gzip-too-large"),
        (packed[:-4], 1000, PartKind.JSON, "gzip-cut"),
        (packed[:4] + b"\xff" * 30, 1000, PartKind.GZIP, "gzip-broken"),
    ]:
        parts, problems = split(b"--o\n\n" + payload + b"\n--o--", "m; boundary=o", inflate_limit=limit)
        assert parts[0].kind is kind
        assert [p.code for p in problems] == ([code] if code else [])
    monkeypatch.setattr(multipart, "MAX_DELIMITERS", 2)
    assert split(b"--o\n\nx\n--o\n\ny\n--o\n", "m; boundary=o")[1][0].code == "too-many-parts"
    assert boundary_core(b"--\n--\n--\n--late\n", "multipart/x") is None


@given(st.integers(0, len(NORMAL)), st.binary(max_size=40), st.integers(0, len(NORMAL)))
@settings(max_examples=300)
def test_never_raises(cut: int, garbage: bytes, again: int) -> None:
    for body in (NORMAL[:cut], NORMAL[:cut] + garbage + NORMAL[again:], NORMAL[cut:] + NORMAL):
        parts, _ = split(body, CT)
        assert sum(len(p.body) for p in parts) <= len(body)
    assert EVENT in [p.body for p in split(NORMAL[:cut] + b"\n" + NORMAL, CT)[0]]


@pytest.mark.parametrize(
    "body", [b"-" * 10**7, b"\n--" * 3_000_000, b"--b\n" * 2_500_000, b"--bx" * 2_500_000, b" " * 10**7, b"{" * 10**7]
)
def test_linear(body: bytes) -> None:
    begin = time.process_time()
    split(body, "multipart/x; boundary=b")
    assert time.process_time() - begin < 3
