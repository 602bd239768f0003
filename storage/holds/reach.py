"""How far holds reach: from what they are laid on to everything that belongs to it.

The ground floor knows no households: each floor above brings a function that widens a cover by what it knows.
"""

import uuid
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import ARRAY, ColumnElement, SQLColumnExpression, Uuid, any_, false, func, literal, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from storage.holds.models import HoldScope, LegalHold

_LOCK = "hashtextextended('ruhu-legal-hold', 0)"
Column = SQLColumnExpression[uuid.UUID] | SQLColumnExpression[uuid.UUID | None]
Ids = frozenset[uuid.UUID]
NOTHING: Ids = frozenset()


@dataclass(frozen=True, slots=True)
class Cover:
    """Everything that holds keep, by kind; `objects` are stored pictures and papers."""

    estates: Ids = NOTHING
    units: Ids = NOTHING
    households: Ids = NOTHING
    people: Ids = NOTHING
    cases: Ids = NOTHING
    devices: Ids = NOTHING
    objects: Ids = NOTHING

    def __bool__(self) -> bool:
        """Whether anything is held."""
        return any(getattr(self, name) for name in self.__slots__)

    def any_of(self, **columns: Column) -> ColumnElement[bool]:
        """SQL: one of the columns, each named by its kind as above, holds an id that is covered. Never NULL.

        (With NULL in an optional column the whole would be NULL, and so would its negation: nothing would be deleted.)
        """
        return or_(
            false(),
            *(
                func.coalesce(column == any_(literal(sorted(getattr(self, kind)), ARRAY(Uuid()))), false())
                for kind, column in columns.items()
                if getattr(self, kind)
            ),
        )

    def widened(self, **more: Collection[uuid.UUID]) -> "Cover":
        """The same with more ids."""
        kinds = {name: getattr(self, name) | frozenset(more.get(name, ())) for name in self.__slots__}
        return Cover(**kinds)


OF_SCOPE: Mapping[HoldScope, str] = {
    HoldScope.ESTATE: "estates",
    HoldScope.UNIT: "units",
    HoldScope.HOUSEHOLD: "households",
    HoldScope.PERSON: "people",
    HoldScope.CASE: "cases",
    HoldScope.DEVICE: "devices",
}
Widen = Callable[[AsyncSession, Cover], Awaitable[Cover]]
Locate = Callable[[AsyncSession, uuid.UUID], Awaitable[uuid.UUID | None]]


@dataclass(frozen=True, slots=True)
class Reach:
    """What the floors above tell of holds: `widen` in order, `locate` gives the estate of a thing, None = not there."""

    widen: tuple[Widen, ...] = ()
    locate: Mapping[HoldScope, Locate] = field(default_factory=dict)

    async def cover_of(self, session: AsyncSession, holds: Collection[LegalHold]) -> Cover:
        """Everything that the holds keep."""
        cover = Cover()
        for hold in holds:
            cover = cover.widened(**{OF_SCOPE[HoldScope(hold.scope_kind)]: [hold.scope_id]})
        if cover:
            for widen in self.widen:
                cover = await widen(session, cover)
        return cover

    async def cover(self, session: AsyncSession, *, now: datetime) -> Cover:
        """Everything that is held at `now`, within the session's scope."""
        return await self.cover_of(session, await in_force(session, now=now))


async def in_force(session: AsyncSession, *, now: datetime, estate_id: uuid.UUID | None = None) -> list[LegalHold]:
    """Holds that work at `now`: approved, not released, not over."""
    query = select(LegalHold).where(
        LegalHold.approved_at.is_not(None), LegalHold.released_at.is_(None), LegalHold.until > now
    )
    if estate_id is not None:
        query = query.where(LegalHold.estate_id == estate_id)
    return list(await session.scalars(query.order_by(LegalHold.id)))


async def holds_on(
    session: AsyncSession,
    *,
    reach: Reach,
    now: datetime,
    estate_id: uuid.UUID | None = None,
    unit_id: uuid.UUID | None = None,
    household_id: uuid.UUID | None = None,
    person_id: uuid.UUID | None = None,
    case_id: uuid.UUID | None = None,
    device_id: uuid.UUID | None = None,
    object_id: uuid.UUID | None = None,
) -> list[LegalHold]:
    """The holds in force that reach any of the things named; give `estate_id` too, for holds on a whole estate.

    Takes the lock of `wait_for_approvals`: until the transaction ends no further hold comes into force.
    """
    await wait_for_approvals(session)
    asked = {
        "estates": estate_id, "units": unit_id, "households": household_id, "people": person_id, "cases": case_id,
        "devices": device_id, "objects": object_id,
    }  # fmt: skip
    found: list[LegalHold] = []
    for hold in await in_force(session, now=now, estate_id=estate_id):
        cover = await reach.cover_of(session, [hold])
        if any(thing in getattr(cover, kind) for kind, thing in asked.items()):
            found.append(hold)
    return found


async def wait_for_approvals(session: AsyncSession) -> None:
    """Whoever deletes holds this shared lock: a hold comes into force before the deletion or after it, never within."""
    await session.execute(text(f"SELECT pg_advisory_xact_lock_shared({_LOCK})"))


async def wait_for_deletions(session: AsyncSession) -> None:
    """Whoever brings a hold into force waits until no deletion is under way that has not seen it."""
    await session.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
