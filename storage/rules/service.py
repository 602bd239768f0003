"""Reading and publishing rule sets."""

import uuid
from collections.abc import Collection
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from storage.ids import new_id
from storage.rules.models import RuleSet, RuleValue
from storage.rules.values import RuleDefault, Rules

NATIONWIDE = ""


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


def publish_nationwide(
    connection: Connection, *, values: Collection[RuleDefault], effective_from: date, note: str, now: datetime
) -> bool:
    """Adds the next nationwide version, unless the newest one holds the same values; a version is never changed."""
    newest = connection.execute(
        select(RuleSet.id, RuleSet.version)
        .where(RuleSet.jurisdiction == NATIONWIDE)
        .order_by(RuleSet.version.desc())
        .limit(1)
    ).first()
    if newest is not None:
        stored = connection.execute(select(RuleValue.key, RuleValue.value).where(RuleValue.rule_set_id == newest.id))
        if {key: value for key, value in stored} == {row.key: row.value for row in values}:  # noqa: C416
            return False
    set_id = new_id()
    connection.execute(
        insert(RuleSet).values(
            id=set_id, jurisdiction=NATIONWIDE, version=(newest.version if newest else 0) + 1,
            effective_from=effective_from, note=note, created_at=now,
        )
    )  # fmt: skip
    connection.execute(
        insert(RuleValue),
        [
            {"rule_set_id": set_id, "key": row.key, "value": row.value, "unit": row.unit, "source": row.source}
            for row in values
        ],
    )
    return True
