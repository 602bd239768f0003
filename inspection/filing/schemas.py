"""Counts and filings as they travel."""

import uuid
from datetime import date, datetime

import msgspec

from inspection.filing.models import Filing, FilingKind, Level
from inspection.filing.service import Standing
from storage.fields import ShortCode


class FilingInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something filed with the authority: what, its number, when."""

    kind: FilingKind
    number: ShortCode
    filed_on: date


class FilingView(msgspec.Struct, frozen=True, kw_only=True):
    """A filing."""

    id: uuid.UUID
    kind: FilingKind
    number: str
    filed_on: date
    recorded_at: datetime

    @classmethod
    def of(cls, row: Filing) -> "FilingView":
        """From the row."""
        return cls(id=row.id, kind=FilingKind(row.kind), number=row.number, filed_on=row.filed_on,
                   recorded_at=row.recorded_at)  # fmt: skip


class CountView(msgspec.Struct, frozen=True, kw_only=True):
    """The count of a day."""

    day: date
    people: int
    pseudonyms: int
    total: int
    level: Level


class StandingView(msgspec.Struct, frozen=True, kw_only=True):
    """Where the operator stands. `notice_*` says what is to be done, in words; None when nothing is."""

    newest: CountView | None
    warn_from: int
    duty_from: int
    file_by: date | None
    provisional: bool
    notice_zh: str | None
    notice_en: str | None
    history: list[CountView]
    filings: list[FilingView]

    @classmethod
    def of(cls, found: Standing) -> "StandingView":
        """From what the service found; the newest 400 days of history."""
        history = [
            CountView(day=row.day, people=row.people, pseudonyms=row.pseudonyms, total=row.people + row.pseudonyms,
                      level=Level(row.level))
            for row in found.history
        ]  # fmt: skip
        newest = history[-1] if history else None
        zh, en = notice(newest, found)
        return cls(
            newest=newest, warn_from=found.thresholds.warn_from, duty_from=found.thresholds.duty_from,
            file_by=found.due.date if found.due else None, provisional=found.due.provisional if found.due else False,
            notice_zh=zh, notice_en=en, history=history[-400:], filings=[FilingView.of(row) for row in found.filings],
        )  # fmt: skip


def notice(newest: CountView | None, found: Standing) -> tuple[str | None, str | None]:
    """What has to be done, in words."""
    if newest is None:
        return None, None
    if found.due is not None:
        last = found.due.date.isoformat()
        return (
            f"存储的人脸信息涉及{newest.total}人，应于{last}前向省级以上网信部门备案",
            f"Faces of {newest.total} people are stored: file with the authority by {last}",
        )
    if newest.level is Level.WARNING:
        return (
            f"存储的人脸信息涉及{newest.total}人，接近{found.thresholds.duty_from}人的备案门槛",
            f"Faces of {newest.total} people are stored: close to the {found.thresholds.duty_from} that oblige to file",
        )
    return None, None
