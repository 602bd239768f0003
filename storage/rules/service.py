"""Reading and publishing rule sets."""

import uuid
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.ids import new_id
from storage.problems import Invalid
from storage.rules.models import RuleSet, RuleValue
from storage.rules.values import RuleDefault, Rules, check_minimums

NATIONWIDE = ""


class WrongJurisdiction(Invalid):
    """Local values belong to a division of two digits or more; the country's come with a release."""

    code = "wrong-jurisdiction"
    title_zh = "地方规则须指明行政区划代码（至少两位数字）；全国规则随版本发布"
    title_en = "Local rules name a division of two digits or more; nationwide ones come with a release"


async def in_force(session: AsyncSession, *, division_code: str, on: date) -> Rules:
    """The parameters for a division: the country's, replaced key by key by those of ever smaller divisions.

    Of each jurisdiction the newest version counts whose effective date has come.
    """
    newest = await _sets_in_force(session, division_code=division_code, on=on)
    values: dict[str, Any] = {}
    for set_id, _ in newest.values():
        rows = await session.execute(select(RuleValue.key, RuleValue.value).where(RuleValue.rule_set_id == set_id))
        values |= {key: value for key, value in rows}  # noqa: C416
    version = "+".join(f"{jurisdiction or 'CN'}/{number}" for jurisdiction, (_, number) in newest.items())
    return Rules(values, version)


async def sources_in_force(session: AsyncSession, *, division_code: str, on: date) -> dict[str, str]:
    """Where the value in force of each key comes from, as its publisher said."""
    newest = await _sets_in_force(session, division_code=division_code, on=on)
    sources: dict[str, str] = {}
    for set_id, _ in newest.values():
        rows = await session.execute(select(RuleValue.key, RuleValue.source).where(RuleValue.rule_set_id == set_id))
        sources |= {key: source for key, source in rows}  # noqa: C416
    return sources


async def changes_ahead(session: AsyncSession, *, division_code: str, after: date) -> list[date]:
    """The days after `after` on which rules of a division change, the next one first."""
    days = await session.scalars(
        select(RuleSet.effective_from)
        .where(literal(division_code).startswith(RuleSet.jurisdiction), RuleSet.effective_from > after)
        .distinct()
        .order_by(RuleSet.effective_from)
    )
    return list(days)


async def _sets_in_force(session: AsyncSession, *, division_code: str, on: date) -> dict[str, tuple[uuid.UUID, int]]:
    sets = (
        await session.execute(
            select(RuleSet.id, RuleSet.jurisdiction, RuleSet.version)
            .where(literal(division_code).startswith(RuleSet.jurisdiction), RuleSet.effective_from <= on)
            .order_by(func.length(RuleSet.jurisdiction), RuleSet.effective_from, RuleSet.version)
        )
    ).all()
    return {jurisdiction: (set_id, version) for set_id, jurisdiction, version in sets}


def publish_nationwide(
    connection: Connection, *, values: Collection[RuleDefault], effective_from: date, note: str, now: datetime
) -> bool:
    """Adds the next nationwide version, unless the newest one holds the same values; a version is never changed.

    Raises `BelowMinimum` for a period that the law does not allow.
    """
    check_minimums(values)
    newest = _newest(connection, NATIONWIDE)
    if newest is not None and {key: row[0] for key, row in newest[1].items()} == {row.key: row.value for row in values}:
        return False
    _add(connection, NATIONWIDE, (newest[0] if newest else 0) + 1, values, effective_from, note, now)
    return True


def publish_local(
    connection: Connection,
    *,
    jurisdiction: str,
    changes: Collection[RuleDefault],
    effective_from: date,
    note: str,
    now: datetime,
) -> int:
    """Adds the next version of a division: its newest one with `changes`, in force from a day on; says its number.

    Raises `BelowMinimum` for a period that the law does not allow and `WrongJurisdiction`.
    """
    if len(jurisdiction) < 2 or not (jurisdiction.isascii() and jurisdiction.isdigit()):
        raise WrongJurisdiction
    check_minimums(changes)
    number, before = _newest(connection, jurisdiction) or (0, {})
    kept = [RuleDefault(key, *row) for key, row in before.items() if key not in {row.key for row in changes}]
    _add(connection, jurisdiction, number + 1, [*kept, *changes], effective_from, note, now)
    return number + 1


def _newest(connection: Connection, jurisdiction: str) -> tuple[int, dict[str, tuple[Any, str, str]]] | None:
    newest = connection.execute(
        select(RuleSet.id, RuleSet.version)
        .where(RuleSet.jurisdiction == jurisdiction)
        .order_by(RuleSet.version.desc())
        .limit(1)
    ).first()
    if newest is None:
        return None
    stored = connection.execute(
        select(RuleValue.key, RuleValue.value, RuleValue.unit, RuleValue.source).where(
            RuleValue.rule_set_id == newest.id
        )
    )
    return newest.version, {key: (value, unit, source) for key, value, unit, source in stored}


def _add(
    connection: Connection,
    jurisdiction: str,
    version: int,
    values: Collection[RuleDefault],
    effective_from: date,
    note: str,
    now: datetime,
) -> None:
    set_id = new_id()
    connection.execute(
        insert(RuleSet).values(
            id=set_id, jurisdiction=jurisdiction, version=version, effective_from=effective_from, note=note,
            created_at=now,
        )
    )  # fmt: skip
    connection.execute(
        insert(RuleValue),
        [
            {"rule_set_id": set_id, "key": row.key, "value": row.value, "unit": row.unit, "source": row.source}
            for row in values
        ],
    )
