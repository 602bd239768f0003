"""From an archive's directory and its sheet to one line for each person or photograph: values in, values out."""

import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from gate_integration.bulk_enrolment.archive import Contents
from gate_integration.bulk_enrolment.consent_sheet import ConsentLine
from inspection.registry.id_number import LENGTH, BadIdNumber, mask, normalise, parse
from inspection.registry.imports.report import shown
from inspection.registry.imports.values import plain

LONGEST_SHOWN: Final = 200


@dataclass(frozen=True, slots=True)
class Named:
    """A number as it identifies a person: by the blind index of an ID number, or by the register's own id."""

    index: bytes | None = None
    person_id: uuid.UUID | None = None


@dataclass(slots=True)
class Draft:
    """One line before anybody was asked. `entry`: the photograph's place, None without one."""

    shown: str
    named: Named | None = None
    person_id: uuid.UUID | None = None
    entry: int | None = None
    consent: ConsentLine | None = None
    code: str = ""


def read_number(text: str, *, today: date, index: Callable[[str], bytes]) -> Named | None:
    """What a file name or a cell names: an ID number of 18 characters, or a register id (UUID); None for neither."""
    number = plain(text)
    try:
        return Named(person_id=uuid.UUID(number))
    except ValueError:
        pass
    try:
        return Named(index=index(parse(number, today=today).number))
    except BadIdNumber:
        return None


def masked(text: str) -> str:
    """A number or file name as reports may show it."""
    return mask(text) if len(normalise(text)) == LENGTH else shown("", text)[:LONGEST_SHOWN]


def named_by(
    contents: Contents, lines: Sequence[ConsentLine], *, today: date, index: Callable[[str], bytes]
) -> dict[str, Named]:
    """What each file name and each cell names."""
    texts = {photo.stem for photo in contents.photos} | {line.number for line in lines}
    return {text: named for text in texts if (named := read_number(text, today=today, index=index)) is not None}


def gather(
    contents: Contents,
    lines: Sequence[ConsentLine],
    *,
    named: Mapping[str, Named],
    people: Mapping[Named, uuid.UUID],
) -> list[Draft]:
    """Every photograph and every line of consent, those of one person together, in the order of the sheet.

    A person with two photographs or two lines gets neither: which one is meant is not for us to say.
    """
    whose = {text: people[name] for text, name in named.items() if name in people}
    photos = Counter(whose[photo.stem] for photo in contents.photos if photo.stem in whose)
    stated = Counter(whose[line.number] for line in lines if line.number in whose)
    by_person = {whose[p.stem]: p for p in contents.photos if p.stem in whose}
    drafts: list[Draft] = []
    taken: set[uuid.UUID] = set()

    def unknown(text: str) -> str:
        return "unknown-person" if text in named else "bad-number"

    for line in lines:
        draft = Draft(masked(line.number), named.get(line.number), whose.get(line.number), consent=line)
        person = draft.person_id
        if person is None:
            draft.code = unknown(line.number)
        elif stated[person] > 1:
            draft.code = "duplicate-consent"
        elif photos[person] > 1:
            draft.code = "duplicate-photo"
        elif photos[person] == 0:
            draft.code = "no-photo"
        else:
            draft.entry = by_person[person].index
            taken.add(person)
        drafts.append(draft)
    for photo in contents.photos:
        person = whose.get(photo.stem)
        if person is not None and person in taken:
            continue
        code = ""
        if person is None:
            code = unknown(photo.stem)
        elif photos[person] > 1:
            code = "duplicate-photo"
        elif stated[person] > 1:
            code = "duplicate-consent"
        drafts.append(Draft(masked(photo.stem), named.get(photo.stem), person, entry=photo.index, code=code))
    drafts += [Draft(masked(odd.name), code=odd.code) for odd in contents.odd]
    return drafts
