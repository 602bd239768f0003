import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gate_integration.faces.decode import DecodeLimits, decode
from gate_integration.faces.headers import read_header
from gate_integration.faces.opencv import cv2
from gate_integration.faces.reasons import UnusablePicture
from tests.faces.builders import encoded, extended_webp, pixels, png_header_only, with_orientation

IMAGE = pixels()
SAMPLES = {
    "jpeg": encoded("jpg", IMAGE),
    "progressive jpeg": encoded("jpg", IMAGE, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    "grey jpeg": encoded("jpg", cv2.cvtColor(IMAGE, cv2.COLOR_BGR2GRAY)),
    "png": encoded("png", IMAGE),
    "png with alpha": encoded("png", cv2.cvtColor(IMAGE, cv2.COLOR_BGR2BGRA)),
    "lossy webp": encoded("webp", IMAGE, cv2.IMWRITE_WEBP_QUALITY, 70),
    "lossless webp": encoded("webp", IMAGE, cv2.IMWRITE_WEBP_QUALITY, 101),
    "extended webp": extended_webp(encoded("webp", IMAGE, cv2.IMWRITE_WEBP_QUALITY, 70), 120, 80),
    "bmp": encoded("bmp", IMAGE),
}
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="480" height="640"><circle r="100"/></svg>'


def refusal(data: bytes, limits: DecodeLimits | None = None) -> UnusablePicture:
    with pytest.raises(UnusablePicture) as caught:
        decode(data, limits)
    assert caught.value.zh
    assert caught.value.reason.refuses
    return caught.value


def outcome(data: bytes, limits: DecodeLimits | None = None) -> tuple[int, ...] | str:
    """Shape of the picture, or the code of the refusal."""
    try:
        return tuple(decode(data, limits).pixels.shape)
    except UnusablePicture as unusable:
        return unusable.code


@pytest.mark.parametrize("kind", SAMPLES)
def test_the_four_formats(kind: str) -> None:
    header = read_header(SAMPLES[kind])
    assert header is not None
    assert (header.width, header.height, header.whole) == (120, 80, True)
    picture = decode(SAMPLES[kind])
    assert picture.pixels.shape == (80, 120, 3)
    assert picture.pixels.dtype == np.uint8
    assert picture.reduction == 1


@pytest.mark.parametrize("kind", SAMPLES)
@pytest.mark.parametrize("part", [0.3, 0.6, 0.98])
def test_cut_off_files(kind: str, part: float) -> None:
    data = SAMPLES[kind]
    assert refusal(data[: int(len(data) * part)]).code in {"truncated", "not-a-picture"}
    assert refusal(data[: int(len(data) * 0.98)]).code == "truncated"


def test_a_thumbnails_end_does_not_hide_a_cut() -> None:
    jpeg = SAMPLES["jpeg"]
    thumbnail = b"Exif\0\0" + SAMPLES["grey jpeg"][:500] + b"\xff\xd9"
    wrapped = jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail + jpeg[2:]
    assert decode(wrapped).pixels.shape == (80, 120, 3)
    assert refusal(wrapped[:-40]).code == "truncated"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xd8",
        "这不是照片".encode(),
        b"GIF89a" + bytes(100),
        b"II*\0" + bytes(100),
        SVG,
        b"\xff\xd8\xff\xe0" + SVG,
        b"\xff\xd8\xff\xe0\0\2" + SVG,
        b"\x89PNG\r\n\x1a\n" + SVG,
        b"RIFF\0\0\0\0WEBPVP9 " + bytes(40),
        b"RIFF\x30\0\0\0WEBPVP8 " + bytes(40),
        b"BM" + bytes(60),
        b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IDAT", 5, 5) + bytes(20),
        png_header_only(9, 9)[:33] + bytes(12 * 70_000),
        b"\xff\xd8" + b"\xff" * 2_000_000,
        b"\xff\xd8" + b"\xff\xe0\0\2" * 500_000,
        SAMPLES["jpeg"][:2] + 2 * (b"\xff\xc0\0\x0b\x08\0\x50\0\x78\1\0\0\0") + SAMPLES["jpeg"][2:],
        png_header_only(0, 100),
        SAMPLES["jpeg"][:2] + b"\xff\xd9" + SAMPLES["jpeg"][2:],
        SAMPLES["jpeg"][:-2] + b"\xff\xda\0\0" * 60 + b"\xff\xd9",
    ],
)
def test_what_is_not_a_picture(data: bytes) -> None:
    assert refusal(data).code == "not-a-picture"


