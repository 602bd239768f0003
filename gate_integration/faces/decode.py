"""Bytes to pixels, within limits that are checked before a decoder runs."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gate_integration.faces.headers import Format, read_header
from gate_integration.faces.opencv import cv2
from gate_integration.faces.reasons import UnusablePicture

Pixels = npt.NDArray[np.uint8]

KEPT_SIDE = 960
"""A JPEG is decoded at half or a quarter of its size while the longer side keeps this many pixels: 1.5 times what
detection looks at, and far more than the 112 pixels of an aligned face."""


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What is accepted. One picture of `max_pixels` costs about 3 bytes for each pixel while it is decoded."""

    max_bytes: int = 10 * 1024 * 1024
    max_pixels: int = 40_000_000


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture: `pixels` is BGR, shape (height, width, 3), turned upright as its EXIF orientation asks.

    `reduction` (1, 2, 4) is by how much it was scaled down while decoding: position × reduction = original pixels.
    """

    pixels: Pixels
    reduction: int


def decode(data: bytes, limits: DecodeLimits | None = None) -> Picture:
    """Decode a JPEG, PNG, WebP or BMP. Raises `UnusablePicture`."""
    limits = limits or DecodeLimits()
    if len(data) > limits.max_bytes:
        allowed = f"{limits.max_bytes / 1024 / 1024:.0f} MB"
        raise UnusablePicture(
            "too-many-bytes", f"图片文件过大，上限 {allowed}", f"The picture file is larger than {allowed}"
        )
    header = read_header(data)
    if header is None:
        raise _not_a_picture()
    if header.width * header.height > limits.max_pixels:
        raise UnusablePicture(
            "too-many-pixels",
            f"图片尺寸过大（{header.width}×{header.height}），上限 {limits.max_pixels // 10_000} 万像素",
            f"The picture is too large ({header.width}×{header.height}); at most {limits.max_pixels} pixels",
        )
    if not header.whole:
        raise UnusablePicture(
            "truncated", "图片文件不完整，请重新上传", "The picture file is cut off; please send it again"
        )
    reduction = _reduction(max(header.width, header.height)) if header.format is Format.JPEG else 1
    return Picture(_pixels(data, reduction), reduction)


def _reduction(longer_side: int) -> int:
    if longer_side >= 4 * KEPT_SIDE:
        return 4
    return 2 if longer_side >= 2 * KEPT_SIDE else 1


def _pixels(data: bytes, reduction: int) -> Pixels:
    flags = {1: cv2.IMREAD_COLOR, 2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4}[reduction]
    try:
        pixels: Any = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    except cv2.error as error:
        raise _not_a_picture() from error
    if pixels is None:
        raise _not_a_picture()
    decoded: Pixels = pixels
    return decoded


def _not_a_picture() -> UnusablePicture:
    return UnusablePicture(
        "not-a-picture",
        "文件不是可识别的图片，请使用 JPEG、PNG、WebP 或 BMP 格式",
        "The file is not a readable picture; use JPEG, PNG, WebP or BMP",
    )
