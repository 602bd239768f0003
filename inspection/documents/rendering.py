"""Setting documents with typst: fonts from a wheel, PDF/A-2b, the same bytes for the same content.

Text goes in as JSON and is shown as text; a character that no font has is an error, never an empty box.
"""

import asyncio
import functools
import hashlib
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import msgspec
import typst

from inspection.documents.errors import CharacterMissing

TEMPLATES: Final = Path(str(files("inspection.documents") / "templates"))
FAMILIES: Final = ("notosanssc", "notosanstc", "notosansjp")
"""Simplified first; the others have characters of names that it lacks, such as 𠮷."""
STANDARD: Final = "a-2b"
THREADS: Final = 2
_UNSHOWN: Final = re.compile(r"the text `\"(.*?)\"` could not be displayed", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\u\{([0-9a-fA-F]+)\}")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A document as it was set. `digest`: SHA-256 of the bytes."""

    data: bytes

    @property
    def digest(self) -> bytes:
        """SHA-256 of the bytes."""
        return hashlib.sha256(self.data).digest()


@functools.cache
def _fonts() -> typst.Fonts:
    folder = files("justmytype_intl_cjk") / "fonts" / "ofl"
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(folder / name) for name in FAMILIES]
    )


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(THREADS, thread_name_prefix="documents")


def typeset(template: str, content: dict[str, Any]) -> bytes:
    """Sets `content` by a template; blocking. `stamp` in it (seconds) is the only date in the file.

    Raises `CharacterMissing`.
    """
    try:
        made = typst.compile(
            str(TEMPLATES / f"{template}.typ"), root=str(TEMPLATES), font_paths=_fonts(),
            sys_inputs={"data": msgspec.json.encode(content).decode()}, timestamp=content["stamp"],
            format="pdf", pdf_standards=[STANDARD],
        )  # fmt: skip
    except typst.TypstError as error:
        lacking = _UNSHOWN.search(str(error))
        if lacking is None:
            raise
        told = _ESCAPED.sub(lambda found: chr(int(found[1], 16)), lacking[1])
        names = "、".join(f"U+{ord(character):04X}" for character in told)
        raise CharacterMissing(
            f"“{told}”（{names}）没有可用字形", f"There is no glyph for {told!r} ({names})", characters=names
        ) from None
    return bytes(made)


async def render(template: str, content: dict[str, Any]) -> Sheet:
    """The same, away from the event loop."""
    return Sheet(await in_pool(lambda: typeset(template, content)))


async def in_pool(make: Callable[[], bytes]) -> bytes:
    """Makes a file in a bounded pool of threads."""
    return await asyncio.get_running_loop().run_in_executor(_pool(), make)
