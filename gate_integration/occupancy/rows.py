"""What the statements about evidence give back."""

import uuid
from dataclasses import dataclass
from datetime import date, datetime, time


@dataclass(frozen=True, slots=True)
class Span:
    """The moments that count: from the first day's beginning, to the beginning of the day of evaluation."""

    begin: datetime
    end: datetime
    first: date
    today: date


@dataclass(frozen=True, slots=True)
class UnknownDay:
    """One day of one unregistered person at one gate."""

    pseudonym_id: uuid.UUID
    device_id: uuid.UUID
    day: date
    count: int
    first_at: time
    last_at: time
    event_ids: list[str]


@dataclass(frozen=True, slots=True)
class CardUse:
    """Uses of a household's card or fingerprint by one face on one day.

    The household is the card's, or the one of the person whose entry on the device the finger opened.
    """

    household_id: uuid.UUID | None
    holder_id: uuid.UUID | None
    pseudonym_id: uuid.UUID | None
    person_id: uuid.UUID | None
    day: date
    count: int
    event_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Together:
    """Passes of an unregistered person with one registered person close by, at one gate on one day."""

    pseudonym_id: uuid.UUID
    person_id: uuid.UUID
    device_id: uuid.UUID
    day: date
    passes: int
