"""An archive that lies in pieces, read as a file; two pieces are in memory at most."""

import asyncio
import io
import lzma
import struct
import uuid
import zipfile
import zlib
from bisect import bisect_right
from collections.abc import Awaitable, Callable, Sequence
from itertools import accumulate
from typing import Final

PATIENCE_S: Final = 120.0
CHUNK: Final = 1 << 16
DAMAGED: Final = (
    zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, ValueError,
    NotImplementedError, RuntimeError, OSError,
)  # fmt: skip
"""What the library raises over bytes it cannot make sense of."""


class Pieces(io.RawIOBase):
    """Reads pieces (object and size) as they are needed.

    Used in a thread, while `loop` fetches: `fetch` gives one object's bytes.
    """

    def __init__(
        self, pieces: Sequence[tuple[uuid.UUID, int]], *, loop: asyncio.AbstractEventLoop,
        fetch: Callable[[uuid.UUID], Awaitable[bytes]],
    ) -> None:  # fmt: skip
        super().__init__()
        self.pieces = pieces
        self.begins = [0, *accumulate(size for _, size in pieces)]
        self.size = self.begins[-1]
        self.loop = loop
        self.fetch = fetch
        self.position = 0
        self.held: dict[int, bytes] = {}
        self.failure: Exception | None = None

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Where the next byte is read."""
        return self.position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Moves there; a file ends where it ends."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self.position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise ValueError("before the beginning")
        self.position = base + offset
        return self.position

    def readinto(self, buffer: "bytearray | memoryview") -> int:  # type: ignore[override]  # narrower than Buffer
        """Fills the buffer up to the end of a piece."""
        if self.position >= self.size:
            return 0
        number = bisect_right(self.begins, self.position) - 1
        begin = self.position - self.begins[number]
        part = self.part(number)[begin : begin + len(buffer)]
        buffer[: len(part)] = part
        self.position += len(part)
        return len(part)

    def part(self, number: int) -> bytes:
        """A piece's bytes; the last two read are kept."""
        if number not in self.held:
            while len(self.held) > 1:
                del self.held[next(iter(self.held))]
            waiting = asyncio.run_coroutine_threadsafe(_awaited(self.fetch(self.pieces[number][0])), self.loop)
            try:
                self.held[number] = waiting.result(PATIENCE_S)
            except Exception as error:
                self.failure = error
                raise
        return self.held[number]


async def _awaited(work: Awaitable[bytes]) -> bytes:
    return await work


class Damaged(Exception):
    """The archive, or a member of it, does not open."""


class Archive:
    """An archive that lies in pieces. Blocking: for a thread. A store that fails is not taken for a damaged file."""

    def __init__(self, file: Pieces) -> None:
        """Reads the directory. Raises `Damaged`, or whatever fetching raised."""
        self.file = file
        try:
            self.zip = zipfile.ZipFile(io.BufferedReader(file))  # which reads on where a piece ends
        except DAMAGED:
            raise file.failure or Damaged from None

    def member(self, index: int, *, most: int) -> bytes:
        """One member's bytes; never more than `most`, whatever its header says. Raises `Damaged`."""
        found = bytearray()
        try:
            with self.zip.open(self.zip.infolist()[index]) as part:
                while len(found) <= most and (chunk := part.read(CHUNK)):
                    found += chunk
        except DAMAGED:
            raise self.file.failure or Damaged from None
        if len(found) > most:
            raise Damaged
        return bytes(found)
