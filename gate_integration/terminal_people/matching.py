"""Whom an entry on a terminal may mean: values in, proposals out. Nothing here decides.

Points add up by what agrees; a name that differs takes points away. The reasons travel with the proposal, so that
whoever confirms sees why.
"""

import unicodedata
import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from gate_integration.terminal_people.models import Level


class Why(StrEnum):
    """What speaks for a person, or against."""

    ID_NUMBER = "id-number"  # the terminal's number is the person's ID number
    OWN_CARD = "own-card"
    HOUSEHOLD_CARD = "household-card"
    NAME = "name"
    ADDRESS = "address"
    ROOM = "room"
    SAME_NUMBER = "same-number"  # the number means this person on another terminal of the estate
    MAPPED = "mapped"  # the number was said to mean this person here
    NAME_DIFFERS = "name-differs"


POINTS: Final[Mapping[Why, int]] = {
    Why.ID_NUMBER: 70, Why.MAPPED: 60, Why.OWN_CARD: 60, Why.HOUSEHOLD_CARD: 30, Why.NAME: 30, Why.ADDRESS: 25,
    Why.ROOM: 10, Why.SAME_NUMBER: 15, Why.NAME_DIFFERS: -25,
}  # fmt: skip
WORDS: Final[Mapping[Why, tuple[str, str]]] = {
    Why.ID_NUMBER: ("设备编号就是本人身份证号", "the number is the person's ID number"),
    Why.OWN_CARD: ("卡号登记在本人名下", "the card is registered for the person"),
    Why.HOUSEHOLD_CARD: ("卡号登记在本户名下", "the card is registered for the household"),
    Why.NAME: ("姓名相同", "the same name"),
    Why.ADDRESS: ("楼栋、单元、房号相符", "building, entrance and room agree"),
    Why.ROOM: ("房号相符", "the room agrees"),
    Why.SAME_NUMBER: ("本小区另一设备上同一编号对应此人", "the same number means this person on another terminal"),
    Why.MAPPED: ("此编号此前已对应此人", "the number was said to mean this person"),
    Why.NAME_DIFFERS: ("姓名不同", "the name differs"),
}
LEAST: Final = 25  # fewer points are no proposal
MARGIN: Final = 15  # by less than this nobody stands out
MOST: Final = 10


