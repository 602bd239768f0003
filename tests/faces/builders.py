"""Faces and pictures made up for tests."""

import struct
import zlib

import numpy as np

from gate_integration.faces.decode import Pixels
from gate_integration.faces.opencv import cv2
from gate_integration.faces.records import Box, Face, Quality, Vector


def unit_vectors(count: int, seed: int = 1) -> Vector:
    vectors = np.random.default_rng(seed).standard_normal((count, 128)).astype(np.float32)
    units: Vector = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return units


def a_face(
    *,
    eyes: float = 60.0,
    yaw: float = 0.0,
    brightness: float = 120.0,
    norm: float = 13.0,
    score: float = 0.93,
) -> Face:
    return Face(
        box=Box(10, 10, 100, 130),
        landmarks=np.zeros((5, 2), np.float32),
        score=score,
        embedding=unit_vectors(1)[0],
        norm=norm,
        quality=Quality(eye_distance=eyes, yaw=yaw, brightness=brightness, contrast=50.0, sharpness=100.0),
    )


def pixels(width: int = 120, height: int = 80) -> Pixels:
    return np.random.default_rng(3).integers(0, 255, (height, width, 3)).astype(np.uint8)


def encoded(kind: str, image: Pixels, *parameters: int) -> bytes:
    done, data = cv2.imencode(f".{kind}", image, list(parameters))
    assert done
    return data.tobytes()


def png_header_only(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims a huge size and holds a valid, tiny stream of pixels."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(99))) + chunk(b"IEND", b"")
    )


def with_orientation(jpeg: bytes, orientation: int) -> bytes:
    """The JPEG with an EXIF segment that asks for a turn."""
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0" + struct.pack("<HHI", orientation, 0, 0)
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif + jpeg[2:]


def extended_webp(plain: bytes, width: int, height: int) -> bytes:
    """A simple WebP wrapped into the extended layout, which states the canvas first."""
    canvas = (
        b"VP8X" + struct.pack("<II", 10, 0) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    )
    return b"RIFF" + struct.pack("<I", len(plain) - 8 + len(canvas)) + b"WEBP" + canvas + plain[12:]
