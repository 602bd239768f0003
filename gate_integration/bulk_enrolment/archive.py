"""What an archive holds, from its directory alone: nothing is unpacked before its limits are known.

Nothing of an archive is ever written to a disk under its own name; names that try to leave the folder are refused all
the same, since nobody makes them by mistake.
"""

import stat
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

MOST_ENTRIES: Final = 20_000
MOST_PHOTO: Final = 10 * 1024 * 1024  # what recognition decodes at most
MOST_SHEET: Final = 16 * 1024 * 1024
MOST_UNPACKED: Final = 2 * 1024**3
MOST_RATIO: Final = 100  # of what is larger than SMALL: photographs hardly shrink
SMALL: Final = 1024 * 1024
UTF8: Final = 0x800
ENCRYPTED: Final = 0x1
LONGEST_NAME: Final = 500
PHOTOS: Final = ("jpg", "jpeg", "png")
SHEETS: Final = ("csv", "xlsx")
ARCHIVES: Final = ("zip", "rar", "7z", "gz", "tgz", "tar", "bz2", "xz")
SHEET_NAMES: Final = ("consent", "同意")
JUNK: Final = ("thumbs.db", ".ds_store", "desktop.ini")


@dataclass(frozen=True, slots=True)
class Photo:
    """A photograph: its place in the directory and the number that names it."""

    index: int
    stem: str
    size: int


@dataclass(frozen=True, slots=True)
class Odd:
    """An entry that is left out, and why (a code of `findings.REASONS`)."""

    name: str
    code: str


@dataclass(slots=True)
class Contents:
    """What is in an archive. `refused`: the code that keeps all of it out, or ""."""

    refused: str = ""
    sheet: int = -1
    photos: list[Photo] = field(default_factory=list)
    odd: list[Odd] = field(default_factory=list)


def name_of(info: zipfile.ZipInfo) -> str:
    """An entry's name: programs that do not say UTF-8 write it in the encoding of their country."""
    if info.flag_bits & UTF8:
        return info.orig_filename
    try:
        raw = info.orig_filename.encode("cp437")
    except UnicodeEncodeError:  # the library took it from an extra field
        return info.orig_filename
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return info.orig_filename


def look(infos: Iterable[zipfile.ZipInfo]) -> Contents:
    """Sorts the directory of an archive into photographs, the sheet of consents, and the rest."""
    found = Contents()
    entries = list(infos)
    found.refused = whole(entries)
    if found.refused:
        return found
    for index, info in enumerate(entries):
        sort(found, index, info, name_of(info).replace("\\", "/"))
    if not found.refused and found.sheet < 0:
        found.refused = "no-consent-sheet"
    return found


def whole(entries: list[zipfile.ZipInfo]) -> str:
    """What keeps an archive out as a whole, or ""."""
    if len(entries) > MOST_ENTRIES:
        return "too-many-entries"
    if any(info.flag_bits & ENCRYPTED for info in entries):
        return "encrypted-archive"
    dense = any(i.file_size > SMALL and i.file_size > MOST_RATIO * max(i.compress_size, 1) for i in entries)
    if dense or sum(info.file_size for info in entries) > MOST_UNPACKED:
        return "archive-bomb"
    if any(unsafe(name_of(info)) for info in entries):
        return "unsafe-name"
    return ""


def unsafe(name: str) -> bool:
    """Whether a name tries to leave the archive's folder, or is none."""
    plain = name.replace("\\", "/")
    return (
        not plain or len(plain) > LONGEST_NAME or "\x00" in plain or plain.startswith("/") or plain[1:2] == ":"
        or ".." in plain.split("/")
    )  # fmt: skip


def sort(found: Contents, index: int, info: zipfile.ZipInfo, name: str) -> None:
    """Puts one entry where it belongs."""
    last = name.rstrip("/").rsplit("/", 1)[-1]
    if name.endswith("/") or name.startswith("__MACOSX/") or last.lower() in JUNK or last.startswith("._"):
        return
    stem, _, ending = last.rpartition(".")
    ending = ending.lower()
    if stat.S_ISLNK(info.external_attr >> 16):
        found.odd.append(Odd(last, "link-entry"))
    elif ending in ARCHIVES:
        found.odd.append(Odd(last, "nested-archive"))
    elif ending in SHEETS and stem.strip().lower().startswith(SHEET_NAMES):
        if found.sheet >= 0:
            found.refused = "several-consent-sheets"
        elif info.file_size > MOST_SHEET:
            found.refused = "sheet-too-large"
        else:
            found.sheet = index
    elif ending not in PHOTOS:
        found.odd.append(Odd(last, "not-a-photo"))
    elif info.file_size > MOST_PHOTO:
        found.odd.append(Odd(last, "photo-too-large"))
    else:
        found.photos.append(Photo(index, stem.strip(), info.file_size))
