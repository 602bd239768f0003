"""Reading and publishing rule sets."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.rules.models import RuleSet, RuleValue


@dataclass(frozen=True, slots=True)
class RuleDefault:
    """A parameter as it is published: key, value, unit and source."""

    key: str
    value: Any
    unit: str
    source: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The parameters in force somewhere on some day, and the versions they come from."""

    values: Mapping[str, Any]
    version: str


async def in_force(session: AsyncSession, *, division_code: str, on: date) -> Rules:
    """The parameters for a division: the country's, replaced key by key by those of ever smaller divisions.

    Of each jurisdiction the newest version counts whose effective date has come.
    """
    sets = (
        await session.execute(
            select(RuleSet.id, RuleSet.jurisdiction, RuleSet.version)
            .where(literal(division_code).startswith(RuleSet.jurisdiction), RuleSet.effective_from <= on)
            .order_by(func.length(RuleSet.jurisdiction), RuleSet.effective_from, RuleSet.version)
        )
    ).all()
    newest: dict[str, tuple[uuid.UUID, int]] = {
        jurisdiction: (set_id, version) for set_id, jurisdiction, version in sets
    }
    values: dict[str, Any] = {}
    for set_id, _ in newest.values():
        rows = await session.execute(select(RuleValue.key, RuleValue.value).where(RuleValue.rule_set_id == set_id))
        values |= {key: value for key, value in rows}  # noqa: C416
    version = "+".join(f"{jurisdiction or 'CN'}/{number}" for jurisdiction, (_, number) in newest.items())
    return Rules(values, version)


async def publish(
    session: AsyncSession,
    *,
    jurisdiction: str,
    effective_from: date,
    note: str,
    values: Iterable[RuleDefault],
    now: datetime,
) -> RuleSet:
    """Adds the next version of a jurisdiction's rules; a published version is never changed."""
    last = await session.scalar(select(func.max(RuleSet.version)).where(RuleSet.jurisdiction == jurisdiction))
    rule_set = RuleSet(
        jurisdiction=jurisdiction, version=(last or 0) + 1, effective_from=effective_from, note=note, created_at=now
    )
    session.add(rule_set)
    await session.flush()
    session.add_all(
        RuleValue(rule_set_id=rule_set.id, key=v.key, value=v.value, unit=v.unit, source=v.source) for v in values
    )
    return rule_set