@dataclass(frozen=True, slots=True)
class Registered:
    """A person of the register. `addresses`: (building, entrance, room) of their flats. `here`: today or later."""

    name: str
    here: bool
    addresses: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Register:
    """What entries are compared with. Cards and ID numbers by blind index."""

    people: Mapping[uuid.UUID, Registered]
    own_cards: Mapping[bytes, uuid.UUID] = field(default_factory=dict)
    household_cards: Mapping[bytes, Collection[uuid.UUID]] = field(default_factory=dict)
    id_numbers: Mapping[bytes, uuid.UUID] = field(default_factory=dict)
    elsewhere: Mapping[str, Collection[uuid.UUID]] = field(default_factory=dict)
    mapped: Mapping[str, uuid.UUID] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Asked:
    """An entry as it is compared. `place`: department and room as the terminal has them."""

    number: str
    name: str = ""
    card: bytes | None = None
    number_index: bytes | None = None
    place: str = ""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A person whom an entry may mean, with what speaks for and against."""

    person_id: uuid.UUID
    score: int
    reasons: tuple[Why, ...]
    here: bool


@dataclass(frozen=True, slots=True)
class Proposal:
    """Candidates, best first, and how sure they are together."""

    level: Level
    candidates: tuple[Candidate, ...] = ()


class Matcher:
    """Proposes over one register; names and rooms are looked up, not searched."""

    def __init__(self, register: Register) -> None:
        self.register = register
        self.by_name: dict[str, list[uuid.UUID]] = defaultdict(list)
        self.names_here: dict[str, int] = defaultdict(int)
        for person_id, person in register.people.items():
            self.by_name[same(person.name)].append(person_id)
            self.names_here[same(person.name)] += person.here

    def propose(self, asked: Asked, *, rejected: Collection[uuid.UUID] = ()) -> Proposal:
        """Whom an entry may mean, without those of whom somebody said that it does not."""
        found = [self.judged(asked, one) for one in sorted(self.possible(asked)) if one not in rejected]
        candidates = sorted((one for one in found if one.score >= LEAST), key=lambda one: -one.score)[:MOST]
        return Proposal(self.level(asked, candidates), tuple(candidates))

    def possible(self, asked: Asked) -> set[uuid.UUID]:
        """Everybody for whom anything but a room speaks."""
        register = self.register
        people: set[uuid.UUID | None] = set(register.elsewhere.get(asked.number, ()))
        people.add(register.mapped.get(asked.number))
        if asked.name:
            people.update(self.by_name.get(same(asked.name), ()))
        if asked.card is not None:
            people.add(register.own_cards.get(asked.card))
            people.update(register.household_cards.get(asked.card, ()))
        if asked.number_index is not None:
            people.add(register.id_numbers.get(asked.number_index))
        return {one for one in people if one is not None and one in register.people}

    def judged(self, asked: Asked, person_id: uuid.UUID) -> Candidate:
        """What speaks for one person, and against."""
        register, person = self.register, self.register.people[person_id]
        speaks = {
            Why.ID_NUMBER: asked.number_index is not None and register.id_numbers.get(asked.number_index) == person_id,
            Why.MAPPED: register.mapped.get(asked.number) == person_id,
            Why.OWN_CARD: asked.card is not None and register.own_cards.get(asked.card) == person_id,
            Why.HOUSEHOLD_CARD: asked.card is not None and person_id in register.household_cards.get(asked.card, ()),
            Why.NAME: bool(asked.name) and same(asked.name) == same(person.name),
            Why.SAME_NUMBER: person_id in register.elsewhere.get(asked.number, ()),
            Why.NAME_DIFFERS: bool(asked.name) and same(asked.name) != same(person.name),
        }
        reasons = [why for why, holds in speaks.items() if holds]
        reasons += at_home(asked.place, person.addresses)
        return Candidate(person_id, sum(POINTS[why] for why in reasons), tuple(reasons), person.here)

    def level(self, asked: Asked, candidates: list[Candidate]) -> Level:
        """How sure: `exact` only where card and name mean one person here, whose name nobody else here has."""
        if not candidates:
            return Level.NONE
        first = candidates[0]
        if len(candidates) > 1 and first.score - candidates[1].score < MARGIN:
            return Level.AMBIGUOUS
        by_card = [one for one in candidates if {Why.OWN_CARD, Why.HOUSEHOLD_CARD} & set(one.reasons)]
        named = [one for one in by_card if Why.NAME in one.reasons]
        alone = self.names_here[same(asked.name)] == 1
        return Level.EXACT if named == [first] and first.here and alone else Level.LIKELY


def same(name: str) -> str:
    """A name as it is compared."""
    return "".join(unicodedata.normalize("NFKC", name).split()).casefold()


def at_home(place: str, addresses: Iterable[tuple[str, str, str]]) -> list[Why]:
    """Whether a place as a terminal has it is one of the flats; 101 is not in 1101."""
    told = parts(place)
    best: list[Why] = []
    for building, entrance, room in addresses:
        if not parts(room) or not parts(room) <= told:
            continue
        if parts(building) and parts(building) | parts(entrance) <= told:
            return [Why.ADDRESS]
        best = [Why.ROOM]
    return best


def parts(text: str) -> set[str]:
    """The numbers and letters of a place: 3幢2单元0101 → 3, 2, 101."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    cut = "".join(c if c.isascii() and c.isalnum() else " " for c in plain)
    return {part.lstrip("0") or "0" for part in cut.split()}
