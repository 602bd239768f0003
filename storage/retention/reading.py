"""Classes and runs as they are shown."""

import uuid
from collections.abc import Sequence
from datetime import date, datetime

import msgspec
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from storage.clock import local_day
from storage.retention.classes import Retention
from storage.retention.models import DeletionRun
from storage.retention.periods import amount_of, length_of
from storage.rules.service import changes_ahead, in_force, sources_in_force


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """The next change of a period that has been published, and the day from which it counts."""

    effective_from: date
    amount: int


class ClassView(msgspec.Struct, frozen=True, kw_only=True):
    """A retention class with its period in force. `cutoff`: what is as old, or older, is due now.

    `amount` is in `unit` (`hour`, or days); `counts_*`: from when the period counts, and what going means.
    """

    code: str
    title_zh: str
    title_en: str
    counts_zh: str
    counts_en: str
    rule: str
    amount: int
    unit: str
    source: str
    minimum: int | None
    minimum_source: str
    rule_version: str
    cutoff: datetime
    next_change: Change | None


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """A run with its proof. `proven`: it ended without an error, and nothing due is left but what is held.

    `digest`: SHA-256 in hexadecimal over the digests of the batches; see `storage.retention.proof`.
    """

    id: uuid.UUID
    class_code: str
    cutoff: datetime
    periods: list[dict[str, object]]
    rule_version: str
    started_at: datetime
    finished_at: datetime | None
    rows: int
    objects: int
    bytes: int
    held: int | None
    remaining: int | None
    digest: str | None
    error: str | None
    proven: bool

    @classmethod
    def of(cls, run: DeletionRun) -> "RunView":
        """The view of a row."""
        return cls(
            id=run.id, class_code=run.class_code, cutoff=run.cutoff, periods=run.periods,
            rule_version=run.rule_version, started_at=run.started_at, finished_at=run.finished_at, rows=run.rows,
            objects=run.objects, bytes=run.bytes, held=run.held, remaining=run.remaining,
            digest=run.digest.hex() if run.digest is not None else None, error=run.error,
            proven=run.finished_at is not None and run.error is None and run.remaining == 0,
        )  # fmt: skip


async def classes(
    session: AsyncSession, *, known: Sequence[Retention], division_code: str, now: datetime
) -> list[ClassView]:
    """Every class with its period in a division ("" for the country), and the next change that was published."""
    day = local_day(now)
    rules = await in_force(session, division_code=division_code, on=day)
    sources = await sources_in_force(session, division_code=division_code, on=day)
    ahead = [
        (change, await in_force(session, division_code=division_code, on=change))
        for change in await changes_ahead(session, division_code=division_code, after=day)
    ]
    views = []
    for told in (one.described for one in known):
        amount = amount_of(told.rule, rules)
        later = ((change, amount_of(told.rule, then)) for change, then in ahead)
        views.append(
            ClassView(
                code=told.code, title_zh=told.title_zh, title_en=told.title_en, counts_zh=told.counts_zh,
                counts_en=told.counts_en, rule=told.rule.key, amount=amount, unit=told.rule.unit,
                source=sources.get(told.rule.key, told.rule.source), minimum=told.rule.minimum,
                minimum_source=told.rule.minimum_source, rule_version=rules.version,
                cutoff=now - length_of(told.rule, amount),
                next_change=next(
                    (Change(effective_from=change, amount=new) for change, new in later if new != amount), None
                ),
            )
        )  # fmt: skip
    return views


async def runs(
    session: AsyncSession, *, class_code: str | None, before: tuple[datetime, uuid.UUID] | None, limit: int
) -> list[RunView]:
    """Runs, newest first."""
    query = select(DeletionRun).order_by(DeletionRun.started_at.desc(), DeletionRun.id.desc()).limit(limit)
    if class_code is not None:
        query = query.where(DeletionRun.class_code == class_code)
    if before is not None:
        query = query.where(tuple_(DeletionRun.started_at, DeletionRun.id) < tuple_(*before))
    return [RunView.of(run) for run in await session.scalars(query)]
