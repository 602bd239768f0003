"""What a retention class is: what is overdue, what a hold keeps, and how a batch of it is destroyed."""

import uuid
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple, Protocol

from sqlalchemy import ColumnElement, SQLColumnExpression, and_, delete, false, func, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from storage.holds.reach import Cover
from storage.objects.service import Objects
from storage.retention.periods import Window
from storage.rules.values import RuleDefault
from storage.vault.service import Vault


@dataclass(frozen=True, slots=True)
class Tools:
    """What destroying needs."""

    vault: Vault
    objects: Objects


@dataclass(frozen=True, slots=True)
class Due:
    """The moment, the windows (see `periods.windows`) and what is held."""

    now: datetime
    windows: tuple[Window, ...]
    cover: Cover

    @property
    def cutoff(self) -> datetime:
        """The country's."""
        return self.windows[0].cutoff


@dataclass(frozen=True, slots=True)
class Removed:
    """What one batch removed. `ids` go into the digest; `digest` replaces it where the ids were not brought here."""

    ids: Sequence[uuid.UUID] = ()
    rows: int = 0
    objects: int = 0
    digest: bytes | None = None
    bytes: int = 0


class Counted(NamedTuple):
    """How many are overdue, and how many of them a hold keeps."""

    overdue: int
    held: int


@dataclass(frozen=True, slots=True)
class Described:
    """What a class is called. `counts_zh`/`counts_en`: from when its period counts, and what going means."""

    code: str
    title_zh: str
    title_en: str
    counts_zh: str
    counts_en: str
    rule: RuleDefault


class Retention(Protocol):
    """One retention class."""

    @property
    def described(self) -> Described:
        """Its code, titles, rule."""
        ...

    async def destroy(self, session: AsyncSession, *, due: Due, limit: int, wait: bool, tools: Tools) -> Removed:
        """Destroys up to `limit`; with `wait` it waits for rows that others have locked instead of passing them over.

        Nothing removed means nothing is left that it can remove.
        """
        ...

    async def count(self, session: AsyncSession, *, due: Due) -> Counted:
        """What is overdue now, by the same condition that chooses what to destroy."""
        ...


Destroy = Callable[[AsyncSession, Sequence[uuid.UUID], Tools, datetime], Awaitable[Removed]]


def nothing_held(_: Cover) -> ColumnElement[bool]:
    """For what no hold can reach."""
    return false()


@dataclass(frozen=True, slots=True)
class RowRetention:
    """A class of rows of one table: overdue when `clock` is at or before the cutoff of the row's estate.

    `where`: a further condition, of the present moment. `act` destroys ids; by default their rows are deleted.
    `locks`: rows are locked first; not where the worker's role may only read them, and a function of the database
    deletes.
    """

    described: Described
    key: InstrumentedAttribute[uuid.UUID]
    clock: ColumnElement[datetime] | InstrumentedAttribute[datetime] | InstrumentedAttribute[datetime | None]
    estate: SQLColumnExpression[uuid.UUID] | None = None
    where: Callable[[datetime], ColumnElement[bool]] = field(default=lambda _: true())
    held: Callable[[Cover], ColumnElement[bool]] = nothing_held
    act: Destroy | None = None
    locks: bool = True

    @property
    def table(self) -> Any:  # noqa: ANN401 - any mapped class
        """The mapped class."""
        return self.key.class_

    def overdue(self, due: Due) -> ColumnElement[bool]:
        """SQL: the time of a row has passed."""
        if self.estate is None or due.windows[0].estates is None:
            passed: ColumnElement[bool] = self.clock <= due.cutoff
        else:
            passed = or_(
                *(and_(self.estate.in_(window.estates or ()), self.clock <= window.cutoff) for window in due.windows)
            )
        return and_(passed, self.where(due.now))

    async def destroy(self, session: AsyncSession, *, due: Due, limit: int, wait: bool, tools: Tools) -> Removed:
        """The oldest rows first."""
        query = select(self.key).where(self.overdue(due), ~self.held(due.cover)).order_by(self.clock, self.key)
        if self.locks:
            query = query.with_for_update(of=self.table, skip_locked=not wait)
        ids = list(await session.scalars(query.limit(limit)))
        if not ids:
            return Removed()
        if self.act is not None:
            return await self.act(session, ids, tools, due.now)
        await session.execute(delete(self.table).where(self.key.in_(ids)).execution_options(synchronize_session=False))
        return Removed(ids=ids, rows=len(ids))

    async def count(self, session: AsyncSession, *, due: Due) -> Counted:
        """By the same condition."""
        held = self.held(due.cover)
        row = (
            await session.execute(
                select(func.count(), func.count().filter(held)).select_from(self.table).where(self.overdue(due))
            )
        ).one()
        return Counted(row[0], row[1])
