"""Which deadlines begin and end with which step, kept as rows; and their recomputation when a calendar is published."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from inspection.cases import queries
from inspection.cases.calendar import from_rules, length
from inspection.cases.deadlines import Calendar, DeadlineKind, Due, Unit, due
from inspection.cases.models import Case, Deadline
from inspection.cases.vocabulary import Action
from storage.audit.service import Actor, record
from storage.clock import local_day
from storage.ids import new_id
from storage.rules.service import in_force

A, D = Action, DeadlineKind

STARTS: Final[Mapping[Action, tuple[DeadlineKind, ...]]] = {
    A.REGISTER: (D.PENALTY_DECISION,),
    A.OPEN_REPRESENTATION: (D.REPRESENTATION,),
    A.ORDER_RECTIFICATION: (D.SERVE_DECISION,),
    A.START_RECTIFYING: (D.RECTIFICATION, D.RECONSIDERATION, D.LITIGATION),
    A.START_FOLLOW_UP: (D.FOLLOW_UP,),
}
"""Deadlines that begin with a step; those of the person concerned begin when the document was served."""

MEETS: Final[Mapping[Action, tuple[DeadlineKind, ...]]] = {
    A.REVIEW: (D.REPRESENTATION,),
    A.NO_PENALTY: (D.PENALTY_DECISION,),
    A.ORDER_RECTIFICATION: (D.PENALTY_DECISION,),
    A.START_RECTIFYING: (D.SERVE_DECISION,),
    A.REPORT_COMPLETE: (D.RECTIFICATION,),
    A.FAIL_FOLLOW_UP: (D.FOLLOW_UP,),
    A.REOPEN: (D.FOLLOW_UP,),
    A.CLOSE: (D.FOLLOW_UP,),
}
"""Deadlines that a step meets."""

FROM_SERVICE: Final = frozenset({A.OPEN_REPRESENTATION, A.START_RECTIFYING})
TO_ACT_IN: Final = frozenset({D.REPRESENTATION, D.RECTIFICATION})
"""Periods given to the person concerned: a service that is recorded late shortens none of them."""
REMEDIES: Final = frozenset({D.RECONSIDERATION, D.LITIGATION})
"""Rights of the person concerned: they end by themselves, nobody is late with them, and no case ends them."""


def starting(
    action: Action,
    *,
    served_at: datetime | None,
    recorded_at: datetime | None,
    now: datetime,
    values: Mapping[str, Any],
) -> list[tuple[DeadlineKind, Deadline]]:
    """The deadlines that a step would begin, as rows without a case; none while the service is not recorded.

    `served_at`: from when the document counts as served; `recorded_at`: when somebody wrote that down.
    """
    begins = served_at if action in FROM_SERVICE else now
    if begins is None:
        return []
    calendar = from_rules(values)
    rows = []
    for kind in STARTS.get(action, ()):
        start = local_day(max(begins, recorded_at or begins) if kind in TO_ACT_IN else begins)
        amount, unit, source = length(kind, values)
        end = due(start, amount, unit, calendar)
        rows.append(
            (
                kind,
                Deadline(
                    id=new_id(), kind=kind, starts_on=start.isoformat(), amount=amount, unit=unit, due_at=end.due_at,
                    provisional=end.provisional, source=source,
                ),
            )
        )  # fmt: skip
    return rows


def as_due(row: Deadline) -> Due:
    """A stored deadline as the pure rules take it."""
    return Due.ending_at(row.due_at, provisional=row.provisional)


async def apply(
    session: AsyncSession, *, case: Case, action: Action, started: list[Deadline], final: bool, now: datetime
) -> None:
    """Stores the deadlines that the step begins and marks those that it meets; the end of a case meets what is left."""
    for row in await queries.deadlines(session, case.id):
        kind = DeadlineKind(row.kind)
        if row.met_at is None and (kind in MEETS.get(action, ()) or (final and kind not in REMEDIES)):
            row.met_at = now
        elif action is A.FAIL_FOLLOW_UP and kind is D.RECTIFICATION:
            row.met_at, row.warned_at = None, None  # what was reported as complete was not
    for row in started:
        row.estate_id, row.case_id = case.estate_id, case.id
        session.add(row)


async def recompute_deadlines(session: AsyncSession, *, now: datetime) -> int:
    """Counts provisional deadlines anew by the calendar in force now; tells how many changed or became certain."""
    changed = 0
    calendars: dict[str, Calendar] = {}
    for row, division_code in await queries.provisional_deadlines(session):
        if division_code not in calendars:
            rules = await in_force(session, division_code=division_code, on=local_day(now))
            calendars[division_code] = from_rules(rules.values)
        end = due(date.fromisoformat(row.starts_on), row.amount, Unit(row.unit), calendars[division_code])
        if (end.due_at, end.provisional) == (row.due_at, row.provisional):
            continue
        changed += 1
        record(
            session, at=now, actor=Actor.system("worker"), action="deadline.recomputed", object_kind="case",
            object_id=row.case_id, estate_id=row.estate_id, deadline_id=str(row.id), kind=row.kind,
            before=row.due_at.isoformat(), after=end.due_at.isoformat(), provisional=end.provisional,
        )  # fmt: skip
        row.due_at, row.provisional = end.due_at, end.provisional
    return changed


async def mark_overdue(session: AsyncSession, *, now: datetime) -> int:
    """Notes each deadline that has passed, once, with an audit row. A case moves by a person's step alone."""
    kinds = [kind.value for kind in DeadlineKind if kind not in REMEDIES]
    rows = await queries.overdue(session, kinds=kinds, now=now)
    for row in rows:
        row.warned_at = now
        record(
            session, at=now, actor=Actor.system("worker"), action="deadline.passed", object_kind="case",
            object_id=row.case_id, estate_id=row.estate_id, deadline_id=str(row.id), kind=row.kind,
        )  # fmt: skip
    return len(rows)


def newest(rows: list[tuple[DeadlineKind, Deadline]]) -> dict[DeadlineKind, Due]:
    """The last one set of each kind."""
    return {kind: as_due(row) for kind, row in rows}
