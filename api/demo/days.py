"""Two months at the gates, day by day: who comes and goes, and what the terminals make of it."""

import io
import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from api.demo import estate
from api.demo.estate import Resident
from api.demo.terminal import CARD_PASS, FACE_PASS, LOCK, UNLOCK, Push, Terminal
from storage.clock import SHANGHAI

FIRST_DAY = date(2026, 3, 2)
LAST_DAY = date(2026, 5, 1)
TENANT_LEAVES = date(2026, 3, 30)
STRANGER_COMES = date(2026, 4, 2)
HOSPITAL_FROM, HOSPITAL_TO = date(2026, 3, 5), date(2026, 5, 10)
TERMINAL_REPLAYS = date(2026, 4, 12)
CARDS = {estate.SUBLET: "0012345678", estate.REFUSER: "0023456789"}


@dataclass(slots=True)
class Faces:
    """The pictures that the snapshot terminal takes, by role; each pass is a picture of its own."""

    tenant: tuple[bytes, ...]
    stranger: bytes
    carer: bytes
    variants: random.Random = field(default_factory=lambda: random.Random(7))

    def shot(self, original: bytes) -> bytes:
        """A gate-size picture of somebody, with bytes of its own."""
        from gate_integration.faces.sample_pictures import gate_snapshot

        return gate_snapshot(original, quality=self.variants.randint(72, 92))


def turned_away(variants: random.Random) -> bytes:
    """A picture without a face: a coat's back in the lobby light."""
    import numpy as np
    from PIL import Image

    tone = variants.randint(40, 90)
    gradient = np.linspace(tone, tone + 60, 640, dtype=np.uint8)[:, None, None].repeat(480, 1).repeat(3, 2)
    out = io.BytesIO()
    Image.fromarray(gradient).save(out, "JPEG", quality=80)
    return out.getvalue()


class Story:
    """All pushes of the two months. The same seed tells the same story."""

    def __init__(self, people: list[Resident], faces: Faces, *, seed: int = 20260302) -> None:
        self.people = people
        self.faces = faces
        self.random = random.Random(seed)
        self.terminals: dict[str, Terminal] = {}
        for person in people:
            self.terminals.setdefault(person.terminal, Terminal(person.terminal))
        self.by_household = {person.household: person for person in reversed(people)}  # the tenant comes first

    def days(self) -> Iterator[tuple[date, list[Push]]]:
        """Each day with its pushes in order."""
        day = FIRST_DAY
        while day <= LAST_DAY:
            yield day, sorted(self.day(day), key=lambda push: push.at)
            day += timedelta(days=1)

    def moment(self, day: date, hour: float) -> datetime:
        """About `hour` o'clock."""
        at = datetime.combine(day, time(), SHANGHAI) + timedelta(hours=hour)
        return at + timedelta(seconds=self.random.randint(-1200, 1200))

    def day(self, day: date) -> Iterator[Push]:
        """What one day brings. Terminals count in the order of their own clocks, so each is played in order."""
        plan: list[tuple[datetime, Resident | str, str]] = []
        for index, person in enumerate(self.people):
            if person.household not in estate.STORY and (day.toordinal() + index) % 2 == 0:
                plan.append((self.moment(day, self.random.choice((7.5, 12, 18.5))), person, "face"))
        plan += self.story_of(day)
        for at, who, how in sorted(plan, key=lambda entry: entry[0]):
            yield from self.passing(at, who, how)
        yield from self.machines(day)

    def story_of(self, day: date) -> Iterator[tuple[datetime, Resident | str, str]]:
        """The five flats of the story."""
        family, sublet, care, refuser, hospital = (self.by_household[number] for number in estate.STORY)
        yield self.moment(day, 8), family, "picture"
        yield self.moment(day, 18), family, "picture"
        yield self.moment(day, 17), self.people[1], "face"
        if day < TENANT_LEAVES:
            yield self.moment(day, 7.5), sublet, "face"
            yield self.moment(day, 19), sublet, "face"
        if day >= STRANGER_COMES and self.random.random() < 0.95:
            yield self.moment(day, 19.5), sublet, "stranger"
            if self.random.random() < 0.5:
                yield self.moment(day, 22), sublet, "stranger"
        yield self.moment(day, 9.5), care, "face"
        if day.weekday() < 6:
            yield self.moment(day, 8.7), care, "carer"
            yield self.moment(day, 16), care, "carer"
        yield self.moment(day, 7), refuser, "card"
        yield self.moment(day, 20), refuser, "card turned away"
        if day < HOSPITAL_FROM:
            yield self.moment(day, 10), hospital, "face"

    def passing(self, at: datetime, who: Resident | str, how: str) -> Iterator[Push]:
        """Somebody passes: the identification, then the lock."""
        if isinstance(who, str):
            return
        terminal = self.terminals[who.terminal]
        match how:
            case "face":
                push = terminal.event(at, FACE_PASS, person_no=who.person_no)
            case "picture":
                picture = self.faces.shot(self.random.choice(self.faces.tenant))
                push = terminal.event(at, FACE_PASS, person_no=None, picture=picture)
            case "stranger":
                picture = self.faces.shot(self.faces.stranger)
                push = terminal.event(at, CARD_PASS, card_no=CARDS[who.household], picture=picture)
            case "carer":
                push = terminal.event(at, FACE_PASS, picture=self.faces.shot(self.faces.carer))
            case "card":
                push = terminal.event(at, CARD_PASS, card_no=CARDS[who.household])
            case _:
                picture = turned_away(self.faces.variants)
                push = terminal.event(at, CARD_PASS, card_no=CARDS[who.household], picture=picture)
        yield push
        if self.random.random() < 0.03:  # our answer got lost, the terminal sends the same bytes again
            yield terminal.again(push, timedelta(seconds=15))
        if self.random.random() < 0.1:
            yield terminal.event(at + timedelta(seconds=1), UNLOCK)
            yield terminal.event(at + timedelta(seconds=6), LOCK)

    def machines(self, day: date) -> Iterator[Push]:
        """What terminals do by themselves: heartbeats, now and then garbage, and once a replay of the log."""
        for terminal in self.terminals.values():
            for hour in (0.5, 6, 11, 15, 21, 23):
                yield terminal.heartbeat(self.moment(day, hour))
        if day.day % 10 == 0:
            yield self.terminals["2-1"].garbage(self.moment(day, 3))
        if day == TERMINAL_REPLAYS:
            yield from self.terminals["1-1"].replay(self.moment(day, 23.2), last=120)