def test_fill_bytes_before_a_marker_are_allowed() -> None:
    filled = SAMPLES["jpeg"][:2] + b"\xff" * 7 + SAMPLES["jpeg"][2:]
    assert decode(filled).pixels.shape == (80, 120, 3)


def test_a_text_file_called_jpeg() -> None:
    assert refusal(b"name,card\n" * 500).code == "not-a-picture"


def test_too_many_bytes() -> None:
    assert refusal(SAMPLES["jpeg"] + bytes(11 * 1024 * 1024)).code == "too-many-bytes"


@pytest.mark.parametrize("size", [(60_000, 60_000), (2**31 - 1, 2**31 - 1), (40_000_001, 1)])
def test_a_pixel_bomb_is_refused_without_decoding(size: tuple[int, int]) -> None:
    bomb = png_header_only(*size)
    assert len(bomb) < 200
    tracemalloc.start()
    assert refusal(bomb).code == "too-many-pixels"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1_000_000


def test_a_size_the_decoder_itself_refuses() -> None:
    assert refusal(png_header_only(60_000, 60_000), DecodeLimits(max_pixels=10**12)).code == "not-a-picture"


@pytest.mark.parametrize("kind", ["jpeg", "lossy webp", "lossless webp", "bmp"])
def test_the_pixel_limit_holds_for_every_format(kind: str) -> None:
    assert refusal(SAMPLES[kind], DecodeLimits(max_pixels=9_599)).code == "too-many-pixels"


def test_a_header_with_nothing_behind_it() -> None:
    """The size is allowed, the pixels are missing: an error or a picture, never a crash."""
    assert outcome(png_header_only(64, 64)) in {(64, 64, 3), "not-a-picture"}


@pytest.mark.parametrize(("orientation", "shape"), [(1, (80, 120)), (3, (80, 120)), (6, (120, 80)), (8, (120, 80))])
def test_orientation_is_applied(orientation: int, shape: tuple[int, int]) -> None:
    turned = decode(with_orientation(SAMPLES["jpeg"], orientation)).pixels
    upright = decode(SAMPLES["jpeg"]).pixels
    assert turned.shape[:2] == shape
    turns = {1: 0, 3: 2, 6: 3, 8: 1}[orientation]
    assert np.array_equal(turned, np.rot90(upright, turns))


@pytest.mark.parametrize(("side", "reduction"), [(1919, 1), (1920, 2), (3839, 2), (3840, 4), (6000, 4)])
def test_large_jpegs_are_reduced_while_decoding(side: int, reduction: int) -> None:
    jpeg = encoded("jpg", np.zeros((64, side, 3), np.uint8))
    picture = decode(jpeg)
    assert picture.reduction == reduction
    assert picture.pixels.shape == (64 // reduction, -(-side // reduction), 3)


@settings(max_examples=300)
@given(
    kind=st.sampled_from(sorted(SAMPLES)),
    edits=st.lists(st.tuples(st.integers(0, 200), st.integers(0, 255)), min_size=1, max_size=6),
    cut=st.integers(0, 400),
)
def test_damaged_headers_end_in_a_picture_or_a_reason(kind: str, edits: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(SAMPLES[kind])
    for position, value in edits:
        data[position] = value
    damaged = bytes(data[: len(data) - cut])
    result = outcome(damaged, DecodeLimits(max_pixels=1_000_000))
    if isinstance(result, str):
        assert result in {"not-a-picture", "too-many-pixels", "truncated"}
    else:
        assert result[0] * result[1] <= 1_000_000
