"""Archives of photographs as the API shows them."""

import uuid
from collections.abc import Sequence
from datetime import datetime

import msgspec

from gate_integration.bulk_enrolment.findings import REASONS, told
from gate_integration.bulk_enrolment.models import ImportStatus, LineState, PhotoImport, PhotoImportLine
from gate_integration.enrolment.schemas import ReasonView


class PhotoTally(msgspec.Struct, frozen=True, kw_only=True):
    """How many lines are in a state for a reason; `code` is "" where there is none."""

    state: LineState
    code: str
    zh: str
    en: str
    number: int


class PhotoImportView(msgspec.Struct, frozen=True, kw_only=True):
    """An archive and how far it is: lines checked of all, ready to be enrolled, enrolled.

    `refused_*`: why the archive as a whole was not taken. `delete_at`: when it is destroyed if nobody confirms.
    """

    id: uuid.UUID
    estate_id: uuid.UUID
    name: str
    size: int
    status: ImportStatus
    refused_code: str
    refused_zh: str
    refused_en: str
    lines_total: int
    lines_checked: int
    lines_ready: int
    lines_applied: int
    tally: list[PhotoTally]
    created_by: uuid.UUID | None
    created_at: datetime
    delete_at: datetime
    confirmed_by: uuid.UUID | None
    confirmed_at: datetime | None
    ended_at: datetime | None

    @classmethod
    def of(cls, row: PhotoImport, tally: Sequence[tuple[str, str, int]] = ()) -> "PhotoImportView":
        """From the row and the counts of its lines."""
        zh, en = words_of(row.refused)
        return cls(
            id=row.id, estate_id=row.estate_id, name=row.name, size=row.size, status=ImportStatus(row.status),
            refused_code=row.refused, refused_zh=zh, refused_en=en, lines_total=row.lines_total,
            lines_checked=row.lines_checked, lines_ready=row.lines_ready, lines_applied=row.lines_applied,
            tally=[
                PhotoTally(state=LineState(state), code=code, number=number, zh=words_of(code)[0], en=words_of(code)[1])
                for state, code, number in tally
            ],
            created_by=row.created_by, created_at=row.created_at, delete_at=row.delete_at,
            confirmed_by=row.confirmed_by, confirmed_at=row.confirmed_at, ended_at=row.ended_at,
        )  # fmt: skip


class PhotoLineView(msgspec.Struct, frozen=True, kw_only=True):
    """One photograph or line of consent. `row`: of the sheet, 0 without a line there. `shown`: the number, masked.

    `resembles`: other people of the estate whose face is as near: for a person to look at, nothing follows from it.
    """

    position: int
    row: int
    shown: str
    person_id: uuid.UUID | None
    name: str | None
    state: LineState
    code: str
    zh: str
    en: str
    reasons: list[ReasonView]
    resembles: list[uuid.UUID]
    done_at: datetime | None

    @classmethod
    def of(cls, row: PhotoImportLine, name: str | None) -> "PhotoLineView":
        """From the row and the person's name."""
        zh, en = words_of(row.code)
        return cls(
            position=row.position, row=row.row, shown=row.shown, person_id=row.person_id, name=name,
            state=LineState(row.state), code=row.code, zh=zh, en=en,
            reasons=[msgspec.convert(one, ReasonView) for one in row.reasons],
            resembles=[uuid.UUID(one) for one in row.resembles], done_at=row.done_at,
        )  # fmt: skip


def words_of(code: str) -> tuple[str, str]:
    """A code in Chinese and English; two blanks where there is none."""
    return (told(code).zh, told(code).en) if code in REASONS else ("", "")
